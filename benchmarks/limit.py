"""The limit a page is measured against: bare ASGI and asyncpg, the same statement, no login, no policy."""

import json
import os
from typing import Any
from uuid import UUID

import asyncpg

from lianyan.core.actor import Actor
from lianyan.proposals.queries.detail import DETAIL
from lianyan.proposals.queries.mine import FIRST, _line, _statement

LIST = _statement(matched=False)


async def _kept(_: Any) -> None:
    """Reset nothing between two reads, as the portal's pool does."""


class Limit:
    """The application: two paths, each one statement."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self.pool: asyncpg.Pool | None = None
        self.person = UUID(os.environ["BENCH_PERSON"])
        self.offices = [UUID(os.environ["BENCH_OFFICE"])]

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if self.pool is None:
            self.pool = await asyncpg.create_pool(
                os.environ["LIANYAN_DATABASE_URL"],
                min_size=8,
                max_size=8,
                statement_cache_size=512,
                max_cacheable_statement_size=0,
                reset=_kept,
                server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off"},
            )
        last = scope["path"].rsplit("/", 1)[-1]
        async with self.pool.acquire() as connection:
            body = (
                await self.page(connection)
                if last == "proposals"
                else await self.detail(connection, UUID(last))
            )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def detail(self, connection: Any, proposal: UUID) -> bytes:
        """Return a proposal."""
        row = await DETAIL.row(
            connection,
            proposal=proposal,
            person=self.person,
            offices=self.offices,
            employers=self.offices,
        )
        return row["body"].encode()

    async def page(self, connection: Any) -> bytes:
        """Return twenty rows."""
        rows = await LIST.rows(
            connection, person=self.person, principals=[self.person, *self.offices],
            at=FIRST[0], last=UUID(FIRST[1]), limit=21,
        )  # fmt: skip
        reader = Actor(id=self.person, session_id=self.person, name="", status="active", offices=tuple(self.offices))  # fmt: skip
        items = b",".join(_line(row, reader) for row in rows[:20])
        return b'{"items":[' + items + b'],"next":' + json.dumps(None).encode() + b"}"


app = Limit()
