"""A dump of a database that others run, and its way back."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from lianyan.embedded.binaries import Binaries
from lianyan.embedded.programs import run


@asynccontextmanager
async def dumped(
    binaries: Binaries, url: str, target: Path
) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record]"]:
    """Write a dump to `target`; give a connection that sees the very rows that are in it."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("begin isolation level repeatable read read only")
        seen: str = await connection.fetchval("select pg_export_snapshot()")
        address, password = apart(url)
        await run(
            binaries,
            "pg_dump",
            *("--format=custom", f"--snapshot={seen}", "--no-password", "--file", target),
            *("--dbname", address),
            password=password,
        )
        yield connection
    finally:
        await connection.close()


async def loaded(binaries: Binaries, url: str, source: Path) -> None:
    """Fill an empty database from a dump: whole or not at all."""
    address, password = apart(url)
    await run(
        binaries,
        "pg_restore",
        *("--single-transaction", "--exit-on-error", "--no-owner", "--no-password"),
        *("--dbname", address, source),
        password=password,
    )


def apart(url: str) -> tuple[str, str | None]:
    """Return an address without its password, which everybody on the machine could read, and that."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    user, _, host = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=f"{user.partition(':')[0]}@{host}").geturl()
    return bare, unquote(parts.password)
