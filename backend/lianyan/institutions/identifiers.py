"""Codes of institutions and people: in one form, check digits verified, errors in words."""

import re

from lianyan.core.text import code

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_LENGTH = 18
ROR_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ORCID_LENGTH = 16

_INNER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_REGION = range(2, 8)
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—]+")
_ROR_ADDRESS = re.compile(r"^(?:https?://)?ror\.org/")
_ORCID_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?orcid\.org/")
_ROR = re.compile(rf"0[{ROR_ALPHABET}]{{6}}[0-9]{{2}}")

PROVINCES = frozenset(
    {
        *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37"),
        *("41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54"),
        *("61", "62", "63", "64", "65", "71", "81", "82"),
    }
)
"""Codes of the provinces (GB/T 2260); their names are `taxonomy.province_<code>`."""


class IdentifierError(ValueError):
    """A code that cannot be right: `code` is the key of the sentence that says why."""

    def __init__(self, code: str, **params: int | str) -> None:
        """Say what is wrong; `params` fill the sentence."""
        super().__init__(code)
        self.code, self.params = code, params


def check_uscc(text: str) -> str:
    """Return a unified social credit code (GB 32100-2015) in capitals, or raise IdentifierError."""
    found = _SEPARATORS.sub("", code(text, "upper"))
    if len(found) != USCC_LENGTH:
        raise IdentifierError("identifiers.uscc_length", count=len(found), expected=USCC_LENGTH)
    for position, sign in enumerate(found):
        if sign not in USCC_ALPHABET:
            raise IdentifierError("identifiers.uscc_alphabet", sign=sign, position=position + 1)
        if position in _REGION and not sign.isdigit():
            raise IdentifierError("identifiers.uscc_region", sign=sign, position=position + 1)
    expected = uscc_check_digit(found)
    if found[-1] != expected:
        raise IdentifierError("identifiers.uscc_check_digit", expected=expected, got=found[-1])
    return found


def uscc_check_digit(found: str) -> str:
    """Return the check digit the first 17 signs of a unified social credit code ask for."""
    total = sum(USCC_ALPHABET.index(sign) * 3**i for i, sign in enumerate(found[:17]))
    return USCC_ALPHABET[-total % 31]


def uscc_warning(found: str) -> IdentifierError | None:
    """Return what is odd in a valid code: its organisation code fails GB 11714.

    Only a warning, because codes issued before the standard carry such parts.
    """
    body, got = found[8:16], found[16]
    total = sum(_INNER_ALPHABET.index(s) * w for s, w in zip(body, _INNER_WEIGHTS, strict=True))
    expected = "0123456789X"[-total % 11]
    if got == expected:
        return None
    return IdentifierError("identifiers.uscc_organisation", expected=expected, got=got)


def uscc_province(found: str) -> str | None:
    """Return the code of the province a valid code was registered in, or None if it names none."""
    return found[2:4] if found[2:4] in PROVINCES else None


def check_ror(text: str) -> str:
    """Return a ROR id without its address, or raise IdentifierError."""
    found = _ROR_ADDRESS.sub("", code(text))
    if not _ROR.fullmatch(found):
        raise IdentifierError("identifiers.ror_shape")
    number = 0
    for sign in found[:7]:
        number = number * 32 + ROR_ALPHABET.index(sign)
    expected = f"{98 - number * 100 % 97:02d}"
    if found[7:] != expected:
        raise IdentifierError("identifiers.ror_check_digit", expected=expected, got=found[7:])
    return found


def check_orcid(text: str) -> str:
    """Return an ORCID iD in groups of four, or raise IdentifierError."""
    found = _SEPARATORS.sub("", _ORCID_ADDRESS.sub("", code(text))).upper()
    if len(found) != ORCID_LENGTH:
        raise IdentifierError("identifiers.orcid_length", count=len(found), expected=ORCID_LENGTH)
    for position, sign in enumerate(found, start=1):
        if not ("0" <= sign <= "9" or (sign == "X" and position == ORCID_LENGTH)):
            raise IdentifierError("identifiers.orcid_alphabet", sign=sign, position=position)
    total = 0
    for sign in found[:15]:
        total = (total + int(sign)) * 2
    expected = "0123456789X"[(12 - total % 11) % 11]
    if found[15] != expected:
        raise IdentifierError("identifiers.orcid_check_digit", expected=expected, got=found[15])
    return "-".join(found[i : i + 4] for i in range(0, ORCID_LENGTH, 4))
