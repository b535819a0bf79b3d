"""Writers write while supervisor, server, one backend or all of them are killed with -9.

`LIANYAN_LONG=1` draws many kills at moments of chance; `LIANYAN_SEED` repeats a draw.
"""

import asyncio
import os
import random
import secrets
import signal
import time
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from disks import roomy
from embedded.scene import begin, children, home, leave, told
from figures import figure
from lianyan.embedded import throwaway

LONG = bool(os.environ.get("LIANYAN_LONG"))
SEED = int(os.environ.get("LIANYAN_SEED") or secrets.randbelow(1_000_000))
VICTIMS = ("supervisor", "server", "backend", "helper", "both", "all")
ROUNDS = 8 if LONG else 1
WRITERS = 4
PATIENCE = 30.0
LOST = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    TimeoutError,
)


class Writers:
    """Who writes one row after the other, and what they were told."""

    def __init__(self, folder: Path) -> None:
        """Take whose database it is."""
        self.folder = folder
        self.told: set[tuple[int, int]] = set()
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Let them begin."""
        self.tasks = [asyncio.create_task(self._write(who)) for who in range(WRITERS)]

    async def stop(self) -> None:
        """Let them end."""
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _write(self, who: int) -> None:
        number, connection = 0, None
        while True:
            try:
                if connection is None or connection.is_closed():
                    connection = await asyncpg.connect(
                        home(self.folder).url("lianyan_app"), timeout=5
                    )
                # A row whose answer got lost may be there: it is sent again and must be there once.
                await connection.execute(
                    "insert into rows values ($1, $2) on conflict do nothing",
                    who,
                    number,
                    timeout=10,
                )
            except LOST:
                if connection is not None:
                    connection.terminate()
                    connection = None
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                if connection is not None:
                    connection.terminate()
                raise
            else:
                self.told.add((who, number))
                number += 1

    async def progress(self) -> float:
        """Wait until each of them is told of new rows; return how long that took."""
        began, before = time.monotonic(), {who: self._last(who) for who in range(WRITERS)}
        while any(self._last(who) < last + 3 for who, last in before.items()):
            assert time.monotonic() - began < PATIENCE, "it does not come back"
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    def _last(self, who: int) -> int:
        return sum(1 for at, _ in self.told if at == who)


class Keeper:
    """The supervisor in its process, started again by hand, as an operator or a unit file does."""

    def __init__(self, folder: Path) -> None:
        """Describe it."""
        self.folder = folder
        self.process: Process | None = None

    async def start(self) -> None:
        """Start it; what an earlier one left behind is its affair."""
        self.process = await begin(self.folder)
        own, _ = await told(self.process)
        assert own

    async def strike(self, victim: str, chance: random.Random) -> None:
        """Kill; start the supervisor again if it was among the killed."""
        assert self.process
        server = self.server()
        below = children(server)
        backends = [pid for pid, said in below.items() if "lianyan_app" in said]
        helpers = [pid for pid, said in below.items() if "writer" in said or "checkpointer" in said]
        doomed = {
            "supervisor": [self.process.pid],
            "server": [server],
            "backend": [chance.choice(backends or helpers)],
            "helper": [chance.choice(helpers)],
            "both": [self.process.pid, server],
            "all": [self.process.pid, server, *below],
        }[victim]
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process.pid in doomed:
            await self.process.wait()
            await self.start()

    def server(self) -> int:
        """Return the pid of the server that runs now."""
        return int((home(self.folder).cluster / "postmaster.pid").read_text().split("\n", 1)[0])


@pytest.mark.slow
async def test_nothing_confirmed_is_lost_whoever_is_killed():
    print(f"LIANYAN_SEED={SEED}")
    chance = random.Random(SEED)
    victims = [victim for _ in range(ROUNDS) for victim in VICTIMS]
    chance.shuffle(victims)
    pauses: dict[str, float] = {}
    with throwaway(roomy()) as folder:
        keeper, writers = Keeper(folder), Writers(folder)
        await keeper.start()
        owner = await asyncpg.connect(home(folder).url("lianyan_owner"))
        await owner.execute("set synchronous_commit = on")
        await owner.execute("create table rows (who int, number int, primary key (who, number))")
        await owner.execute("grant select, insert on rows to lianyan_app")
        await owner.close()
        writers.start()
        try:
            for victim in victims:
                await writers.progress()
                await asyncio.sleep(chance.uniform(0, 0.5 if LONG else 0.1))
                began = time.monotonic()
                await keeper.strike(victim, chance)
                await writers.progress()
                pauses[victim] = max(pauses.get(victim, 0), time.monotonic() - began)
        finally:
            await writers.stop()
        owner = await asyncpg.connect(home(folder).url("lianyan_owner"))
        rows = {tuple(row) for row in await owner.fetch("select who, number from rows")}
        await owner.close()
        assert keeper.process
        await leave(keeper.process)
    lost = writers.told - rows
    assert not lost
    assert len(rows - writers.told) <= WRITERS, "what nobody was told of is what was under way"
    longest = max(pauses.values())
    assert longest < PATIENCE
    shown = ", ".join(f"{victim} {pause:.1f} s" for victim, pause in sorted(pauses.items()))
    print(f"{len(victims)} kills, {len(writers.told)} rows; {shown}")
    note = f"of {len(writers.told)}, {len(victims)} kills"
    figure("kills of supervisor, server, backend, all: confirmed writes lost", "0", str(len(lost)), held=not lost, note=note)  # fmt: skip
    figure("kills of supervisor, server, backend, all: longest pause", "10 s", f"{longest:.1f} s", held=longest < 10, note=shown)  # fmt: skip
