"""Create events, institutions, terms and people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.execute(
        "alter default privileges in schema public grant select, insert, update, delete on tables to lianyan_app"
    )
    op.execute(
        "alter default privileges in schema public grant usage, select on sequences to lianyan_app"
    )
    op.execute("grant usage on schema public to lianyan_app")
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_actor_id_id"), "events", ["actor_id", "id"], unique=False)
    op.create_index(op.f("ix_events_proposal_id_id"), "events", ["proposal_id", "id"], unique=False)
    op.create_index(op.f("ix_events_subject_id_id"), "events", ["subject_id", "id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("made", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("person_id", "route", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "institutions",
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("short_zh", sa.Text(), nullable=True),
        sa.Column("short_en", sa.Text(), nullable=True),
        sa.Column(
            "aliases", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), server_default="ordinary", nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("ror", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), server_default="CN", nullable=False),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("search_keys", sa.Text(), nullable=False),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind in ('university', 'company', 'hospital', 'institute')",
            name=op.f("ck_institutions_kind"),
        ),
        sa.CheckConstraint(
            "standing in ('founding', 'ordinary', 'observer')",
            name=op.f("ck_institutions_standing"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["institutions.id"], name=op.f("fk_institutions_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institutions")),
        sa.UniqueConstraint("code", name=op.f("uq_institutions_code")),
        sa.UniqueConstraint("ror", name=op.f("uq_institutions_ror")),
    )
    op.create_table(
        "institution_domains",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institutions.id"],
            name=op.f("fk_institution_domains_institution_id"),
        ),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_institution_domains")),
    )
    op.create_index(
        op.f("ix_institution_domains_institution_id"),
        "institution_domains",
        ["institution_id"],
        unique=False,
    )
    op.create_table(
        "terms",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("note_zh", sa.Text(), nullable=True),
        sa.Column("note_en", sa.Text(), nullable=True),
        sa.Column(
            "synonyms", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("search_keys", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('sector', 'field')", name=op.f("ck_terms_kind")),
        sa.PrimaryKeyConstraint("kind", "code", name=op.f("pk_terms")),
    )
    op.create_table(
        "platform",
        sa.Column("id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("purpose_zh", sa.Text(), nullable=False),
        sa.Column("purpose_en", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("record_number", sa.Text(), nullable=True),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_platform_one_row")),
        sa.ForeignKeyConstraint(["lead_id"], ["institutions.id"], name=op.f("fk_platform_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform")),
    )
    op.create_table(
        "people",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_latin", sa.Text(), nullable=True),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("orcid", sa.Text(), nullable=True),
        sa.Column("demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("locale in ('zh', 'en')", name=op.f("ck_people_locale")),
        sa.CheckConstraint("status in ('pending', 'active')", name=op.f("ck_people_status")),
        sa.CheckConstraint("length(name) between 1 and 60", name=op.f("ck_people_name_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    # What happened cannot be rewritten by the portal itself.
    op.execute("revoke update, delete on events from lianyan_app")
    op.execute("grant select on alembic_version to lianyan_app")


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("people")
    op.drop_table("platform")
    op.drop_table("terms")
    op.drop_table("institution_domains")
    op.drop_table("institutions")
    op.drop_table("idempotency")
    op.drop_table("events")
