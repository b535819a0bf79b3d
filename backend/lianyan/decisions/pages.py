"""The pages of the decisions slice: one proposal's decision, and the approver's list."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.disclosed import disclosed
from lianyan.core.paging import from_cursor, page_limit, to_cursor
from lianyan.core.pieces import instant, institution, person
from lianyan.core.policy import Role
from lianyan.core.problems import invalid
from lianyan.core.shapes import PersonRef
from lianyan.decisions import policy
from lianyan.decisions.letters import applied
from lianyan.decisions.schemas import (
    Applied,
    ApproverOut,
    ConflictWord,
    DecideList,
    DecideRow,
    DecisionPage,
    DecisionRecord,
    ReviewSummary,
)
from lianyan.decisions.states import Decided
from lianyan.proposals.access import Right
from lianyan.proposals.states import State
from lianyan.reviews import rubric
from lianyan.reviews.queries import not_before_own

DECISION = f"""
  select jsonb_build_object('state', p.state, 'rubric', k.rubric, 'applied', {applied("p")},
    'decision', (select jsonb_build_object('id', d.id, 'rev', d.rev, 'kind', d.kind,
        'state', d.state, 'letter', d.letter, 'note', d.note,
        'granted_months', d.granted_months, 'granted_fen', d.granted_fen,
        'drafted_by', {person("w")}, 'drafted_at', {instant("d.drafted_at")},
        'signed_by', case when s.id is not null then {person("s")} end,
        'signed_at', {instant("d.signed_at")}, 'sent_back_note', d.sent_back_note,
        'stale', d.version_id is distinct from p.version_id,
        'release_due_at', {instant("e.due_at")})
      from decisions d
      join people w on w.id = d.drafted_by
      left join people s on s.id = d.signed_by
      left join releases e on e.id = d.release_id
      where d.proposal_id = p.id and d.state <> 'cancelled'),
    'drafters', coalesce((select jsonb_agg(distinct v.actor_id) from events v
      join decisions d on d.id = v.subject_id
      where d.proposal_id = p.id and d.state <> 'cancelled' and v.kind = 'decision.drafted'), '[]'),
    'reviews', coalesce((select jsonb_agg(jsonb_build_object('id', a.id, 'scores', r.scores,
        'recommendation', r.recommendation, 'for_applicants', r.for_applicants,
        'for_coordinators', r.for_coordinators, 'late', r.late))
      from assignments a join reviews r on r.assignment_id = a.id
      where a.proposal_id = p.id and a.state = 'accepted' and a.suspended_at is null
        and r.submitted_at is not null), '[]'),
    'approvers', coalesce((select jsonb_agg({person("q")} order by q.sort_key collate "C", q.id)
      from people q join platform_roles h on h.person_id = q.id
      where h.role = 'approver' and h.ended_at is null and q.status = 'active'), '[]'))::text
  from proposals p join calls k on k.id = p.call_id
  where p.id = $1
"""

DECIDE = f"""
  with waiting as (
    select d.*, p.number, p.title, p.title_en,
      case
        when d.drafted_by = $1 or exists (select from events v where v.subject_id = d.id
          and v.kind = 'decision.drafted' and v.actor_id = $1) then 'decisions.own_draft'
        when d.sent_back_note is not null then 'decisions.sent_back'
        when d.version_id is distinct from p.version_id then 'decisions.stale'
      end as why
    from decisions d join proposals p on p.id = d.proposal_id
    where d.state = 'drafted' and p.state = '{State.DECISION_PENDING.value}'
      and not exists (
        select from access c where c.proposal_id = p.id and (
          (c.principal = $1 and c.rights & {Right.LEAD | Right.TEAM | Right.CONFLICT:d} <> 0)
          or (c.principal = any($2) and c.rights & {Right.EMPLOYER:d} <> 0)))
  )
  select (w.why is not null)::int as blocked, w.drafted_at, w.id, jsonb_build_object('why', w.why,
    'proposal', jsonb_build_object('id', w.proposal_id, 'number', coalesce(w.number, ''),
      'title', w.title, 'title_en', w.title_en,
      'lead', (select {institution("i")} from participations t
        join institutions i on i.id = t.institution_id
        where t.proposal_id = w.proposal_id and t.role = 'lead' and t.state <> 'removed'),
      'partners', coalesce((select jsonb_agg({institution("i")} order by t.position, t.id)
        from participations t join institutions i on i.id = t.institution_id
        where t.proposal_id = w.proposal_id and t.role <> 'lead'
          and t.state not in ('removed', 'declined')), '[]')),
    'decision', jsonb_build_object('id', w.id, 'kind', w.kind, 'rev', w.rev,
      'drafted_by', {person("q")}, 'drafted_at', {instant("w.drafted_at")}))::text as body
  from waiting w join people q on q.id = w.drafted_by
  where $3::int is null or ((w.why is not null)::int, w.drafted_at, w.id) > ($3, $4, $5)
  order by (w.why is not null)::int, w.drafted_at, w.id
  limit $6
