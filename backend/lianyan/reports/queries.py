"""Reads of the record for whom it is kept: what happened, who saw what, how far it is sealed.

Names are joined when somebody reads; the record itself holds ids. What the reader's own position hides
is left out: of a proposal they are in, or tied to, everything; of one their employer takes part in,
how it is handled. Who reviews, and what a decision says before its release, the record does not tell:
those are no audit administrator's to know. Who has *read* what it names, as that is what it is for.
"""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, Text, Uuid, bindparam, text

from lianyan.core.actor import Reading
from lianyan.core.disclosed import disclosed
from lianyan.core.events import READ, READ_MANY
from lianyan.core.paging import from_cursor, page_limit, to_cursor
from lianyan.core.pieces import instant, institution, person
from lianyan.core.problems import NotFound, invalid
from lianyan.core.reads import Read
from lianyan.core.shapes import PersonRef
from lianyan.core.text import TextError, code, line
from lianyan.proposals.policy import look
from lianyan.proposals.rights import Right
from lianyan.reports.commands import CHECKED, RECORD
from lianyan.reports.schemas import RecordPage, RecordRow, SealState, SeenPage, SeenRow

NEWEST, LIMIT, NUMBER = 2**63 - 1, 50, 60
KIND = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?")
HANDLING = ("review", "assignment", "decision", "decisions", "conflict", "release", "check")
"""What an event's kind begins with that tells how a proposal is handled."""
SECURITY = ("login", "logout", "session", "role", "officer", "administrator", "alarm", "limit")
"""What an event's kind begins with that a security administrator looks at."""

REVIEWING = """coalesce(
  (e.kind like 'review.%' and e.kind not like '%.read') or e.data ->> 'reviewer_id' = e.actor_id::text,
  false)"""
"""SQL: who did it is the proposal's reviewer. No name is told, and no filter by person finds it."""
UNTOLD = "e.kind = 'decision.drafted' and d.key = 'decision_kind'"
"""SQL: a detail that would tell what a decision will be; its release tells what it was."""

MENTIONED = """(
  select e.proposal_id where e.proposal_id is not null
  union all
  select x::uuid from jsonb_array_elements_text(e.data -> 'proposals') x
)"""
OPEN = f"""not exists (
  select from {MENTIONED} m (id) join access a on a.proposal_id = m.id
  where (a.principal = :me and a.rights & {Right.CONFLICT | Right.TEAM:d} <> 0)
    or (a.principal = any(:employers) and a.rights & {Right.EMPLOYER:d} <> 0
      and split_part(e.kind, '.', 1) = any(:handling)))"""

UUIDS = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
ROW = f"""
  jsonb_build_object('id', e.id, 'at', {instant("e.at")}, 'kind', e.kind,
    'actor', (select {person("w")} from people w where w.id = e.actor_id and not {REVIEWING}),
    'reviewer', {REVIEWING},
    'subject', coalesce(
      (select jsonb_build_object('kind', 'person', 'id', q.id, 'name', q.name) from people q
        where e.kind not like 'conflict.%'
          and q.id = coalesce(e.data ->> 'person_id', e.data ->> 'person', e.subject_id::text)::uuid),
      (select jsonb_build_object('kind', 'institution', 'id', i.id, 'institution', {institution("i")})
        from institutions i where i.id = coalesce(e.data ->> 'institution_id', e.data ->> 'institution',
          (select v.institution_id::text from providers v where v.id = e.subject_id),
          e.subject_id::text)::uuid),
      jsonb_build_object('kind', case when e.subject_id = e.proposal_id then 'proposal' else 'other' end,
        'id', e.subject_id)),
    'proposal', (select jsonb_build_object('id', p.id, 'number', p.number) from proposals p
      where p.id = e.proposal_id),
    'data', coalesce((select jsonb_object_agg(d.key, d.value) from jsonb_each(e.data) d
      where jsonb_typeof(d.value) in ('string', 'number', 'boolean')
        and d.value #>> '{{}}' !~ '{UUIDS}' and not ({UNTOLD})), '{{}}'))
"""

