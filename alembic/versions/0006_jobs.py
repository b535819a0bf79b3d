"""Create the job queue."""

from alembic import op

from lianyan.core.jobs_schema import statements

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    for statement in statements():
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    op.execute("drop table jobs, periods, workers")
