"""A cluster that comes back from a copy, into a data folder that has none."""

import asyncio
import os
import re
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from lianyan.embedded import archive, process
from lianyan.embedded.account import Account, choose
from lianyan.embedded.binaries import Binaries, find, within_reach
from lianyan.embedded.cluster import UNFINISHED, Home
from lianyan.embedded.fault import EmbeddedError
from lianyan.embedded.supervisor import Server, locked
from lianyan.settings import make_data_dir

NOTHING = {"postgres.lock", "postgres.log", "up.lock"}
"""What a data folder may hold and still be empty: nothing of it is anybody's work."""

TOO_SHORT = "recovery ended before configured recovery target was reached"
REACHED = re.compile(r"last completed transaction was at log time (.+)")


class TooShort(EmbeddedError):
    """The log ends before the moment asked for; `reached` is the time of its last change, if told."""

    def __init__(self, reached: str | None) -> None:
        """Take how far the log goes."""
        super().__init__(f"the log ends at {reached}")
        self.reached = reached


def holdings(data_dir: Path) -> list[str]:
    """Return the names of what `data_dir` holds: nothing where a portal can come back into it."""
    if not data_dir.exists():
        return []
    return sorted(path.name for path in data_dir.iterdir() if path.name not in NOTHING)


@asynccontextmanager
async def recovered(
    data_dir: Path,
    fill: Callable[[Path], None],
    passwords: Mapping[str, str],
    *,
    source: Path | None,
    target: Mapping[str, str],
    pg_bin: Path | None = None,
    wal_archive: Path | None = None,
) -> AsyncGenerator[Server]:
    """Give the running database that `fill` put down as a copy, brought to `target`.

    `source` is the folder more of its log comes from. If the block ends well the database belongs
    to `data_dir` from then on; else all of it is taken away again.
    """
    data_dir = data_dir.resolve()
    make_data_dir(data_dir)
    with (data_dir / "postgres.lock").open("ab") as lock:
        if not locked(lock.fileno()):
            raise EmbeddedError(f"Another process works in {data_dir}: let it end, or end it.")
        if found := holdings(data_dir):
            raise EmbeddedError(f"{data_dir} is not empty (it holds {found[0]}).")
        home, account = Home.plan(data_dir, dict(passwords)), choose()
        if source is not None:
            archive.check_readable(source, account)
        note = data_dir / UNFINISHED
        note.write_text(f"{home.cluster}\n")
        try:
            await _place(home, account, fill)
            options = {
                **archive.options(home, account, wal_archive),
                "restore_command": archive.fetch(source) if source else "false",
                # Nobody is let in before the target is reached and the copy is a server of its own.
                "hot_standby": "off",
                "recovery_target_action": "promote",
                **target,
            }
            server = Server(home, own=True)
            binaries = within_reach(find(pg_bin), account)
            server.process = await _start(home, account, options, binaries)
            try:
                yield server
            finally:
                await process.stop(server.process)
            home.write()
            note.unlink()
        except BaseException:
            _remove(home, wal_archive)
            note.unlink(missing_ok=True)
            raise


async def _place(home: Home, account: Account, fill: Callable[[Path], None]) -> None:
    home.cluster.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    await asyncio.to_thread(fill, home.cluster)
    (home.cluster / "recovery.signal").touch(0o600)
    for folder, _, files in os.walk(home.cluster):
        account.own(Path(folder))
        for name in files:
            account.own(Path(folder) / name)


async def _start(
    home: Home, account: Account, options: Mapping[str, str], binaries: Binaries
) -> Process:
    """Start the server and return it at the end of its recovery."""
    log = home.data_dir / "postgres.log"
    before = log.stat().st_size if log.exists() else 0
    try:
        return await process.start(home, binaries, account, options)
    except EmbeddedError:
        with log.open("rb") as file:
            file.seek(before)
            said = file.read().decode(errors="replace")
        if TOO_SHORT in said:
            reached = REACHED.findall(said)
            raise TooShort(reached[-1].strip() if reached else None) from None
        raise


def _remove(home: Home, wal_archive: Path | None) -> None:
    for folder in (home.cluster, home.socket):
        shutil.rmtree(folder, ignore_errors=True)
    if wal_archive is not None:
        shutil.rmtree(wal_archive / home.archive, ignore_errors=True)
