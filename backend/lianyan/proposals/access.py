"""The access relation: who may see which proposal, kept in the transaction of each change.

One statement says what the rows of some proposals must be; `refresh` makes them so, `differences`
compares. `may`, `roles` and every list read these rows and nothing else.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.institutions.domains import providers
from lianyan.proposals import kept, states
from lianyan.proposals.reach import AROUND, OF_DOMAINS, OF_PERSON, OVER
from lianyan.proposals.rights import Right
from lianyan.proposals.states import SHOWN

__all__ = ["Right"]


LOOK_BACK_YEARS = 3
GONE = ", ".join(f"'{state}'" for state in sorted(states.OVER))

SHARED = f"""
      select m.proposal_id, r.person_id, 'shared_project'
      from mine m
      cross join lateral (
        select p.id from proposals p where p.lead_id = m.person_id
        union all
        select x.proposal_id from members x where x.person_id = m.person_id and x.removed_at is null
        offset 0) s
      join proposals o on o.id = s.id
      left join projects j on j.proposal_id = o.id
      cross join lateral (
        select o.lead_id as person_id
        union all
        select x.person_id from members x where x.proposal_id = s.id and x.removed_at is null
        offset 0) r
      where s.id <> m.proposal_id and r.person_id <> m.person_id and r.person_id = any(:people)
        and o.state not in ({GONE})
        and (j.id is null or j.ends_on > current_date - make_interval(years => :years))"""
"""Who is in another proposal with somebody of the team: looked up from the team, one by one."""

# (proposal, person, rule) of every personal conflict; `:people` limits whom to look at.
PERSONAL = f"""
    mine as materialized (
      select p.id as proposal_id, p.lead_id as person_id from proposals p where p.id = any(:ids)
      union
      select m.proposal_id, m.person_id from members m
      where m.proposal_id = any(:ids) and m.removed_at is null
    ),
    addresses as (
      select m.proposal_id, lower(q.email) as address from mine m join people q on q.id = m.person_id
      where q.email is not null
      union
      select i.proposal_id, lower(i.email) from invitations i
      where i.proposal_id = any(:ids) and i.email is not null and i.state = 'sent'
    ),
    personal as (
      select m.proposal_id, m.person_id, 'team' as rule from mine m where m.person_id = any(:people)
      union
      select t.proposal_id, t.person_id, 'declared_tie' from ties t
      where t.proposal_id = any(:ids) and t.person_id = any(:people)
      union{SHARED}
      union
      select a.proposal_id, q.id, 'same_address'
      from addresses a join people q on lower(q.email) = a.address
      where q.id = any(:people)
      union
      select a.proposal_id, q.id, 'same_domain'
      from addresses a
      join people q on split_part(lower(q.email), '@', 2) = split_part(a.address, '@', 2)
      where q.id = any(:people)
        and split_part(a.address, '@', 2) <> all(:providers)
        and not exists (
          select from institution_domains d
          where split_part(a.address, '@', 2) = d.domain
             or split_part(a.address, '@', 2) like '%.' || d.domain)
    )
"""

SHOWN_CASE = (
    "case p.state " + " ".join(f"when '{s.value}' then '{v}'" for s, v in SHOWN.items()) + " end"
)

EXPECTED = f"""
  with {PERSONAL},
  rows as (
    select p.id as proposal_id, p.lead_id as principal, {Right.LEAD | Right.TEAM:d} as bits
    from proposals p where p.id = any(:ids)
    union all
    select m.proposal_id, m.person_id, {Right.TEAM:d} from members m
    where m.proposal_id = any(:ids) and m.removed_at is null
    union all
    select t.proposal_id, t.institution_id,
      {Right.PARTY:d} | case when t.role = 'lead' then {Right.LEAD_PARTY:d} else 0 end
    from participations t where t.proposal_id = any(:ids) and t.state <> 'removed'
    union all
    select t.proposal_id, near.id, {Right.EMPLOYER:d}
    from participations t
    join institutions i on i.id = t.institution_id
    join institutions near on near.id = i.id or near.id = i.parent_id or near.parent_id = i.id
    where t.proposal_id = any(:ids) and t.state <> 'removed'
    union all
    select a.proposal_id, a.reviewer_id,
      case a.state when 'asked' then {Right.ASKED:d} else {Right.REVIEWER:d} end
    from assignments a
    where a.proposal_id = any(:ids) and a.state in ('asked', 'accepted') and a.suspended_at is null
    union all
    select c.proposal_id, c.person_id, {Right.CONFLICT:d} from personal c
    where not exists (
      select from dismissals d
      where d.proposal_id = c.proposal_id and d.person_id = c.person_id and d.rule = c.rule)
  )
  select r.proposal_id, r.principal, bit_or(r.bits)::smallint as rights,
    case when bit_or(r.bits) & {Right.TEAM | Right.PARTY:d} <> 0 then {SHOWN_CASE} end as shown_state,
    coalesce(p.submitted_at, 'infinity') as submitted_at
  from rows r join proposals p on p.id = r.proposal_id
  where p.id = any(:ids)
  group by r.proposal_id, r.principal, p.state, p.submitted_at
