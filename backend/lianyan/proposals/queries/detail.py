"""The proposal as its own people read it: one statement, shaped to JSON by the database."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from lianyan.core.actor import Reading
from lianyan.core.policy import Role
from lianyan.core.problems import NotFound
from lianyan.core.reads import Read
from lianyan.core.shapes import shaped
from lianyan.decisions.queries import released
from lianyan.proposals.access import Right
from lianyan.proposals.acts import MOMENT, Now, can
from lianyan.proposals.deadlines import deadline
from lianyan.proposals.policy import Rights, refuse, roles
from lianyan.proposals.queries.part import ENDED, PART
from lianyan.proposals.queries.progress import Dates, Seen, progress, todo
from lianyan.proposals.queries.shaping import institution, person, shown, utc
from lianyan.proposals.schemas.detail import ProposalOut
from lianyan.proposals.states import SHOWN, State
from lianyan.proposals.versions import FINGERPRINT

HANDLING = Role.COORDINATOR | Role.APPROVER | Role.AUDITOR
"""Who knows the state that applicants are not shown."""

SECTIONS = f"""
  (select jsonb_agg(jsonb_build_object(
      'id', q.doc ->> 'id', 'rev', coalesce(s.rev, 0), 'saved_at', {utc("s.saved_at")},
      'saved_by', case when w.id is not null then {person("w")} end,
      'missing', n.missing, 'complete', n.missing = 0,
      'flagged', case when p.state = 'returned' then (
        select string_agg(k.note, chr(10) order by k.item) from check_answers k
        where k.proposal_id = p.id and k.verdict = 'problem' and k.section = q.doc ->> 'id') end)
    order by q.position)
  from jsonb_array_elements(f.document -> 'sections') with ordinality q(doc, position)
  left join sections s on s.proposal_id = p.id and s.section = q.doc ->> 'id'
  left join people w on w.id = s.saved_by
  cross join lateral (select case
    when q.doc ->> 'shows' = 'contributions' then (
      select count(*) from participations t where t.proposal_id = p.id and t.state <> 'removed'
        and not exists (select from contributions k where k.participation_id = t.id))
    when s.section is null then (
      select count(*) from jsonb_array_elements(q.doc -> 'questions') k
      where (k ->> 'required')::boolean)
    else s.missing end as missing) n)
"""

TEAM = f"""
  coalesce((select jsonb_agg(jsonb_build_object(
      'id', m.id, 'person', {person("w", institution("i"))}, 'duty', m.duty,
      'lead', w.id = p.lead_id,
      'scope', not exists (select from identities d where d.person_id = w.id))
    order by w.id <> p.lead_id, m.id)
  from members m join people w on w.id = m.person_id
  join institutions i on i.id = m.institution_id
  where m.proposal_id = p.id and m.removed_at is null), '[]')
"""

PARTS = f"""
  coalesce((select jsonb_agg({PART} order by t.position, t.id)
  from participations t join institutions i on i.id = t.institution_id {ENDED}
  where t.proposal_id = p.id and t.state <> 'removed'), '[]')
"""

INVITATIONS = f"""
  case when r.own & {Right.LEAD:d} <> 0 then
    coalesce((select jsonb_agg(jsonb_build_object(
        'id', n.id, 'participation_id', n.participation_id, 'name', n.name, 'email', n.email,
        'state', case when n.state = 'sent' and n.expires_at < clock_timestamp()
          then 'expired' else n.state end,
        'expires_at', {utc("n.expires_at")}, 'comment', n.comment) order by n.id)
      from invitations n where n.proposal_id = p.id), '[]')
  else '[]' end
"""

OWN_MOVES = "'submit', 'resubmit', 'take_back', 'withdraw', 'withdraw_by_institution'"
TOLD = f"{OWN_MOVES}, 'return', 'refuse', 'restore'"
"""Moves whose reason the applicants read."""

TIMELINE = f"""
  coalesce((select jsonb_agg(jsonb_build_object(
      'move', m.move, 'from', {shown("m.from_state")}, 'to', {shown("m.to_state")},
      'at', {utc("m.at")}, 'by', case when m.move in ({OWN_MOVES}) then {person("w")} end,
      'reason', case when m.move in ({TOLD}) then m.reason end,
      'reason_code', case when m.move in ({TOLD}) then m.reason_code end) order by m.id)
  from moves m left join people w on w.id = m.actor_id
  where m.proposal_id = p.id and {shown("m.from_state")} <> {shown("m.to_state")}), '[]')
"""
"""The moves that change what applicants see; the others leave no trace here."""

NOTES = """
  case when p.state = 'returned' then
    coalesce((select jsonb_agg(jsonb_build_object(
        'item', k.item, 'note', k.note, 'section', k.section) order by k.item)
      from check_answers k where k.proposal_id = p.id and k.verdict = 'problem'), '[]')
  else '[]' end
