"""Runs the revisions on the connection that `lianyan.migrations` gives, or on the settings' own."""

from alembic import context
from sqlalchemy import Connection

from lianyan import migrations
from lianyan.models import metadata
from lianyan.settings import Settings


def migrate(connection: Connection) -> None:
    """Run the revisions on `connection`."""
    context.configure(connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    migrations.upgrade(Settings.from_env().migration_url)
