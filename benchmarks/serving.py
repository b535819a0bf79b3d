"""An ASGI app under uvicorn, one process, for as long as it is measured."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

HERE = Path(__file__).parent


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.asynccontextmanager
async def serving(app: str, environment: dict[str, str], *options: str) -> AsyncIterator[int]:
    """Run an ASGI app under uvicorn, one process; give its port."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "uvicorn", app, "--port", str(port), "--no-access-log",
               "--log-level", "error", "--loop", "uvloop", "--http", "httptools", *options]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=HERE.parent,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
