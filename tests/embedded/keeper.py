"""Run the database of a folder until standard input closes: a supervisor that tests can kill.

A number behind the folder is the user to become first, once everything is loaded: an ordinary one
may not reach this very Python.
"""

import asyncio
import os
import sys
from pathlib import Path

from lianyan.embedded import EmbeddedError, postgres


async def main() -> int:
    folder, *user = sys.argv[1:]
    if user:
        os.setgroups([])
        os.setgid(int(user[0]))
        os.setuid(int(user[0]))
    given = os.environ.get("LIANYAN_PG_BIN")
    try:
        async with postgres(Path(folder), pg_bin=Path(given) if given else None) as server:
            print(int(server.own), server.pid or 0, server.app_url, flush=True)
            closed = asyncio.StreamReader()
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(closed), sys.stdin
            )
            await closed.read()
    except EmbeddedError as error:
        print("refused:", error, flush=True)
        return 2
    return 0


raise SystemExit(asyncio.run(main()))
