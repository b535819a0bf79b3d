"""What the lists order, filter and show by, kept in the transaction of each change.

Whose turn a proposal is changes with what people do, and once more when its date passes. So the
statement that says it, `proposals.turn.FACTS`, is asked at both ends of time, and what it answers is
kept: a row before its date, a row after. A list then reads the one that holds, and nothing of it
waits for a worker. The institutions' names stand with the proposal, the date that a coordinator
employed by one of them may know stands in that institution's row of `access`.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, DATE
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.events import Happened, follows
from lianyan.core.pieces import institution
from lianyan.proposals import turn
from lianyan.proposals.models import NOBODY_YET
from lianyan.proposals.rights import Right

FINAL = ", ".join(f"'{state}'" for state in turn.FINAL)
EARLY, LATE = "1970-01-01", "9000-01-01"
"""Before any date a proposal can have, and after."""
OF_TIME = "('consent_pending', 'returned', 'peer_review')"
"""States in which the passing of a date gives the turn to the desk."""
APART = "('peer_review', 'decision_pending')"
"""States in which whoever an employer's conflict leaves dates is told another date."""
LONG_OVER = "statement_timestamp() - interval '300 days'"
"""Working days are counted in a window around today; so old a date orders no list any more.

Not `now()`: while a past is told, that one moves between the two sides of a comparison.
"""

COLUMNS = (
    "proposal_id", "call_id", "state", "waits", "due", "open_until", "act", "act_late", "who",
    "who_late", "codes", "codes_late", "counts", "signer_id", "zone", "barred",
)  # fmt: skip


def _facts(at: str, states: str | None = None, *, progress: bool = False) -> str:
    """Return the statement of what proposals wait for at an instant."""
    columns = turn.SEEN_COLUMNS.partition("exists (")[0]
    limited = f"and p.state in {states}" if states else ""
    return f"""(
      with t as (select cast('{at}' as timestamptz) as now),
      seen as (
        select {columns} {"true" if progress else "false"} as progress
        from proposals p
        where p.id = any(:ids) and p.submitted_at is not null and p.state <> 'draft' {limited}
      ),
      {turn.FACTS}
      select f.id, f.call_id, f.real, coalesce(f.due, 'infinity') as due,
        case when f.real = 'consent_pending' then f.open_until end as open_until, f.act, f.who,
        f.codes, f.signer_id, f.zone, concat_ws(',', f.open_n, f.returned_n, f.declined_n, f.all_n,
          coalesce(f.unanswered_n, 0), coalesce(f.asked_n, 0), coalesce(f.done_n, 0), f.min_reviews) as counts
      from facts f)"""


EXPECTED = f"""
    select e.id as proposal_id, e.call_id, e.real as state,
      case when e.act is not null then 'desk' when l.act is not null then 'date'
        when e.real in ({FINAL}) then 'nobody' else 'others' end as waits,
      e.due, e.open_until, e.act, coalesce(l.act, e.act) as act_late, e.who,
      coalesce(l.who, e.who) as who_late, e.codes, coalesce(l.codes, e.codes) as codes_late, e.counts,
      e.signer_id, e.zone, coalesce(a.due, e.due) as apart
    from {_facts(EARLY)} e
    left join {_facts(LATE, OF_TIME)} l on l.id = e.id
    left join {_facts(EARLY, APART, progress=True)} a on a.id = e.id
"""
"""SQL of the rows of `turns` that proposals must have; `apart` is the date of `access`."""

BARS = turn.HIDDEN | Right.EMPLOYER
"""Rights of `access` that keep the handling from a person, or from those an institution employs."""
WITH_BARRED = f"""
    select e.*, coalesce((
      select array_agg(x.principal order by x.principal) from access x
      where x.proposal_id = e.proposal_id and x.rights & {BARS:d} <> 0), '{{}}') as barred
    from ({EXPECTED}) e
"""
"""The same with those whose rows of `access`, right by then, keep the handling from them."""

PARTIES = f"""
    select p.id, jsonb_build_object(
      'lead', (jsonb_agg({institution("i")}) filter (where o.role = 'lead')) -> 0,
      'partners', coalesce(
        jsonb_agg({institution("i")} order by o.position, o.id) filter (where o.role <> 'lead'), '[]')
      )::text as parties
    from proposals p
    join participations o on o.proposal_id = p.id and o.state <> 'removed'
    join institutions i on i.id = o.institution_id
    where p.id = any(:ids)
    group by p.id
"""
NAME = f"""
    update proposals p set parties = n.parties
    from (
      select s.id, coalesce(n.parties, '{NOBODY_YET}') as parties from proposals s
      left join ({PARTIES}) n on n.id = s.id where s.id = any(:ids)) n
    where p.id = n.id and p.parties <> n.parties
"""
_NAMES = ", ".join(COLUMNS)
_VALUES = ", ".join(f"excluded.{name}" for name in COLUMNS[1:])

