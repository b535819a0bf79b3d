"""One parent for PostgreSQL: started, kept running and stopped with this process."""

import asyncio
import contextlib
import fcntl
import logging
import shutil
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

from lianyan.embedded import archive, process
from lianyan.embedded.account import Account, choose
from lianyan.embedded.binaries import Binaries, find, within_reach
from lianyan.embedded.cluster import DATABASE, Home
from lianyan.embedded.fault import EmbeddedError
from lianyan.settings import make_data_dir

log = logging.getLogger("lianyan.embedded")

PATIENCE = 60.0


class Server:
    """A running database: `own` says that it is this process's child and ends with it."""

    def __init__(self, home: Home, *, own: bool) -> None:
        """Describe the server of `home`."""
        self.home, self.own = home, own
        self.process: Process | None = None

    @property
    def app_url(self) -> str:
        """Return the address for the portal: reads and writes rows, changes no table."""
        return self.home.url("lianyan_app")

    @property
    def owner_url(self) -> str:
        """Return the address for migrations: owns the schema."""
        return self.home.url("lianyan_owner")

    @property
    def pid(self) -> int | None:
        """Return the server's process id, if it is our child."""
        return self.process.pid if self.process else None

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the address of `database` for one of the roles; `postgres` may do anything."""
        return self.home.url(role, database)


@asynccontextmanager
async def postgres(
    data_dir: Path,
    *,
    pg_bin: Path | None = None,
    wal_archive: Path | None = None,
    options: Mapping[str, str] | None = None,
) -> AsyncGenerator[Server]:
    """Give the running database of `data_dir`, started here or by the process that has it already.

    One process at a time is the parent, told by a lock that dies with it; it restarts a server
    that dies. Another gets the same server and leaves it running.
    """
    data_dir = data_dir.resolve()
    with _lock(data_dir) as lock:
        while not locked(lock.fileno()):
            if server := await _running(data_dir, lock.fileno()):
                yield server
                return
        async with _supervised(data_dir, find(pg_bin), wal_archive, options or {}) as server:
            yield server


def _lock(data_dir: Path) -> BinaryIO:
    """Open the file whose lock says who is the parent."""
    try:
        make_data_dir(data_dir)
        return (data_dir / "postgres.lock").open("ab")
    except PermissionError as error:
        raise EmbeddedError(
            f"{data_dir} belongs to another user: run this as that one, or set LIANYAN_DATA_DIR."
        ) from error


def locked(descriptor: int) -> bool:
    """Take the lock of an open file; say whether that was possible."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _running(data_dir: Path, descriptor: int) -> Server | None:
    """Return the server another process runs; None when that process has gone meanwhile."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        home = Home.read(data_dir)
        with contextlib.suppress(*process.NOBODY_YET):
            if home is not None and await process.can_connect(home):
                return Server(home, own=False)
        if locked(descriptor):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return None
        await asyncio.sleep(0.1)
    raise EmbeddedError(
        f"Another process holds {data_dir / 'postgres.lock'} but its database does not answer "
        f"after {PATIENCE:.0f} s: end that process."
    )


@asynccontextmanager
async def _supervised(
    data_dir: Path, binaries: Binaries, wal_archive: Path | None, options: Mapping[str, str]
) -> AsyncGenerator[Server]:
    home = Home.read(data_dir) or Home.make(data_dir)
    account = choose(home.cluster)
    binaries = within_reach(binaries, account)
    await home.initialise(binaries, account)
    await process.clear(home)
    options = {**archive.options(home, account, wal_archive), **options}
    server = Server(home, own=True)
    server.process = await process.start(home, binaries, account, options)
    keeper = asyncio.create_task(_keep(server, binaries, account, options))
    try:
        yield server
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        await process.stop(server.process)


async def _keep(
    server: Server, binaries: Binaries, account: Account, options: Mapping[str, str]
) -> None:
    """Start the server again whenever it ends, at longer and longer intervals."""
    loop, pause = asyncio.get_running_loop(), 0.1
    while server.process is not None:
        began = loop.time()
        status = await server.process.wait()
        pause = 0.1 if loop.time() - began > PATIENCE else min(pause * 2, 10.0)
        log.warning("PostgreSQL ended (status %s); starting it again in %.1f s", status, pause)
        await asyncio.sleep(pause)
        try:
            await process.clear(server.home)
            server.process = await process.start(server.home, binaries, account, options)
        except (EmbeddedError, OSError) as error:
            log.error("PostgreSQL does not start: %s", error)  # noqa: TRY400  the sentence suffices


@contextmanager
def throwaway(parent: Path | None = None) -> Iterator[Path]:
    """Give a data folder for a test: reachable for PostgreSQL's user, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lianyan-", dir=parent))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        home = Home.read(folder)
        shutil.rmtree(folder, ignore_errors=True)
        if home is not None:
            shutil.rmtree(home.cluster, ignore_errors=True)
            shutil.rmtree(home.socket, ignore_errors=True)
