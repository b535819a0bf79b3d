"""The coordinator's table: the reader's turn first, one statement a page, as long as the page is.

What the present filters leave is counted apart, at most a thousand of each group.
"""

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text

from lianyan.core.actor import Actor, Reading
from lianyan.core.paging import from_cursor, page_limit, to_cursor
from lianyan.core.pieces import instant
from lianyan.core.policy import ALLOWED, Role, standing
from lianyan.core.problems import invalid
from lianyan.core.reads import Read
from lianyan.core.text import LINE_LONGEST, TextError, blank, line
from lianyan.institutions.queries import needle
from lianyan.proposals import turn
from lianyan.proposals.queries.cursors import EVER, bad_cursor, place
from lianyan.proposals.queries.lines import due_of, line_of, place_of, written
from lianyan.proposals.queries.streams import KNOWN, MIXED, NOW, PROGRESS, Filters, rows_of
from lianyan.proposals.turn import SOON
from lianyan.settings import Settings

DEFAULT_LIMIT = 50
FARTHEST = 366
LONGEST_CODE = 16
CAP = 1000
"""Nobody is told more than "1000+"."""
AT_FIRST = ("-infinity", UUID(int=0))
AT_LAST = ("infinity", UUID(int=2**128 - 1))
ZONES = timedelta(hours=26)
"""No zone's midnight is farther from another's."""

HIT = """
  hit as materialized (
    select i.id from institutions i
    where cast(:needle as text) is not null
      and strpos(E'\\n' || i.search_keys, cast(:needle as text)) > 0
  ),"""
"""The institutions that somebody may mean."""

PAGE = f"""
  select f.turn, f.id, f.state, f.act, f.who, f.codes, f.counts, f.flags, f.due, f.zone,
    p.rev, p.number, p.title, p.title_en, p.sectors, p.parties, {NOW} as now,
    case when 'consent' = any(f.codes) or f.flags & {MIXED} <> 0 then open_parts(f.id)::text end as open_parts,
    (case f.who
      when 'lead' then lead_person(p.lead_id)
      when 'approver' then able_people(f.id, '{{approver}}', f.signer_id)
      when 'stand_in' then able_people(f.id, '{{coordinator,stand_in}}', null)
      when 'colleague' then able_people(f.id, '{{coordinator,stand_in}}', null)
    end)::text as able
  from f join proposals p on p.id = f.id
"""
"""Names are looked up by functions of the database, only for the rows that name somebody."""

BOTH = (0, 1)

LEFT = turn.days_left("nullif(w.due, 'infinity')", "w.zone").replace("(select now from t)", NOW)

COUNTS = f"""
  counted as (
    select w.turn, w.flags, {LEFT} <= {SOON} as soon,
      case when w.flags & {MIXED} <> 0 then array_append(w.codes, 'consent') else w.codes end as codes
    from f w
  ),
  drafts as (
    select c.id, (
      select count(*) from (
        select from proposals p where p.call_id = c.id and p.state = 'draft' and p.submitted_at is null
        limit {CAP + 1}) d) as n
    from calls c
  )
  select jsonb_build_object(
    'counts', (
      select jsonb_build_object(
        'mine', least(count(*) filter (where d.turn = 0), {CAP}),
        'others', least(count(*) filter (where d.turn = 1), {CAP}),
        'soon', least(count(*) filter (where d.soon), {CAP}),
        'capped', count(*) filter (where d.turn = 0) > {CAP} or count(*) filter (where d.turn = 1) > {CAP},
        'missing', (
          select coalesce(jsonb_object_agg(m.code, m.n), '{{}}') from (
            select code, count(*) as n from counted x, unnest(x.codes) as code
            where x.flags & {PROGRESS} = 0 or code in ({", ".join(f"'{code}'" for code in KNOWN)})
            group by code) m))
      from counted d),
    'drafts', least((select coalesce(sum(d.n), 0) from drafts d
      where cast(:chosen as uuid) is null or d.id = cast(:chosen as uuid)), {CAP}),
    'deadline', (
      select {instant("min(c.closes_at)")} from calls c
      where case when cast(:chosen as uuid) is null then c.closes_at > {NOW}
        else c.id = cast(:chosen as uuid) end),
    'calls', coalesce((
      select jsonb_agg(jsonb_build_object('id', c.id,
          'title', jsonb_build_object('zh', c.title_zh, 'en', c.title_en), 'prefix', c.prefix,
          'closes_at', {instant("c.closes_at")}, 'drafts', least(d.n, {CAP})
        ) order by c.closes_at desc, c.id)
      from calls c join drafts d on d.id = c.id), '[]'))::text
"""


