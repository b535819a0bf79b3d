"""`lianyan restore`: a backup becomes a portal again, in an empty place."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg

from lianyan import __version__
from lianyan.cli import manifest
from lianyan.cli.backup import CLUSTER, DATA, DUMP, OTHERS
from lianyan.cli.database import answering, newest
from lianyan.cli.dump import loaded
from lianyan.cli.fault import Fault
from lianyan.cli.keys import Key
from lianyan.cli.manifest import Manifest
from lianyan.cli.rows import counted, differences
from lianyan.embedded.binaries import MAJOR, find
from lianyan.embedded.recovery import TooShort, holdings, recovered
from lianyan.settings import KEY_FILE, PREFIX, Settings, make_data_dir

LATEST = "latest"


async def restore(settings: Settings, folder: Path, key: Key, until: str | None) -> int:
    """Bring the backup in `folder` back; `until` names a later moment, or the latest there is."""
    folder = folder.resolve()
    found = await asyncio.to_thread(manifest.read, folder)
    moment = _moment(settings, found, until)
    _fits(settings, folder, found, key)
    await _empty(settings, found)
    print(f"Checking {len(found.files)} files …", flush=True)
    await asyncio.to_thread(manifest.check, folder, found)
    if found.kind == "dump":
        await _dump(settings, folder, found)
    else:
        await _cluster(settings, folder, found, moment)
    _next(settings, found)
    return 0


def _moment(settings: Settings, found: Manifest, until: str | None) -> datetime | str | None:
    """Return the moment asked for, once it is one that this backup can lead to."""
    if until is None:
        return None
    if found.kind == "dump" or found.point is None:
        raise Fault(
            "This backup is a dump: it comes back as it is, and --until needs a copy of the "
            "embedded database. Ask those who run the database for an earlier moment."
        )
    if settings.wal_archive is None:
        raise Fault(f"--until needs the log: set {PREFIX}WAL_ARCHIVE to the folder that keeps it.")
    if until == LATEST:
        return LATEST
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise Fault(
            f"{until!r} is no moment: write it as 2026-11-25T10:00:00+08:00, or `{LATEST}`."
        ) from None
    if moment.tzinfo is None:
        raise Fault(f"{until} has no zone: write {until}+08:00 for Beijing time.")
    if moment < found.point.at:
        raise Fault(
            f"This backup was complete at {_local(found.point.at, moment)} and leads to no earlier "
            "moment: take an older backup."
        )
    return moment


def _local(instant: datetime, like: datetime) -> str:
    return instant.astimezone(like.tzinfo).isoformat(timespec="seconds")


def _fits(settings: Settings, folder: Path, found: Manifest, key: Key) -> None:
    """Refuse a backup that this version, these programs or this key cannot bring back."""
    if _numbers(found.portal) > _numbers(__version__) or found.revision > newest():
        raise Fault(
            f"Lianyan {found.portal} made this backup (tables at {found.revision}); this is "
            f"{__version__} (tables at {newest()}). Install that version and restore with it."
        )
    major = int(found.postgres.split(".", maxsplit=1)[0])
    if found.kind == "cluster" and major != MAJOR:
        raise Fault(
            f"This backup is a copy for PostgreSQL {major}, and Lianyan {__version__} needs {MAJOR}. "
            "Restore it with the version that made it, and upgrade from there."
        )
    if bool(settings.database_url) is (found.kind == "cluster"):
        raise Fault(
            f"This backup is of the embedded database: unset {PREFIX}DATABASE_URL to restore it."
            if found.kind == "cluster"
            else f"This backup is a dump: set {PREFIX}DATABASE_URL to an empty database for it."
        )
    if found.key == "file" and key == "none":
        return
    if key == "none":
        raise Fault(f"The portal's key is not in this backup: set {PREFIX}SECRET_KEY to it.")
    if manifest.mark_of(settings.secret_key) != found.key_mark:
        where = (
            f"{PREFIX}SECRET_KEY"
            if key == "environment"
            else f"The key in {settings.data_dir.resolve() / KEY_FILE}"
        )
        raise Fault(
            f"{where} is not the key {folder} was made with, and what it locked would stay locked: "
            "set the right one" + ("." if found.key == "environment" else ", or take it away.")
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


async def _empty(settings: Settings, found: Manifest) -> None:
    """Refuse a place where something is already."""
    if found.kind == "cluster":
        if there := holdings(settings.data_dir):
            raise Fault(
                f"{settings.data_dir.resolve()} is not empty (it holds {there[0]}), and a restore "
                f"overwrites nothing: set {PREFIX}DATA_DIR to a new folder."
            )
        return
    await answering(settings.migration_url)
    connection = await asyncpg.connect(settings.migration_url, timeout=10)
    try:
        table = await connection.fetchval(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema') limit 1"
        )
        app = await connection.fetchval(
            "select exists (select from pg_roles where rolname = 'lianyan_app')"
        )
    finally:
        await connection.close()
    if table:
        raise Fault(
            f"The database is not empty (it holds {table}), and a restore overwrites nothing: "
            f"make a new one and name it in {PREFIX}DATABASE_URL."
        )
    if not app:
        raise Fault(
            "The server has no role lianyan_app, which the portal runs as: make it "
            "(create role lianyan_app login password '…')."
        )


async def _dump(settings: Settings, folder: Path, found: Manifest) -> None:
    await loaded(find(settings.pg_bin), settings.migration_url, folder / DUMP)
    connection = await asyncpg.connect(settings.migration_url, timeout=10)
    try:
        _compare(found, await counted(connection))
    finally:
        await connection.close()
    make_data_dir(settings.data_dir)
    _keep(settings, folder, found)


async def _cluster(
    settings: Settings, folder: Path, found: Manifest, moment: datetime | str | None
) -> None:
    passwords = json.loads((folder / DATA / "database.json").read_text())
    root = settings.wal_archive
    source = root.resolve() / found.archive if root is not None and moment else None
    with _in_words(moment, source):
        async with recovered(
            settings.data_dir,
            partial(_fill, folder, found),
            {role: passwords[role] for role in ("postgres", "lianyan_owner", "lianyan_app")},
            source=source,
            target=_target(found, moment),
            pg_bin=settings.pg_bin,
            wal_archive=settings.wal_archive,
        ) as server:
            connection = await asyncpg.connect(server.url("postgres"), timeout=10)
            try:
                there = await counted(connection)
            finally:
                await connection.close()
            if moment is None:
                _compare(found, there)
            else:
                _tell(found, there)
            _keep(settings, folder, found)


def _target(found: Manifest, moment: datetime | str | None) -> dict[str, str]:
    if isinstance(moment, datetime):
        return {"recovery_target_time": moment.astimezone(UTC).isoformat(sep=" ")}
    if moment is None and found.point is not None:
        return {"recovery_target_name": found.point.name}
    return {}


@contextmanager
def _in_words(moment: datetime | str | None, source: Path | None) -> Iterator[None]:
    try:
        yield
    except TooShort as error:
        if not isinstance(moment, datetime):
            raise Fault("The copy's own log is not whole: take another backup.") from error
        last = error.reached
        reached = datetime.fromisoformat(last.replace("+00", "+00:00")) if last else None
        goes = (
            f"its last change is of {_local(reached, moment)}"
            if reached
            else "it adds nothing to this backup"
        )
        raise Fault(
            f"The log in {source} ends before {moment.isoformat()}: {goes}. Nothing was restored; "
            f"take that moment, or `--until {LATEST}` for everything there is."
        ) from error


def _fill(folder: Path, found: Manifest, target: Path) -> None:
    """Put the copy of the cluster down at `target`."""
    target.mkdir(mode=0o700)
    for name in found.folders:
        if name.startswith(f"{CLUSTER}/"):
            (target / name.removeprefix(f"{CLUSTER}/")).mkdir(mode=0o700)
    for name, kept in found.files.items():
        if name.startswith(f"{CLUSTER}/"):
            manifest.copy(folder / name, kept, target / name.removeprefix(f"{CLUSTER}/"))


def _keep(settings: Settings, folder: Path, found: Manifest) -> None:
    """Put the key and what else lay in the data folder back; the passwords have been taken over."""
    for name in (KEY_FILE, *OTHERS):
        kept = found.files.get(f"{DATA}/{name}")
        if kept is not None and not (settings.data_dir / name).exists():
            manifest.put(settings.data_dir / name, (folder / DATA / name).read_bytes())


def _compare(found: Manifest, there: dict[str, int]) -> None:
    if differing := differences(found.rows, there):
        lines = "\n  ".join(differing)
        raise Fault(f"The rows are not those of the backup; take another one.\n  {lines}")
    print(f"Restored: {len(there)} tables, {sum(there.values())} rows, as in the backup.")


def _tell(found: Manifest, there: dict[str, int]) -> None:
    print(f"Restored: {len(there)} tables, {sum(there.values())} rows. Since the backup:")
    for line in differences(found.rows, there) or ["nothing has changed"]:
        print(f"  {line}")


def _next(settings: Settings, found: Manifest) -> None:
    old = found.revision != newest()
    if settings.database_url:
        first = "Run `lianyan migrate`, then s" if old else "S"
        print(f"{first}tart the portal on this database.")
    else:
        print(
            f"Now: LIANYAN_DATA_DIR={settings.data_dir.resolve()} lianyan up"
            + (f" (it migrates the tables from {found.revision} to {newest()})" if old else "")
        )
    if settings.wal_archive:
        print("Make a backup soon: the log kept from here on belongs to the restored database.")
