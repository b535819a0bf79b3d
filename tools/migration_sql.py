"""Write each migration as SQL, one file a revision, without a database: for squawk to read."""

import io
import sys
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from lianyan.migrations import config

LIMIT = "set lock_timeout = '200ms';\n\n"
"""What `lianyan.migrations` sets before it runs a revision."""


def main(folder: Path) -> None:
    """Fill `folder` with the SQL of every revision."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.sql"):
        old.unlink()
    for script in ScriptDirectory.from_config(config()).walk_revisions():
        text = io.StringIO()
        context = MigrationContext.configure(
            dialect_name="postgresql", opts={"as_sql": True, "output_buffer": text}
        )
        with Operations.context(context):
            script.module.upgrade()
        (folder / f"{script.revision}.sql").write_text(LIMIT + text.getvalue())


main(Path(sys.argv[1]))
