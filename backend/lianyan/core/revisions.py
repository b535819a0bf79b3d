"""`If-Match`: a change says which revision of the thing it changes, so nobody overwrites unseen."""

import re
from typing import Any

from litestar import Request

from lianyan.core.problems import PreconditionRequired, Stale, invalid

STRONG = re.compile(r'^"(\d{1,18})"$')


async def provide_rev(request: Request[Any, Any, Any]) -> int:
    """Give the revision the client changed; 428 without `If-Match`, 400 for one of another shape."""
    found = request.headers.get("if-match")
    if found is None:
        raise PreconditionRequired
    match = STRONG.match(found.strip())
    if match is None:
        raise invalid("If-Match", "problems.wrong_type")
    return int(match.group(1))


def match(stored: int, sent: int, /, **now: Any) -> None:
    """Raise Stale, carrying what is stored `now`, unless both revisions are one."""
    if stored != sent:
        raise Stale(rev=stored, **now)


def etag(rev: int) -> dict[str, str]:
    """Return the header that names a thing's revision."""
    return {"etag": f'"{rev}"'}
