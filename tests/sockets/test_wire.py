"""Deadlines of one connection, with seconds that a test can wait for."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import uvicorn
from uvicorn.server import ServerState

from lianyan.cli.wire import Wire

HEAD, BODY, UNREAD = 0.25, 0.5, 0.4
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
LARGE = 20_000_000


class Quick(Wire):
    head_seconds, body_seconds, unread_seconds = HEAD, BODY, UNREAD


class Place(NamedTuple):
    port: int
    state: ServerState
    seen: list[str]
    go: asyncio.Event


def _app(place: Place) -> Callable:
    async def app(scope, receive, send) -> None:
        size = LARGE if scope["path"] == "/large" else 2
        if scope["path"] == "/reads":
            while (message := await receive()).get("more_body"):
                pass
            place.seen.append(message["type"])
        if scope["path"] == "/slow":
            await place.go.wait()
        headers = [(b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"o" * size})

    return app


@asynccontextmanager
async def _placed() -> AsyncIterator[Place]:
    place = Place(0, ServerState(), [], asyncio.Event())
    config = uvicorn.Config(_app(place), http=Quick, ws="none", lifespan="off", log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Quick(config, place.state, {}), "127.0.0.1", 0)
    async with server:
        yield place._replace(port=server.sockets[0].getsockname()[1])
        for connection in list(place.state.connections):
            connection.transport.abort()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with _placed() as found:
        yield found


async def _dribbled(place: Place, first: bytes, drop: bytes) -> tuple[bytes, float]:
    """Send `first` and then a drop all the time; return what came back, and after how long it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    began = asyncio.get_running_loop().time()

    async def drip() -> None:
        while drop:
            await asyncio.sleep(0.02)
            writer.write(drop)

    writer.write(first)
    dripping = asyncio.create_task(drip())
    content = b""
    try:
        async with asyncio.timeout(5):
            while part := await reader.read(1 << 16):
                content += part
    except ConnectionError:
        pass
    finally:
        dripping.cancel()
        writer.close()
    return content, asyncio.get_running_loop().time() - began


@pytest.mark.parametrize(
    "first, drop, status, longest",
    [
        pytest.param(b"", b"", b"", HEAD, id="nothing"),
        pytest.param(b"", b"\r\n", b"", HEAD, id="empty lines"),
        pytest.param(b"GET /", b"a", b"408", HEAD, id="a target without an end"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n", b"", b"408", HEAD, id="half the headers"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"X: a\r\n", b"408", HEAD, id="headers without an end"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", b"a", b"408", HEAD, id="a header without an end"),
        pytest.param(POST % b"/reads", b"", b"408", BODY, id="no body"),
        pytest.param(POST % b"/reads", b"a", b"408", BODY, id="a body without an end"),
        pytest.param(POST % b"/", b"a", b"200", BODY, id="a body nobody waits for"),
        pytest.param(GET, b"\r\n", b"200", HEAD, id="empty lines after a request"),
        pytest.param(GET, b"X", b"200", HEAD + 0.1, id="a second request without an end"),
    ],
)  # fmt: skip
async def test_what_does_not_come_in_time_ends_the_connection(place, first, drop, status, longest):
    content, took = await _dribbled(place, first, drop)
    assert content[9:12] == status, content
    assert took < longest + 0.5
    assert not place.state.connections
    assert set(place.seen) <= {"http.disconnect"}, "who reads a body is told that it ended early"


async def test_one_header_without_an_end_is_not_kept(place):
    content, took = await _dribbled(place, b"GET / HTTP/1.1\r\nX: ", b"a" * 8000)
    assert content[9:12] in {b"431", b""}, content
    assert took < HEAD, "long before its time is over"


async def test_who_is_quick_enough_is_served_as_long_as_he_likes(place):
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    for _ in range(8):
        for part in (GET[:9], GET[9:]):
            writer.write(part)
            await asyncio.sleep(HEAD / 4)
        assert (await reader.readuntil(b"oo")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_an_answer_that_takes_its_time_has_no_deadline(place):
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(GET.replace(b"/ ", b"/slow ", 1))
    await asyncio.sleep(BODY + HEAD)
    place.go.set()
    assert (await reader.readuntil(b"oo")).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize("second", [b"\x00\x00 rubbish\r\n\r\n", b"GET / HTTP/1.1\r\nHo"])
async def test_what_is_wrong_with_a_request_is_never_said_of_the_one_before(place, second):
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(GET.replace(b"/ ", b"/slow ", 1) + second)
    await asyncio.sleep(HEAD * 2)
    place.go.set()
    async with asyncio.timeout(5):
        content = await reader.read()
    assert content.startswith(b"HTTP/1.1 200 ")
    assert content.endswith(b"oo"), "and the connection ends after its answer"
    writer.close()


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
async def test_an_answer_nobody_takes_ends_the_connection(place, more):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", place.port))
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(0.05)
        assert place.state.connections
        while place.state.connections:
            assert loop.time() < began + UNREAD + 2
            await asyncio.sleep(0.02)


async def test_a_connection_torn_off_leaves_nothing(place):
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", place.port))
        connection.sendall(POST % b"/reads")
        await asyncio.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    async with asyncio.timeout(2):
        while place.state.connections or not place.seen:
            await asyncio.sleep(0.02)
    assert place.seen == ["http.disconnect"]


def test_the_server_has_such_deadlines():
    assert Wire.head_seconds <= 10
    assert Wire.body_seconds <= 60
    assert Wire.unread_seconds <= 60
