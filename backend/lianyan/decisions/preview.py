"""The release page: exactly what a release would do, before it is ordered and while it is held."""

from datetime import datetime
from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.disclosed import disclosed
from lianyan.core.pieces import instant, institution, person
from lianyan.core.problems import NotFound
from lianyan.core.shapes import InstitutionRef, PersonRef
from lianyan.decisions import policy
from lianyan.decisions.letters import Letter, body, letters_of, subject
from lianyan.decisions.releases import HANDLING
from lianyan.decisions.schemas import (
    Effects,
    Kind,
    LeftOut,
    LetterOut,
    Letters,
    NamedProposal,
    NotYours,
    ReadyRow,
    RecentRelease,
    Recipient,
    ReleasePage,
    RunningRelease,
)
from lianyan.decisions.states import HOLD, Decided
from lianyan.proposals.access import LOOK_BACK_YEARS, Right
from lianyan.proposals.states import State

IN_REVIEW = f"('{State.PEER_REVIEW.value}', '{State.DECISION_PENDING.value}')"
NAMED = """jsonb_build_object('id', p.id, 'number', coalesce(p.number, ''), 'title', p.title,
  'title_en', p.title_en)"""

# What a reader `$1`, employed by `$2`, is to each proposal of which something may be known.
HANDLED = f"""
  handled as (
    select p.*, exists (select from access e where e.proposal_id = p.id
        and e.principal = any($2) and e.rights & {Right.EMPLOYER:d} <> 0) as employer
    from proposals p
    where p.submitted_at is not null
      and not exists (select from access c where c.proposal_id = p.id and c.principal = $1
        and c.rights & {Right.LEAD | Right.TEAM | Right.CONFLICT:d} <> 0)
  )
"""

# Somebody without a conflict who coordinates: a coordinator before a stand-in.
STAND_IN = f"""
  (select {person("q")}
    from platform_roles h join people q on q.id = h.person_id and q.status = 'active'
    where h.role in ('coordinator', 'stand_in') and h.ended_at is null and q.id <> $1
      and not exists (select from access c where c.proposal_id = p.id and c.principal = q.id
        and c.rights & {Right.LEAD | Right.TEAM | Right.CONFLICT:d} <> 0)
      and not exists (select from affiliations f
        join access e on e.proposal_id = p.id and e.principal = f.institution_id
        where f.person_id = q.id and e.rights & {Right.EMPLOYER:d} <> 0
          and (f.status in ('pending', 'confirmed') or (f.status = 'ended'
            and f.ended_at > now() - make_interval(years => {LOOK_BACK_YEARS}))))
    order by h.role, q.sort_key collate "C", q.id limit 1)
"""

DECIDED = f"""
  with {HANDLED}
  select jsonb_build_object(
    'decided', coalesce((select jsonb_agg(jsonb_build_object('proposal', {NAMED},
        'decision_id', d.id, 'kind', d.kind, 'state', d.state,
        'stale', d.id is not null and d.version_id is distinct from p.version_id,
        'sent_back', d.sent_back_note is not null,
        'signed_by', case when s.id is not null then {person("s")} end,
        'signed_at', {instant("d.signed_at")},
        'institutions', coalesce((select jsonb_agg({institution("i")} order by t.position, t.id)
          from participations t join institutions i on i.id = t.institution_id
          where t.proposal_id = p.id and t.state not in ('removed', 'declined')), '[]'))
        order by p.number, p.id)
      from handled p
      left join decisions d on d.proposal_id = p.id and d.state <> 'cancelled'
      left join people s on s.id = d.signed_by
      where p.state = '{State.DECISION_PENDING.value}' and not p.employer), '[]'),
    'not_yours', coalesce((select jsonb_agg(jsonb_build_object('proposal', {NAMED},
        'why', 'decisions.why_employer', 'stand_in', {STAND_IN}) order by p.number, p.id)
      from handled p where p.state in {IN_REVIEW} and p.employer), '[]'))::text
"""

# A release is shown to those who may handle everything in it; what was in it, its event knows.
RELEASES = f"""
  with {HANDLED}
  select e.id, e.due_at, e.done_at, e.taken_back_at, {person("q")}::text as ordered_by,
    array(select jsonb_array_elements_text(v.data -> 'decisions'))::uuid[] as decisions,
    array(select d.id from decisions d where d.release_id = e.id and d.state = 'scheduled'
      order by d.proposal_id) as scheduled
  from releases e
  join people q on q.id = e.ordered_by
  join events v on v.subject_id = e.id and v.kind = 'release.ordered'
  where not exists (
    select from jsonb_array_elements_text(v.data -> 'proposals') as o(id)
    where not exists (select from handled p where p.id = o.id::uuid and not p.employer))
  order by coalesce(e.done_at, e.taken_back_at) desc nulls first, e.due_at, e.id
  limit 20
"""

