"""A whole portal in processes of its own, for tests that kill some of them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

PATIENCE = 90.0


class Portal:
    """A running `lianyan up`."""

    def __init__(self, command: Sequence[str | Path], folder: Path, *options: str) -> None:
        """Start it on `folder`; `said` collects its lines."""
        self.folder, self.said = folder, list[str]()
        kept = {n: v for n, v in os.environ.items() if not n.startswith("LIANYAN_")}
        self.process = subprocess.Popen(
            [*command, "up", *options],
            cwd=folder,
            # Tests are few people in a hurry; those of the limits start a server of their own.
            env={
                **kept,
                "LIANYAN_DATA_DIR": str(folder / "data"),
                "LIANYAN_DEMO_PORT": f"{demo_port()}",
                "LIANYAN_LIMITS": "off",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.said.extend(self.process.stdout)

    def ready(self) -> "Portal":
        """Wait until it has said where it is."""
        deadline = time.monotonic() + PATIENCE
        while not any(line.startswith("Ctrl-C") for line in list(self.said)):
            assert self.process.poll() is None, "".join(self.said)
            assert time.monotonic() < deadline, "".join(self.said)
            time.sleep(0.02)
        return self

    @property
    def address(self) -> str:
        """Return where it is, as it says itself."""
        return str(json.loads((self.folder / "data" / "up.json").read_text())["address"])

    def get(self, path: str = "") -> tuple[int, str]:
        """Ask the server for a page."""
        page = self.address + path
        with urllib.request.urlopen(page, timeout=20) as answer:  # noqa: S310  our own
            return answer.status, answer.read().decode()

    def children(self) -> dict[str, int]:
        """Return the pids of its direct children by what they are."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, IndexError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(state[1]) == self.process.pid and state[0] != "Z":
                    found[_what((entry / "cmdline").read_bytes().decode())] = int(entry.name)
        return found

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it and return its status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(60)
        self.reader.join(10)
        if self.process.stdout:
            self.process.stdout.close()
        return status


def _what(command: str) -> str:
    names = {Path(part).name for part in command.split("\0")}
    return next(
        (w for w in ("serve", "work", "postgres", "idp.mjs", "seed") if w in names), command
    )


@contextlib.contextmanager
def portal(command: Sequence[str | Path], folder: Path, *options: str) -> Iterator[Portal]:
    """Give a portal that is ready; end it afterwards, well or badly."""
    running = Portal(command, folder, *options)
    try:
        yield running.ready()
    finally:
        running.end()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@cache
def demo_port() -> int:
    """Return this process's port of the demo login: what is restored from a portal keeps it."""
    return free_port()
