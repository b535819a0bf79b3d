"""A database whose clock stands still where a test puts it, under an app that asks it over HTTP."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from lianyan.core.clock import Arrival

CLOCK = (
    "create schema deadlines",
    "create table deadlines.instant (at timestamptz not null)",
    "insert into deadlines.instant values (pg_catalog.clock_timestamp())",
    *(
        f"create function deadlines.{name}() returns timestamptz language sql volatile as "
        "$$ select at from deadlines.instant $$"
        for name in ("clock_timestamp", "now")
    ),
    "grant usage on schema deadlines to lianyan_app",
    "grant select on deadlines.instant to lianyan_app",
)
"""Functions of the clock's names that come first on the search path: one answer, until it is moved."""


class Stopped:
    """The clock of the database, standing."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Take a superuser's connection."""
        self.connection = connection

    async def put(self, at: datetime, **offset: float) -> datetime:
        """Put the clock to an instant, and so much after it."""
        moved = at + timedelta(**offset)
        await self.connection.execute("update deadlines.instant set at = $1", moved)
        return moved

    async def run(self, sql: str, *values: Any) -> None:
        """Change what is stored."""
        await self.connection.execute(sql, *values)


@pytest.fixture
async def stopped(committed, server, monkeypatch) -> AsyncIterator[Stopped]:
    """Stop the clock of the committed database; what a request waits in the process counts as nothing."""
    name = urlsplit(committed.url).path[1:]
    connection = await asyncpg.connect(server.of("admin", name))
    for statement in CLOCK:
        await connection.execute(statement)
    await connection.execute(
        f"alter database {name} set search_path = deadlines, pg_catalog, public"
    )
    monkeypatch.setattr(Arrival, "waited", lambda _: timedelta())
    yield Stopped(connection)
    await connection.close()