REFRESH = f"""
  with expected as materialized ({WITH_BARRED}),
  gone as (
    delete from turns g where g.proposal_id = any(:ids)
      and not exists (select from expected e where e.proposal_id = g.proposal_id)
  ),
  told as (
    update access a set due = e.apart
    from (
      select x.proposal_id, x.principal, w.apart from access x
      left join expected w
        on w.proposal_id = x.proposal_id and x.rights & {Right.EMPLOYER:d} <> 0
      where x.proposal_id = any(:ids)) e
    where a.proposal_id = e.proposal_id and a.principal = e.principal
      and a.due is distinct from e.apart
  ),
  named as ({NAME})
  insert into turns as kept ({_NAMES})
  select {_NAMES} from expected
  on conflict (proposal_id) do update set ({", ".join(COLUMNS[1:])}) = ({_VALUES})
    where ({", ".join(f"kept.{name}" for name in COLUMNS[1:])}) is distinct from ({_VALUES})
"""

DIFFERENCES = f"""
  with expected as materialized ({WITH_BARRED})
  select coalesce(e.proposal_id, k.proposal_id) as proposal_id,
    coalesce(e.proposal_id, k.proposal_id) as principal
  from expected e
  full join (select * from turns where proposal_id = any(:ids)) k on k.proposal_id = e.proposal_id
  where ({", ".join(f"k.{name}" for name in COLUMNS if name != "due")}, greatest(k.due, {LONG_OVER}))
    is distinct from
    ({", ".join(f"e.{name}" for name in COLUMNS if name != "due")}, greatest(e.due, {LONG_OVER}))
  union
  select x.proposal_id, x.principal from access x
  left join expected w on w.proposal_id = x.proposal_id and x.rights & {Right.EMPLOYER:d} <> 0
  where x.proposal_id = any(:ids)
    and greatest(x.due, {LONG_OVER}) is distinct from greatest(w.apart, {LONG_OVER})
  union
  select s.id, s.id from proposals s left join ({PARTIES}) n on n.id = s.id
  where s.id = any(:ids) and s.parties <> coalesce(n.parties, '{NOBODY_YET}')
"""


IDS: Any = bindparam("ids", type_=ARRAY(PG_UUID()))


def _statement(sql: str) -> TextClause:
    return text(sql).bindparams(
        IDS, bindparam("days", type_=ARRAY(DATE)), bindparam("me", None, type_=PG_UUID())
    )


_REFRESH, _DIFFERENCES = _statement(REFRESH), _statement(DIFFERENCES)


async def refresh(session: AsyncSession, ids: list[UUID]) -> None:
    """Make what the lists keep of these proposals what it must be; the caller holds them locked."""
    await session.flush()
    await session.execute(_REFRESH, {"ids": ids, "days": turn.workdays()})


async def differences(session: AsyncSession, ids: list[UUID]) -> list[tuple[UUID, UUID]]:
    """Return (proposal, principal) of each row of which the lists keep what is not so.

    What is kept of a proposal for everybody has the proposal in both places.
    """
    found = await session.execute(_DIFFERENCES, {"ids": ids, "days": turn.workdays()})
    return [(row.proposal_id, row.principal) for row in found]


MISSED = text("""
  select id from proposals where parties = :nobody and exists (
    select from participations o where o.proposal_id = proposals.id and o.state <> 'removed')
  order by id limit 1000
""").bindparams(nobody=NOBODY_YET)


async def complete(session: AsyncSession) -> None:
    """Fill in what the lists keep, for all proposals that were there before it was kept."""
    while ids := list(await session.scalars(MISSED)):
        await refresh(session, ids)


OF_DECISIONS = text("select proposal_id from decisions where id = any(:ids)").bindparams(IDS)
OF_INSTITUTION = text("""
  select p.id from proposals p
  where exists (select from participations o
    where o.proposal_id = p.id and o.institution_id = :institution and o.state <> 'removed')
  order by p.id for no key update
""")
RENAMED = text(NAME).bindparams(IDS)
NAMES = {"name_zh", "name_en", "short_zh", "short_en"}


@follows(
    *(f"participation.{what}" for what in ("view", "confirm", "return", "decline", "void")),
    *("participation.renew", "participation.extend", "participation.changed"),
    *("proposal.extend", "check.answered", "review.submitted"),
    *(f"decision.{what}" for what in ("drafted", "signed", "sent_back", "cancelled", "released")),
)
async def _changed(session: AsyncSession, happened: Happened) -> None:
    """Keep up with what changes neither who sees a proposal nor its state."""
    if happened.proposal_id is not None:
        await refresh(session, [happened.proposal_id])


@follows("release.ordered", "release.taken_back", "release.done")
async def _released(session: AsyncSession, happened: Happened) -> None:
    decisions = [UUID(one) for one in happened.data.get("decisions", ())]
    if ids := list(await session.scalars(OF_DECISIONS, {"ids": decisions})):
        await refresh(session, ids)


@follows("institution.changed")
async def _renamed(session: AsyncSession, happened: Happened) -> None:
    if NAMES & set(happened.data.get("fields", ())):
        held = await session.scalars(OF_INSTITUTION, {"institution": happened.subject_id})
        await session.execute(RENAMED, {"ids": list(held)})
