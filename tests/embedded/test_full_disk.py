"""A disk that fills up under the portal: writes are refused with words, and go on when there is room."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from httpx2 import ASGITransport, AsyncClient

from disks import limited, roomy, small
from embedded.scene import alive, ask, remember, remembered, until
from figures import figure
from kills.journey import build, key, match
from lianyan.app import create_app
from lianyan.core.words import say
from lianyan.embedded import EmbeddedError, postgres, throwaway
from lianyan.embedded.supervisor import Server
from lianyan.migrations import upgrade
from lianyan.settings import Settings

SIZE = 150
SEGMENT = 1 << 24
ORIGIN = "http://127.0.0.1:8000"


class Author:
    """Somebody who saves a section again and again, and what they were told."""

    def __init__(self, client: AsyncClient, headers: dict[str, str]) -> None:
        """Take how they reach the portal."""
        self.client, self.headers, self.rev, self.path = client, headers, 0, ""
        self.confirmed, self.sent = "", ""
        self.refused: set[tuple[int, str, str]] = set()

    async def begin(self, cast: Any) -> None:
        """Begin a proposal."""
        body = {"call_id": cast.ids["call"], "institution_id": cast.ids["a"]}
        made = await self.client.post("/proposals", json=body, headers={**self.headers, **key()})
        self.path = f"/proposals/{made.json()['id']}"

    async def save(self) -> bool:
        """Save a text that no compression makes smaller; say whether that was confirmed."""
        self.sent = "".join(chr(random.randrange(0x4E00, 0x9FA0)) for _ in range(700))
        got = await self.client.put(
            f"{self.path}/sections/aims",
            json={"answers": {"aims": self.sent}},
            headers={**self.headers, **match(self.rev)},
        )
        if got.status_code == 204:
            self.rev, self.confirmed = self.rev + 1, self.sent
            return True
        self.refused.add(
            (got.status_code, got.headers.get("retry-after", ""), got.json()["detail"])
        )
        return False

    async def read(self) -> httpx2.Response:
        """Read the proposal."""
        return await self.client.get(self.path, headers=self.headers)


@pytest.fixture
def disk() -> Iterator[tuple[Path, bool]]:
    """Give a small disk, and whether it is one of its own."""
    with throwaway(roomy()) as folder, small(folder / "disk", SIZE) as mounted:
        yield folder / "disk", mounted


@contextmanager
def filled(place: Path) -> Iterator[None]:
    """Leave no room on a disk."""
    ballast = place / "ballast"
    with ballast.open("wb") as file:
        size, at = 1 << 26, 0
        while size >= 4096:
            try:
                os.posix_fallocate(file.fileno(), at, size)
                at += size
            except OSError:
                size //= 2
    yield
    ballast.unlink()


@asynccontextmanager
async def full(place: Path, server: Server, *, mounted: bool) -> AsyncIterator[None]:
    """Leave no room: fill the disk, or the one table that every save adds to, up to its limit."""
    if mounted:
        with filled(place):
            yield
        return
    much = (
        "insert into events (kind, subject_id, data) select 'test.x', uuidv7(),"
        " jsonb_build_object('x', repeat('x', $2)) from generate_series(1, $1)"
    )
    for length in (1500, 1):
        number = 8192
        while number:
            try:
                await ask(server.owner_url, much, number, length)
            except asyncpg.PostgresError as error:
                assert "could not extend file" in str(error)  # noqa: PT017  as often as it takes
                number //= 2
    yield
    # The limit is the server's own, and the next one has none.
    old = server.pid
    assert old
    os.kill(old, signal.SIGINT)
    await until(lambda: asyncio.sleep(0, server.pid != old))


@asynccontextmanager
async def start(data: Path, limit: AbstractContextManager[None]) -> AsyncIterator[Server]:
    """Give a database that was started under a limit, which stays the server's own."""
    async with AsyncExitStack() as stack:
        with limit:
            server = await stack.enter_async_context(postgres(data))
        yield server


async def until_refused(author: Author) -> None:
    """Save until there is no room left, and then a little more."""
    for _ in range(2000):
        if not await author.save():
            break
    for _ in range(3):
        assert not await author.save()


@pytest.mark.slow
async def test_writes_are_refused_with_words_and_go_on_when_there_is_room(disk):
    place, mounted = disk
    data = place / "data"
    limit = nullcontext() if mounted else limited(SEGMENT)
    async with start(data, limit) as server:
        await asyncio.to_thread(upgrade, server.owner_url)
        cast = await build(server.app_url)
        settings = Settings.from_env(
            {}, data_dir=data, database_url=server.app_url, public_url=ORIGIN, limits=False
        )
        app = create_app(settings)
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url=f"{ORIGIN}/api") as client:
            author = Author(client, {**cast.headers["lead"], "origin": ORIGIN})
            await author.begin(cast)
            assert await author.save()
            async with full(place, server, mounted=mounted):
                await until_refused(author)
                assert author.refused == {(503, "30", say("zh", "problems.disk_full"))}
                assert (await author.read()).json()["answers"]["aims"] == author.confirmed
            assert not mounted or await author.save(), "it goes on by itself, at once"
            await until(author.save)
            if mounted:
                pause = await without_log(place, server, author)
                name = "disk full until the database ended: pause after room was made"
                figure(name, "15 s", f"{pause:.1f} s", held=pause < 15)
            got = (await author.read()).json()
            assert got["answers"]["aims"] == author.confirmed
            saved = "select count(*) from events where kind = 'section.saved'"
            assert await ask(server.app_url, saved) == author.rev, "each confirmed save once"
        name = "disk full under a writer: confirmed saves lost"
        figure(name, "0", "0", held=True, note=f"of {author.rev}")


async def without_log(place: Path, server: Server, author: Author) -> float:
    """Leave no room for the log, which ends the database; return how long it is away after that."""
    old = server.pid
    assert old
    with filled(place):
        with suppress(asyncpg.PostgresError, OSError):
            for _ in range(40):
                message = "select pg_logical_emit_message(true, 'x', repeat('x', 1000000))"
                await ask(server.url("postgres"), message)

        async def gone() -> bool:
            return not alive(old)

        await until(gone)
        author.refused.clear()
        assert not await author.save()
        assert author.refused == {(503, "30", say("zh", "problems.disk_full"))}
    began = time.monotonic()
    await until(author.save)
    return time.monotonic() - began


async def test_a_start_on_a_full_disk_is_refused_with_the_way_out(disk):
    place, mounted = disk
    async with postgres(place / "data") as server:
        await remember(server)
    words = r"The disk of .* is full.*make room there"
    if mounted:
        with filled(place), pytest.raises(EmbeddedError, match=words):
            async with postgres(place / "data"):
                pass
    async with postgres(place / "data") as server:
        assert await remembered(server.owner_url)
