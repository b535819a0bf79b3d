"""The demo's login beside the server in a container, with its port handed to the outside."""

import asyncio
import contextlib

from lianyan.demo import login, people
from lianyan.settings import Settings

OUTSIDE = 8791


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what comes, and the end of it."""
    with contextlib.suppress(OSError):
        while found := await source.read(65536):
            target.write(found)
            await target.drain()
        target.close()


async def main() -> None:
    """Start the login and hand its port through, for ever."""
    settings = Settings.from_env()
    running = login.start(settings, people.institutions(), settings.demo_port)

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = await asyncio.open_connection("127.0.0.1", running.port)
        await asyncio.gather(copy(reader, outside), copy(inside, writer))

    async with await asyncio.start_server(through, "0.0.0.0", OUTSIDE) as server:  # noqa: S104  a container of the check
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
