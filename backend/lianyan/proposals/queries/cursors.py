"""Cursors of lists that are ordered by an instant and an id."""

import re
from datetime import datetime
from uuid import UUID

from lianyan.core.paging import from_cursor
from lianyan.core.problems import Invalid, invalid

EVER = {"infinity", "-infinity"}
WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::\d\d)?", re.ASCII)
"""An instant as PostgreSQL writes it."""


def cursor(after: str | None, first: tuple[str, str]) -> tuple[str, UUID]:
    """Return instant and id of the row a page begins after; raise Invalid for no cursor of ours."""
    at, last = from_cursor(after, str, str) or first
    if at not in EVER and not WHEN.fullmatch(at):
        raise _bad()
    try:
        if at not in EVER:
            datetime.fromisoformat(at)
        return at, UUID(last)
    except ValueError:
        raise _bad() from None


def _bad() -> Invalid:
    return invalid("after", "problems.bad_cursor")
