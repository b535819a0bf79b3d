"""Keep what the lists order, filter and show by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the turns, the parties and the indexes; `kept.complete` fills them in after the migration."""
    op.add_column(
        "proposals",
        sa.Column(
            "parties",
            sa.Text(),
            server_default='{"lead": null, "partners": []}',
            nullable=False,
        ),
    )
    op.add_column("access", sa.Column("due", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "turns",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("waits", sa.Text(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("act", sa.Text(), nullable=True),
        sa.Column("act_late", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column("who_late", sa.Text(), nullable=True),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("codes_late", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("counts", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("signer_id", sa.Uuid(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "waits in ('desk', 'date', 'others', 'nobody')", name=op.f("ck_turns_waits")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
            name=op.f("fk_turns_proposal_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_turns")),
    )
    op.create_index(op.f("ix_turns_waits"), "turns", ["waits", "due", "proposal_id"])
    op.create_index("ix_turns_state", "turns", ["state", "waits", "due", "proposal_id"])
    op.create_index("ix_turns_call", "turns", ["call_id", "waits", "due", "proposal_id"])
    op.create_index(op.f("ix_proposals_lead_id"), "proposals", ["lead_id"])
    op.create_index(
        "ix_proposals_never_submitted",
        "proposals",
        ["call_id"],
        postgresql_where=sa.text("state = 'draft' and submitted_at is null"),
    )
    op.create_index("ix_affiliations_person", "affiliations", ["person_id"])
    op.create_index(
        "ix_platform_roles_held",
        "platform_roles",
        ["role"],
        postgresql_where=sa.text("ended_at is null"),
    )
    op.drop_index("ix_access_list", "access")
    op.create_index(
        "ix_access_list",
        "access",
        [
            "principal",
            "shown_state",
            sa.literal_column("submitted_at desc"),
            sa.literal_column("proposal_id desc"),
        ],
        postgresql_include=["rights"],
    )
    op.create_index(
        "ix_access_newest",
        "access",
        ["principal", sa.literal_column("submitted_at desc"), sa.literal_column("proposal_id desc")],
        postgresql_include=["rights"],
        postgresql_where=sa.text("shown_state is not null"),
    )
    op.create_index(
        "ix_access_due",
        "access",
        ["principal", "due", "proposal_id"],
        postgresql_where=sa.text("due is not null"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_access_due", "access")
    op.drop_index("ix_access_newest", "access")
    op.drop_index("ix_access_list", "access")
    op.create_index(
        "ix_access_list",
        "access",
        [
            "principal",
            "shown_state",
            sa.literal_column("submitted_at desc"),
            sa.literal_column("proposal_id desc"),
        ],
    )
    op.drop_index("ix_platform_roles_held", "platform_roles")
    op.drop_index("ix_affiliations_person", "affiliations")
    op.drop_index("ix_proposals_never_submitted", "proposals")
    op.drop_index(op.f("ix_proposals_lead_id"), "proposals")
    op.drop_table("turns")
    op.drop_column("access", "due")
    op.drop_column("proposals", "parties")
