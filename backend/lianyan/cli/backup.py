"""`lianyan backup`: the whole portal in a folder, while it runs."""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from lianyan.cli import manifest
from lianyan.cli.database import database, revision
from lianyan.cli.dump import dumped
from lianyan.cli.fault import Fault
from lianyan.cli.keys import Key
from lianyan.cli.rows import counted
from lianyan.embedded.basebackup import copied
from lianyan.embedded.binaries import find
from lianyan.embedded.cluster import Home
from lianyan.embedded.fault import FULL, EmbeddedError, is_full
from lianyan.settings import KEY_FILE, PREFIX, Settings

CLUSTER, DUMP, DATA = "cluster", "database.dump", "data"
NOTE = "backup.json"
OTHERS = ("demo.json", "anchors.log")
"""What lies in the data folder beside database and key and belongs to the portal."""


async def backup(settings: Settings, folder: Path, key: Key) -> int:
    """Make a backup in the new folder `folder`; `key` says where the portal's own comes from."""
    began = time.monotonic()
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  `..` and `.` go, links stay
    home = _home(settings)
    _refuse(settings, folder, home)
    async with database(settings) as found:
        with _unfinished(folder) as place:
            made = await _made(found, place, home, key)
            await asyncio.to_thread(manifest.write, place, made)
    with contextlib.suppress(OSError):
        said = {"folder": str(folder), "finished": made.finished.isoformat()}
        (settings.data_dir / NOTE).write_text(json.dumps(said))
    size = sum(kept.size for kept in made.files.values()) / 1e6
    print(
        f"Backup in {folder}: {len(made.rows)} tables, {sum(made.rows.values())} rows, "
        f"{size:.1f} MB, {time.monotonic() - began:.1f} s.\n"
        "It holds passwords, reviews and personal data: keep it as safe as the portal itself."
    )
    if key == "environment":
        print(f"The key is not in it: keep {PREFIX}SECRET_KEY elsewhere, nothing replaces it.")
    return 0


def _home(settings: Settings) -> Home | None:
    """Return the embedded database; None where others run it."""
    if settings.database_url:
        return None
    found = Home.read(settings.data_dir.resolve())
    if found is None:
        raise Fault(
            f"There is no portal in {settings.data_dir.resolve()}: set {PREFIX}DATA_DIR to its "
            f"folder, or {PREFIX}DATABASE_URL to its database."
        )
    return found


def _refuse(settings: Settings, folder: Path, home: Home | None) -> None:
    if folder.is_mount():
        raise Fault(f"{folder} is a whole disk: name a new folder on it.")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Fault(f"{folder} is no folder: name a new one.")
    if folder.exists() and any(folder.iterdir()):
        raise Fault(f"{folder} is not empty, and a backup overwrites nothing: name a new folder.")
    if home is not None and folder.resolve().is_relative_to(home.cluster):
        raise Fault(f"{folder} lies inside the database itself: name a folder outside.")
    if settings.wal_archive and folder.resolve().is_relative_to(settings.wal_archive.resolve()):
        raise Fault(f"{folder} lies inside {PREFIX}WAL_ARCHIVE: name a folder outside.")


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Give the folder a backup is made in; it gets its own name when everything in it is there."""
    place = folder.with_name(f"{folder.name}.unfinished")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(mode=0o700)
    except FileExistsError:
        raise Fault(_occupied(place)) from None
    except OSError as error:
        raise Fault(f"{place} cannot be made ({error.strerror}): choose another place.") from error
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield place
        try:
            place.rename(folder)
        except OSError as error:
            raise Fault(f"{folder} is not empty any more: the backup is {place}.") from error
        manifest.settle(folder.parent)
    except (OSError, EmbeddedError) as error:
        if getattr(error, "errno", 0) in FULL or is_full(str(error)):
            raise Fault(
                f"The disk of {folder} is full. Make room there or choose another; what was "
                f"begun is {place} and may be removed."
            ) from error
        raise Fault(
            f"The backup failed: {error}\nWhat was begun is {place} and may be removed."
        ) from error
    finally:
        os.close(descriptor)


def _occupied(place: Path) -> str:
    with contextlib.suppress(OSError):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"Another backup into {place} is under way: let it end."
        finally:
            os.close(descriptor)
    return f"{place} is there from a backup that did not finish: remove it, or name another folder."


async def _made(settings: Settings, place: Path, home: Home | None, key: Key) -> manifest.Manifest:
    started = datetime.now(UTC)
    at = await revision(settings.migration_url)
    if at is None:
        raise Fault("The database has no tables yet: start the portal first.")
    mark = _keep(settings, place / DATA, home, key)
    async with _copy(settings, place, home) as (point, connection):
        rows = await counted(connection)
        version = await connection.fetchval("show server_version")
        at = await connection.fetchval("select version_num from alembic_version")
    folders, files = await asyncio.to_thread(manifest.listed, place)
    return manifest.Manifest(
        kind="cluster" if home else "dump",
        revision=at,
        postgres=version,
        started=started,
        finished=datetime.now(UTC),
        point=point,
        archive=home.archive if home else "",
        key="environment" if key == "environment" else "file",
        key_mark=mark,
        rows=rows,
        folders=folders,
        files=files,
    )


@asynccontextmanager
async def _copy(
    settings: Settings, place: Path, home: Home | None
) -> AsyncGenerator[tuple[manifest.Point | None, "asyncpg.Connection[asyncpg.Record]"]]:
    """Copy the database and give a connection that sees the very rows that are in the copy."""
    binaries = find(settings.pg_bin)
    if home is None:
        async with dumped(binaries, settings.migration_url, place / DUMP) as connection:
            yield None, connection
        return
    await _room(home, place)
    async with copied(home, binaries, place / CLUSTER) as (point, connection):
        yield manifest.Point(*point), connection


async def _room(home: Home, place: Path) -> None:
    """Refuse to begin what will not fit, before the disk is full of it."""
    connection = await asyncpg.connect(home.url("postgres"), timeout=10)
    try:
        needed: Any = await connection.fetchval(
            "select (select sum(pg_database_size(oid)) from pg_database)"
            " + (select sum(size) from pg_ls_waldir())"
        )
    finally:
        await connection.close()
    free = shutil.disk_usage(place).free
    if free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _keep(settings: Settings, data: Path, home: Home | None, key: Key) -> str:
    """Copy what the data folder holds and the database cannot replace; return the key's mark."""
    if key == "none":
        raise Fault(
            f"The portal's key is not in {settings.data_dir.resolve()}, and without it a backup is "
            f"of no use: set {PREFIX}DATA_DIR to the folder with {KEY_FILE}, or {PREFIX}SECRET_KEY."
        )
    data.mkdir(mode=0o700)
    names = list(OTHERS)
    if key == "file":
        names.append(KEY_FILE)
    if home is not None:
        names.append("database.json")
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            manifest.put(data / name, (settings.data_dir / name).read_bytes())
    manifest.settle(data)
    return manifest.mark_of(settings.secret_key)
