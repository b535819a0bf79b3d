"""How much each table holds."""

import asyncpg

TABLES = "select tablename from pg_tables where schemaname = 'public' order by tablename"


async def counted(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    """Return the rows of each table, as the connection sees them."""
    names = [row[0] for row in await connection.fetch(TABLES)]
    return {
        name: await connection.fetchval(f'select count(*) from "{name}"', timeout=3600)
        for name in names
    }


def differences(wanted: dict[str, int], there: dict[str, int]) -> list[str]:
    """Return a line for each table that holds another number of rows than it should."""
    return [
        f"{name}: {there.get(name, 'no table')} instead of {wanted.get(name, 'no table')}"
        for name in sorted(wanted.keys() | there.keys())
        if wanted.get(name) != there.get(name)
    ]
