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
from lianyan.proposals.turn import AWAY, FINAL, HIDDEN, SHOWN_CASE, days_left

KNOWN = ("consent", "institution_returned", "declined", "expired", "correction")
"""What may be missing that is no part of the handling."""
OVER = ", ".join(f"'{state}'" for state in FINAL)
FOLDED = 'lower(normalize({}, NFKC) collate "pg_c_utf8")'
"""As people compare: full width and half width alike, in one case, whatever the database's own."""

NOW = "coalesce(cast(:now as timestamptz), statement_timestamp())"
"""The instant a walk through the pages set out at; it stays the same to its end."""

# What a row shows, of the two that are kept: the one before its date, or the one after.
EARLY = "t.state, t.act, t.who, t.codes, false as late, false as mixed, false as progress"
LATE = f"""t.state, t.act_late as act, t.who_late as who, t.codes_late as codes, true as late,
    coalesce(t.open_until > {NOW}, false) as mixed, false as progress"""
PASSED = f"t.waits = 'date' and t.due <= {NOW}"
COMING = f"t.waits = 'date' and t.due > {NOW}"
KNOWN_OF = f"""case t.state {SHOWN_CASE} end as state, null as act,
    case when t.waits = 'nobody' then null
      when t.state in ('consent_pending', 'returned') and not ({PASSED}) then t.who
      else {AWAY} end as who,
    case when {PASSED} then t.codes_late else t.codes end as codes, {PASSED} as late,
    coalesce({PASSED} and t.open_until > {NOW}, false) as mixed, true as progress"""
"""What a coordinator knows of what their own institution takes part in."""
ALWAYS = "t.proposal_id as id, t.counts, t.signer_id, t.zone"

# A scalar, so that it is looked up row by row: as an anti-join it would read all the reader's rows.
FREE_OF_TIES = f"""
      (select count(*) from access c
        where c.proposal_id = t.proposal_id and c.principal = any(cast(:tied as uuid[]))
          and c.rights & (case when c.principal = cast(:me as uuid) then {HIDDEN:d}
            else {Right.EMPLOYER:d} end) <> 0) = 0"""
NOT_MINE = f"""
      (select count(*) from access c
        where c.proposal_id = t.proposal_id and c.principal = cast(:me as uuid)
          and c.rights & {HIDDEN:d} <> 0) = 0"""

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


class Walk(NamedTuple):
    """How far a statement looks: SQL of the number of rows, and whether it goes on from a row."""

    most: str
    further: bool


def _stream(which: str, filters: Filters, walk: Walk, *, group: int, late: bool) -> str:
    """Return the SQL of one stream of rows from `turns`, nearest date first."""
    codes = "t.codes_late" if late else "t.codes"
    wanted = "cast(:missing as text)"
    open_yet = f"or {wanted} = 'consent' and t.open_until > {NOW}" if late else ""
    conditions = [which, FREE_OF_TIES]
    if filters.state:
        conditions.append("t.state = cast(:state as text)")
    if filters.call:
        conditions.append("t.call_id = cast(:call as uuid)")
    if filters.missing:
        conditions.append(f"({wanted} = any({codes}) {open_yet})")
    if filters.within:
        conditions.append(_soon("t.due"))
    if walk.further:
        conditions.append(f"(t.due, t.proposal_id) > {_after(group)}")
    return f"""(
      select {ALWAYS}, t.due, {LATE if late else EARLY}
      from turns t
      where {" and ".join(conditions)}{MATCHED if filters.matched else ""}
      order by t.due, t.proposal_id limit {walk.most})"""


def _apart(filters: Filters, walk: Walk) -> str:
    """Return the SQL of what the reader's institutions take part in, by the date they may know."""
    wanted = "cast(:missing as text)"
    conditions = [
        "a.principal = own.id", "a.due is not null", f"a.rights & {Right.EMPLOYER:d} <> 0", NOT_MINE
    ]  # fmt: skip
    if not filters.over:
        conditions.append(f"t.state not in ({OVER})")
    if filters.state:
        conditions.append(f"case t.state {SHOWN_CASE} end = cast(:state as text)")
    if filters.call:
        conditions.append("t.call_id = cast(:call as uuid)")
    if filters.missing:
        known = ", ".join(f"'{code}'" for code in KNOWN)
        conditions.append(f"""{wanted} in ({known}) and ({wanted} = any(
            case when {PASSED} then t.codes_late else t.codes end)
          or {wanted} = 'consent' and {PASSED} and t.open_until > {NOW})""")
    if filters.within:
        conditions.append(_soon("a.due"))
    if walk.further:
        conditions.append(f"(a.due, a.proposal_id) > {_after(1)}")
    return f"""(
      select distinct on (w.due, w.id) w.*
      from unnest(cast(:employers as uuid[])) own (id) cross join lateral (
        select {ALWAYS}, a.due, {KNOWN_OF}
        from access a join turns t on t.proposal_id = a.proposal_id
        where {" and ".join(conditions)}{MATCHED if filters.matched else ""}
        order by a.due, a.proposal_id limit {walk.most}) w
      order by w.due, w.id limit {walk.most})"""


def _soon(due: str) -> str:
    days = days_left(f"nullif({due}, 'infinity')", "t.zone").replace("(select now from t)", NOW)
    return f"{due} < cast(:within_at as timestamptz) and {days} <= cast(:within as int)"


def _after(group: int) -> str:
    due = f"cast(cast(:after_due_{group} as text) as timestamptz)"
    return f"({due}, cast(:after_id_{group} as uuid))"


def groups(filters: Filters, most: str, *, further: bool) -> str:
    """Return the CTEs `mine` and `others`: at most `most` rows of each group, in the desk's order."""
    first = Walk("(case when cast(:whose as int) = 1 then 0 else " + most + " end)", further)
    rest = f"(case when cast(:whose as int) = 0 then 0 else {most} end)"
    second = Walk(
        f"greatest({rest} - (select count(*) from mine), 0)" if further else rest, further
    )
    nobody = [_stream("t.waits = 'nobody'", filters, second, group=1, late=False)]
    mine = [
        _stream("t.waits = 'desk'", filters, first, group=0, late=False),
        _stream(PASSED, filters, first, group=0, late=True),
    ]
    others = [
        _stream(COMING, filters, second, group=1, late=False),
        _stream("t.waits = 'others'", filters, second, group=1, late=False),
        _apart(filters, second),
        *(nobody if filters.over else []),
    ]
    return f"""
  mine as materialized (
    select m.*, 0 as turn from ({" union all ".join(mine)}) m
    order by m.due, m.id limit {first.most}),
  others as materialized (
    select o.*, 1 as turn from ({" union all ".join(others)}) o
    order by o.due, o.id limit {second.most})"""