"""

BODY = f"""
  jsonb_build_object(
    'id', p.id, 'rev', p.rev, 'number', p.number, 'title', p.title, 'title_en', p.title_en,
    'submitted_at', {utc("p.submitted_at")},
    'call', jsonb_build_object(
      'id', c.id, 'title', jsonb_build_object('zh', c.title_zh, 'en', c.title_en),
      'prefix', c.prefix, 'closes_at', {utc("c.closes_at")},
      'min_institutions', c.min_institutions, 'consent', c.consent,
      'consent_days', c.consent_days, 'form', f.document),
    'lead', {person("lead", f"(select {institution('i')} from members m join institutions i on i.id = m.institution_id where m.proposal_id = p.id and m.person_id = p.lead_id and m.removed_at is null)")},
    'sections', {SECTIONS},
    'answers', coalesce((select jsonb_object_agg(a.question, a.value) from answers a
      where a.proposal_id = p.id), '{{}}'),
    'team', {TEAM}, 'participations', {PARTS}, 'invitations', {INVITATIONS},
    'moves', {TIMELINE},
    'versions', coalesce((select jsonb_agg(jsonb_build_object(
        'id', v.id, 'number', v.number, 'sha8', left(encode(v.sha256, 'hex'), 8),
        'at', {utc("v.created_at")}) order by v.number)
      from versions v where v.proposal_id = p.id), '[]'),
    'unsubmitted_changes', coalesce((select v.fingerprint <> print.content from versions v
      where v.id = p.version_id and p.state in ('draft', 'consent_pending', 'returned')), false),
    'check_notes', {NOTES},
    'content_hash', encode(print.content, 'hex'),
    'decision', {released("p")})
"""

DETAIL_SQL = f"""
      select coalesce(r.own, 0) as own, coalesce(r.office, 0) as office,
        coalesce(r.employer, 0) as employer, p.state, {MOMENT},
        c.closes_at, p.due_at, p.consent_until as confirm_until, c.reviews_until, c.decides_at,
        coalesce(p.stages, c.stages) as stages, p.submitted_at, {BODY}::text as body
      from proposals p
      join calls c on c.id = p.call_id
      join forms f on f.id = p.form_id
      join people lead on lead.id = p.lead_id
      cross join lateral (
        select bit_or(a.rights) filter (where a.principal = :person) as own,
          bit_or(a.rights) filter (where a.principal = any(:offices)) as office,
          bit_or(a.rights) filter (where a.principal = any(:employers)) as employer
        from access a where a.proposal_id = p.id
          and a.principal = any(array[:person] || :offices || :employers)) r
      cross join lateral (select {FINGERPRINT} as content offset 0) print
      where p.id = :proposal
"""

DETAIL = Read(
    text(DETAIL_SQL).bindparams(
        bindparam("proposal", type_=Uuid),
        bindparam("person", type_=Uuid),
        bindparam("offices", type_=ARRAY(Uuid)),
        bindparam("employers", type_=ARRAY(Uuid)),
    )
)


class Head(msgspec.Struct):
    """What the server's own tables add before the body."""

    can: list[str]
    shown: str
    state: str | None
    deadline: Any
    progress: Any
    todo: Any
    now: Any


async def read(reading: Reading, proposal_id: UUID) -> Response[ProposalOut]:
    """Return everything the pages of a proposal show; raise NotFound to whom may not know it."""
    actor = reading.actor
    row = await DETAIL.row(
        reading.connection,
        proposal=proposal_id,
        person=actor.id,
        offices=list(actor.offices),
        employers=list(actor.employers),
    )
    if row is None:
        raise NotFound
    bits = Rights(
        row["own"], row["office"], row["employer"], submitted=row["submitted"], state=row["state"]
    )
    found = roles(actor, bits, proposal_id)
    refuse(found, "proposal.read")
    state, body = State(row["state"]), row["body"].encode()
    now = Now(**{field: row[field] for field in Now.__struct_fields__})
    seen = msgspec.json.decode(body, type=Seen)
    dates = Dates(
        submitted_at=row["submitted_at"],
        submit_until=row["submit_until"],
        consent_until=row["confirm_until"],
        reviews_until=row["reviews_until"],
        decides_at=row["decides_at"],
    )
    head = Head(
        can=can(found, state, now),
        shown=SHOWN[state],
        state=state.value if found & HANDLING else None,
        deadline=deadline(
            state,
            closes_at=row["closes_at"],
            due_at=row["due_at"],
            consent_until=row["confirm_until"],
            returned_until=row["returned_until"],
        ),
        progress=progress(state, row["stages"], dates, seen.moves),
        todo=todo(found, state, now, seen, actor.offices),
        now=now.at,
    )
    return shaped(ProposalOut, msgspec.json.encode(head)[:-1] + b"," + body[1:])