ONE = "select proposal_id, state from decisions where id = $1"


class _Decided(msgspec.Struct):
    proposal: NamedProposal
    decision_id: UUID | None
    kind: Kind | None
    state: str | None
    stale: bool
    sent_back: bool
    signed_by: PersonRef | None
    signed_at: datetime | None
    institutions: list[InstitutionRef]

    @property
    def why(self) -> str | None:
        """Return why the decision cannot be released now; None where it can."""
        if self.state is None:
            return "decisions.why_none"
        if self.state == Decided.DRAFTED:
            return "decisions.why_sent_back" if self.sent_back else "decisions.why_not_signed"
        return "decisions.stale" if self.stale else None


class _Page(msgspec.Struct):
    decided: list[_Decided]
    not_yours: list[NotYours]


async def release(reading: Reading) -> ReleasePage:
    """Return what a release of everything signed would do, what is held, and what went out."""
    connection, actor = reading.connection, reading.actor
    whose = actor.id, list(actor.employers)
    found = msgspec.json.decode(await connection.fetchval(DECIDED, *whose), type=_Page)
    rows = await connection.fetch(RELEASES, *whose)
    held = next((row for row in rows if not row["done_at"] and not row["taken_back_at"]), None)
    ready = [row for row in found.decided if row.state == Decided.SIGNED and row.why is None]
    ids = [row.decision_id for row in ready if row.decision_id]
    sent = await letters_of(connection, ids + (list(held["scheduled"]) if held else []))
    if found.decided:
        shown = [row.proposal.id for row in found.decided]
        await disclosed(connection, actor, "release.read", actor.id, None, proposals=shown)
    mine = [letter for letter in sent if letter.decision_id in set(ids)]
    return ReleasePage(
        ready=[_ready(row, mine) for row in ready],
        left_out=[LeftOut(row.proposal, row.why) for row in found.decided if row.why],
        not_yours=found.not_yours,
        effects=Effects(
            states=len(ready),
            projects=sum(row.kind == "approve" for row in ready),
            letters=len(mine),
            letters_approve=sum(letter.kind == "approve" for letter in mine),
            letters_reject=sum(letter.kind == "reject" for letter in mine),
        ),
        running=RunningRelease(
            id=held["id"],
            due_at=held["due_at"],
            count=len(held["scheduled"]),
            letters=len(sent) - len(mine),
            ordered_by=msgspec.json.decode(held["ordered_by"], type=PersonRef),
            decision_ids=list(held["scheduled"]),
        )
        if held
        else None,
        recent=[
            RecentRelease(
                id=row["id"],
                at=row["done_at"] or row["taken_back_at"],
                count=len(row["decisions"]),
                taken_back=row["taken_back_at"] is not None,
                ordered_by=msgspec.json.decode(row["ordered_by"], type=PersonRef),
            )
            for row in rows
            if row["done_at"] or row["taken_back_at"]
        ],
        hold_minutes=int(HOLD.total_seconds() // 60),
        can=(["release.order"] if ready else []) + (["release.take_back"] if held else []),
    )


async def letters(reading: Reading, decision_id: UUID) -> Letters:
    """Return the letters of one decision as they will be read, in both languages."""
    row = await reading.connection.fetchrow(ONE, decision_id)
    if row is None or row["state"] == Decided.CANCELLED:
        raise NotFound
    await policy.look(reading.connection, reading.actor, row["proposal_id"], HANDLING)
    found = await letters_of(reading.connection, [decision_id])
    await disclosed(
        reading.connection, reading.actor, "decision.read", decision_id, row["proposal_id"]
    )
    return Letters(
        [
            LetterOut(
                person_id=letter.person.id,
                to=letter.person.name,
                as_=letter.to,
                template=letter.template,
                subject=subject(letter),
                body=body(letter),
            )
            for letter in found
        ]
    )


def _ready(row: _Decided, sent: list[Letter]) -> ReadyRow:
    mine = [letter for letter in sent if letter.decision_id == row.decision_id]
    served = {letter.institution.id for letter in mine if letter.institution}
    if (
        row.decision_id is None
        or row.kind is None
        or row.signed_by is None
        or row.signed_at is None
    ):
        raise LookupError  # a signed decision has them all: a constraint says so
    return ReadyRow(
        decision_id=row.decision_id,
        proposal=row.proposal,
        kind=row.kind,
        signed_by=row.signed_by,
        signed_at=row.signed_at,
        recipients=[
            Recipient(person=letter.person, as_=letter.to, institution=letter.institution)
            for letter in mine
        ],
        letters=len(mine),
        not_sent=[home for home in row.institutions if home.id not in served],
    )
