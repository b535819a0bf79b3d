"""The coordinator's table: one statement, the reader's turn first."""

import unicodedata
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text

from lianyan.core.actor import Actor, Reading
from lianyan.core.paging import from_cursor, page_limit, to_cursor
from lianyan.core.pieces import instant, institution
from lianyan.core.policy import ALLOWED, standing
from lianyan.core.problems import invalid
from lianyan.core.reads import Read
from lianyan.core.text import LINE_LONGEST, TextError, blank, line
from lianyan.institutions.queries import needle
from lianyan.proposals.queries import turn
from lianyan.proposals.queries.turn import (
    FACTS,
    HANDLED,
    MISSING,
    REMIND,
    SEEN_COLUMNS,
    SOON,
    WHOSE,
)
from lianyan.settings import Settings

DEFAULT_LIMIT = 50
FARTHEST = 366
LONGEST_CODE = 16

FOLDED = 'lower(normalize({}, NFKC) collate "pg_c_utf8")'
"""As people compare: full width and half width alike, in one case, whatever the database's own."""

UNDER_WAY = "p.state not in ({})".format(", ".join(f"'{state}'" for state in turn.FINAL))

DESK = Read(
    text(f"""
  with t as materialized (select clock_timestamp() as now),
  hit as materialized (
    select i.id from institutions i
    where cast(:needle as text) is not null
      and strpos(E'\\n' || i.search_keys, cast(:needle as text)) > 0
  ),
  seen as (
    select {SEEN_COLUMNS}
    from proposals p
    where {HANDLED}
      and (cast(:call as uuid) is null or p.call_id = cast(:call as uuid))
      and (cast(:sector as text) is null or p.sectors @> array[cast(:sector as text)])
      and (cast(:state as text) is not null or cast(:q as text) is not null or {UNDER_WAY})
      and (cast(:q as text) is null
        or strpos({FOLDED.format("p.title")}, cast(:q as text)) > 0
        or strpos({FOLDED.format("p.title_en")}, cast(:q as text)) > 0
        or strpos(lower(p.number), cast(:q as text)) > 0
        or exists (
          select from participations o join hit on hit.id = o.institution_id
          where o.proposal_id = p.id and o.state <> 'removed'))
  ),
  {FACTS},
  base as materialized (
    select f.*, case when f.act is not null and not f.progress then 0 else 1 end as turn,
      coalesce(f.due, 'infinity') as sort_due
    from facts f
    where cast(:state as text) is null or f.state = cast(:state as text)
  ),
  page as materialized (
    select b.* from base b
    where (cast(:turn as int) is null or b.turn = cast(:turn as int))
      and (cast(:missing as text) is null or cast(:missing as text) = any(b.codes))
      and (cast(:within as int) is null or b.days_left <= cast(:within as int))
      and (cast(:after_id as uuid) is null or (b.turn, b.sort_due, b.id)
        > (cast(:after_turn as int), coalesce(cast(:after_due as timestamptz), 'infinity'),
          cast(:after_id as uuid)))
    order by b.turn, b.sort_due, b.id
    limit cast(:most as int) + 1
  ),
  shown as (select * from page order by turn, sort_due, id limit cast(:most as int)),
  drafts as (
    select c.id, count(p.id) as n
    from calls c
    left join proposals p on p.call_id = c.id and p.state = 'draft' and p.submitted_at is null
    where cast(:call as uuid) is null or c.id = cast(:call as uuid)
    group by c.id
  ),
  last as (select s.turn, s.due, s.id from shown s order by s.turn desc, s.sort_due desc, s.id desc limit 1)
  select jsonb_build_object(
    'counts', (
      select jsonb_build_object(
        'mine', count(*) filter (where b.turn = 0),
        'others', count(*) filter (where b.turn = 1),
        'soon', count(*) filter (where b.days_left <= {SOON}),
        'missing', (
          select coalesce(jsonb_object_agg(m.code, m.n), '{{}}') from (
            select code, count(*) as n from base x, unnest(x.codes) as code group by code) m))
      from base b),
    'drafts', (select coalesce(sum(n), 0) from drafts),
    'deadline', (
      select {instant("min(c.closes_at)")} from calls c
      where case when cast(:call as uuid) is null then c.closes_at > (select now from t)
        else c.id = cast(:call as uuid) end),
    'calls', coalesce((
      select jsonb_agg(jsonb_build_object('id', c.id,
          'title', jsonb_build_object('zh', c.title_zh, 'en', c.title_en), 'prefix', c.prefix,
          'closes_at', {instant("c.closes_at")},
          'drafts', coalesce((select d.n from drafts d where d.id = c.id), 0)
        ) order by c.closes_at desc, c.id)
      from calls c), '[]'),
    'items', coalesce((
      select jsonb_agg(jsonb_build_object(
          'id', f.id, 'rev', f.rev, 'number', f.number, 'title', f.title, 'title_en', f.title_en,
          'lead', l.lead, 'lead_person', (
            select {turn.person("q")} from people q where q.id = f.lead_id),
          'partners', coalesce(l.partners, '[]'), 'sectors', to_jsonb(f.sectors),
          'state', f.state, 'missing', {MISSING}, 'whose', {WHOSE},
          'act', case when not f.progress then f.act end,
          'due_at', {instant("f.due")}, 'days_left', f.days_left,
          'hot', coalesce(f.days_left <= {SOON}, false), 'progress_only', f.progress,
          'remind', {REMIND}
        ) order by f.turn, f.sort_due, f.id)
      from shown f
      left join lateral (
        select (jsonb_agg({institution("i")}) filter (where o.role = 'lead')) -> 0 as lead,
          jsonb_agg({institution("i")} order by o.position, o.id)
            filter (where o.role <> 'lead') as partners
        from participations o join institutions i on i.id = o.institution_id
        where o.proposal_id = f.id and o.state <> 'removed'
      ) l on true), '[]'),
    'now', {instant("(select now from t)")}
  )::text as body,
  case when (select count(*) from page) > cast(:most as int) then (
    select jsonb_build_array(turn, case when due is not null
      then to_char(due at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US') end, id)::text from last)
  end as next
""")
)


