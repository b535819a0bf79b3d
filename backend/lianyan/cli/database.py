"""The database a command works on: the one of the settings, or the embedded one."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from lianyan.cli.fault import Fault
from lianyan.embedded.cluster import Home
from lianyan.settings import PREFIX, Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PATIENCE = 60.0


@asynccontextmanager
async def database(settings: Settings) -> AsyncGenerator[Settings]:
    """Give the settings with the addresses of a database that runs meanwhile."""
    if settings.database_url:
        await answering(settings.database_url)
        yield settings
        return
    from lianyan.embedded import postgres

    async with postgres(
        settings.data_dir, pg_bin=settings.pg_bin, wal_archive=settings.wal_archive
    ) as server:
        yield attached(settings, server.home)


def attached(settings: Settings, home: Home) -> Settings:
    """Return the settings with the addresses of the embedded database."""
    return msgspec.structs.replace(
        settings,
        database_url=home.url("lianyan_app"),
        owner_database_url=home.url("lianyan_owner"),
    )


def at_its_address(settings: Settings) -> Settings:
    """Return the settings with the address the running portal gave itself, if none was set."""
    if f"{PREFIX}PUBLIC_URL" in os.environ:
        return settings
    try:
        found = json.loads((settings.data_dir / "up.json").read_text())["address"]
    except (OSError, ValueError, KeyError):
        return settings
    return msgspec.structs.replace(settings, public_url=found.rstrip("/"))


async def answering(url: str) -> None:
    """Wait until the database answers; a wrong password or name is a Fault at once."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
        ) as e:
            raise Fault(f"The database refuses us: {e}. Correct LIANYAN_DATABASE_URL.") from e
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise Fault(
                    f"The database does not answer ({error}): start it, or correct "
                    "LIANYAN_DATABASE_URL."
                ) from error
            await asyncio.sleep(0.5)
        else:
            await connection.close()
            return


async def revision(url: str) -> str | None:
    """Return the revision the database is at; None before the first."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if not await connection.fetchval("select to_regclass('alembic_version') is not null"):
            return None
        found: str | None = await connection.fetchval("select version_num from alembic_version")
        return found
    finally:
        await connection.close()


def newest() -> str:
    """Return the newest revision's number, told by the file names: alembic takes a second to load."""
    from importlib.resources import files
    from pathlib import Path

    package = Path(str(files("lianyan")))
    for folder in (package / "_alembic", package.parent.parent / "alembic"):
        names = sorted(path.name for path in (folder / "versions").glob("[0-9]*_*.py"))
        if names:
            return names[-1].split("_")[0]
    raise Fault("This installation has no migrations: install it again.")


async def migrate(settings: Settings) -> tuple[str | None, str | None]:
    """Bring the database to the newest revision; return the revisions before and after."""
    url = settings.migration_url
    before = await revision(url)
    if before == newest():
        return before, before
    from lianyan import migrations

    await asyncio.to_thread(migrations.upgrade, url)
    return before, await revision(url)


async def empty(settings: Settings) -> bool:
    """Say whether nobody is in the database yet."""
    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        return not await connection.fetchval("select exists (select from people)")
    finally:
        await connection.close()


@asynccontextmanager
async def session(settings: Settings) -> "AsyncGenerator[AsyncSession]":
    """Give a session whose transaction commits if the block ends well."""
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from lianyan.core.db import create_engine

    engine = create_engine(settings)
    try:
        async with async_sessionmaker(engine, expire_on_commit=False).begin() as opened:
            yield opened
    finally:
        await engine.dispose()
