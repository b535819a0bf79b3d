"""The order of the desk as streams of rows that indexes give: no page looks at more rows than it shows.

A desk shows first what waits for its reader (group 0), then what waits for others (group 1); within
a group the nearest date comes first, then the id. What is in which group follows from `turns`:

- group 0: what waits for the desk, and what does since its date has passed;
- group 1: what will once its date passes, what waits for others, for nobody any more (only where
  asked for), and what the reader's own institution takes part in: of that they know dates alone.

The second group is looked into only as far as the first leaves the page empty.
"""

from typing import NamedTuple

from lianyan.proposals.rights import Right
from lianyan.proposals.turn import AWAY, FINAL, SHOWN_CASE, days_left

KNOWN = ("consent", "institution_returned", "declined", "expired", "correction")
"""What may be missing that is no part of the handling."""
OVER = ", ".join(f"'{state}'" for state in FINAL)
FOLDED = 'lower(normalize({}, NFKC) collate "pg_c_utf8")'
"""As people compare: full width and half width alike, in one case, whatever the database's own."""

NOW = "coalesce(cast(:now as timestamptz), statement_timestamp())"
"""The instant a walk through the pages set out at; it stays the same to its end."""

LATE_NOW, MIXED, PROGRESS = 1, 2, 4
"""Flags of a row: its date has passed; that of some confirmations has not; only progress is known."""

# What a row shows, of the two that are kept: the one before its date, or the one after.
EARLY = "t.state, t.act, t.who, t.codes, 0 as flags"
LATE = f"""t.state, t.act_late as act, t.who_late as who, t.codes_late as codes,
    case when t.open_until > {NOW} then {LATE_NOW | MIXED} else {LATE_NOW} end as flags"""
PASSED = f"t.waits = 'date' and t.due <= {NOW}"
COMING = f"t.waits = 'date' and t.due > {NOW}"
KNOWN_OF = f"""case t.state {SHOWN_CASE} end as state, null as act,
    case when t.waits = 'nobody' then null
      when t.state in ('consent_pending', 'returned') and not ({PASSED}) then t.who
      else {AWAY} end as who,
    case when {PASSED} then t.codes_late else t.codes end as codes,
    case when {PASSED} and t.open_until > {NOW} then {PROGRESS | LATE_NOW | MIXED}
      when {PASSED} then {PROGRESS | LATE_NOW} else {PROGRESS} end as flags"""
"""What a coordinator knows of what their own institution takes part in."""
ALWAYS = "t.proposal_id as id, t.counts, t.signer_id, t.zone"

STILL_OPEN = f"t.open_until > {NOW}"

FREE_OF_TIES = "not (t.barred && cast(:tied as uuid[]))"
NOT_MINE = "cast(:me as uuid) <> all(t.barred)"

MATCHED = f"""
      and exists (
        select from proposals p
        where p.id = t.proposal_id
          and (cast(:sector as text) is null or p.sectors @> array[cast(:sector as text)])
          and (cast(:q as text) is null
            or strpos({FOLDED.format("p.title")}, cast(:q as text)) > 0
            or strpos({FOLDED.format("p.title_en")}, cast(:q as text)) > 0
            or strpos(lower(p.number), cast(:q as text)) > 0
            or exists (
              select from participations o join hit on hit.id = o.institution_id
              where o.proposal_id = p.id and o.state <> 'removed')))"""


class Filters(NamedTuple):
    """Which filters a desk's statement has; their values are bound."""

    state: bool = False
    call: bool = False
    matched: bool = False
    """A sector, or words to look for."""
    missing: bool = False
    within: bool = False
    over: bool = False
    """What waits for nobody any more is shown too."""


def _ranged(filters: Filters, group: int, *, further: bool) -> str:
    """Return the conditions that indexes answer, of rows of `turns`."""
    found = ""
    if filters.state:
        found += " and t.state = cast(:state as text)"
    if filters.call:
        found += " and t.call_id = cast(:call as uuid)"
    if filters.within:
        found += " and t.due < cast(:within_at as timestamptz)"
    if further:
        found += f" and (t.due, t.proposal_id) > {_after(group)}"
    return found


def _after(group: int) -> str:
    due = f"cast(cast(:after_due_{group} as text) as timestamptz)"
    return f"({due}, cast(:after_id_{group} as uuid))"