class Asked(NamedTuple):
    """A desk's query, as it was sent."""

    call: str | None
    state: str | None
    sector: str | None
    whose: str | None
    missing: str | None
    within: str | None
    q: str | None
    limit: str | None
    after: str | None


async def page(reading: Reading, query: Asked, link: str) -> bytes:
    """Return a page of the desk as JSON; refuse a filter that names nothing."""
    turn_, due, last = _after(query.after)
    text_, wanted = _searched(query.q)
    row = await DESK.row(
        reading.connection,
        **turn.asked(reading.actor),
        call=_call(query.call),
        state=_one_of("state", query.state, turn.states()),
        sector=_sector(query.sector),
        turn=_turn(query.whose),
        missing=_one_of("missing", query.missing, frozenset(turn.CODES)),
        within=_within(query.within),
        q=text_,
        needle=wanted,
        most=page_limit(query.limit, DEFAULT_LIMIT),
        after_turn=turn_,
        after_due=due,
        after_id=last,
        link=link,
    )
    cursor = to_cursor(*_key(row["next"])) if row["next"] else None
    head = msgspec.json.encode({"can": _can(reading.actor), "next": cursor})
    return head[:-1] + b", " + str(row["body"]).encode()[1:]


def _key(found: str) -> tuple[int, str, str]:
    turn_, due, last = msgspec.json.decode(found, type=tuple[int, str | None, str])
    return turn_, due or "", last


def _can(actor: Actor) -> list[str]:
    """Return what the reader may do from this page, whatever the proposal."""
    own = standing(actor)
    return [action for action in ("call.open", "release.read") if own & ALLOWED[action]]


def _after(cursor: str | None) -> tuple[int | None, datetime | None, UUID | None]:
    key = from_cursor(cursor, int, str, str)
    if key is None:
        return None, None, None
    turn_, due, last = key
    bad = invalid("after", "problems.bad_cursor")
    if turn_ not in {0, 1}:
        raise bad
    try:
        moment = datetime.fromisoformat(due).replace(tzinfo=UTC) if due else None
        return int(turn_), moment, UUID(last)
    except ValueError:
        raise bad from None


def _call(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise invalid("call", "problems.wrong_type") from None


def _one_of(field: str, value: str | None, known: frozenset[str]) -> str | None:
    if not value:
        return None
    if value not in known:
        raise invalid(field, "problems.bad_choice", allowed=sorted(known))
    return value


def _sector(value: str | None) -> str | None:
    if not value:
        return None
    if not (value.isascii() and value.isalnum()) or len(value) > LONGEST_CODE:
        raise invalid("sector", "problems.bad_choice")
    return value


def _turn(value: str | None) -> int | None:
    found = _one_of("whose", value, frozenset({"me", "others"}))
    return {"me": 0, "others": 1}.get(found or "")


def _within(value: str | None) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > len(str(FARTHEST)) or int(value) > FARTHEST:  # fmt: skip
        raise invalid("within", "problems.out_of_range", min=0, max=FARTHEST)
    return int(value)


def _searched(value: str | None) -> tuple[str | None, str | None]:
    """Return what to look for in titles, and in the institutions' keys; None for no search."""
    try:
        wanted = line(value or "", blank=True, longest=LINE_LONGEST)
    except TextError as error:
        raise invalid("q", error.code, **error.params) from None
    if blank(wanted):
        return None, None
    folded = unicodedata.normalize("NFKC", wanted).lower()
    return folded, needle(wanted) or None


def link_to(settings: Settings) -> str:
    """Return the address that reminders name: the page with everything that waits for its reader."""
    return f"{settings.public_url.rstrip('/')}/home"