"""


class _Review(msgspec.Struct):
    id: UUID
    scores: dict[str, int | None]
    recommendation: Any
    for_applicants: str
    for_coordinators: str
    late: bool


class _Page(msgspec.Struct):
    state: str
    rubric: dict[str, Any]
    applied: Applied
    decision: DecisionRecord | None
    drafters: list[UUID]
    reviews: list[_Review]
    approvers: list[PersonRef]


async def decision(reading: Reading, proposal_id: UUID) -> DecisionPage:
    """Return the decision on a proposal, what it rests on, and who may sign it."""
    connection, actor = reading.connection, reading.actor
    roles = await policy.look(connection, actor, proposal_id, "decision.read")
    await not_before_own(connection, actor, proposal_id)
    found = msgspec.json.decode(await connection.fetchval(DECISION, proposal_id), type=_Page)
    against = await policy.approvers(connection, proposal_id)
    asked = rubric.read(found.rubric)
    letters = rubric.labels(proposal_id, [row.id for row in found.reviews])
    reviews = [
        ReviewSummary(
            label=letters[row.id],
            scores=row.scores,
            total=rubric.total(asked, row.scores),
            recommendation=row.recommendation,
            for_applicants=row.for_applicants,
            for_coordinators=row.for_coordinators,
            late=row.late,
        )
        for row in sorted(found.reviews, key=lambda row: letters[row.id])
    ]
    await disclosed(connection, actor, "decision.read", proposal_id, proposal_id)
    return DecisionPage(
        decision=found.decision,
        applied=found.applied,
        rubric=found.rubric,
        reviews=reviews,
        review_count=len(reviews),
        mean=rubric.spread(asked, [row.scores for row in found.reviews]).mean_score,
        approvers=[
            ApproverOut(
                who,
                [
                    ConflictWord(c.rule, f"decisions.conflict_{c.rule}", c.params)
                    for c in against.get(who.id, [])
                ],
            )
            for who in found.approvers
        ],
        can=_can(roles, found, own=actor.id in found.drafters),
    )


def _can(roles: Role, found: _Page, *, own: bool) -> list[str]:
    """Return what the reader may do to the decision now."""
    if found.state != State.DECISION_PENDING:
        return []
    decision = found.decision
    drafted = decision is not None and decision.state == Decided.DRAFTED
    signed = decision is not None and decision.state == Decided.SIGNED
    sent_back = decision is not None and decision.sent_back_note is not None
    can = []
    if Role.COORDINATOR in roles and (decision is None or drafted):
        can.append("decision.draft")
    if Role.APPROVER in roles and drafted and not sent_back:
        if not own and decision is not None and not decision.stale:
            can.append("decision.sign")
        can.append("decision.send_back")
    if Role.APPROVER in roles and signed:
        can.append("decision.send_back")
    return can


async def decide(reading: Reading, limit: str | None, after: str | None) -> DecideList:
    """Return the drafted decisions: those the reader may sign, then those they may not, and why.

    What the reader has a conflict with is absent, and not counted.
    """
    most = page_limit(limit)
    actor = reading.actor
    rows = await reading.connection.fetch(
        DECIDE, actor.id, list(actor.employers), *_after(after), most + 1
    )
    items = [msgspec.json.decode(row["body"], type=DecideRow) for row in rows[:most]]
    if items:
        ids = [item.proposal.id for item in items]
        await disclosed(reading.connection, actor, "decisions.read", actor.id, None, proposals=ids)
    if len(rows) <= most:
        return DecideList(items, next=None)
    last = rows[most - 1]
    cursor = to_cursor(last["blocked"], last["drafted_at"].isoformat(), str(last["id"]))
    return DecideList(items, next=cursor)


def _after(cursor: str | None) -> tuple[int | None, datetime | None, UUID | None]:
    key = from_cursor(cursor, int, str, str)
    if key is None:
        return None, None, None
    try:
        at = datetime.fromisoformat(key[1]).astimezone(UTC)
        return int(key[0]) % 2, at, UUID(key[2])
    except (ValueError, OverflowError):
        raise invalid("after", "problems.bad_cursor") from None
