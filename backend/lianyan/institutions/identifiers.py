"""Codes of institutions and people: written in one form, their check digits verified, errors in words."""

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

PROVINCES = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古",
    "21": "辽宁", "22": "吉林", "23": "黑龙江",
    "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽", "35": "福建", "36": "江西", "37": "山东",
    "41": "河南", "42": "湖北", "43": "湖南", "44": "广东", "45": "广西", "46": "海南",
    "50": "重庆", "51": "四川", "52": "贵州", "53": "云南", "54": "西藏",
    "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏", "65": "新疆",
    "71": "台湾", "81": "香港", "82": "澳门",
}  # fmt: skip


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
    """Return the province a valid code was registered in, or None where it names none."""
    return PROVINCES.get(found[2:4])


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
