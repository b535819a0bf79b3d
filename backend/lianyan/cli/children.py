"""The processes `lianyan up` is parent of: started, started again when they end, stopped."""

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path

LOG_LIMIT = 10_000_000
LOG_KEPT = 200 * 86_400
"""A log that has been put aside is kept for 200 days: the law asks for six months."""
SETTLED = 30.0
LONGEST_PAUSE = 10.0
GRACE = 15.0


class Child:
    """One `lianyan` command as a child process that waits for the parent's word."""

    def __init__(
        self, name: str, arguments: Sequence[str], log: Path, descriptors: Sequence[int] = ()
    ) -> None:
        """Describe it; nothing starts yet."""
        self.name, self.arguments, self.log = name, arguments, log
        self.descriptors = descriptors
        self.process: Process | None = None
        self.ended = 0
        self.keeper: asyncio.Task[None] | None = None
        self.allowed = asyncio.Event()

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it, and again whenever it ends."""
        self.keeper = asyncio.create_task(self._keep(environment))

    async def _keep(self, environment: Mapping[str, str]) -> None:
        loop, pause = asyncio.get_running_loop(), 0.1
        while True:
            began = loop.time()
            self.process = await self._spawn(environment)
            await self.allowed.wait()
            if self.process.stdin:
                with contextlib.suppress(ConnectionError):
                    self.process.stdin.write(b"go\n")
                    await self.process.stdin.drain()
            status = await self.process.wait()
            self.ended += 1
            pause = 0.1 if loop.time() - began > SETTLED else min(pause * 2, LONGEST_PAUSE)
            print(
                f"The {self.name} ended (status {status}), it starts again in {pause:.1f} s; "
                f"see {self.log}.",
                file=sys.stderr,
                flush=True,
            )
            await asyncio.sleep(pause)

    async def _spawn(self, environment: Mapping[str, str]) -> Process:
        rotate(self.log)
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as output:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lianyan", *self.arguments, "--child"),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=dict(environment),
                pass_fds=self.descriptors,
                # Ctrl-C in a terminal reaches the whole group; the order of stopping is ours.
                start_new_session=True,
            )

    def tail(self) -> str:
        """Return the last lines it wrote."""
        return self.log.read_bytes()[-2000:].decode(errors="replace") if self.log.exists() else ""

    async def stop(self) -> None:
        """End it: in good order, or by force when that takes too long."""
        if self.keeper is not None:
            self.keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.keeper
            self.keeper = None
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), GRACE)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


def rotate(log: Path) -> None:
    """Put a large log aside under the present time, and remove what was put aside long ago."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(f"{log.name}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"))
    for old in log.parent.glob(f"{log.name}.*"):
        if old.stat().st_mtime < time.time() - LOG_KEPT:
            old.unlink()