@cache
def page_of(filters: Filters, wanted: tuple[int, ...]) -> Read:
    """Return the statement of a page of the wanted groups under these filters."""
    found = rows_of(filters, wanted, "cast(:most as int)", further=True)
    return Read(text(f"with {HIT if filters.matched else ''}{found}{PAGE}"))


@cache
def counts_of(filters: Filters) -> Read:
    """Return the statement of how many rows these filters leave."""
    found = rows_of(filters, BOTH, str(CAP + 1), further=False)
    return Read(text(f"with {HIT if filters.matched else ''}{found},{COUNTS}"))


class Asked(NamedTuple):
    """A desk's query, as it was sent."""

    call: str | None
    state: str | None
    sector: str | None
    whose: str | None
    missing: str | None
    within: str | None
    q: str | None
    limit: str | None = None
    after: str | None = None


class Place(NamedTuple):
    """Where a page begins: behind a row, on a walk that keeps the instant it set out at."""

    group: int
    row: tuple[str, UUID]
    now: datetime


def _wanted(actor: Actor, query: Asked, *, narrow: bool) -> tuple[Filters, dict[str, Any]]:
    """Return the filters that are set, with their values; `narrow`: those of the chips too."""
    text_, wanted = _searched(query.q)
    state = _one_of("state", query.state, turn.states())
    sector, call, within = _sector(query.sector), _call(query.call), _within(query.within)
    missing = _one_of("missing", query.missing, frozenset(turn.CODES))
    values: dict[str, Any] = {"tied": [actor.id, *actor.employers]}
    filters = Filters(
        state=state is not None,
        call=call is not None,
        matched=sector is not None or text_ is not None,
        missing=narrow and missing is not None,
        within=narrow and within is not None,
        over=text_ is not None or state in turn.FINAL,
    )
    if filters.state:
        values["state"] = state
    if filters.call:
        values["call"] = call
    if filters.matched:
        values |= {"sector": sector, "q": text_, "needle": wanted}
    if filters.missing:
        values["missing"] = missing
    if narrow and within is not None:
        values |= {"within": within, "within_at": _midnight(within)}
    return filters, values


async def page(reading: Reading, query: Asked, link: str) -> bytes:
    """Return a page of the desk as JSON; refuse a filter that names nothing."""
    filters, values = _wanted(reading.actor, query, narrow=True)
    most, behind = page_limit(query.limit, DEFAULT_LIMIT), _after(query.after)
    acting = _acting(reading.actor)
    wanted = _turn(query.whose, acting=acting)
    if behind is not None and behind.group == 1:
        wanted = tuple(group for group in wanted if group == 1)
    rows: list[Any] = []
    first = (reading.actor.id, filters)
    full = wanted == BOTH and (behind is not None or first in FULL)
    for groups in ((0,), wanted) if full else (wanted,):
        rows = await _rows(reading, filters, groups, behind, most=most + 1, **values)
        if len(rows) > most:
            break
    if behind is None and wanted == BOTH:
        _remember(first, full=len(rows) > most and rows[-1]["turn"] == 0)
    cursor = None
    if len(rows) > most:
        last = rows[most - 1]
        due = due_of(last)
        at = due.isoformat(sep=" ") if due else "infinity"
        walk = last["now"].isoformat(sep=" ")
        cursor = to_cursor(last["turn"], at, str(last["id"]), walk)
    now = rows[0]["now"] if rows else datetime.now(UTC)
    head = msgspec.json.encode({"can": _can(reading.actor), "next": cursor, "now": written(now)})
    items = b",".join(line_of(row, link, acting=acting) for row in rows[:most])
    return head[:-1] + b',"items":[' + items + b"]}"