TYPES: dict[str, Any] = {
    "me": Uuid(), "employers": ARRAY(Uuid()), "handling": ARRAY(Text()), "before": BigInteger(),
    "most": Integer(), "person": Uuid(), "proposal": Uuid(), "named": Text(), "kind": Text(), "number": Text(),
    "prefix": Text(), "since": DateTime(timezone=True), "until": DateTime(timezone=True),
    "areas": ARRAY(Text()), "of": Uuid(),
}  # fmt: skip


def _read(sql: str) -> Read:
    names = {name for name in TYPES if re.search(rf"(?<!:):{name}\b", sql)}
    return Read(text(sql).bindparams(*(bindparam(name, type_=TYPES[name]) for name in names)))


def _log(condition: str) -> Read:
    """Return the statement of a page of the record under a condition."""
    return _read(f"""
      select e.id, ({ROW})::text from events e
      where e.id < :before and {condition} and {OPEN}
      order by e.id desc limit :most
    """)


PAGES: dict[tuple[str, ...], Read] = {}
"""Which filters are on -> the statement for it."""
FILTERS = {
    "of": f"e.actor_id = :of and not {REVIEWING}",
    "proposal": "e.proposal_id = :proposal",
    "number": """e.proposal_id = any(array(select p.id from calls k join proposals p on p.call_id = k.id
      where :number like k.prefix || '-%' and p.number = :number))""",
    "kind": "e.kind = :kind",
    "prefix": "split_part(e.kind, '.', 1) = :prefix",
    "since": "e.at >= :since",
    "until": "e.at < :until",
    "areas": "split_part(e.kind, '.', 1) = any(:areas)",
}

SEEN_ROW = f"""
  jsonb_build_object('id', e.id, 'at', {instant("e.at")}, 'kind', e.kind,
    'actor', (select {person("w")} from people w where w.id = e.actor_id),
    'proposals', coalesce((select jsonb_agg(jsonb_build_object('id', p.id, 'number', p.number)
        order by p.number, p.id)
      from {MENTIONED} m (id) join proposals p on p.id = m.id), '[]'))
"""
SEEN_OF_PROPOSAL = _read(f"""
  select e.id, ({SEEN_ROW})::text from (
    (select * from events where {READ} and proposal_id = :proposal and id < :before
      order by id desc limit :most)
    union all
    (select * from events where {READ_MANY} and data -> 'proposals' ? cast(:named as text)
      and id < :before order by id desc limit :most)
  ) e
  where {OPEN}
  order by e.id desc limit :most
""")
SEEN_BY_PERSON = _read(f"""
  select e.id, ({SEEN_ROW})::text from events e
  where e.{READ} and e.actor_id = :of and e.id < :before and {OPEN}
  order by e.id desc limit :most
""")
SEALS = f"""
  with newest as (select * from seals order by id desc limit 1),
  waiting as (select e.at from events e
    where e.id > coalesce((select last_id from newest), 0) order by e.id limit 100000)
  select jsonb_build_object(
    'seals', coalesce((select id from newest), 0),
    'last', (select jsonb_build_object('id', id, 'sealed_at', {instant("sealed_at")},
      'digest', encode(digest, 'hex')) from newest),
    'checked', (select jsonb_build_object('at', {instant("c.at")}, 'seals', c.data -> 'seals',
        'events', c.data -> 'events', 'faults', c.data -> 'faults') from events c
      where c.subject_id = '{RECORD}' and c.kind = '{CHECKED}' order by c.id desc limit 1),
    'unsealed', (select count(*) from waiting),
    'oldest_unsealed_seconds',
      coalesce(extract(epoch from clock_timestamp() - (select min(at) from waiting)), 0)::float)::text
"""


