"""Reads of the reviews slice that other slices use, and the reader's own list."""

from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.core.actor import Actor, Reading
from lianyan.core.db import Connection
from lianyan.core.pieces import instant, institution, person
from lianyan.core.problems import FieldError, Forbidden
from lianyan.core.reads import Read
from lianyan.proposals.access import Right
from lianyan.proposals.models import Proposal
from lianyan.proposals.states import State
from lianyan.reviews import rubric
from lianyan.reviews.models import Assignment, Review
from lianyan.reviews.policy import ACTIVE


async def ready(session: AsyncSession, proposal: Proposal) -> list[FieldError]:
    """Return what keeps the review of a proposal from being finished; nothing, if it may be."""
    call = await session.get_one(Call, proposal.call_id)
    active = Assignment.proposal_id == proposal.id, Assignment.state.in_(ACTIVE)
    valid = func.count().filter(Review.submitted_at.is_not(None), Assignment.suspended_at.is_(None))
    suspended = func.count().filter(Assignment.suspended_at.is_not(None))
    counts = (
        select(valid.label("have"), suspended.label("conflicts"))
        .select_from(Assignment)
        .outerjoin(Review, Review.assignment_id == Assignment.id)
        .where(*active)
    )
    have, conflicts = (await session.execute(counts)).one()
    return blockers(have, call.min_reviews, conflicts)


def blockers(have: int, need: int, conflicts: int) -> list[FieldError]:
    """Return what keeps a review from being finished, from its counts."""
    found = []
    if have < need:
        found.append(FieldError("reviews", "reviews.too_few", {"have": have, "need": need}))
    if conflicts:
        found.append(FieldError("reviews", "reviews.open_conflict", {"count": conflicts}))
    return found


OWN_UNFINISHED = """
  select exists (select from assignments a left join reviews r on r.assignment_id = a.id
    where a.proposal_id = $1 and a.reviewer_id = $2 and a.state in ('asked', 'accepted')
      and a.suspended_at is null and r.submitted_at is null)
"""


async def not_before_own(connection: Connection, actor: Actor, proposal_id: UUID) -> None:
    """Refuse what others said to whoever still owes a review of the same proposal."""
    if await connection.fetchval(OWN_UNFINISHED, proposal_id, actor.id):
        raise Forbidden("reviews.own_first")


def passed_on(of: str) -> str:
    """Return the SQL of what the submitted reviews of proposal `of` tell its applicants, a JSON list.

    Labels are those of `rubric.labels`, and the list is in their order.
    """
    return f"""
      (select coalesce(jsonb_agg(jsonb_build_object(
          'label', case when said.n <= {rubric.LETTERS} then chr(64 + said.n) else 'A' || said.n end,
          'for_applicants', said.for_applicants, 'recommendation', said.recommendation)
          order by said.n), '[]')
        from (select r.for_applicants, r.recommendation, (row_number() over (
            order by sha256(convert_to(a.proposal_id::text || a.id::text, 'UTF8'))))::int as n
          from assignments a join reviews r on r.assignment_id = a.id
          where a.proposal_id = {of}.id and a.state = 'accepted' and a.suspended_at is null
            and r.submitted_at is not null) said)
    """


# The one place where a total is computed in SQL; a test compares it with `rubric.total`.
TOTAL = """
  (select case when count(*) = count(s.score) then sum(s.score) end
   from (select (r.scores ->> (c.value ->> 'id'))::int as score
     from jsonb_array_elements(k.rubric -> 'criteria') c
     where not coalesce((c.value ->> 'independent')::boolean, false)) s)
"""

MISSING = """
  (select coalesce(jsonb_agg(c.value ->> 'id' order by c.ordinality), '[]')
   from jsonb_array_elements(k.rubric -> 'criteria') with ordinality c
   where r.scores ->> (c.value ->> 'id') is null)
"""

