"""How the register is searched: what people type is looked for as letters, whatever signs it holds."""

import re

from lianyan.core.names import search_query
from lianyan.core.problems import invalid
from lianyan.core.text import TextError, code

LONGEST_QUERY = 100
SHORT = 2
"""So few letters must begin a key; more may stand anywhere."""

_BLANKS = re.compile(r"\s+")
_SIGNS = re.compile(r"[\W_]")


def as_typed(text: str) -> str:
    """Return `text` folded, without blanks, its signs kept: `99%` is not `99`."""
    return _BLANKS.sub("", code(text))


def needle(query: str | None) -> str:
    """Return what to look for in a project's keys behind a line feed; empty for no filter.

    A query with signs in it is looked for as typed, any other as names are: by sound and initials
    too. The database compares by position, so no sign is a wildcard.
    """
    typed = (query or "")[:LONGEST_QUERY]
    try:
        exact, wanted = as_typed(typed), search_query(typed)
    except TextError as error:
        raise invalid("q", error.code, **error.params) from None
    if _SIGNS.search(exact):
        return exact
    return f"\n{wanted}" if wanted.isascii() and 0 < len(wanted) <= SHORT else wanted
