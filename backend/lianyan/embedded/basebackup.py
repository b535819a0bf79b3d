"""A copy of the running cluster, and the moment it is a copy of."""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from lianyan.embedded.binaries import Binaries
from lianyan.embedded.cluster import PORT, Home
from lianyan.embedded.fault import EmbeddedError
from lianyan.embedded.programs import run

TRIES = 200
TABLES = (
    "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables "
    "where schemaname = 'public'"
)


class Point(NamedTuple):
    """A moment in the log: its name there, its place, its time by the database's clock."""

    name: str
    lsn: str
    at: datetime


@asynccontextmanager
async def copied(
    home: Home, binaries: Binaries, target: Path
) -> AsyncGenerator[tuple[Point, "asyncpg.Connection[asyncpg.Record]"]]:
    """Copy the running cluster to the new folder `target`, with its log up to one moment.

    Given are that moment and a connection that sees the rows of exactly that moment; the copy comes
    back to it when its recovery has the point's name as target.
    """
    holder = await asyncpg.connect(home.url("postgres"), timeout=10)
    reader = await asyncpg.connect(home.url("postgres"), timeout=10)
    try:
        # While this session lasts, no log is thrown away that is not in the copy yet.
        slot = f"lianyan_{secrets.token_hex(6)}"
        await holder.execute("select pg_create_physical_replication_slot($1, true, true)", slot)
        await run(
            binaries,
            "pg_basebackup",
            *("--pgdata", target, "--wal-method=stream", "--checkpoint=fast"),
            *("--manifest-checksums=SHA256", "--no-password"),
            *("--host", home.socket, "--port", str(PORT), "--username", "postgres"),
            password=home.passwords["postgres"],
        )
        await run(binaries, "pg_verifybackup", "--exit-on-error", "--quiet", target)
        point = await _still(holder, reader, slot.replace("_", "-"))
        await _log(holder, target, point)
        yield point, reader
    finally:
        await reader.close()
        await holder.close()


async def _still(
    holder: "asyncpg.Connection[asyncpg.Record]",
    reader: "asyncpg.Connection[asyncpg.Record]",
    name: str,
) -> Point:
    """Hold all writers for an instant, name that instant in the log, and let `reader` see it."""
    # Whoever waits for whom in a circle, it is this session that gives way; a vacuum gives way to it.
    await holder.execute("set lock_timeout = '300ms'; set deadlock_timeout = '100ms'")
    for _ in range(TRIES):
        # A query of its own would fix what `holder` sees before it has the locks.
        tables = await reader.fetchval(TABLES)
        transaction = holder.transaction(isolation="repeatable_read")
        await transaction.start()
        try:
            await holder.execute(f"lock table {tables} in share mode")
        except (
            asyncpg.LockNotAvailableError,
            asyncpg.DeadlockDetectedError,
            asyncpg.UndefinedTableError,
        ):
            await transaction.rollback()
            await asyncio.sleep(0.1)
            continue
        seen = await holder.fetchval("select pg_export_snapshot()")
        await reader.execute("begin isolation level repeatable read read only")
        await reader.execute(f"set transaction snapshot '{seen}'")
        row: Any = await holder.fetchrow(
            "select pg_create_restore_point($1)::text, clock_timestamp()", name
        )
        await transaction.rollback()
        return Point(name, row[0], row[1])
    raise EmbeddedError(
        "Somebody holds a table of the portal for long (a migration?): try again when that is over."
    )


async def _log(
    connection: "asyncpg.Connection[asyncpg.Record]", target: Path, point: Point
) -> None:
    """Add the log between the end of the copying and `point` to the copy."""
    # What `point` lies in is whole from then on.
    await connection.execute("select pg_switch_wal()")
    ranges = json.loads((target / "backup_manifest").read_text())["WAL-Ranges"]
    rows = await connection.fetch(
        "select pg_walfile_name($1::text::pg_lsn + 1 + (n * size.bytes)::numeric) as name "
        "from (select setting::bigint as bytes from pg_settings where name = 'wal_segment_size') size,"
        " generate_series(0, ceil(($2::text::pg_lsn - $1::text::pg_lsn) / size.bytes)::bigint) n",
        ranges[-1]["End-LSN"],
        point.lsn,
    )
    last = await connection.fetchval("select pg_walfile_name($1::text::pg_lsn)", point.lsn)
    for name in sorted({row["name"] for row in rows}):
        kept = target / "pg_wal" / name
        if name <= last and not kept.exists():
            content = await connection.fetchval("select pg_read_binary_file($1)", f"pg_wal/{name}")
            with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
