"""The clock of a replay: the demo's past is told by the real commands, each at its own moment.

Commands ask the database what time it is. While the demo is written, that question is answered by
functions of the same names in a schema of the replay's own, which comes first on the search path:
the real clock and an offset. So deadlines are computed and judged as they were on that day. What the
tables fill in by themselves (`created_at`, the time of an event) keeps the real clock, and is moved
at the end, by the same offsets. Everything happens in one transaction, and the schema goes with it.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from lianyan.models import metadata

_CLOCK = """
create function demo_clock.{name}() returns timestamptz language sql volatile as
  $$ select pg_catalog.clock_timestamp() + pg_catalog.current_setting('demo.offset')::interval $$
"""
INSTALL = (
    "create schema demo_clock",
    _CLOCK.format(name="clock_timestamp"),
    _CLOCK.format(name="now"),
    "set local search_path = demo_clock, pg_catalog, public",
)
REMOVE = ("set local search_path = public", "drop schema demo_clock cascade")

SET = text("""
  with r as materialized (select pg_catalog.clock_timestamp() as began),
  t as materialized (
    select r.began, greatest(cast(:moment as timestamptz),
      r.began + nullif(current_setting('demo.offset', true), '')::interval) as told from r)
  select t.began, t.told, set_config('demo.offset', (t.told - t.began)::text, true) from t
""")
"""Go to a moment, but never back."""

MOMENTS = text("""
  create temporary table replayed on commit drop as
  select m.began, lead(m.began, 1, 'infinity') over (order by m.began) as ended, m.told - m.began as moved
  from unnest(cast(:began as timestamptz[]), cast(:told as timestamptz[])) as m (began, told)
""")
UNSEALED = text("alter table events disable trigger events_kept")
SEALED = text("alter table events enable trigger events_kept")
EVENTS = text("""
  update events e set at = e.at + r.moved from replayed r where e.at >= r.began and e.at < r.ended
""")
"""Events may be moved that nobody has seen yet: they were written in this very transaction."""
BY_ID = """
  update {table} t set created_at = uuid_extract_timestamp(t.id) + r.moved from replayed r
  where uuid_extract_timestamp(t.id) >= date_trunc('milliseconds', r.began)
    and uuid_extract_timestamp(t.id) < date_trunc('milliseconds', r.ended)
"""
BY_EVENT = """
  update {table} t set created_at = e.at
  from (select subject_id, min(at) as at from events group by subject_id) e where e.subject_id = t.id
"""
RANDOM_IDS = {"assignments", "reviews", "decisions", "releases"}
"""Tables whose ids do not tell the time: their first event does."""


class Moment(NamedTuple):
    """When something was told, and when it happened in the story."""

    began: datetime
    told: datetime


class ReplayClock:
    """The clock of one replay, on one connection inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.moments: list[Moment] = []

    async def install(self) -> None:
        """Let the connection's statements ask this clock."""
        for statement in INSTALL:
            await self.connection.exec_driver_sql(statement)

    async def set(self, moment: datetime) -> None:
        """Go to a moment, but never back; from there the clock runs."""
        row = (await self.connection.execute(SET, {"moment": moment})).one()
        self.moments.append(Moment(row.began, row.told))

    async def remove(self) -> None:
        """Give the real clock back, and move what the tables filled in by themselves."""
        for statement in REMOVE:
            await self.connection.exec_driver_sql(statement)
        began, told = zip(*self.moments, strict=True)
        await self.connection.execute(MOMENTS, {"began": list(began), "told": list(told)})
        for step in (UNSEALED, EVENTS, SEALED):
            await self.connection.execute(step)
        for table in metadata.sorted_tables:
            if "created_at" in table.c and "id" in table.c:
                moved = BY_EVENT if table.name in RANDOM_IDS else BY_ID
                await self.connection.execute(text(moved.format(table=table.name)))
