"""The two pages of the reviews slice: a proposal's reviewers, and a reviewer's proposal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.disclosed import disclosed
from lianyan.core.pieces import instant, institution, person
from lianyan.core.policy import ALLOWED, Role
from lianyan.core.problems import Forbidden, NotFound
from lianyan.core.shapes import PersonRef
from lianyan.proposals.conflicts import DISMISSABLE, ConflictOfInterest, conflicts_of
from lianyan.proposals.states import State
from lianyan.reviews import policy, rubric
from lianyan.reviews.queries import blockers, not_before_own
from lianyan.reviews.schemas import (
    AssignmentOut,
    Assignments,
    Candidate,
    ConflictWords,
    Dismissed,
    OtherReview,
    ReadableProposal,
    ReviewPage,
    ReviewText,
    Words,
)

ASSIGNMENTS = f"""
  select jsonb_build_object('rev', p.rev, 'state', p.state, 'min', k.min_reviews,
    'max', k.max_reviews, 'rubric', k.rubric,
    'rows', coalesce((select jsonb_agg(jsonb_build_object(
        'id', a.id, 'reviewer', {person("q")}, 'state', a.state,
        'asked_at', {instant("a.created_at")}, 'due_at', {instant("a.due_at")},
        'answered_at', {instant("a.answered_at")},
        'reason', coalesce(a.decline_reason, a.removal_reason),
        'suspended', a.suspended_at is not null,
        'submitted_at', {instant("r.submitted_at")}, 'late', coalesce(r.late, false),
        'scores', r.scores, 'recommendation', r.recommendation,
        'for_applicants', r.for_applicants, 'for_coordinators', r.for_coordinators)
        order by a.created_at, a.id)
      from assignments a join people q on q.id = a.reviewer_id
      left join reviews r on r.assignment_id = a.id and r.submitted_at is not null
      where a.proposal_id = p.id), '[]'),
    'pool', coalesce((select jsonb_agg(jsonb_build_object('person', {person("q")},
        'load', (select count(*) from assignments l join proposals o on o.id = l.proposal_id
          where l.reviewer_id = q.id and l.state in ('asked', 'accepted')
            and l.suspended_at is null and o.state = '{State.PEER_REVIEW.value}'),
        'done', (select count(*) from assignments l join reviews r on r.assignment_id = l.id
          where l.reviewer_id = q.id and r.submitted_at is not null))
        order by q.sort_key collate "C", q.id)
      from people q
      where q.status = 'active'
        and exists (select from platform_roles h
          where h.person_id = q.id and h.role = 'reviewer' and h.ended_at is null)
        and not exists (select from assignments a
          where a.proposal_id = p.id and a.reviewer_id = q.id and a.state in ('asked', 'accepted'))
      ), '[]'))::text
  from proposals p join calls k on k.id = p.call_id
  where p.id = $1
"""

MINE = """
  select proposal_id, state, suspended_at is not null as suspended
  from assignments where id = $1 and reviewer_id = $2
