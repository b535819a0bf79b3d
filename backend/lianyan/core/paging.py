"""Keyset paging: a page ends with a cursor that names its last row, never with a number of rows to skip."""

import base64
import binascii
import json
from typing import Any

from lianyan.core.problems import invalid

LIMIT, MOST = 20, 100


def page_limit(value: str | None, default: int = LIMIT) -> int:
    """Return the asked number of rows, 1 to 100; raise Invalid for anything else."""
    if value is None:
        return default
    if (
        not (value.isascii() and value.isdigit())
        or not 1 <= int(value[:6]) <= MOST
        or len(value) > len(str(MOST))
    ):
        raise invalid("limit", "problems.out_of_range", min=1, max=MOST)
    return int(value)


def to_cursor(*key: str | int | None) -> str:
    """Return a cursor for the row with this sort key."""
    return (
        base64.urlsafe_b64encode(json.dumps(key, ensure_ascii=False).encode()).decode().rstrip("=")
    )


def from_cursor(value: str | None, *types: type) -> tuple[Any, ...] | None:
    """Return the sort key a cursor names; raise Invalid for one that this list never gave."""
    if not value:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (binascii.Error, ValueError, UnicodeDecodeError, RecursionError):
        raise invalid("after", "problems.bad_cursor") from None
    if not isinstance(key, list) or len(key) != len(types):
        raise invalid("after", "problems.bad_cursor")
    for part, kind in zip(key, types, strict=True):
        if not isinstance(part, kind) or (isinstance(part, str) and "\x00" in part):
            raise invalid("after", "problems.bad_cursor")
    return tuple(key)
