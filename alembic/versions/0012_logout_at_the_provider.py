"""Let an institution end the sessions it opened."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Keep with a session what its institution calls it, and which logouts have been heard."""
    op.add_column("sessions", sa.Column("idp_session", sa.Text(), nullable=True))
    op.create_table(
        "logouts_heard",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_logouts_heard_provider_id")
        ),
        sa.PrimaryKeyConstraint("provider_id", "jti", name=op.f("pk_logouts_heard")),
    )
    with op.get_context().autocommit_block():
        op.execute(
            "-- squawk-ignore-file transaction-nesting, ban-uncommitted-transaction\n"
            "drop index concurrently if exists ix_sessions_identity_id"
        )
        op.execute(
            "create index concurrently if not exists ix_sessions_identity_id on sessions (identity_id)"
            " where revoked_at is null"
        )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_sessions_identity_id", "sessions")
    op.drop_table("logouts_heard")
    op.drop_column("sessions", "idp_session")
