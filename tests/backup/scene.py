"""A portal's database in a folder, its backups, and everything in it."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid4

import asyncpg

from lianyan.cli import backup as backing
from lianyan.cli import manifest
from lianyan.cli import restore as restoring
from lianyan.embedded import postgres
from lianyan.embedded.cluster import Home
from lianyan.settings import Settings

PLACES = itertools.count(1)


class Scene(NamedTuple):
    """A portal that runs in `folder`/data; backups of it go beside."""

    folder: Path
    settings: Settings

    @property
    def home(self) -> Home:
        """Return where its database is."""
        found = Home.read(self.settings.data_dir)
        assert found
        return found

    def place(self) -> Path:
        """Return a path for a backup that is not there yet."""
        return self.folder / f"backup-{next(PLACES)}"

    async def backup(self, place: Path | None = None) -> Path:
        """Make a backup and return where it is."""
        place = place or self.place()
        assert await backing.backup(self.settings, place, "file") == 0
        return place


def settings(data_dir: Path, **more: Any) -> Settings:
    """Return the settings of a portal in `data_dir`; no key is made there."""
    return Settings.from_env({}, secret_key=bytes(32), data_dir=data_dir, **more)


async def restore(place: Path, target: Path, until: str | None = None, **more: Any) -> Home:
    """Restore `place` into `target` and return the database there, which does not run."""
    assert await restoring.restore(settings(target, **more), place, "none", until) == 0
    found = Home.read(target)
    assert found
    return found


@asynccontextmanager
async def opened(url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Give a connection."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Run the database of `data_dir` and give a connection that sees all of it."""
    async with postgres(data_dir) as server, opened(server.url("postgres")) as connection:
        yield connection


async def contents(connection: "asyncpg.Connection[Any]") -> dict[str, Any]:
    """Return a hash over the ordered rows of each table, and where each sequence is."""
    found: dict[str, Any] = {}
    for (name,) in await connection.fetch(
        "select tablename from pg_tables where schemaname = 'public' order by 1"
    ):
        found[name] = tuple(
            await connection.fetchrow(
                "select count(*), sha256(coalesce(string_agg(r, E'\\n' order by r), '')::bytea)"
                f' from (select t::text collate "C" as r from "{name}" t) all_rows'
            )
        )
    for name, last in await connection.fetch("select sequencename, last_value from pg_sequences"):
        found[f"sequence {name}"] = last
    return found


class Writers:
    """People who write all the time, two events in each transaction, and what they were told."""

    def __init__(self, url: str, number: int = 4) -> None:
        """Take where they write."""
        self.url, self.number = url, number
        self.begun: dict[UUID, float] = {}
        self.told: dict[UUID, float] = {}

    async def __aenter__(self) -> Self:
        """Let them begin."""
        self.tasks = [asyncio.create_task(self._write()) for _ in range(self.number)]
        while len(self.told) < 2 * self.number:
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let them end what they are at."""
        for task in self.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _write(self) -> None:
        async with opened(self.url) as connection:
            while True:
                subject = uuid4()
                self.begun[subject] = time.time()
                async with connection.transaction():
                    for kind in ("test.first", "test.second"):
                        await connection.execute(
                            "insert into events (kind, subject_id, data) values ($1, $2, '{}')",
                            kind,
                            subject,
                        )
                self.told[subject] = time.time()
                await asyncio.sleep(0.005)


async def written(connection: "asyncpg.Connection[Any]") -> set[UUID]:
    """Return what the writers wrote, as it is stored: each thing whole."""
    rows = await connection.fetch(
        "select subject_id, count(*) from events where kind like 'test.%' group by 1"
    )
    assert {row[1] for row in rows} <= {2}, "half of a transaction came back"
    return {row[0] for row in rows}


def read(place: Path) -> manifest.Manifest:
    """Return what a backup says of itself."""
    return manifest.read(place)