"""


def _statement(sql: str) -> TextClause:
    ids: Any = ARRAY(PG_UUID())
    return text(sql).bindparams(
        bindparam("ids", type_=ids),
        bindparam("people", type_=ids),
        bindparam("providers", sorted(providers()), type_=ARRAY(TEXT)),
        bindparam("years", LOOK_BACK_YEARS),
    )


HANDLERS = text("select distinct person_id from platform_roles where ended_at is null")
"""Whose personal conflicts matter: everybody who could handle, review, approve or look into it."""

REFRESH = _statement(f"""
  with expected as ({EXPECTED}),
  gone as (
    delete from access a where a.proposal_id = any(:ids)
      and not exists (
        select from expected e where e.proposal_id = a.proposal_id and e.principal = a.principal)
  )
  insert into access as stored (proposal_id, principal, rights, shown_state, submitted_at)
  select proposal_id, principal, rights, shown_state, submitted_at from expected
  on conflict (proposal_id, principal) do update
    set rights = excluded.rights, shown_state = excluded.shown_state, submitted_at = excluded.submitted_at
    where (stored.rights, stored.shown_state, stored.submitted_at)
      is distinct from (excluded.rights, excluded.shown_state, excluded.submitted_at)
""")

DIFFERENCES = _statement(f"""
  with expected as ({EXPECTED})
  select coalesce(e.proposal_id, a.proposal_id) as proposal_id, coalesce(e.principal, a.principal) as principal,
    a.rights as stored, e.rights as expected
  from expected e
  full join (select * from access where proposal_id = any(:ids)) a
    on a.proposal_id = e.proposal_id and a.principal = e.principal
  where (a.rights, a.shown_state, a.submitted_at) is distinct from (e.rights, e.shown_state, e.submitted_at)
""")

HOLD = text(
    "select id from proposals where id = any(:ids) order by id for no key update"
).bindparams(bindparam("ids", type_=ARRAY(PG_UUID())))
"""Two who refresh one proposal at once would each overwrite what the other has just learned."""

TOGETHER = text("select pg_advisory_xact_lock_shared(hashtext('access'))")
ALONE = text("select pg_advisory_xact_lock(hashtext('access'))")
"""What counts in any proposal (a role, an address, a domain) changes while no team does."""

PERSONAL_RULES = _statement(
    f"with {PERSONAL} select distinct person_id, rule from personal order by rule"
)
"""Every personal conflict of some people with some proposals, dismissed ones included."""


async def refresh(session: AsyncSession, proposal_id: UUID) -> None:
    """Make the locked proposal's rows what they must be; call it after every change of who or of the state."""
    await session.flush()
    await _write(session, [proposal_id])


async def refresh_around(session: AsyncSession, proposal_id: UUID) -> None:
    """Make right one proposal and those of its people, past ones too: a shared project ties them.

    To be called after every change of a team, and of whether a proposal is alive. Whoever else
    changes one of these proposals waits, so that neither misses what the other does.
    """
    await refresh_many(session, await around(session, proposal_id))


async def around(session: AsyncSession, proposal_id: UUID) -> list[UUID]:
    """Return a proposal and all others of anybody who is, or was, in its team."""
    await session.flush()
    await session.execute(TOGETHER)
    return list(await session.scalars(AROUND, {"proposal": proposal_id}))


async def refresh_person(session: AsyncSession, person_id: UUID) -> None:
    """Make right every proposal that a person's roles, ties or address may concern."""
    await session.flush()
    await session.execute(ALONE)
    asked = {"person": person_id, "providers": sorted(providers())}
    await refresh_many(session, list(await session.scalars(OF_PERSON, asked)))


async def refresh_domains(session: AsyncSession, domains: list[str]) -> list[UUID]:
    """Make right every proposal with an address below a mail domain that an institution gains or loses.

    Return these proposals.
    """
    await session.flush()
    await session.execute(ALONE)
    ids = list(await session.scalars(OF_DOMAINS, {"domains": domains}))
    await refresh_many(session, ids)
    return ids


async def refresh_over(session: AsyncSession, days: int) -> None:
    """Make right the proposals tied by projects whose look-back has ended within so many days."""
    asked = {"years": LOOK_BACK_YEARS, "days": days}
    await refresh_many(session, list(await session.scalars(OVER, asked)))


async def refresh_many(session: AsyncSession, ids: list[UUID]) -> None:
    """Make the rows of several proposals what they must be; hold the proposals, in one order."""
    if not ids:
        return
    await session.flush()
    await session.execute(HOLD, {"ids": ids})
    await _write(session, ids)


async def _write(session: AsyncSession, ids: list[UUID]) -> None:
    people = list((await session.scalars(HANDLERS)).all())
    await session.execute(REFRESH, {"ids": ids, "people": people})
    await kept.refresh(session, ids)


async def differences(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    """Return (proposal, principal) of each row that is not what it must be: none, if all is well.

    What the lists keep is compared too; of it the proposal stands in both places.
    """
    ids = list((await session.scalars(text("select id from proposals"))).all())
    people = list((await session.scalars(HANDLERS)).all())
    found = (await session.execute(DIFFERENCES, {"ids": ids, "people": people})).all()
    wrong = [(row.proposal_id, row.principal) for row in found]
    return wrong + await kept.differences(session, ids)