FULL: dict[tuple[UUID, Filters], None] = {}
"""First pages that were full of their reader's own turn when they were last asked for.

Most often they still are, as is a page behind a row of one's own turn: then the others are not set
up, which is a fifth of what a page costs. Where it turns out otherwise, they are asked for after.
"""
REMEMBERED = 1000


def _remember(first: tuple[UUID, Filters], *, full: bool) -> None:
    FULL.pop(first, None)
    if full:
        FULL[first] = None
    if len(FULL) > REMEMBERED:
        del FULL[next(iter(FULL))]


async def _rows(
    reading: Reading,
    filters: Filters,
    wanted: tuple[int, ...],
    behind: Place | None,
    **values: Any,
) -> list[Any]:
    """Return the rows of the wanted groups behind a row, in the desk's order."""
    if not wanted:
        return []
    if 1 in wanted:
        values |= _own(reading.actor)
    read = page_of(filters, wanted)
    rows = await read.rows(reading.connection, **values, **_bounds(behind, wanted))
    return sorted(rows, key=place_of)


def _own(actor: Actor) -> dict[str, Any]:
    """Return what finds the proposals that the reader's institutions take part in."""
    return {"me": actor.id, "employers": list(actor.employers)}


async def overview(reading: Reading, query: Asked) -> str:
    """Return how many rows the filters leave, by group and by what the chips would leave, and the calls."""
    filters, values = _wanted(reading.actor, query, narrow=False)
    chosen = _call(query.call)
    read = counts_of(filters)
    found = (
        await read.run(
            reading.connection,
            **values,
            **_own(reading.actor),
            now=None,
            chosen=chosen,
        )
        or ""
    )
    return found if _acting(reading.actor) else _nobodys(found)


def _acting(actor: Actor) -> bool:
    """Say whether the reader handles proposals: an auditor's turn never comes."""
    return Role.DESK in standing(actor)


def _nobodys(body: str) -> str:
    """Return the counts of a reader whose turn it never is."""
    found = msgspec.json.decode(body)
    counts = found["counts"]
    every = counts["mine"] + counts["others"]
    counts |= {"mine": 0, "others": min(every, CAP), "capped": counts["capped"] or every > CAP}
    return msgspec.json.encode(found).decode()


def _bounds(behind: Place | None, wanted: tuple[int, ...]) -> dict[str, Any]:
    """Return behind which row each wanted group is gone on with."""
    found: dict[str, Any] = {"now": behind.now if behind else None}
    for group in wanted:
        row = behind.row if behind and behind.group == group else AT_FIRST
        found |= {f"after_due_{group}": row[0], f"after_id_{group}": row[1]}
    return found


def _can(actor: Actor) -> list[str]:
    """Return what the reader may do from this page, whatever the proposal."""
    own = standing(actor)
    return [action for action in ("call.open", "release.read") if own & ALLOWED[action]]


def _after(sent: str | None) -> Place | None:
    key = from_cursor(sent, int, str, str, str)
    if key is None:
        return None
    group, due, last, now = key
    if group not in {0, 1}:
        raise bad_cursor()
    moment, _ = place(now, last)
    if moment in EVER:
        raise bad_cursor()
    return Place(int(group), place(due, last), datetime.fromisoformat(moment).astimezone(UTC))


def _midnight(within: int) -> datetime:
    """Return an instant by which so many days from now are over everywhere."""
    return datetime.now(UTC) + timedelta(days=within + 1) + ZONES


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


def _turn(value: str | None, *, acting: bool) -> tuple[int, ...]:
    """Return the groups that are wanted."""
    found = _one_of("whose", value, frozenset({"me", "others"}))
    if not acting:
        return () if found == "me" else BOTH
    return {"me": (0,), "others": (1,)}.get(found or "", BOTH)


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