OWN = f"""
  with mine as (
    select a.id, a.state, a.due_at, a.pledged_at, k.id as call_id, p.id as proposal_id,
      p.title, p.title_en, p.number, p.lead_id,
      p.state = '{State.PEER_REVIEW.value}' and r.submitted_at is null as open,
      r.id as review_id, r.scores, r.recommendation, r.for_applicants, r.rev, r.saved_at,
      r.submitted_at, r.late, {TOTAL} as total, {MISSING} as missing,
      coalesce((k.rubric -> 'for_applicants' ->> 'required')::boolean, false)
        and coalesce(r.for_applicants, '') !~ '\\S' as untold
    from assignments a
    join proposals p on p.id = a.proposal_id
    join calls k on k.id = p.call_id
    join access x on x.proposal_id = p.id and x.principal = :me
      and x.rights & {Right.ASKED | Right.REVIEWER:d} <> 0
      and x.rights & {Right.LEAD | Right.TEAM | Right.CONFLICT:d} = 0
    left join reviews r on r.assignment_id = a.id
    where a.reviewer_id = :me and a.state in ('asked', 'accepted') and a.suspended_at is null
      and (p.state = '{State.PEER_REVIEW.value}' or r.submitted_at is not null)
      and p.state <> '{State.WITHDRAWN.value}'
      and not exists (
        select from access e where e.proposal_id = p.id and e.principal = any(:employers)
          and e.rights & {Right.EMPLOYER:d} <> 0)
    order by a.due_at, p.number, a.id
    limit 200
  ),
  items as (
    select m.*, jsonb_build_object(
      'assignment_id', m.id, 'call_id', m.call_id, 'state', m.state, 'open', m.open,
      'due_at', {instant("m.due_at")}, 'mine_total', m.total,
      'proposal', jsonb_build_object('id', m.proposal_id, 'title', m.title, 'title_en', m.title_en,
        'number', coalesce(m.number, ''),
        'leader', (select {person("q")} from people q where q.id = m.lead_id),
        'months', (select case when jsonb_typeof(w.value) = 'number' then w.value end from answers w
          where w.proposal_id = m.proposal_id and w.question = 'months'),
        'lead', (select {institution("i")} from participations t
          join institutions i on i.id = t.institution_id
          where t.proposal_id = m.proposal_id and t.role = 'lead' and t.state <> 'removed'),
        'partners', coalesce((select jsonb_agg({institution("i")} order by t.position, t.id)
          from participations t join institutions i on i.id = t.institution_id
          where t.proposal_id = m.proposal_id and t.role <> 'lead'
            and t.state not in ('removed', 'declined')), '[]')),
      'review', case when m.review_id is not null then jsonb_build_object(
        'scores', m.scores, 'recommendation', m.recommendation, 'rev', m.rev, 'late', m.late,
        'saved_at', {instant("m.saved_at")}, 'submitted_at', {instant("m.submitted_at")}) end,
      'conflicts', coalesce((select jsonb_agg(d.rule order by d.rule) from dismissals d
        where d.proposal_id = m.proposal_id and d.person_id = :me), '[]')) as item
    from mine m
  ),
  blockers as (
    select i.due_at, i.number, i.id, b.code, b.params
    from items i cross join lateral (values
      (1, 'reviews.scores_missing', jsonb_array_length(i.missing) > 0,
        jsonb_build_object('count', jsonb_array_length(i.missing), 'criteria', i.missing)),
      (2, 'reviews.recommendation_missing', i.recommendation is null, '{{}}'::jsonb),
      (3, 'reviews.text_missing', i.untold, '{{}}'::jsonb)) as b(place, code, holds, params)
    where i.state = 'accepted' and i.open and b.holds
    order by i.due_at, i.number, i.id, b.place
  ),
  concerned as (
    select k.id, min(i.due_at) filter (where i.open) as due_at, jsonb_build_object('id', k.id,
      'title', jsonb_build_object('zh', k.title_zh, 'en', k.title_en), 'rubric', k.rubric) as call
    from items i join calls k on k.id = i.call_id group by k.id
  )
  select jsonb_build_object(
    'items', coalesce((select jsonb_agg(i.item order by i.due_at, i.number, i.id) from items i), '[]'),
    'calls', coalesce((select jsonb_agg(c.call order by c.due_at, c.id) from concerned c), '[]'),
    'call', (select c.call from concerned c order by c.due_at, c.id limit 1),
    'due_at', (select {instant("min(i.due_at)")} from items i where i.open),
    'pledge_needed', exists (select from items i where i.state = 'asked' and i.open),
    'can_submit_all', not exists (select from blockers)
      and exists (select from items i where i.state = 'accepted' and i.open),
    'blockers', coalesce((select jsonb_agg(jsonb_build_object('assignment_id', b.id, 'code', b.code,
      'params', b.params)) from blockers b), '[]'),
    'now', {instant("now()")})::text
"""

LIST = Read(
    text(OWN).bindparams(bindparam("me", type_=Uuid()), bindparam("employers", type_=ARRAY(Uuid())))
)
NOBODY = UUID(int=0)


async def own(reading: Reading) -> str:
    """Return the reader's reviews as JSON; a session that an invitation opened has none."""
    actor = reading.actor
    me = actor.id if actor.scope is None else NOBODY
    return await LIST.run(reading.connection, me=me, employers=list(actor.employers)) or ""
