"""Databases in which things happen and are sealed, and somebody who tampers with them."""

from contextlib import asynccontextmanager
from hashlib import sha256
from typing import NamedTuple
from uuid import uuid4

import asyncpg
from sqlalchemy.ext.asyncio import async_sessionmaker

from conftest import cloned
from lianyan.core.db import engine_of
from lianyan.core.events import record
from lianyan.core.seal_form import EVENT, KEPT, NOTHING, SEAL, Sealed, digest, mark
from lianyan.core.seals import seal
from lianyan.core.verification import verify


class Log(NamedTuple):
    """A database of its own: sessions of the portal, and addresses of its owner and of the superuser."""

    sessions: async_sessionmaker
    app: str
    owner: str
    admin: str


@asynccontextmanager
async def opened(url: str):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def a_log(server, template):
    async with cloned(server, template) as name:
        url = server.of("app", name)
        engine = engine_of(url)
        try:
            yield Log(
                async_sessionmaker(engine, expire_on_commit=False),
                url,
                server.of("owner", name),
                server.of("admin", name),
            )
        finally:
            await engine.dispose()


async def empty(log: Log) -> Log:
    """Let nothing have happened, as only the superuser can; the first event is number 1 again."""
    async with opened(log.admin) as admin:
        await admin.execute("set session_replication_role = replica")
        await admin.execute("truncate events, seals restart identity cascade")
    return log


async def happen(log: Log, count: int, **data) -> list[int]:
    """Let so many things happen, each in a transaction that commits."""
    async with log.sessions.begin() as session:
        return [
            await record(session, None, f"demo.kind{n}", uuid4(), n=n, **data) for n in range(count)
        ]


async def sealed(log: Log) -> int:
    async with log.sessions.begin() as session:
        return await seal(session)


async def verdict(log: Log, **asked):
    async with opened(log.app) as connection:
        return await verify(connection, **asked)


def told(found) -> list[tuple]:
    return [(fault.code, fault.seal_id, fault.event_id) for fault in found.faults]


async def members(log: Log) -> dict[int, list[int]]:
    async with opened(log.app) as connection:
        rows = await connection.fetch(
            "select s.id as seal, e.id from seals s join events e on e.id <@ s.members order by 1, 2"
        )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["seal"], []).append(row["id"])
    return found


@asynccontextmanager
async def tampered(log: Log, *statements: str):
    async with opened(log.admin) as admin:
        transaction = admin.transaction()
        await transaction.start()
        await admin.execute("set local session_replication_role = replica")
        for statement in statements:
            await admin.execute(statement)
        yield admin
        await transaction.rollback()


async def again(admin, statement: str) -> None:
    """Change seals, and make every digest right again: who knows the form can do that."""
    await admin.execute(statement)
    previous = NOTHING
    for row in await admin.fetch(f"select {SEAL} from seals s order by id"):
        seal = Sealed(*row)
        events = await admin.fetch(
            f"select {EVENT} from events e where e.id <@ (select members from seals where id = $1)"
            " order by e.id",
            seal.id,
        )
        marks = [mark(event) for event in events]
        made = seal._replace(
            previous=previous,
            size=len(events),
            content=sha256(b"".join(marks)).digest(),
            marks=b"".join(one[:KEPT] for one in marks),
        )
        previous = digest(made)
        await admin.execute(
            "update seals set previous = $2, count = $3, content = $4, marks = $5, digest = $6"
            " where id = $1",
            seal.id, made.previous, made.size, made.content, made.marks, previous,
        )  # fmt: skip
