"""What waits for an officer, and one institution's part with the whole proposal."""

from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.paging import to_cursor
from lianyan.core.problems import Forbidden, NotFound
from lianyan.proposals.acts import CONFIRMABLE
from lianyan.proposals.deadlines import CONSENT_UNTIL, PART_STATE
from lianyan.proposals.material import SCOPE, changes, token
from lianyan.proposals.policy import look
from lianyan.proposals.queries.cursors import cursor
from lianyan.proposals.queries.part import ENDED, PART
from lianyan.proposals.queries.shaping import (
    institution,
    lead_institution,
    lines_of,
    people_of,
    shown,
    utc,
)
from lianyan.proposals.schemas.officer import OfficerRead, Queue, QueueItem
from lianyan.proposals.states import PARTICIPATION_MOVES, Participation, State
from lianyan.proposals.versions import FINGERPRINT

PROPOSAL = f"""
  jsonb_build_object('id', p.id, 'title', p.title, 'title_en', p.title_en, 'number', p.number,
    'shown', {shown("p.state")}, 'lead', {lead_institution("p")})
"""

ALSO = """
  (p.lead_id = $2 or exists (select from members m where m.proposal_id = p.id
    and m.person_id = $2 and m.removed_at is null))
"""
"""Whether the reader, an officer, is in the team too."""

BEFORE = """
  left join lateral (select k.scope from consents k where k.participation_id = t.id
    order by k.id desc limit 1) last on true
"""
"""What was last confirmed, whether it still stands or not."""

VERSION = """
  (select v.number from versions v where v.proposal_id = p.id
    and v.fingerprint = print.content order by v.number desc limit 1)
"""

NO_CHANGES = (
    f"case when last.scope is null then '[]'::jsonb else {changes('last.scope', 'now.scope')} end"
)

# A draft's part waits only once there is something to confirm: a title, and a promise.
QUEUE = f"""
  select body::text as body, scope::text as scope, sort::text as sort, id
  from (
    select t.id, now.scope, first.sort,
      jsonb_build_object('participation_id', t.id, 'proposal', {PROPOSAL},
        'institution', {institution("i")}, 'role', t.role, 'task', t.task,
        'promise', {lines_of("t")}, 'our_people', {people_of("t")},
        'changes', {NO_CHANGES},
        'changed_by', (select w.name from people w where w.id = t.void_by),
        'changed_at', {utc("t.void_at")},
        'state', {PART_STATE}, 'until', {utc(CONSENT_UNTIL)}, 'scope_hash', '',
        'version', null, 'also_member', {ALSO}) as body
    from (
      select t.id, coalesce({CONSENT_UNTIL}, 'infinity') as sort
      from participations t join proposals p on p.id = t.proposal_id
      where t.institution_id = any($1) and t.state in ('invited', 'viewed', 'void')
        and (p.state in ('consent_pending', 'returned') or (p.state = 'draft' and p.title <> ''
          and exists (select from contributions k where k.participation_id = t.id)))
        and (coalesce({CONSENT_UNTIL}, 'infinity'), t.id) > ($3::text::timestamptz, $4)
      order by sort, t.id limit $5
    ) first
    join participations t on t.id = first.id
    join proposals p on p.id = t.proposal_id
    join institutions i on i.id = t.institution_id
    cross join lateral (select {SCOPE} as scope offset 0) now {BEFORE}
  ) found
  order by found.sort, found.id
"""

READ = f"""
  select p.state, t.state as stored, t.institution_id, p.id as proposal_id,
    now.scope::text as scope, {PART_STATE} as seen,
    jsonb_build_object('part', {PART}, 'proposal', {PROPOSAL},
      'form', f.document,
      'answers', coalesce((select jsonb_object_agg(a.question, a.value) from answers a
        where a.proposal_id = p.id), '{{}}'),
      'others', coalesce((
        select jsonb_agg(jsonb_build_object('institution', {institution("o")}, 'role', x.role)
          order by x.position, x.id)
        from participations x join institutions o on o.id = x.institution_id
        where x.proposal_id = p.id and x.id <> t.id and x.state <> 'removed'), '[]'),
      'changes', {NO_CHANGES}, 'scope', now.scope, 'scope_hash', '', 'can', '[]'::jsonb,
      'version', {VERSION}, 'also_member', {ALSO},
      'call', jsonb_build_object('zh', c.title_zh, 'en', c.title_en),
      'until', {utc(CONSENT_UNTIL)})::text as body
  from participations t
  join proposals p on p.id = t.proposal_id
  join calls c on c.id = p.call_id
  join forms f on f.id = p.form_id
  join institutions i on i.id = t.institution_id
  cross join lateral (select {SCOPE} as scope offset 0) now {BEFORE} {ENDED}
  cross join lateral (select {FINGERPRINT} as content offset 0) print
  where t.id = $1 and t.state <> 'removed'
"""

SOON = ("-infinity", str(UUID(int=0)))
"""The cursor before the first card."""


async def queue(reading: Reading, office: UUID | None, *, limit: int, after: str | None) -> Queue:
    """Return what waits for the reader's confirmation, the nearest date first."""
    actor = reading.actor
    offices = [of for of in actor.offices if office in {None, of}]
    sort, last = cursor(after, SOON)
    rows = await reading.connection.fetch(QUEUE, offices, actor.id, sort, last, limit + 1)
    items = []
    for row in rows[:limit]:
        item = msgspec.json.decode(row["body"], type=QueueItem)
        item.scope_hash = token(msgspec.json.decode(row["scope"]))
        items.append(item)
    more = None
    if len(rows) > limit:
        more = to_cursor(rows[limit - 1]["sort"], str(rows[limit - 1]["id"]))
    return Queue(items, more)


ACTS = {"confirm", "return", "decline"}


async def read(reading: Reading, participation_id: UUID) -> OfficerRead:
    """Return one institution's part with the whole proposal, for its officer."""
    actor = reading.actor
    row = await reading.connection.fetchrow(READ, participation_id, actor.id)
    if row is None:
        raise NotFound
    await look(reading.connection, actor, row["proposal_id"], "participation.read")
    if row["institution_id"] not in actor.offices:
        raise Forbidden("proposals.not_your_institution")
    found = msgspec.json.decode(row["body"], type=OfficerRead)
    found.scope_hash = token(msgspec.json.decode(row["scope"]))
    if State(row["state"]) in CONFIRMABLE:
        seen = Participation(row["seen"])
        found.can = [
            f"participation.{act}"
            for (source, act) in PARTICIPATION_MOVES
            if source is seen
            and act in ACTS
            and not (act == "decline" and found.part.role == "lead")
        ]
    return found
