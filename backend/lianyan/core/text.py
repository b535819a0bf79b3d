"""What people type: the gate each text passes, how codes are compared, how text is counted.

Text is stored in NFC, line breaks as one line feed, otherwise exactly as typed; what may not be
stored is refused by name. The counting rule is shared with the browser: both sides are held to
`tests/vectors/counting.json`.
"""

import unicodedata
from collections.abc import Iterator
from typing import Literal

import regex  # type: ignore[import-untyped]  # ships no types

LINE_LONGEST = 1_000
PROSE_LONGEST = 100_000
PER_UNIT = 20  # one unit is a word or a character: no honest text needs more code points for each

# A letter or digit keeps the marks and invisible signs that follow it, so a soft hyphen or a
# zero-width space splits no word; `-` and `.` hold a run together only one at a time and inside.
_RUN = regex.compile(
    r"[\p{Script=Latin}\p{Nd}][\p{M}\p{Cf}]*+(?:[-.]?[\p{Script=Latin}\p{Nd}][\p{M}\p{Cf}]*+)*+"
)
# U+2800, the empty braille cell, is no white space to Unicode, yet nobody can see it.
_INVISIBLE = regex.compile(r"[\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+")
_GRAPHEME = regex.compile(r"\X")
_ZERO_WIDTH = regex.compile(r"[\p{Cf}\p{Default_Ignorable_Code_Point}]+")
# Every white space of Unicode, and what nobody sees at an end; joiners stay, some scripts need them.
_EDGES = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff"
)

_SURROGATE = regex.compile("[\ud800-\udfff]")
_NONCHARACTER = regex.compile(r"\p{Noncharacter_Code_Point}")
_CONTROL = regex.compile(r"[\p{Cc}--[\t\n]]", regex.V1)
_BREAK = regex.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")
_BIDI = regex.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Case = Literal["fold", "upper", "keep"]


class TextError(ValueError):
    """A text that may not be stored: `code` is its key in the message catalogue."""

    def __init__(self, code: str, **params: int | str) -> None:
        """Say what is wrong; `params` fill the sentence."""
        super().__init__(code)
        self.code, self.params = code, params


def line(
    value: str, *, blank: bool = False, limit: int | None = None, longest: int = LINE_LONGEST
) -> str:
    """Return a one-line text as it is stored, its ends trimmed, or raise TextError.

    `blank` lets an empty text pass, `limit` counts units, `longest` code points.
    """
    _bounded(value, limit, longest)
    _encodable(value)
    text = value.strip(_EDGES)
    if _BREAK.search(text):
        raise TextError("text.line_break_in_line")
    if found := _BIDI.search(text):
        raise TextError("text.bidi_in_line", sign=_name(found[0]))
    if "\t" in text:
        raise TextError("text.control", sign=_name("\t"))
    return _accepted(text, blank=blank, limit=limit)


def prose(
    value: str, *, blank: bool = False, limit: int | None = None, longest: int = PROSE_LONGEST
) -> str:
    """Return a text of many lines as it is stored, or raise TextError; parameters as in `line`."""
    _bounded(value, limit, longest)
    _encodable(value)
    return _accepted(value.replace("\r\n", "\n"), blank=blank, limit=limit)


def code(value: str, case: Case = "fold") -> str:
    """Return a code or address as it is compared: NFKC, nothing invisible, trimmed, in one case."""
    _encodable(value)
    text = str(_ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", value))).strip()
    if case == "upper":
        return text.upper()
    if case == "fold":
        # Folding can leave the normal form (U+0345), so the order is the standard's own.
        return unicodedata.normalize("NFKC", text.casefold())
    return text


def count(text: str) -> int:
    """Return how many units `text` has.

    A run of Latin letters and digits with inner `-` and `.` is 1; blanks and invisible signs are 0;
    every other grapheme is 1, be it a Han character with a variation selector, a punctuation mark,
    a base with any number of marks, a flag or a joined emoji. Marks and invisible signs that follow
    a Latin letter or digit belong to its run; a mark without a base is seen, and counts 1.
    """
    return sum(1 for _ in _units(unicodedata.normalize("NFC", text)))


def blank(text: str) -> bool:
    """Say whether nobody could see anything of `text`."""
    return not _INVISIBLE.sub("", text)


def excerpt(text: str, limit: int = 60) -> str:
    """Return the beginning of `text` in one line, at most `limit` units and never a torn one."""
    plain = " ".join(text[: (limit + 1) * PER_UNIT].split())
    end = 0
    for number, stop in enumerate(_units(plain), start=1):
        if number > limit:
            return plain[:end].rstrip() + "…"
        end = stop
    return plain if len(text) <= (limit + 1) * PER_UNIT else plain.rstrip() + "…"


def _units(text: str) -> Iterator[int]:
    """Yield where each unit ends: runs first, graphemes between them, as the browser does."""
    at = 0
    for run in _RUN.finditer(text):
        yield from _visible(text, at, run.start())
        yield run.end()
        at = run.end()
    yield from _visible(text, at, len(text))


def _visible(text: str, start: int, end: int) -> Iterator[int]:
    for grapheme in _GRAPHEME.finditer(text[start:end]):
        if not blank(grapheme[0]):
            yield start + grapheme.end()


def _bounded(value: str, limit: int | None, longest: int) -> None:
    """Refuse what is too long to look at, before anything is spent on it."""
    most = min(longest, limit * PER_UNIT) if limit else longest
    if len(value) > most:
        raise TextError("text.too_many_characters", count=len(value), limit=most)


def _encodable(value: str) -> None:
    if "\0" in value:
        raise TextError("text.nul")
    if _SURROGATE.search(value):
        raise TextError("text.surrogate")
    if found := _NONCHARACTER.search(value):
        raise TextError("text.noncharacter", sign=_name(found[0]))


def _accepted(value: str, *, blank: bool, limit: int | None) -> str:
    if found := _CONTROL.search(value):
        raise TextError("text.control", sign=_name(found[0]))
    text = unicodedata.normalize("NFC", value)
    if not blank and not _INVISIBLE.sub("", text):
        raise TextError("text.blank")
    if limit is not None and (units := count(text)) > limit:
        raise TextError("text.too_long", count=units, limit=limit)
    return text


def _name(sign: str) -> str:
    return f"U+{ord(sign):04X}"
