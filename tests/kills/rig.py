"""Database, server and worker as processes that a test may kill as often and as fast as it likes.

They are the ones `lianyan up` is parent of, with the same options. The parent itself is not used: it
starts what dies again and again at longer and longer intervals, and a hundred kills would be a wait.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from lianyan.embedded import find, process
from lianyan.embedded.account import choose
from lianyan.embedded.binaries import within_reach
from lianyan.embedded.cluster import DATABASE, Home
from lianyan.migrations import upgrade

PATIENCE = 60.0


class Program:
    """One `lianyan` child, and the next one of its kind: loaded, waiting for the word to go."""

    spare = False
    """Whether the next one is loaded before it is needed."""

    def __init__(
        self,
        arguments: list[str],
        environment: dict[str, str],
        log: Path,
        descriptors: Sequence[int] = (),
    ) -> None:
        """Describe it; nothing starts yet."""
        self.arguments, self.environment, self.log = arguments, environment, log
        self.descriptors = descriptors
        self.now: Process | None = None
        self.next: Process | None = None

    async def go(self) -> None:
        """Let the waiting one go, and load another."""
        self.now = self.next or await self._load()
        assert self.now.stdin
        self.now.stdin.write(b"go\n")
        self.next = await self._load() if self.spare else None

    async def _load(self) -> Process:
        with self.log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lianyan", *self.arguments, "--child"),
                stdin=PIPE,
                stdout=output,
                stderr=output,
                env=self.environment,
                pass_fds=self.descriptors,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """Kill with -9 and let the next one go."""
        assert self.now
        self.now.kill()
        await self.now.wait()
        await self.go()

    async def end(self) -> None:
        """End both."""
        for found in (self.now, self.next):
            if found and found.returncode is None:
                found.kill()
                await found.wait()


class Rig:
    """A portal in pieces."""

    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        """Choose where; `options` go to PostgreSQL."""
        self.options, self.data = options, folder / "data"
        self.data.mkdir(mode=0o711)
        self.home = Home.make(self.data)
        self.account = choose(self.home.cluster)
        self.binaries = within_reach(find(), self.account)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = self.home.url("lianyan_app")
        kept = {n: v for n, v in os.environ.items() if not n.startswith("LIANYAN_")}
        settings = {
            "LIANYAN_DATA_DIR": str(self.data),
            "LIANYAN_DATABASE_URL": self.url,
            "LIANYAN_PUBLIC_URL": self.origin,
            "LIANYAN_LIMITS": "0",
        }
        number = self.listener.fileno()
        self.server = Program(
            ["serve", "--descriptor", str(number)],
            kept | settings,
            self.data / "server.log",
            [number],
        )
        self.worker = Program(["work"], kept | settings, self.data / "worker.log")
        self.database: Process | None = None

    async def start(self) -> None:
        """Make the database and start everything."""
        await self.home.initialise(self.binaries, self.account)
        self.database = await process.start(self.home, self.binaries, self.account, self.options)
        await asyncio.to_thread(upgrade, self.home.url("lianyan_owner"))
        await self.server.go()
        await self.worker.go()

    async def kill_database(self, *, whole: bool) -> None:
        """Kill the postmaster with -9, its children too where `whole`, and start it again."""
        assert self.database
        pids = [self.database.pid]
        if whole:
            pids += children(self.database.pid)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.database.wait()
        await process.clear(self.home)
        self.database = await process.start(self.home, self.binaries, self.account, self.options)

    async def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a statement, as the superuser reads them."""
        connection = await asyncpg.connect(self.home.url("postgres"), timeout=PATIENCE)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    async def idle(self) -> None:
        """Wait until no job is due."""
        deadline = time.monotonic() + PATIENCE
        # Whoever was killed with a job in hand has it for a minute: let that be over.
        due = "update jobs set run_at = now() where failed_at is null and tries > 0 returning id"
        await self.ask(due)
        while await self.ask("select id from jobs where failed_at is null and run_at <= now()"):
            assert time.monotonic() < deadline, "the jobs are not done"
            await asyncio.sleep(0.1)

    async def check(self) -> str:
        """Return what pg_amcheck has to say about every table and index: nothing."""
        checked = await asyncio.create_subprocess_exec(
            *(self.binaries.program("pg_amcheck"), "--install-missing", "--heapallindexed"),
            *("--parent-check", "-h", str(self.home.socket), "-U", "postgres", DATABASE),
            env={
                **os.environ,
                "PGPASSWORD": self.home.passwords["postgres"],
                "PGOPTIONS": "-c client_min_messages=warning",
            },
            stdout=PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await checked.communicate()
        return said.decode() or ("" if checked.returncode == 0 else f"status {checked.returncode}")

    async def end(self) -> None:
        """End everything."""
        await self.server.end()
        await self.worker.end()
        self.listener.close()
        if self.database is not None:
            await process.stop(self.database)


def children(parent: int) -> list[int]:
    """Return the pids of the processes whose parent `parent` is."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(stat[1]) == parent:
                    found.append(int(entry.name))
    return found


@asynccontextmanager
async def rig(
    folder: Path, options: dict[str, str] | None = None, *, spares: bool = False
) -> AsyncIterator[Rig]:
    """Give a portal in pieces that runs; with `spares`, what is killed is replaced at once."""
    found = Rig(folder, options or {})
    found.server.spare = found.worker.spare = spares
    try:
        await found.start()
        yield found
    finally:
        await found.end()
