"""Create calls, proposals and what institutions bring."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "forms",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forms")),
        sa.UniqueConstraint("sha256", name=op.f("uq_forms_sha256")),
    )
    op.create_table(
        "calls",
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("summary_zh", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("rubric", postgresql.JSONB(), nullable=False),
        sa.Column("checklist", postgresql.JSONB(), nullable=False),
        sa.Column("preset", sa.Text(), nullable=False),
        sa.Column("stages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("min_institutions", sa.Integer(), nullable=False),
        sa.Column("min_reviews", sa.Integer(), nullable=False),
        sa.Column("max_reviews", sa.Integer(), server_default="5", nullable=False),
        sa.Column("zone", sa.Text(), server_default="Asia/Shanghai", nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_days", sa.Integer(), server_default="5", nullable=False),
        sa.Column("consents_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_days", sa.Integer(), server_default="5", nullable=False),
        sa.Column("reviews_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decides_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "closes_at < reviews_until", name=op.f("ck_calls_closes_before_reviews")
        ),
        sa.CheckConstraint(
            "min_institutions between 1 and 20", name=op.f("ck_calls_min_institutions")
        ),
        sa.CheckConstraint("min_reviews between 1 and 9", name=op.f("ck_calls_min_reviews")),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_calls_opens_before_closes")),
        sa.CheckConstraint(
            "reviews_until < decides_at", name=op.f("ck_calls_reviews_before_decides")
        ),
        sa.ForeignKeyConstraint(["form_id"], ["forms.id"], name=op.f("fk_calls_form_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["people.id"], name=op.f("fk_calls_opened_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("prefix", name=op.f("uq_calls_prefix")),
    )
    op.create_table(
        "call_numbers",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_numbers_call_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_numbers")),
    )
    op.create_table(
        "proposals",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("title_en", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "sectors", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stages", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("consent_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=True),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state in ('draft', 'consent_pending', 'submitted', 'formal_check', 'returned', 'not_accepted', 'peer_review', 'decision_pending', 'approved', 'rejected', 'withdrawn')",
            name=op.f("ck_proposals_state"),
        ),
        sa.CheckConstraint(
            "(number is null) = (submitted_at is null)", name=op.f("ck_proposals_number_with_time")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_proposals_call_id")),
        sa.ForeignKeyConstraint(["form_id"], ["forms.id"], name=op.f("fk_proposals_form_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["people.id"], name=op.f("fk_proposals_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("call_id", "number", name=op.f("uq_proposals_call_id_number")),
    )
    op.create_index(
        op.f("ix_proposals_state"),
        "proposals",
        ["state", sa.literal_column("submitted_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_table(
        "sections",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        sa.Column("missing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
            name=op.f("fk_sections_proposal_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["saved_by"], ["people.id"], name=op.f("fk_sections_saved_by")),
        sa.PrimaryKeyConstraint("proposal_id", "section", name=op.f("pk_sections")),
    )
    op.create_table(
        "answers",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
            name=op.f("fk_answers_proposal_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("proposal_id", "question", name=op.f("pk_answers")),
    )
    op.create_table(
        "participations",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="invited", nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("task", sa.Text(), server_default="", nullable=False),
        sa.Column("special_terms", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("scope_hash", sa.LargeBinary(), nullable=True),
        sa.Column("version_id", sa.Uuid(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comments", postgresql.JSONB(), nullable=True),
        sa.Column("void_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_by", sa.Uuid(), nullable=True),
        sa.Column("void_fields", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role in ('lead', 'participating', 'demonstration', 'collaborating', 'resources', 'standards')",
            name=op.f("ck_participations_role"),
        ),
        sa.CheckConstraint(
            "state in ('invited', 'viewed', 'consented', 'returned', 'declined', 'void', 'removed')",
            name=op.f("ck_participations_state"),
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["people.id"], name=op.f("fk_participations_answered_by")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institutions.id"], name=op.f("fk_participations_institution_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
            name=op.f("fk_participations_proposal_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participations")),
    )
    op.create_index(
        op.f("ix_participations_institution_id_state"),
        "participations",
        ["institution_id", "state"],
        unique=False,
    )
    op.create_index(
        "uq_participations_current",
        "participations",
        ["proposal_id", "institution_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'removed'"),
    )
    op.create_index(
        "uq_participations_one_lead",
        "participations",
        ["proposal_id"],
        unique=True,
        postgresql_where=sa.text("role = 'lead' and state <> 'removed'"),
    )
    op.create_table(
        "contributions",
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("value_fen", sa.BigInteger(), nullable=True),
        sa.Column("terms", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind in ('cash', 'staff', 'equipment', 'compute', 'data', 'software', 'venue', 'scenario', 'training', 'standards')",
            name=op.f("ck_contributions_kind"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_contributions_amount")),
        sa.CheckConstraint("value_fen >= 0", name=op.f("ck_contributions_value")),
        sa.ForeignKeyConstraint(
            ["participation_id"],
            ["participations.id"],
            name=op.f("fk_contributions_participation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contributions")),
    )
    op.create_index(
        op.f("ix_contributions_participation_id"),
        "contributions",
        ["participation_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("contributions")
    op.drop_table("participations")
    op.drop_table("answers")
    op.drop_table("sections")
    op.drop_table("proposals")
    op.drop_table("call_numbers")
    op.drop_table("calls")
    op.drop_table("forms")
