"""`lianyan doctor`: is this portal well, and what helps if not."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg

from lianyan.cli import inside, outside
from lianyan.cli.database import database
from lianyan.cli.finding import Finding
from lianyan.cli.keys import Key
from lianyan.embedded.cluster import Home
from lianyan.embedded.fault import EmbeddedError
from lianyan.settings import PREFIX, Settings

Check = Callable[[Settings, "asyncpg.Connection[asyncpg.Record]"], Awaitable[Finding]]

CHECKS: tuple[Check, ...] = (
    inside.version,
    inside.ctype,
    inside.migrations,
    inside.clock,
    inside.worker,
    inside.jobs,
    inside.seals,
    inside.administrators,
    outside.archive,
)


async def doctor(settings: Settings, key: Key, *, as_json: bool = False) -> int:
    """Run every check, print what it saw; return 1 if anything needs a remedy."""
    unwell, told = 0, []
    async for finding in _all(settings, key):
        unwell += bool(finding.remedy)
        if as_json:
            told.append({**finding._asdict(), "well": not finding.remedy})
            continue
        print(f"{_mark(finding)} {finding.what}")
        for line in filter(None, (finding.remedy, finding.note)):
            print(f"    {line}")
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        print("All is well." if not unwell else f"{unwell} to mend.")
    return 1 if unwell else 0


def _mark(finding: Finding) -> str:
    if finding.remedy:
        return "✗"
    return "·" if finding.note else "✓"


async def _all(settings: Settings, key: Key) -> AsyncIterator[Finding]:
    if not settings.database_url and Home.read(settings.data_dir.resolve()) is None:
        yield Finding(
            "portal",
            f"there is no portal in {settings.data_dir.resolve()}",
            f"Start it (`lianyan up`), or set {PREFIX}DATA_DIR or {PREFIX}DATABASE_URL to it.",
        )
        return
    yield outside.key(settings, key)
    try:
        async with database(settings) as found:
            async for finding in examine(found):
                yield finding
    except EmbeddedError as error:
        yield Finding("database", "the database does not run", str(error))


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Give the finding of each check in turn."""
    yield outside.folder(settings)
    yield outside.storage(settings)
    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        for check in CHECKS:
            yield await _tried(check, settings, connection)
        providers = await outside.providers(settings, connection)
    finally:
        await connection.close()
    for finding in providers:
        yield finding
    yield outside.saved(settings)
    yield outside.mail(settings)
    yield await inside.access(settings)


async def _tried(
    check: Check, settings: Settings, connection: "asyncpg.Connection[asyncpg.Record]"
) -> Finding:
    """Return what a check saw; one that cannot look says so, and the others still do."""
    name = check.__name__
    try:
        return await check(settings, connection)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        return Finding(name, f"{name}: the tables are too old to look", "Run `lianyan migrate`.")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        remedy = "See the database's log; when it is well again, run this once more."
        return Finding(name, f"{name}: the database answers with an error ({error})", remedy)
