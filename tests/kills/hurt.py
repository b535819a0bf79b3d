"""A portal that is killed piece by piece, and everything it has stored."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx2
from asyncpg import InternalClientError

from kills.journey import Cast, Step, build
from lianyan.embedded.cluster import Home
from portal import Portal, free_port

PATIENCE = 60.0
BUSY = 503

MOVING = {"sessions", "jobs", "periods", "workers", "seals"}
"""Tables that change by themselves, and one that a second answer to a link adds to."""
AGAIN = ["token_hash"]
"""What sending a request again changes: a link's token is stored nowhere, so another is given out."""
LOOKED = "[.](read|list)$|^invitation[.]sent$|^events[.]checked$"
"""Events of looking, of a link given out, and of the portal checking its record by itself."""

Found = TypeVar("Found")


class Hurt:
    """A portal, who uses it, and how they put up with what is done to it."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        """Start it on `folder` with its people in it."""
        self.command, self.folder = command, folder
        self.options = ("--port", str(free_port()), "--no-demo")
        self.portal = Portal(command, folder, *self.options).ready()
        home = Home.read(folder / "data")
        assert home is not None
        self.url, self.owner_url = home.url("lianyan_app"), home.url("lianyan_owner")
        self.origin = self.portal.address.rstrip("/")
        self.cast: Cast = asyncio.run(build(self.url))
        self.client = httpx2.Client(base_url=f"{self.origin}/api", timeout=15)
        self.refused: Counter[str] = Counter()

    def logged(self, name: str) -> str:
        """Return what a child has written down."""
        return (self.folder / "data" / f"{name}.log").read_text()

    def close(self) -> None:
        """End everything."""
        self.client.close()
        self.portal.end()

    def once(self, step: Step) -> httpx2.Response:
        """Send a request, with the cookies of its sender and no others."""
        headers = {**self.cast.headers[step.who], "origin": self.origin, **step.headers}
        self.client.cookies.clear()
        return self.client.request(step.method, step.path, json=step.body, headers=headers)

    def send(self, step: Step) -> httpx2.Response:
        """Send a request until it is answered, always the same one."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                got = self.once(step)
            except httpx2.TransportError as error:
                self.refused[type(error).__name__] += 1
            else:
                if got.is_success:
                    return got
                assert got.status_code == BUSY, (step, got.text, self.logged("server")[-5000:])
                assert got.headers["retry-after"] == "1", got.text
                self.refused[f"{got.status_code} {got.json()['code']}"] += 1
            assert time.monotonic() < deadline, (step, self.refused)
            time.sleep(0.1)

    def get(self, who: str, path: str) -> Any:
        """Read a page."""
        return self.send(Step(who, "GET", path)).json()

    def kill(self, victim: str) -> None:
        """Kill with -9: one process; the parent, which is then started again; or all at once."""
        if victim in {"up", "all"}:
            children = self.portal.children() if victim == "all" else {}
            self.portal.process.send_signal(signal.SIGKILL)
            for pid in children.values():
                os.kill(pid, signal.SIGKILL)
            self.portal.end(signal.SIGKILL)
            self.portal = Portal(self.command, self.folder, *self.options).ready()
            return
        deadline = time.monotonic() + PATIENCE
        while victim not in (children := self.portal.children()):
            assert time.monotonic() < deadline, f"{victim} does not come back"
            time.sleep(0.02)
        os.kill(children[victim], signal.SIGKILL)

    def ask(self, what: Callable[[asyncpg.Connection], Awaitable[Found]]) -> Found:
        """Ask the database, once it answers again; for what is stored, not for what may be seen."""

        async def connected() -> Found:
            connection = await asyncpg.connect(self.owner_url, timeout=10)
            try:
                return await what(connection)
            finally:
                await connection.close()

        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return asyncio.run(connected())
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalClientError):
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        found: list[Any] = self.ask(lambda connection: connection.fetch(sql))
        return [tuple(row) for row in found]

    def run(self, *statements: str) -> None:
        """Change what is stored."""
        for sql in statements:
            self.ask(lambda connection, sql=sql: connection.execute(sql))

    def stored(self) -> dict[str, list[str]]:
        """Return every row of every table that does not change by itself."""
        return self.ask(_stored)


async def _stored(connection: asyncpg.Connection) -> dict[str, list[str]]:
    tables = await connection.fetch(
        "select table_name from information_schema.tables where table_schema = 'public'"
    )
    found = {}
    for name in sorted({row[0] for row in tables} - MOVING):
        where = f"where kind !~ '{LOOKED}'" if name == "events" else ""
        sql = f"select (to_jsonb(t) - $1::text[])::text from {name} t {where}"
        found[name] = sorted(row[0] for row in await connection.fetch(sql, AGAIN))
    return {name: rows for name, rows in found.items() if rows}
