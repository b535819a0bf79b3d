"""Run the database of a folder until standard input closes: a supervisor that tests can kill."""

import asyncio
import sys
from pathlib import Path

from lianyan.embedded import postgres


async def main() -> None:
    async with postgres(Path(sys.argv[1])) as server:
        print(int(server.own), server.pid or 0, server.app_url, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
