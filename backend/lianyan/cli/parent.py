"""The thread between a child process and the `lianyan up` that started it: standard input.

The parent writes one line when the database is ready; the input ends when the parent does, however
it ends, and the child stops.
"""

import asyncio
import os
import signal
import sys


async def allowed() -> None:
    """Wait for the parent's word; leave at once if the parent is gone."""
    if not await asyncio.to_thread(sys.stdin.buffer.readline):
        raise SystemExit(0)


def stop_with_parent() -> None:
    """Have this process end in good order when its parent is gone; needs a running loop."""
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(sys.stdin.fileno())
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(sys.stdin.fileno(), gone)
