"""Bring the database to the newest revision, once, whoever asks and however many ask at a time."""

import asyncio
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.db import engine_of
from lianyan.institutions import vocabulary
from lianyan.proposals import kept

LOCK = 0x6C69616E  # any number, as long as every process takes the same


def folder() -> Path:
    """Return where the revisions are: packed with the package, or beside it in a checkout."""
    package = Path(str(files("lianyan")))
    packed = package / "_alembic"
    return packed if packed.exists() else package.parent.parent / "alembic"


def config() -> Config:
    """Return alembic's configuration, without any file."""
    found = Config()
    found.set_main_option("script_location", str(folder()).replace("%", "%%"))
    return found


def head() -> str:
    """Return the newest revision."""
    found = ScriptDirectory.from_config(config()).get_current_head()
    if found is None:
        message = f"no revisions in {folder()}"
        raise LookupError(message)
    return found


def upgrade(url: str) -> None:
    """Migrate the database at `url`, as its owner, under a lock: run outside an event loop."""
    asyncio.run(_upgrade(url))


async def _upgrade(url: str) -> None:
    engine = engine_of(url)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK})
            await connection.commit()
            await connection.execute(text("set lock_timeout = '200ms'"))
            await connection.commit()
            await connection.run_sync(_run)
            await connection.commit()
            async with AsyncSession(connection) as session, session.begin():
                await vocabulary.load(session)
                await kept.complete(session)
    finally:
        await engine.dispose()


def _run(connection: Connection) -> None:
    found = config()
    found.attributes["connection"] = connection
    command.upgrade(found, "head")


async def revision(url: str) -> str | None:
    """Return the database's revision, None for one that was never migrated."""
    engine = engine_of(url)
    try:
        async with engine.connect() as connection:
            exists = await connection.scalar(text("select to_regclass('alembic_version')"))
            if exists is None:
                return None
            found: str | None = await connection.scalar(
                text("select version_num from alembic_version")
            )
            return found
    finally:
        await engine.dispose()
