"""Bytes sent to a real server, and the answers to them, without any library between."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from portal import free_port

PATIENCE = 60.0
FINAL = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) ")
CLOSING = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Said(NamedTuple):
    """What came back on a connection until the server closed it."""

    statuses: list[int]
    content: bytes


class Served:
    """A `lianyan serve`, as `lianyan up` starts it, with its log."""

    def __init__(self, url: str, folder: Path) -> None:
        """Start it on the database at `url`."""
        self.port, self.log, self.read = free_port(), folder / "server.log", 0
        kept = {n: v for n, v in os.environ.items() if not n.startswith("LIANYAN_")}
        settings = {
            "LIANYAN_DATABASE_URL": url,
            "LIANYAN_DATA_DIR": str(folder),
            "LIANYAN_PORT": str(self.port),
            "LIANYAN_LIMITS": "off",
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lianyan", "serve"],
                env=kept | settings,
                stdout=output,
                stderr=output,
            )

    def ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + PATIENCE
        while not self.healthy():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def healthy(self) -> bool:
        """Say whether it answers somebody else."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as got:
                return bool(got.status == 200)
        except OSError:
            return False

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def say(self, content: bytes, *, half: bool = False) -> Said:
        """Send `content` and return what is answered until the server closes."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):  # it may close before it has read everything
                connection.sendall(content)
                if half:
                    connection.shutdown(socket.SHUT_WR)
            return answered(connection)

    def lines(self) -> list[dict[str, Any]]:
        """Return the new lines of the log; whatever is no line of JSON is an error."""
        content = self.log.read_bytes()[self.read :]
        content = content[: content.rfind(b"\n") + 1]
        self.read += len(content)
        return [json.loads(line) for line in content.splitlines()]

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


def answered(connection: socket.socket) -> Said:
    """Read until the other side closes."""
    content = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            content += part
    return Said([int(status) for status in FINAL.findall(content)], content)


@contextlib.contextmanager
def serving(url: str, folder: Path) -> Iterator[Served]:
    """Give a server that answers; end it afterwards."""
    found = Served(url, folder)
    try:
        found.ready()
        yield found
    finally:
        found.end()
