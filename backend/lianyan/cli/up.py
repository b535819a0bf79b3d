"""`lianyan up`: the one parent of database, worker, server and demo login."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from lianyan.cli.children import Child
from lianyan.cli.commands import environment
from lianyan.cli.database import attached, database, empty, migrate
from lianyan.cli.demo import DemoLogin, logins, seed_apart, with_port
from lianyan.cli.fault import Fault
from lianyan.embedded.cluster import Home
from lianyan.settings import PREFIX, Settings, make_data_dir

TRIED_PORTS = 50
BACKLOG = 2048
PATIENCE = 60.0
HOPELESS = 3


async def up(settings: Settings, *, chosen: bool) -> int:
    """Run the portal until a signal ends it; `chosen` says that no other port will do."""
    began = time.monotonic()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, task.cancel if task else loop.stop)
    make_data_dir(settings.data_dir)
    with _alone(settings.data_dir) as note:
        if note is None:
            return _already(settings.data_dir)
        listener, settings = _listen(settings, chosen=chosen or f"{PREFIX}PORT" in os.environ)
        with listener, contextlib.suppress(asyncio.CancelledError):
            await Portal(settings, listener, note, began).run()
    print("Stopped.", flush=True)
    return 0


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[Path | None]:
    """Give the file that says where the portal runs; None if another process runs it already."""
    note = data_dir / "up.json"
    with (data_dir / "up.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        note.unlink(missing_ok=True)
        try:
            yield note
        finally:
            note.unlink(missing_ok=True)


def _already(data_dir: Path) -> int:
    try:
        address = json.loads((data_dir / "up.json").read_text())["address"]
    except (OSError, ValueError):
        address = "its first start is under way"
    print(f"Lianyan runs already with {data_dir.resolve()}: {address}")
    return 0


def _listen(settings: Settings, *, chosen: bool) -> tuple[socket.socket, Settings]:
    """Open the port, or the next free one, and return it with the settings that say so.

    The socket outlives a server process: who calls while that starts again waits, and is answered.
    """
    ports = [settings.port] if chosen else range(settings.port, settings.port + TRIED_PORTS)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    for port in ports:
        try:
            listener = socket.create_server(
                (settings.host, port),
                family=family,
                backlog=BACKLOG,
                dualstack_ipv6=settings.host == "::" and socket.has_dualstack_ipv6(),
            )
        except OSError as error:
            fault = error
            continue
        if port != settings.port:
            print(f"Port {settings.port} is taken; this portal uses {port}.")
            if f"{PREFIX}PUBLIC_URL" not in os.environ:
                url = f"http://127.0.0.1:{port}"
                settings = msgspec.structs.replace(settings, public_url=url)
        return listener, msgspec.structs.replace(settings, port=port)
    raise Fault(
        f"{settings.host} port {settings.port} cannot be opened ({fault.strerror}): "
        "end what uses it, or choose another with --port."
    )


def lesser(settings: Settings) -> dict[str, str]:
    """Return a child's environment without the owner's rights: who breaks in changes no table."""
    return environment(msgspec.structs.replace(settings, owner_database_url=""))


class Portal:
    """Everything that runs, from start to stop."""

    def __init__(
        self, settings: Settings, listener: socket.socket, note: Path, began: float
    ) -> None:
        """Describe the processes."""
        self.settings, self.listener, self.note, self.began = settings, listener, note, began
        self.demo = settings.demo
        if self.demo:
            self.settings = with_port(settings)
        number = listener.fileno()
        self.server = Child(
            "server",
            ["serve", "--descriptor", str(number)],
            settings.data_dir / "server.log",
            [number],
        )
        self.worker = Child("worker", ["work"], settings.data_dir / "worker.log")
        self.login = DemoLogin(self.settings)

    async def run(self) -> None:
        """Start, say where, and wait for the end."""
        try:
            await self._run()
        finally:
            await self._stop()

    async def _run(self) -> None:
        home = None if self.settings.database_url else Home.read(self.settings.data_dir.resolve())
        if home is not None:
            # The address is known before the database runs: what takes long loads meanwhile.
            self._start(attached(self.settings, home))
        elif self.settings.database_url:
            self._start(self.settings)
        async with database(self.settings) as settings:
            try:
                await migrate(settings)
                if self.demo and await empty(settings):
                    print("Filling the empty database with the demo data …", flush=True)
                    await seed_apart(settings)
                if self.server.keeper is None:
                    self._start(settings)
                self.server.allowed.set()
                await self._ready()
                # Not sooner: two processes that load at once are each later.
                self.worker.start(lesser(settings))
                self.worker.allowed.set()
                await self.login.ready()
                self._announce()
                await asyncio.Event().wait()
            finally:
                await self._stop()

    def _start(self, settings: Settings) -> None:
        self.server.start(lesser(settings))
        if self.demo:
            self.login.start()

    async def _stop(self) -> None:
        await self.server.stop()
        await self.worker.stop()
        await self.login.stop()

    async def _ready(self) -> None:
        """Wait until the server answers with its database."""
        deadline = time.monotonic() + PATIENCE
        while not await self._answers():
            if self.server.ended >= HOPELESS or time.monotonic() > deadline:
                raise Fault(f"The server does not start:\n{self.server.tail()}")
            await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        if self.server.process is None or self.server.process.returncode is not None:
            return False
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        named = urlsplit(self.settings.public_url).netloc
        request = f"GET {self.settings.base_path}/ready HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\r\n"
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(host, self.settings.port)
                writer.write(request.encode())
                answer = await reader.readline()
                writer.close()
        except (OSError, TimeoutError):
            return False
        return b" 200 " in answer

    def _announce(self) -> None:
        address = f"{self.settings.public_url}/"
        took = time.monotonic() - self.began
        self.note.write_text(json.dumps({"address": address, "pid": os.getpid()}))
        people = logins() if self.demo else ""
        print(f"\nLianyan 联研 runs at {address}  (started in {took:.1f} s)\n")
        if people:
            print(f"Log in as one of these people; there are no passwords:\n\n{people}\n")
        print("Ctrl-C stops it.", flush=True)
        sys.stdout.flush()
