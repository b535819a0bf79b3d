"""Seal the events; let nobody rewrite or remove one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

READS = {
    "ix_events_read": "(at) where kind like '%.read'",
    "ix_events_read_many": "using gin ((data -> 'proposals')) where kind like '%.read' and data ? 'proposals'",
}

REFUSE = """
  create function refuse_rewriting() returns trigger language plpgsql set search_path = '' as $$
  begin
    raise exception '% of % is refused: what has happened is kept as it was written', tg_op, tg_table_name
      using errcode = 'insufficient_privilege',
        hint = 'Who must do it all the same disables the trigger; lianyan audit verify will say so.';
  end $$
"""
KEPT = """
  create trigger {table}_kept before update or delete or truncate on {table}
    for each statement execute function refuse_rewriting()
"""


def upgrade() -> None:
    # Apart from the rest: an index made beside the writes cannot be made in a transaction, and it
    # waits for those that are under way, while nobody waits for it.
    with op.get_context().autocommit_block():
        op.execute(
            "-- squawk-ignore-file transaction-nesting, ban-uncommitted-transaction\n"
            "set lock_timeout = '30s'"
        )
        for name, what in READS.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently if not exists {name} on events {what}")
        op.execute("set lock_timeout = '200ms'")
    op.create_table(
        "seals",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("members", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seals")),
    )
    op.execute("revoke update, delete, truncate on seals from lianyan_app")
    # Neither the id nor the time of an event is the portal's to choose.
    op.execute("revoke insert on events from lianyan_app")
    op.execute(
        "grant insert (kind, actor_id, subject_id, proposal_id, data) on events to lianyan_app"
    )
    op.execute(REFUSE)
    for table in ("events", "seals"):
        op.execute(KEPT.format(table=table))


def downgrade() -> None:
    op.execute("drop trigger events_kept on events")
    op.drop_table("seals")
    op.execute("drop function refuse_rewriting()")
    op.execute("grant insert on events to lianyan_app")
    for name in READS:
        op.drop_index(name, "events")
