"""What `lianyan doctor` looks at in the database."""

import time
from datetime import UTC, datetime

import asyncpg

from lianyan.cli.database import newest, revision, session
from lianyan.cli.finding import Finding
from lianyan.settings import Settings

MAJOR = 18
SKEW = 2.0
ALIVE = 30
OVERDUE = 600
"""So many seconds after its time a job should have been done: the worker looks each second."""
SEALS = 500
"""So many of the newest seals are read; `lianyan audit verify` reads them all."""
UNSEALED = 600

Connection = asyncpg.Connection


async def version(_: Settings, connection: Connection) -> Finding:
    """Look at the server's version."""
    said: str = await connection.fetchval("show server_version")
    well = int(said.split(".", maxsplit=1)[0].split(" ", maxsplit=1)[0]) == MAJOR
    remedy = "" if well else f"Lianyan needs PostgreSQL {MAJOR}: dump, move and restore (pg_dump)."
    return Finding("version", f"PostgreSQL {said}", remedy)


async def ctype(_: Settings, connection: Connection) -> Finding:
    """Look whether Chinese signs are letters to the database: searches depend on it."""
    row = await connection.fetchrow(
        "select '科' ~ '^[[:alpha:]]$' as letter, lower('Ä') = 'ä' as lowered,"
        " current_setting('server_encoding') as encoding,"
        " (select datctype from pg_database where datname = current_database()) as ctype"
    )
    assert row  # noqa: S101  one row always
    well = row["letter"] and row["lowered"] and row["encoding"] == "UTF8"
    return Finding(
        "ctype",
        f"text in {row['encoding']}, ctype {row['ctype']}",
        ""
        if well
        else "Chinese is no text to this database, and searches would find nothing: make it anew "
        "with --encoding=UTF8 --lc-ctype=C.UTF-8 and restore a dump into it.",
    )


async def migrations(settings: Settings, _: Connection) -> Finding:
    """Look whether the tables are those this version needs."""
    at, head = await revision(settings.database_url), newest()
    if at is not None and at > head:
        remedy = f"They are newer than this version, which knows {head}: install the newer one."
    else:
        remedy = "" if at == head else f"Run `lianyan migrate` (to {head})."
    return Finding("migrations", f"tables at {at}", remedy)


async def clock(_: Settings, connection: Connection) -> Finding:
    """Look how far this machine's clock is from the database's, by which deadlines are judged."""
    before = time.time()
    there: datetime = await connection.fetchval("select clock_timestamp()")
    here = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    skew = abs((there - here).total_seconds())
    return Finding(
        "clock",
        f"the clocks differ by {skew:.1f} s",
        "" if skew < SKEW else "Set both machines' clocks by one source (chrony, ntp).",
    )


async def worker(_: Settings, connection: Connection) -> Finding:
    """Look whether a worker lives."""
    ago = await connection.fetchval(
        "select extract(epoch from clock_timestamp() - max(seen_at))::float from workers"
    )
    if ago is None or ago > ALIVE:
        remedy = "Start `lianyan up`, or `lianyan work` beside the server."
        return Finding("worker", "no worker is alive", remedy)
    return Finding("worker", f"a worker was alive {ago:.0f} s ago")


async def jobs(_: Settings, connection: Connection) -> Finding:
    """Look whether any job was given up, or waits for too long."""
    row = await connection.fetchrow(
        "select count(*) filter (where failed_at is not null) as failed,"
        " max(extract(epoch from clock_timestamp() - run_at))"
        "   filter (where failed_at is null)::float as late from jobs"
    )
    assert row  # noqa: S101  an aggregate always gives one row
    if row["failed"]:
        remedy = "See `select * from jobs where failed_at is not null` and the worker's log."
        return Finding("jobs", f"{row['failed']} jobs were given up", remedy)
    if (row["late"] or 0) > OVERDUE:
        remedy = "Start another worker, or see in the worker's log what keeps it."
        return Finding("jobs", f"a job waits since {row['late'] / 60:.0f} minutes", remedy)
    return Finding("jobs", "no job was given up or waits")


async def seals(settings: Settings, connection: Connection) -> Finding:
    """Look whether what happened is as it was sealed, and whether sealing goes on."""
    from lianyan.core import anchors
    from lianyan.core.verification import verify

    path = settings.data_dir / anchors.FILE
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    kept, _ = anchors.read(lines[-SEALS:])
    verdict = await verify(connection, last=SEALS, anchors=kept)
    if verdict.faults:
        first = verdict.faults[0]
        return Finding(
            "seals",
            f"the log of events is not as it was sealed: {first.words}",
            "Somebody changed it past the portal. Keep this machine and its newest backup as they "
            "are and run `lianyan audit verify`, which names everything that differs.",
        )
    if verdict.oldest_unsealed_seconds > UNSEALED:
        return Finding(
            "seals",
            f"{verdict.unsealed} events, the oldest {verdict.oldest_unsealed_seconds / 60:.0f} "
            "minutes old, are not sealed",
            "The worker seals each minute: start it, or see in its log why it does not.",
        )
    return Finding("seals", f"{verdict.seals} seals over {verdict.events} events are whole")


async def administrators(_: Settings, connection: Connection) -> Finding:
    """Look whether the three administrators are three people."""
    from lianyan.identity.heirs import HEIRS, undivided

    missing = await undivided(connection)
    if missing and not all(role in HEIRS for role in missing):
        remedy = "Make one: `lianyan admin invite --name … --institution …`."
        return Finding("administrators", "nobody is administrator", remedy)
    if missing:
        return Finding(
            "administrators",
            "三员未分立: the three administrators are not three people",
            note=f"Allowed in a small consortium: the administrator is {' and '.join(missing)} too. "
            "Level 3 protection (等保三级) asks for three people.",
        )
    return Finding("administrators", "三员分立: the three administrators are three people")


async def access(settings: Settings) -> Finding:
    """Recompute who may see which proposal and compare."""
    from sqlalchemy.exc import DBAPIError

    from lianyan.proposals.access import differences

    try:
        async with session(settings) as opened:
            found = await differences(opened)
    except DBAPIError as error:
        what = f"access: the database answers with an error ({error.orig})"
        return Finding("access", what, "Run `lianyan migrate`, then this once more.")
    remedy = (
        "A command forgot to keep who sees what: report it with this output; until then "
        f"{len(found)} rows let somebody see too much or too little."
    )
    return Finding(
        "access",
        f"rights differ in {len(found)} rows" if found else "rights as recomputed",
        remedy if found else "",
    )
