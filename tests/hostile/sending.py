"""Sending one strange request at a time, each undone before the next."""

import json
import os
import random
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from httpx2 import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from actors import Thing, World
from hostile.cases import CASES, TOKEN, Case, address
from makers import key

T = TypeVar("T")
LONG = bool(os.environ.get("LIANYAN_LONG"))
SEED = int(os.environ.get("LIANYAN_HOSTILE_SEED", random.SystemRandom().randrange(10**9)))
KNOWN_FAILURE = 500


def some(cells: Sequence[T], number: int) -> list[T]:
    """Return all cells, or a fresh sample of them; the seed is printed, and taken from LIANYAN_HOSTILE_SEED."""
    all_of_them = LONG or len(cells) <= number
    print(f"LIANYAN_HOSTILE_SEED={SEED}: {len(cells) if all_of_them else number} of {len(cells)}")
    return list(cells) if all_of_them else random.Random(SEED).sample(list(cells), number)


@asynccontextmanager
async def undone(connection: AsyncConnection):
    """Undo what is written inside."""
    inner = await connection.begin_nested()
    try:
        yield
    finally:
        if inner.is_active:
            await inner.rollback()


KEPT = {"limits", "alembic_version"}
"""Tables that a refusal may write to: what counts the knocks."""


async def contents(connection: AsyncConnection) -> Any:
    """Return a mark of everything that is stored."""
    rows = await connection.execute(
        text("select tablename from pg_tables where schemaname = 'public' order by 1")
    )
    tables = [name for (name,) in rows if name not in KEPT]
    marks = " union all ".join(
        f"select '{name}', count(*), sum(hashtextextended(t::text, 0)) from {name} t"
        for name in tables
    )
    return (await connection.execute(text(marks))).all()


def headers_of(case: Case, world: World) -> dict[str, str]:
    """Return the headers of a right request."""
    return {**world.headers[case.who], **key(), "if-match": f'"{case.rev}"', "x-invitation": TOKEN}


async def send(
    client: AsyncClient, world: World, route: str, content: bytes, **headers: str | bytes
) -> Response:
    """Send a body to a route of the table."""
    case = CASES[route]
    method, path = route.split(" ")
    found: dict[str, Any] = {**headers_of(case, world), "content-type": "application/json"}
    found |= {name.replace("_", "-"): value for name, value in headers.items()}
    thing = world.things[case.state]
    got = await client.request(method, address(path, world, thing), content=content, headers=found)
    client.cookies.clear()
    return got


def encoded(body: Any) -> bytes:
    """Return JSON that can hold what no UTF-8 text can."""
    return json.dumps(body).encode()


def placed(body: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return a copy of `body` with `value` at `path`."""
    if not path:
        return value
    if isinstance(body, list):
        return [placed(b, path[1:], value) if str(n) == path[0] else b for n, b in enumerate(body)]
    return {k: placed(v, path[1:], value) if k == path[0] else v for k, v in body.items()}


def problem(got: Response) -> str | None:
    """Return what is wrong with a refusal as a refusal, None for a right one or none."""
    if got.status_code >= KNOWN_FAILURE:
        return f"{got.status_code} {got.text[:200]}"
    if got.status_code < 400:
        return None
    if not got.headers["content-type"].startswith("application/problem+json"):
        return f"no problem: {got.headers['content-type']} {got.text[:100]}"
    said = got.json()
    if said["status"] != got.status_code or not said["code"] or not said["detail"]:
        return f"an empty problem: {got.text[:200]}"
    if any(not e["detail"] or "{" in e["code"] for e in said["errors"]):
        return f"an empty error: {got.text[:200]}"
    return None


def thing_of(world: World, case: Case) -> Thing:
    """Return the thing a case is about."""
    return world.things[case.state]