def _left(filters: Filters, due: str, codes: str, mixed: str) -> str:
    """Return the conditions that are looked at row by row."""
    found = ""
    if filters.missing:
        wanted = "cast(:missing as text)"
        found += f" and ({wanted} = any({codes}) or {wanted} = 'consent' and {mixed})"
    if filters.within:
        days = days_left(f"nullif({due}, 'infinity')", "t.zone").replace("(select now from t)", NOW)
        found += f" and {days} <= cast(:within as int)"
    return found + (MATCHED if filters.matched else "")


def _desks(filters: Filters, most: str, *, further: bool) -> str:
    """Return what waits for the desk, now or since its date has passed: two ranges of one index."""
    ranged = _ranged(filters, 0, further=further)
    early = _left(filters, "t.due", "t.codes", "false")
    late = _left(filters, "t.due", "t.codes_late", STILL_OPEN)
    order = f"order by t.due, t.proposal_id limit {most}"
    return f"""
      (select {ALWAYS}, t.due, {EARLY} from turns t
        where t.waits = 'desk'{ranged} and {FREE_OF_TIES}{early} {order})
      union all
      (select {ALWAYS}, t.due, {LATE} from turns t
        where {PASSED}{ranged} and {FREE_OF_TIES}{late} {order})"""


def _elses(filters: Filters, most: str, *, further: bool) -> str:
    """Return what waits for others: for each reason one range of the index."""
    kinds = f"('date', {NOW}), ('others', '-infinity')"
    if filters.over:
        kinds += ", ('nobody', '-infinity')"
    return f"""
      select w.* from (values {kinds}) kind (waits, since) cross join lateral (
        select {ALWAYS}, t.due, {EARLY} from turns t
        where t.waits = kind.waits and t.due > kind.since{_ranged(filters, 1, further=further)}
          and {FREE_OF_TIES}{_left(filters, "t.due", "t.codes", "false")}
        order by t.due, t.proposal_id limit {most}) w"""


def _apart(filters: Filters, most: str, *, further: bool) -> str:
    """Return what the reader's institutions take part in, by the date they may know."""
    known = ", ".join(f"'{code}'" for code in KNOWN)
    conditions = (
        f"a.principal = own.id and a.due is not null and a.rights & {Right.EMPLOYER:d} <> 0"
    )
    if filters.within:
        conditions += " and a.due < cast(:within_at as timestamptz)"
    if further:
        conditions += f" and (a.due, a.proposal_id) > {_after(1)}"
    if not filters.over:
        conditions += f" and t.state not in ({OVER})"
    if filters.state:
        conditions += f" and case t.state {SHOWN_CASE} end = cast(:state as text)"
    if filters.call:
        conditions += " and t.call_id = cast(:call as uuid)"
    if filters.missing:
        conditions += f" and cast(:missing as text) in ({known})"
    codes = f"case when {PASSED} then t.codes_late else t.codes end"
    left = _left(filters, "a.due", f"({codes})", f"{PASSED} and {STILL_OPEN}")
    return f"""
      select distinct on (w.due, w.id) w.*
      from unnest(cast(:employers as uuid[])) own (id) cross join lateral (
        select {ALWAYS}, a.due, {KNOWN_OF}
        from access a join turns t on t.proposal_id = a.proposal_id
        where {conditions} and {NOT_MINE}{left}
        order by a.due, a.proposal_id limit {most}) w"""


def rows_of(filters: Filters, wanted: tuple[int, ...], most: str, *, further: bool) -> str:
    """Return the CTE `f`: at most `most` rows of the wanted groups, in the desk's order.

    `further`: the rows behind a row; then there are `most` of both groups together. Without it each
    group has as many.
    """
    mine = f"""
    select m.*, 0 as turn from ({_desks(filters, most, further=further)}) m
    order by m.due, m.id limit {most}"""
    if wanted == (0,):
        return f"f as ({mine})"
    rest = f"greatest({most} - (select count(*) from mine), 0)"
    left = rest if further and 0 in wanted else most
    others = f"""
    select o.*, 1 as turn from (
      select * from ({_elses(filters, most, further=further)}) e
      union all
      select * from ({_apart(filters, most, further=further)}) a
    ) o
    order by o.due, o.id limit {left}"""
    if wanted == (1,):
        return f"f as ({others})"
    return f"""
  mine as materialized ({mine}),
  others as materialized ({others}),
  f as (select * from mine union all select * from others)"""


def first_for_desk(most: str) -> str:
    """Return the ids of the first rows that wait for the reader's desk, nearest date first."""
    rows = _desks(Filters(), most, further=False)
    return f"select w.id from ({rows}) w order by w.due, w.id limit {most}"
