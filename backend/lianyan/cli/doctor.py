"""`lianyan doctor`: is this portal well, and what helps if not."""

import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from lianyan.cli.database import database, newest, revision, session
from lianyan.settings import PREFIX, Settings

MAJOR = 18
LEAST_SPACE = 1_000_000_000
SKEW = 2.0
ALIVE = 30


class Finding(NamedTuple):
    """What one check saw: `remedy` is empty where all is well."""

    what: str
    remedy: str = ""


Check = Callable[[Settings, "asyncpg.Connection[asyncpg.Record]"], Awaitable[Finding]]


async def doctor(settings: Settings) -> int:
    """Run every check, print what it saw; return 1 if anything needs a remedy."""
    unwell = 0
    async with database(settings) as found:
        async for finding in examine(found):
            mark = "✗" if finding.remedy else "✓"
            print(f"{mark} {finding.what}" + (f"\n    {finding.remedy}" if finding.remedy else ""))
            unwell += bool(finding.remedy)
    print("All is well." if not unwell else f"{unwell} to mend.")
    return 1 if unwell else 0


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Give the finding of each check in turn."""
    yield folder(settings)
    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        for check in CHECKS:
            yield await check(settings, connection)
    finally:
        await connection.close()
    yield await access(settings)


def folder(settings: Settings) -> Finding:
    """Look at the data folder: written to, and room left."""
    path = settings.data_dir.resolve()
    if not os.access(path, os.W_OK):
        return Finding(
            f"{path} cannot be written", f"Give it to this user, or set {PREFIX}DATA_DIR."
        )
    free = shutil.disk_usage(path).free
    what = f"{path}: {free / 1e9:.1f} GB free"
    return Finding(what, "" if free > LEAST_SPACE else "Make room on this disk: 1 GB at least.")


async def version(_: Settings, connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    """Look at the server's version."""
    said: str = await connection.fetchval("show server_version")
    well = int(said.split(".", maxsplit=1)[0].split(" ", maxsplit=1)[0]) == MAJOR
    return Finding(f"PostgreSQL {said}", "" if well else f"Lianyan needs PostgreSQL {MAJOR}.")


async def ctype(_: Settings, connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    """Look whether Chinese signs are letters to the database: searches depend on it."""
    row = await connection.fetchrow(
        "select '科' ~ '^[[:alpha:]]$' as letter, lower('Ä') = 'ä' as lowered,"
        " current_setting('server_encoding') as encoding,"
        " (select datctype from pg_database where datname = current_database()) as ctype"
    )
    assert row  # noqa: S101  one row always
    well = row["letter"] and row["lowered"] and row["encoding"] == "UTF8"
    return Finding(
        f"text in {row['encoding']}, ctype {row['ctype']}",
        ""
        if well
        else "Chinese is no text to this database, and searches would find nothing: make it anew "
        "with --encoding=UTF8 --lc-ctype=C.UTF-8 and restore a dump into it.",
    )


async def migrations(settings: Settings, _: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    """Look whether the tables are those this version needs."""
    at, head = await revision(settings.database_url), newest()
    return Finding(f"tables at {at}", "" if at == head else f"Run `lianyan migrate` (to {head}).")


async def clock(_: Settings, connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    """Look how far this machine's clock is from the database's, by which deadlines are judged."""
    before = time.time()
    there: datetime = await connection.fetchval("select clock_timestamp()")
    here = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    skew = abs((there - here).total_seconds())
    return Finding(
        f"the clocks differ by {skew:.1f} s",
        "" if skew < SKEW else "Set both machines' clocks by one source (chrony, ntp).",
    )


async def worker(_: Settings, connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    """Look whether a worker lives, and whether it gave anything up."""
    try:
        row = await connection.fetchrow(
            "select extract(epoch from now() - max(seen_at))::float as ago,"
            " (select count(*) from jobs where failed_at is not null) as failed from workers"
        )
    except asyncpg.UndefinedTableError:
        return Finding("no worker yet", "Run `lianyan migrate`.")
    assert row  # noqa: S101  an aggregate always gives one row
    if row["failed"]:
        return Finding(
            f"{row['failed']} jobs were given up",
            "See `select * from jobs where failed_at is not null`.",
        )
    if row["ago"] is None or row["ago"] > ALIVE:
        return Finding(
            "no worker is alive", "Start `lianyan up`, or `lianyan work` beside the server."
        )
    return Finding(f"a worker was alive {row['ago']:.0f} s ago")


async def access(settings: Settings) -> Finding:
    """Recompute who may see which proposal and compare."""
    from lianyan.proposals.access import differences

    async with session(settings) as opened:
        found = await differences(opened)
    remedy = "Report this with the lines above: a command forgot to keep the access relation."
    return Finding(
        f"rights differ in {len(found)} rows" if found else "rights as recomputed",
        remedy if found else "",
    )


CHECKS: list[Check] = [version, ctype, migrations, clock, worker]
