"""A fault proxy: it stands before the server, and loses on demand what goes through it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

PIECE = 65536


class Proxy:
    """Passes everything on, until it is told to lose the next answer or to break off a request."""

    def __init__(self, target: str) -> None:
        """Stand before `target`."""
        parts = urlsplit(target)
        self.host, self.port = parts.hostname, parts.port
        self.origin = ""
        self.lose_answer = False
        self.cut_request = False
        self.lost = 0

    async def handle(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        far, out = await asyncio.open_connection(self.host, self.port)
        try:
            async with asyncio.TaskGroup() as group:
                both = [
                    group.create_task(self._pass(near, out, self._request)),
                    group.create_task(self._pass(far, back, self._answer)),
                ]
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for task in both:
                    task.cancel()
        finally:
            for writer in (back, out):
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Callable[[bytes], bytes | None],
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(PIECE):
                kept = fault(piece)
                if kept is None:
                    return
                writer.write(kept)
                await writer.drain()
                if len(kept) < len(piece):
                    return

    def _answer(self, piece: bytes) -> bytes | None:
        if self.lose_answer:
            self.lost += 1
            return None
        return piece

    def _request(self, piece: bytes) -> bytes | None:
        if not self.cut_request:
            return piece
        self.lost += 1
        return piece[: len(piece) // 2]


@asynccontextmanager
async def proxy(target: str) -> AsyncIterator[Proxy]:
    """Give a proxy before `target`; `origin` is where it listens."""
    found = Proxy(target)
    async with await asyncio.start_server(found.handle, "127.0.0.1", 0) as server:
        found.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield found
