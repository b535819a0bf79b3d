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
    return place(*(from_cursor(after, str, str) or first))


def place(at: str, last: str) -> tuple[str, UUID]:
    """Return an instant, as the database takes it, and an id that a cursor holds; raise Invalid."""
    if at not in EVER and not WHEN.fullmatch(at):
        raise bad_cursor()
    try:
        if at not in EVER:
            datetime.fromisoformat(at)
        return at, UUID(last)
    except ValueError:
        raise bad_cursor() from None


def bad_cursor() -> Invalid:
    """Return the refusal of a cursor that no list of ours has given."""
    return invalid("after", "problems.bad_cursor")
