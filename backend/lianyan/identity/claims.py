"""What an institution says about a person, as words of the portal: a name to show, an address to reach."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import regex  # type: ignore[import-untyped]  # ships no types

from lianyan.core.text import TextError, line
from lianyan.identity.tokens import email_of
from lianyan.institutions.domains import check_mail
from lianyan.institutions.identifiers import IdentifierError

LONGEST_NAME = 60
UNNAMED = "—"
"""Stands for the name of a person whose institution gave none, until they say it themselves."""

_UNSEEN = regex.compile(
    r"[\p{Cc}\u00AD\u061c\u200b\u200e\u200f\u2060\u202a-\u202e\u2066-\u2069\uFEFF]+"
)
_HAN = regex.compile(r"\p{Han}")


def name(text: str) -> str:
    """Return a person's name as it is stored, or raise TextError: one field, in any script, not cut."""
    found = line(text)
    if len(found) > LONGEST_NAME:
        raise TextError("text.too_many_characters", count=len(found), limit=LONGEST_NAME)
    return found


def name_of(claims: Mapping[str, Any]) -> str:
    """Return the person's name from what the institution says, UNNAMED where nothing serves."""
    for said in (_said(claims, "name"), _joined(claims), _said(claims, "nickname")):
        try:
            found = name(_UNSEEN.sub("", unicodedata.normalize("NFC", said)))
        except (TextError, ValueError):
            continue
        return found
    return UNNAMED


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """Return the address that the institution has checked, in its one form."""
    email, verified = email_of(claims)
    return plain_email(email) if verified else None


def plain_email(email: str | None) -> str | None:
    """Return an address in its one form, None for what is no address."""
    try:
        return check_mail(email) if email else None
    except (IdentifierError, TextError):
        return None


def _said(claims: Mapping[str, Any], key: str) -> str:
    value = claims.get(key)
    return value if isinstance(value, str) else ""


def _joined(claims: Mapping[str, Any]) -> str:
    family, given = _said(claims, "family_name"), _said(claims, "given_name")
    if _HAN.search(family + given):
        return family + given
    return f"{given} {family}".strip()