"""

PAGE = f"""
  select jsonb_build_object('rubric', k.rubric, 'due_at', {instant("a.due_at")},
    'late', a.due_at <= now(), 'open', p.state = '{State.PEER_REVIEW.value}',
    'review', jsonb_build_object('rev', coalesce(r.rev, 0), 'scores', coalesce(r.scores, '{{}}'),
      'recommendation', r.recommendation, 'for_applicants', coalesce(r.for_applicants, ''),
      'for_coordinators', coalesce(r.for_coordinators, ''), 'saved_at', {instant("r.saved_at")},
      'submitted_at', {instant("r.submitted_at")}, 'late', coalesce(r.late, false),
      'total', null),
    'others', case when r.submitted_at is not null then coalesce((
      select jsonb_agg(jsonb_build_object('id', b.id, 'scores', o.scores,
        'recommendation', o.recommendation, 'for_applicants', o.for_applicants))
      from assignments b join reviews o on o.assignment_id = b.id
      where b.proposal_id = p.id and o.submitted_at is not null
        and b.state = 'accepted' and b.suspended_at is null), '[]') end,
    'proposal', jsonb_build_object('id', p.id, 'title', p.title, 'title_en', p.title_en,
      'number', coalesce(p.number, ''), 'sectors', to_jsonb(p.sectors), 'form', f.document,
      'version', (select v.number from versions v where v.id = p.version_id),
      'answers', coalesce((select jsonb_object_agg(w.question, w.value) from answers w
        where w.proposal_id = p.id), '{{}}'),
      'participations', coalesce((select jsonb_agg(jsonb_build_object(
          'institution', {institution("i")}, 'role', t.role, 'task', t.task,
          'contributions', coalesce((select jsonb_agg(jsonb_build_object('kind', c.kind,
            'what', c.what, 'amount', c.amount::text, 'unit', c.unit, 'value_fen', c.value_fen)
            order by c.position, c.id) from contributions c where c.participation_id = t.id), '[]'))
          order by t.role <> 'lead', t.position, t.id)
        from participations t join institutions i on i.id = t.institution_id
        where t.proposal_id = p.id and t.state not in ('removed', 'declined')), '[]'),
      'people', coalesce((select jsonb_agg(jsonb_build_object('duty', m.duty,
          'lead', m.person_id = p.lead_id, 'person', jsonb_build_object('id', q.id,
            'name', q.name, 'name_latin', q.name_latin, 'institution', {institution("i")}))
          order by m.person_id <> p.lead_id, m.id)
        from members m join people q on q.id = m.person_id
        join institutions i on i.id = m.institution_id
        where m.proposal_id = p.id and m.removed_at is null), '[]')))::text
  from assignments a
  join proposals p on p.id = a.proposal_id
  join calls k on k.id = p.call_id
  join forms f on f.id = p.form_id
  left join reviews r on r.assignment_id = a.id
  where a.id = $1
