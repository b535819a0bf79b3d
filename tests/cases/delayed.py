"""A database that is far away: a proxy in front of it that lets every byte wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Hand on what comes, each piece so much later and in order."""
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def send() -> None:
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        while piece := await reader.read(65_536):
            waiting.put_nowait((loop.time() + delay, piece))
        waiting.put_nowait((loop.time() + delay, b""))
        await sending
    except (ConnectionError, OSError):
        sending.cancel()
        writer.close()


@asynccontextmanager
async def delayed(url: str, seconds: float) -> AsyncIterator[str]:
    """Give the address of the database at `url` that answers so much later: half there, half back."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)

    async def reach() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if "host" in asked:  # the folder of a socket
            return await asyncio.open_unix_connection(
                f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}"
            )
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await reach()
        await asyncio.gather(
            _pass(reader, there[1], seconds / 2), _pass(there[0], writer, seconds / 2)
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        who = f"{parts.username}:{parts.password}"
        yield parts._replace(netloc=f"{who}@127.0.0.1:{port}", query="").geturl()
    finally:
        server.close()
