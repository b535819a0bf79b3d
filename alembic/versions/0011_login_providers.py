"""Let people administer how institutions log in: states, who changed and who activated, the trial of a login."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

STATUS = "status in ('draft', 'testing', 'active', 'disabled', 'retired')"


def upgrade() -> None:
    """Add the columns; the providers of before are active."""
    for column in (
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("auth_method", sa.Text(), server_default="client_secret_basic", nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial", postgresql.JSONB(), nullable=True),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("providers", column)
    # Whoever adds one says so; only those of before had no state.
    op.alter_column("providers", "status", server_default="draft")
    op.execute(f"alter table providers add constraint ck_providers_status check ({STATUS})")
    op.add_column(
        "login_transactions",
        sa.Column("purpose", sa.Text(), server_default="login", nullable=False),
    )
    op.add_column("login_transactions", sa.Column("acting_id", sa.Uuid(), nullable=True))
    # Apart from the rest, as in 0007. There are as many rows as institutions: reading them holds nobody up.
    with op.get_context().autocommit_block():
        op.execute(
            "-- squawk-ignore-file transaction-nesting, ban-uncommitted-transaction, "
            "ban-drop-constraint, constraint-missing-not-valid\n"
            "drop index concurrently if exists uq_providers_in_use"
        )
        op.execute(
            "create unique index concurrently if not exists uq_providers_in_use"
            " on providers (issuer, client_id) where status <> 'retired' and client_id <> ''"
        )
        op.execute("alter table providers drop constraint if exists uq_providers_issuer_client_id")


def downgrade() -> None:
    """Take them away."""
    op.drop_column("login_transactions", "acting_id")
    op.drop_column("login_transactions", "purpose")
    op.drop_index("uq_providers_in_use", "providers")
    op.create_unique_constraint(
        "uq_providers_issuer_client_id", "providers", ["issuer", "client_id"]
    )
    op.drop_constraint("ck_providers_status", "providers")
    for name in (
        "rev", "trial", "activated_at", "activated_by", "changed_by", "auth_method", "status",
    ):  # fmt: skip
        op.drop_column("providers", name)
