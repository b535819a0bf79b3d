"""Mail addresses and domains: which address belongs to which registered domain, label by label."""

import re
from functools import cache
from importlib.resources import files

from lianyan.core.text import TextError, code
from lianyan.institutions.identifiers import IdentifierError

ADDRESS_LONGEST = 254
LOCAL_LONGEST = 64
DOMAIN_LONGEST = 253
TYPED_LONGEST = 500  # more is no address, and not worth decoding

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def check_mail(text: str) -> str:
    """Return a mail address, its domain in ASCII and lower case, or raise IdentifierError."""
    if len(text) > TYPED_LONGEST:
        raise IdentifierError("identifiers.mail_shape")
    local, at, domain = code(text, "keep").rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > LOCAL_LONGEST:
        raise IdentifierError("identifiers.mail_shape")
    found = f"{local}@{_domain(domain, 'identifiers.mail_shape')}"
    if len(found) > ADDRESS_LONGEST:
        raise IdentifierError("identifiers.mail_shape")
    return found


def check_domain(text: str) -> str:
    """Return a domain an institution may register, in ASCII, or raise IdentifierError."""
    found = _domain(text.strip().removeprefix("@"), "identifiers.domain_shape")
    if domain_too_wide(found):
        raise IdentifierError("identifiers.domain_too_wide", domain=found)
    if _under(found, providers()):
        raise IdentifierError("identifiers.domain_public", domain=found)
    return found


def domain_too_wide(domain: str) -> bool:
    """Say whether `domain` is a public suffix: many institutions have their names under it."""
    return "." not in domain or domain in suffixes()


def domain_matches(address: str, registered: str) -> bool:
    """Say whether `address` is at `registered` or below it; what is no address matches nothing."""
    try:
        domain = check_mail(address).rpartition("@")[2]
        wanted = _domain(registered, "identifiers.domain_shape")
    except (IdentifierError, TextError):
        return False
    return not domain_too_wide(wanted) and _under(domain, frozenset({wanted}))


def private_domain(address: str) -> str | None:
    """Return the organisation's domain of `address`, or None for a provider open to everybody.

    `a@mails.tsinghua.edu.cn` and `b@tsinghua.edu.cn` give the same domain.
    """
    try:
        labels = check_mail(address).rpartition("@")[2].split(".")
    except (IdentifierError, TextError):
        return None
    for start in range(len(labels) - 1, -1, -1):
        domain = ".".join(labels[start:])
        if not domain_too_wide(domain):
            return None if _under(domain, providers()) else domain
    return None


@cache
def suffixes() -> frozenset[str]:
    """Return the public suffixes of more than one label, in ASCII."""
    return _listed("suffixes.txt")


@cache
def providers() -> frozenset[str]:
    """Return the domains of mail providers open to everybody."""
    return _listed("mail_providers.txt")


def _under(domain: str, wanted: frozenset[str]) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[start:]) in wanted for start in range(len(labels)))


def _domain(text: str, refusal: str) -> str:
    """Return `text` as a domain of at least one label, or raise IdentifierError(refusal)."""
    if len(text) > TYPED_LONGEST:
        raise IdentifierError(refusal)
    try:
        found = code(text).removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise IdentifierError(refusal) from None
    if len(found) > DOMAIN_LONGEST or not all(_LABEL.fullmatch(x) for x in found.split(".")):
        raise IdentifierError(refusal)
    return found


def _listed(name: str) -> frozenset[str]:
    text = (files("lianyan.institutions") / "data" / name).read_text(encoding="utf-8")
    rows = (row for row in text.splitlines() if not row.startswith("#"))
    return frozenset(x.encode("idna").decode("ascii") for row in rows for x in row.split())
