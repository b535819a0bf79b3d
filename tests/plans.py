"""How the database would run each hot statement, whatever its values: the generic plans."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from lianyan.calls import queries as calls
from lianyan.core.reads import Read
from lianyan.identity.actors import ACTOR
from lianyan.notifications.statement import FACTS_OF
from lianyan.projects import queries as projects
from lianyan.proposals import access, kept, turn
from lianyan.proposals.policy import RIGHTS
from lianyan.proposals.queries import desk, ledger, mine, officer
from lianyan.proposals.queries.detail import DETAIL
from lianyan.proposals.queries.streams import Filters
from lianyan.reviews import queries as reviews

BIG = 1_000
"""Rows from which on a table is not read whole for one page."""
BOTH, NARROW = (0, 1), Filters(state=True, call=True, missing=True, within=True)

HOT: dict[str, Read | str] = {
    "session": ACTOR,
    "rights": RIGHTS.replace("$2 ||", "array[$2]::uuid[] ||"),
    "home": calls.HOME,
    "calls": calls.CALLS,
    "detail": DETAIL,
    "mine": mine._statement(matched=False),
    "mine, one state": mine._statement(matched=False, shown=True),
    "mine, invited to one": mine._statement(matched=False, scope=True),
    "mine, of the institutions": mine._statement(matched=False, apart=True),
    "desk": desk.page_of(Filters(), BOTH),
    "desk, my turn": desk.page_of(Filters(), (0,)),
    "desk, others": desk.page_of(Filters(), (1,)),
    "desk, one state": desk.page_of(Filters(state=True), BOTH),
    "desk, one call": desk.page_of(Filters(call=True), BOTH),
    "desk, what is missing": desk.page_of(Filters(missing=True), BOTH),
    "desk, narrowed": desk.page_of(NARROW, BOTH),
    "desk, over": desk.page_of(Filters(state=True, over=True), BOTH),
    "desk, counted": desk.counts_of(Filters()),
    "register": projects.list_of(looked=False, chosen=False, behind=False),
    "register, one sector": projects.list_of(looked=False, chosen=True, behind=True),
    "project": projects.ONE,
    "review list": reviews.LIST,
    "tasks": FACTS_OF,
    "queue": officer.QUEUE,
    "ledger": ledger.LEDGER,
}
"""Name -> what a page asks once it knows who reads; searches are not among them yet."""


class Whole(NamedTuple):
    """A big table that a statement would read whole."""

    statement: str
    table: str


BLOCKS = {"Sort", "Aggregate", "Hash", "WindowAgg", "Unique", "SetOp", "Materialize"}
"""What takes all rows below before it gives its first."""


def read_of(plan: dict[str, Any], *, bounded: bool = False) -> Iterator[str]:
    """Yield each table of a plan that is read whole: in its own order, or along an index to its end.

    `bounded`: a limit above takes rows as they come, so that few are read.
    """
    kind = plan["Node Type"]
    along = kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in plan
    if kind == "Seq Scan" or (along and not bounded):
        yield plan["Relation Name"]
    bounded = kind == "Limit" or (bounded and kind not in BLOCKS)
    for below in plan.get("Plans", []):
        # What an expression looks up is not limited by what limits the rows.
        yield from read_of(
            below,
            bounded=bounded
            and below["Parent Relationship"] in {"Outer", "Inner", "Member", "Subquery"},
        )


async def big_tables(connection: Any) -> set[str]:
    """Return the tables that hold more rows than a page may read."""
    found = await connection.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples > $1",
        BIG,
    )
    return {row["relname"] for row in found}


async def generic(connection: Any, sql: str) -> dict[str, Any]:
    """Return the plan that is used whatever the values are."""
    asked = len((await connection.prepare(sql)).get_parameters())
    await connection.execute(
        f"set plan_cache_mode = force_generic_plan; prepare looked_at as {sql}"
    )
    try:
        values = f"({', '.join(['null'] * asked)})" if asked else ""
        plan = await connection.fetchval(f"explain (format json) execute looked_at{values}")
    finally:
        await connection.execute("deallocate looked_at; reset plan_cache_mode")
    return json.loads(plan)[0]["Plan"]


async def read_whole(connection: Any, hot: dict[str, Read | str] = HOT) -> list[Whole]:
    """Return each big table that a hot statement would read whole: none, if all is well."""
    big, found = await big_tables(connection), []
    for name, statement in hot.items():
        sql = statement if isinstance(statement, str) else statement.sql
        plan = await generic(connection, sql)
        found += [Whole(name, table) for table in read_of(plan) if table in big]
    return found


async def refreshed_whole(session: Any, proposal_id: Any) -> list[Whole]:
    """Return each big table that is read whole when one proposal's rows are made right."""
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    big, found = await big_tables(driver), []
    people = list((await session.scalars(access.HANDLERS)).all())
    for name, sql, values in (
        ("access.refresh", str(access.REFRESH), {"people": people}),
        ("kept.refresh", str(kept.REFRESH), {"days": turn.workdays()}),
    ):
        statement = access._statement if name.startswith("access") else kept._statement
        asked = statement(f"explain (format json) {sql}")
        plan = (await session.execute(asked, {"ids": [proposal_id], **values})).scalar_one()
        plan = json.loads(plan) if isinstance(plan, str) else plan
        found += [Whole(name, table) for table in read_of(plan[0]["Plan"]) if table in big]
    return found
