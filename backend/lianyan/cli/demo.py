"""The demo under `lianyan up`: its data, its login service, its people."""

import asyncio
import contextlib
import json
import socket
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec

from lianyan.cli.commands import environment
from lianyan.cli.fault import Fault
from lianyan.settings import Settings


async def seed(settings: Settings) -> None:
    """Fill an empty database with the demo data."""
    from lianyan.demo.seed import SeedError
    from lianyan.demo.seed import seed as fill

    try:
        await fill(settings)
    except SeedError as error:
        raise Fault(str(error)) from error


async def scale(settings: Settings, count: int) -> None:
    """Fill an empty database with so many made-up proposals, telling how far it is."""
    from lianyan.demo.scale import ScaleError, fill

    try:
        await fill(settings.migration_url, count)
    except ScaleError as error:
        raise Fault(str(error)) from error


def with_port(settings: Settings) -> Settings:
    """Return the settings with the port the demo's people log in at: the one kept, else a free one.

    Every demo identity in the database names it, so it is chosen once.
    """
    note = settings.data_dir / "demo.json"
    if note.exists():
        return msgspec.structs.replace(settings, demo_port=json.loads(note.read_text())["port"])
    for wanted in (settings.demo_port, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", wanted)) as free:
            port = free.getsockname()[1]
            note.write_text(json.dumps({"port": port}))
            return msgspec.structs.replace(settings, demo_port=port)
    raise Fault("No port is free for the demo's login.")


async def seed_apart(settings: Settings) -> None:
    """Do that in a process of its own, which takes its memory with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lianyan", "seed", env=environment(settings)
    )
    try:
        status = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if status:
        raise Fault("The demo data could not be made; what stands above says why.")


def logins() -> str:
    """Return the table of people to log in as."""
    from lianyan.demo import people

    return table(people.logins())


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns that stand under each other, Chinese signs being two wide."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in rows
    )
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


class DemoLogin:
    """The demo's login service as a child, started again when it ends."""

    def __init__(self, settings: Settings) -> None:
        """Describe it; nothing starts yet."""
        self.settings = settings
        self.running: Any = None
        self.keeper: asyncio.Task[None] | None = None
        self.answers = asyncio.Event()

    def start(self) -> None:
        """Start it in the background."""
        self.keeper = asyncio.create_task(self._keep())

    async def ready(self) -> None:
        """Wait until it answers; a start that fails is a Fault here."""
        if self.keeper is None:
            return
        waiting = asyncio.create_task(self.answers.wait())
        await asyncio.wait({self.keeper, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.keeper.done():
            await self.keeper

    async def _keep(self) -> None:
        from lianyan.demo import login

        pause = 0.5
        while True:
            try:
                self.running = await asyncio.to_thread(self._begin)
            except login.DemoLoginError as error:
                if not self.answers.is_set():
                    raise Fault(str(error)) from error
                print(f"The demo login does not start: {error}", file=sys.stderr, flush=True)
            self.answers.set()
            while self.running.running:  # noqa: ASYNC110  it is another process
                await asyncio.sleep(1)
            print("The demo login ended; it starts again.", file=sys.stderr, flush=True)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10.0)

    def _begin(self) -> Any:
        from lianyan.demo import login, people

        return login.start(self.settings, people.institutions(), self.settings.demo_port)

    async def stop(self) -> None:
        """End it."""
        if self.keeper is not None:
            self.keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError, Fault):
                await self.keeper
            self.keeper = None
        if self.running is not None:
            await asyncio.to_thread(self.running.stop)
            self.running = None
