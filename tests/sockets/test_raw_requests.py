"""Requests no browser sends, against the real server: refused or answered, never with a failure of ours.

After each one the server still answers somebody else, and its log holds what it should: one line for
each request that was one, none for what hides in another, no traceback.
"""

import os
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from conftest import cloned
from figures import figure
from lianyan.cli.wire import Wire
from sockets.cases import FRAMING, GET, HEADERS, HOST, POST, TARGETS, Case
from sockets.raw import CLOSING, Served, answered, serving
from tally import added, run_folder

pytestmark = pytest.mark.xdist_group("sockets")

LONG = bool(os.environ.get("LIANYAN_LONG"))
PROBE, CUT_OFF = 200, 400
LEAST = 100
"""So many cases are counted when all of them have been sent."""
COUNTED = Counter[str]()


@pytest.fixture(scope="module")
async def served(server, template, tmp_path_factory) -> AsyncIterator[Served]:
    async with cloned(server, template) as name:
        with serving(server.of("app", name), tmp_path_factory.mktemp("served")) as found:
            yield found
    with added(run_folder(tmp_path_factory), "sockets", COUNTED) as total:
        cases, failures = total["cases"], total["failures"]
        held = not failures and cases >= LEAST
        measured = f"{failures} of {cases}"
        figure(
            "raw sockets: cases, answers of 500 or more", f"0 of >= {LEAST}", measured, held=held
        )


@pytest.fixture(autouse=True)
def _well(served):
    """Look at server and log after each test."""
    served.lines()
    COUNTED["cases"] += 1
    yield
    assert served.healthy(), "somebody else is answered"
    assert served.process.poll() is None, "by the same process"
    _sound(served)


def _sound(served: Served) -> list[int]:
    """Return the statuses of the requests in the new lines of the log, in which nothing else is."""
    lines = served.lines()
    assert {line["event"] for line in lines} <= {"request", "unreadable"}, lines
    statuses = [line["status"] for line in lines if line["event"] == "request"]
    COUNTED["failures"] += sum(status >= 500 for status in statuses)
    assert not [status for status in statuses if status >= 500], lines
    return statuses


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name)
        for table in (FRAMING, HEADERS, TARGETS)
        for name, case in table.items()
    ],
)
def test_a_strange_request(served: Served, case: Case) -> None:
    said = served.say(case.sent + CLOSING if case.open else case.sent)
    wanted = [*case.statuses, *([PROBE] if case.open else [])]
    assert said.statuses == wanted, said.content[:2000]
    assert b"evil.example" not in said.content, "what a stranger says is not repeated"
    assert b"Traceback" not in said.content
    served.healthy()
    assert set(_sound(served)) <= {*wanted, PROBE, CUT_OFF}


def test_a_thousand_requests_at_once(served):
    assert served.say((GET + HOST + b"\r\n") * 999 + CLOSING).statuses == [200] * 1000


def test_a_flood_of_short_connections(served):
    for _ in range(300):
        assert served.say(CLOSING).statuses == [200]


@pytest.mark.parametrize(
    "size", [b"Content-Length: 8388608\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n800000\r\n"]
)
def test_eight_megabytes_are_refused_before_they_have_come(served, size):
    with served.connect() as connection:
        connection.sendall(POST + size + b"a" * 1_100_000)
        began = connection.recv(1 << 16)
        assert began.startswith(b"HTTP/1.1 413 "), began[:200]
        # The rest is swallowed, and is no request.
        connection.sendall(b"GET /api/calls HTTP/1.1\r\n" * 1000)


@pytest.mark.parametrize(
    "sent, statuses",
    [(GET + HOST + b"\r\n", [200]), (POST + b"Content-Length: 200\r\n\r\n{}", []), (GET, [])],
)
def test_half_a_connection(served, sent, statuses):
    assert served.say(sent, half=True).statuses == statuses


@pytest.mark.parametrize(
    "sent", [GET, GET + HOST + b"\r\n", POST + b"Content-Length: 200000\r\n\r\n{" + b" " * 100_000]
)
def test_a_connection_torn_off(served, sent):
    for _ in range(20):
        with served.connect() as connection:
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_those_who_dribble_hinder_nobody_and_do_not_stay(served):
    slow = [served.connect() for _ in range(100)]
    try:
        for n, connection in enumerate(slow):
            connection.sendall(
                [b"", b"GET /", GET + b"X: a", POST + b"Content-Length: 9\r\n\r\n{"][n % 4]
            )
        began = time.monotonic()
        assert served.say(CLOSING).statuses == [200]
        assert time.monotonic() - began < 2
        if LONG:
            _let_go(slow)
    finally:
        for connection in slow:
            connection.close()


def _let_go(slow: list[socket.socket]) -> None:
    """Wait until the server has closed all: those without headers soon, those without a body later."""
    began, took = time.monotonic(), []
    for connection in [c for n, c in enumerate(slow) if n % 4 != 3] + slow[3::4]:
        connection.settimeout(Wire.body_seconds + 15)
        said = answered(connection)
        assert said.statuses in ([], [408])
        took.append(time.monotonic() - began)
    assert took[74] < Wire.head_seconds + 5
    assert took[-1] < Wire.body_seconds + 5
    measured = f"{took[74]:.0f} s without headers, {took[-1]:.0f} s without a body"
    figure(
        "raw sockets: connections that dribble are closed after", "10 s, 60 s", measured, held=True
    )