PERSON = f"select ({person('w')})::text from people w where w.id = $1"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query of the record, as it was sent."""

    kind: str | None = None
    person: UUID | None = None
    proposal: UUID | None = None
    number: str | None = None
    since: str | None = None
    until: str | None = None
    after: str | None = None
    limit: str | None = None


async def record(reading: Reading, asked: Asked) -> RecordPage:
    """Return a page of what happened; refuse a filter that names nothing."""
    found: dict[str, Any] = {
        "of": asked.person,
        "proposal": asked.proposal,
        "number": _number(asked.number),
        **_kind(asked.kind),
        "since": _instant("from", asked.since),
        "until": _instant("to", asked.until),
    }
    values = {name: value for name, value in found.items() if value is not None}
    page = await _page(reading, values, asked.after, asked.limit)
    page.person = await _person(reading, asked.person) if asked.person else None
    return page


async def security(reading: Reading, after: str | None, limit: str | None) -> RecordPage:
    """Return a page of logins, sessions, roles and alarms."""
    return await _page(reading, {"areas": list(SECURITY)}, after, limit)


async def seals(reading: Reading) -> SealState:
    """Return how far the record is sealed."""
    return msgspec.json.decode(await reading.connection.fetchval(SEALS), type=SealState)


async def seen_by(
    reading: Reading, person_id: UUID, after: str | None, limit: str | None
) -> SeenPage:
    """Return what one person has read; that this was looked up is itself written down."""
    known = await _person(reading, person_id)
    if known is None:
        raise NotFound
    await disclosed(reading.connection, reading.actor, "record.read", person_id, None)
    page = await _seen(reading, SEEN_BY_PERSON, {"of": person_id}, after, limit)
    page.person = known
    return page


async def seen_of(
    reading: Reading, proposal_id: UUID, after: str | None, limit: str | None
) -> SeenPage:
    """Return who has read confidential matter of a proposal; that too is written down."""
    await look(reading.connection, reading.actor, proposal_id, "record.seen")
    await disclosed(reading.connection, reading.actor, "record.read", proposal_id, proposal_id)
    values = {"proposal": proposal_id, "named": str(proposal_id)}
    return await _seen(reading, SEEN_OF_PROPOSAL, values, after, limit)


async def _person(reading: Reading, person_id: UUID) -> PersonRef | None:
    body = await reading.connection.fetchval(PERSON, person_id)
    return msgspec.json.decode(body, type=PersonRef) if body else None


async def _page(
    reading: Reading, values: dict[str, Any], after: str | None, limit: str | None
) -> RecordPage:
    key = tuple(name for name in FILTERS if name in values)
    if key not in PAGES:
        PAGES[key] = _log(" and ".join(FILTERS[name] for name in key) or "true")
    rows, following = await _rows(reading, PAGES[key], values, after, limit)
    return RecordPage([msgspec.json.decode(body, type=RecordRow) for body in rows], following)


async def _seen(
    reading: Reading, read: Read, values: dict[str, Any], after: str | None, limit: str | None
) -> SeenPage:
    rows, following = await _rows(reading, read, values, after, limit)
    return SeenPage([msgspec.json.decode(body, type=SeenRow) for body in rows], following)


async def _rows(
    reading: Reading, read: Read, values: dict[str, Any], after: str | None, limit: str | None
) -> tuple[list[str], str | None]:
    most, place = page_limit(limit, LIMIT), from_cursor(after, int)
    if place is not None and not 0 < place[0] <= NEWEST:
        raise invalid("after", "problems.bad_cursor")
    actor = reading.actor
    rows = await read.rows(
        reading.connection,
        **values,
        me=actor.id,
        employers=list(actor.employers),
        handling=list(HANDLING),
        before=place[0] if place else NEWEST,
        most=most + 1,
    )
    following = to_cursor(rows[most - 1][0]) if len(rows) > most else None
    return [row[1] for row in rows[:most]], following


def _kind(value: str | None) -> dict[str, str]:
    if not value:
        return {}
    if not KIND.fullmatch(value):
        raise invalid("kind", "problems.bad_choice")
    return {"kind": value} if "." in value else {"prefix": value}


def _number(value: str | None) -> str | None:
    if not value:
        return None
    try:
        return code(line(value, limit=NUMBER), "upper")
    except TextError as error:
        raise invalid("number", error.code, **error.params) from None


def _instant(field: str, value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise invalid(field, "problems.wrong_type") from None
    if found.tzinfo is None:
        raise invalid(field, "desk.zone_missing")
    return found
