"""Keep what the lists order, filter and show by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


# Functions, so that a page that names nobody does not set up the search for names. The bits are
# those of `Right`: 66 CONFLICT and TEAM, 128 EMPLOYER.
OPEN_PARTS = """
create function open_parts(of uuid) returns json language plpgsql stable as $$
begin
  return (
    select json_agg(json_build_object('zh', i.name_zh, 'en', i.name_en,
        'until', extract(epoch from greatest(o.until, p.consent_until)),
        'officers', (
          select json_agg(json_build_object('zh', q.name, 'en', coalesce(q.name_latin, q.name)) order by u.id)
          from officers u join people q on q.id = u.person_id
          where u.institution_id = i.id and u.ended_at is null)) order by o.position, o.id)
    from participations o
    join proposals p on p.id = o.proposal_id
    join institutions i on i.id = o.institution_id
    where o.proposal_id = of and o.state in ('invited', 'viewed', 'void'));
end $$
"""
UNCONFIRMED_PARTS = """
create function unconfirmed_parts(of uuid) returns json language plpgsql stable as $$
begin
  return (
    select json_agg(json_build_object('id', i.id, 'zh', i.name_zh, 'en', i.name_en) order by t.position)
    from participations t join institutions i on i.id = t.institution_id
    where t.proposal_id = of and t.state not in ('consented', 'removed'));
end $$
"""
LEAD_PERSON = """
create function lead_person(of uuid) returns json language plpgsql stable as $$
begin
  return (
    select json_build_array(json_build_object('zh', q.name, 'en', coalesce(q.name_latin, q.name)))
    from people q where q.id = of);
end $$
"""
ABLE_PEOPLE = """
create function able_people(of uuid, roles text[], but uuid) returns json language plpgsql stable as $$
begin
  return (
    select json_agg(json_build_object('zh', q.name, 'en', coalesce(q.name_latin, q.name))
      order by q.sort_key, q.id)
    from people q
    where q.id in (
        select held.person_id from platform_roles held
        where held.ended_at is null and held.role = any(roles))
      and q.status = 'active' and q.id is distinct from but
      and not exists (
        select from access tied
        where tied.proposal_id = of and tied.principal = q.id and tied.rights & 66 <> 0)
      and (
        select count(*) from affiliations home
        join access near on near.proposal_id = of
          and near.principal = home.institution_id and near.rights & 128 <> 0
        where home.person_id = q.id and (home.status in ('pending', 'confirmed')
          or (home.status = 'ended' and home.ended_at > now() - interval '3 years'))) = 0);
end $$
"""


INDEXES = {
    "ix_proposals_lead_id": "proposals (lead_id)",
    "ix_proposals_never_submitted": "proposals (call_id) where state = 'draft' and submitted_at is null",
    "ix_projects_newest": "projects (approved_at desc, id desc)",
    "ix_projects_sectors": "projects using gin (sectors)",
    "ix_affiliations_person": "affiliations (person_id)",
    "ix_platform_roles_held": "platform_roles (role) where ended_at is null",
    "ix_access_list": "access (principal, shown_state, submitted_at desc, proposal_id desc) include (rights)",
    "ix_access_newest": "access (principal, submitted_at desc, proposal_id desc) include (rights)"
    " where shown_state is not null",
    "ix_access_due": "access (principal, due, proposal_id) where due is not null",
}


def upgrade() -> None:
    """Add the turns, the parties and the indexes; `kept.complete` fills them in after the migration."""
    # Apart from the rest, as in 0007: an index made beside the writes is made outside a transaction.
    # Whatever breaks off is begun anew without harm.
    with op.get_context().autocommit_block():
        op.execute(
            "-- squawk-ignore-file transaction-nesting, ban-uncommitted-transaction\n"
            "set lock_timeout = '30s'"
        )
        op.execute("alter table access add column if not exists due timestamp with time zone")
        for name, where in INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently if not exists {name} on {where}")
        op.execute("set lock_timeout = '200ms'")
    op.add_column(
        "proposals",
        sa.Column(
            "parties",
            sa.Text(),
            server_default='{"lead": null, "partners": []}',
            nullable=False,
        ),
    )
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
        sa.Column("counts", sa.Text(), nullable=False),
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
    op.create_index("ix_turns_waits", "turns", ["waits", "due", "proposal_id"])
    op.create_index("ix_turns_state", "turns", ["state", "waits", "due", "proposal_id"])
    op.create_index("ix_turns_call", "turns", ["call_id", "waits", "due", "proposal_id"])
    op.execute(OPEN_PARTS)
    op.execute(UNCONFIRMED_PARTS)
    op.execute(LEAD_PERSON)
    op.execute(ABLE_PEOPLE)


def downgrade() -> None:
    """Drop them."""
    op.execute("drop function able_people(uuid, text[], uuid)")
    op.execute("drop function lead_person(uuid)")
    op.execute("drop function unconfirmed_parts(uuid)")
    op.execute("drop function open_parts(uuid)")
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
    op.drop_index("ix_projects_sectors", "projects")
    op.drop_index("ix_projects_newest", "projects")
    op.drop_index("ix_platform_roles_held", "platform_roles")
    op.drop_index("ix_affiliations_person", "affiliations")
    op.drop_index("ix_proposals_never_submitted", "proposals")
    op.drop_index(op.f("ix_proposals_lead_id"), "proposals")
    op.drop_table("turns")
    op.drop_column("access", "due")
    op.drop_column("proposals", "parties")
