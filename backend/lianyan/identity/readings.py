"""How a person's name is read: the sort key as people see and correct it."""

import re

from lianyan.core.names import sort_key
from lianyan.core.text import TextError

_HAN = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_SYLLABLE = re.compile(r"[a-z]{1,6}[1-5]?")
_KEY = re.compile(r"1([a-z]+[1-5])[0-9a-f]{5}")
LONGEST = 400


def key_of(name: str, reading: str | None) -> str:
    """Return the sort key of `name`: read as `reading` says, else by the rules for surnames.

    A reading is one syllable for each character, with or without its tone: `shan4 xiao3 ming2`.
    """
    if reading is None:
        return sort_key(name)
    signs = name.replace(" ", "").replace("\u3000", "")
    syllables = reading.lower().split() if len(reading) <= LONGEST else []
    if (
        not _HAN.fullmatch(signs)
        or len(syllables) != len(signs)
        or not all(_SYLLABLE.fullmatch(s) for s in syllables)
    ):
        raise TextError("identity.reading_shape", count=len(signs))
    return "".join(
        f"1{s if s[-1].isdigit() else s + '5'}{ord(sign):05x}"
        for s, sign in zip(syllables, signs, strict=True)
    )


def reading_of(key: str) -> str | None:
    """Return the reading a sort key of a Chinese name stands for, None for another name."""
    found = _KEY.findall(key)
    return " ".join(found) if found and _KEY.sub("", key) == "" else None