"""


class _Row(msgspec.Struct):
    id: UUID
    reviewer: PersonRef
    state: str
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    reason: str | None
    suspended: bool
    submitted_at: datetime | None
    late: bool
    scores: dict[str, int | None] | None
    recommendation: str | None
    for_applicants: str | None
    for_coordinators: str | None


class _Pool(msgspec.Struct):
    person: PersonRef
    load: int
    done: int


class _Assignments(msgspec.Struct):
    rev: int
    state: str
    min: int
    max: int
    rubric: dict[str, Any]
    rows: list[_Row]
    pool: list[_Pool]


class _Other(msgspec.Struct):
    id: UUID
    scores: dict[str, int | None]
    recommendation: str | None
    for_applicants: str


class _Page(msgspec.Struct):
    rubric: dict[str, Any]
    due_at: datetime
    late: bool
    open: bool
    review: ReviewText
    others: list[_Other] | None
    proposal: ReadableProposal


async def assignments(reading: Reading, proposal_id: UUID) -> Assignments:
    """Return who reviews a proposal, what they said, and who else could be asked."""
    connection, actor = reading.connection, reading.actor
    roles = await policy.look(connection, actor, proposal_id, "assignment.read")
    await not_before_own(connection, actor, proposal_id)
    found = msgspec.json.decode(
        await connection.fetchval(ASSIGNMENTS, proposal_id), type=_Assignments
    )
    people = {row.reviewer.id for row in found.rows} | {row.person.id for row in found.pool}
    against = await conflicts_of(connection, proposal_id, people)
    asked = rubric.read(found.rubric)
    valid = [row for row in found.rows if row.state == "accepted" and row.submitted_at]
    counted = [row for row in valid if not row.suspended]
    letters = rubric.labels(proposal_id, [row.id for row in counted])
    suspended = [r for r in found.rows if r.suspended and r.state in policy.ACTIVE]
    reviewers = [row.reviewer.id for row in found.rows]
    await disclosed(
        connection, actor, "assignment.read", proposal_id, proposal_id, people=reviewers
    )
    return Assignments(
        rev=found.rev,
        state=found.state,
        min=found.min,
        max=found.max,
        rubric=found.rubric,
        items=[
            AssignmentOut(
                label=letters.get(row.id),
                conflicts=_words(against[row.reviewer.id]),
                total=rubric.total(asked, row.scores),
                **{name: getattr(row, name) for name in _Row.__struct_fields__},
            )
            for row in found.rows
        ],
        spread=rubric.spread(asked, [row.scores or {} for row in counted]),
        candidates=[
            Candidate(row.person, row.load, row.done, _words(against[row.person.id]))
            for row in sorted(found.pool, key=lambda row: row.load)
        ],
        blockers=[
            Words(e.code, e.params) for e in blockers(len(counted), found.min, len(suspended))
        ],
        can=_can(roles, found.state == State.PEER_REVIEW, MANAGING),
    )


async def review(reading: Reading, assignment_id: UUID) -> ReviewPage:
    """Return the proposal as its reviewer reads it, with the own review and, after it, the others'."""
    connection, actor = reading.connection, reading.actor
    mine = await connection.fetchrow(MINE, assignment_id, actor.id)
    if mine is None:
        raise NotFound
    proposal_id = mine["proposal_id"]
    try:
        roles = await policy.look(connection, actor, proposal_id, "review.read")
    except (Forbidden, NotFound) as refusal:
        raise policy.explained(refusal, state=mine["state"], suspended=mine["suspended"]) from None
    found = msgspec.json.decode(await connection.fetchval(PAGE, assignment_id), type=_Page)
    if not found.open and found.review.submitted_at is None:
        raise Forbidden("reviews.closed")
    asked = rubric.read(found.rubric)
    others = None
    if found.others is not None:
        letters = rubric.labels(proposal_id, [row.id for row in found.others])
        others = [
            OtherReview(
                letters[row.id],
                row.scores,
                rubric.total(asked, row.scores),
                row.recommendation,  # type: ignore[arg-type]  # one of three, by a constraint
                row.for_applicants,
            )
            for row in sorted(found.others, key=lambda row: letters[row.id])
            if row.id != assignment_id
        ]
        await disclosed(connection, actor, "review.read", assignment_id, proposal_id)
    own = msgspec.structs.replace(found.review, total=rubric.total(asked, found.review.scores))
    return ReviewPage(
        assignment_id=assignment_id,
        proposal=_readable(found.proposal),
        rubric=found.rubric,
        review=own,
        due_at=found.due_at,
        late=found.late,
        others=others,
        can=_can(roles, found.open and own.submitted_at is None, WRITING),
    )


MANAGING = ("assignment.add", "assignment.remove", "conflict.dismiss")
WRITING = ("review.write", "review.submit", "assignment.answer")


def _can(roles: Role, holds: bool, actions: Iterable[str]) -> list[str]:  # noqa: FBT001  one caller each
    return [action for action in actions if holds and roles & ALLOWED[action]]


def _words(found: list[ConflictOfInterest]) -> list[ConflictWords]:
    return [
        ConflictWords(
            rule=c.rule,
            hard=c.hard,
            words=Words(f"reviews.conflict_{c.rule}", c.params),
            dismissable=c.rule in DISMISSABLE,
            dismissed=Dismissed(c.dismissed) if c.dismissed is not None else None,
        )
        for c in found
    ]


def _readable(proposal: ReadableProposal) -> ReadableProposal:
    """Leave out what the form does not show to reviewers."""
    sections, hidden = [], set()
    for section in proposal.form["sections"]:
        questions = section.get("questions", [])
        shown = [q for q in questions if "reviewers" in q["visible_to"]]
        hidden |= {q["id"] for q in questions} - {q["id"] for q in shown}
        if shown or section.get("shows"):
            sections.append({**section, "questions": shown})
    return msgspec.structs.replace(
        proposal,
        form={**proposal.form, "sections": sections},
        answers={q: value for q, value in proposal.answers.items() if q not in hidden},
    )
