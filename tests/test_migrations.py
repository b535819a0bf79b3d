"""The migrations make exactly the tables that the models describe, and can be taken back and made again."""

import asyncio

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from conftest import cloned
from lianyan.core.db import engine_of
from lianyan.migrations import config, upgrade
from lianyan.models import metadata

FIRST_OF_THIS_RELEASE = "0006"


def differences(connection):
    """Return what alembic would change to make the database what the models say."""
    return compare_metadata(MigrationContext.configure(connection), metadata)


def take_back(connection):
    found = config()
    found.attributes["connection"] = connection
    command.downgrade(found, FIRST_OF_THIS_RELEASE)


async def test_the_models_describe_what_the_migrations_make(server, template):
    async with cloned(server, template) as name:
        url = server.of("owner", name)
        engine = engine_of(url)
        try:
            async with engine.connect() as connection:
                assert await connection.run_sync(differences) == []
                await connection.rollback()
                await connection.run_sync(take_back)
                await connection.commit()
                assert await connection.run_sync(differences) != []
            await asyncio.to_thread(upgrade, url)
            async with engine.connect() as connection:
                assert await connection.run_sync(differences) == []
        finally:
            await engine.dispose()
