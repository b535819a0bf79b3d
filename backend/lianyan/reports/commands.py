"""What the portal tells its audit administrators by itself: who reads very much, what was rewritten.

Who reads confidential matter of very many at once is told of in neutral words. Whoever copies a portal out does it with a login that is valid. Nothing is stopped: a coordinator's
busy morning looks the same, and a person knows the difference.

Once a day the newest part of the record is compared with its seals.
"""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.db import raw
from lianyan.core.events import READ, record
from lianyan.core.jobs import every
from lianyan.core.messages import tell
from lianyan.core.verification import Verdict, verify
from lianyan.identity.heirs import heirs_of
from lianyan.settings import Settings

WINDOW = timedelta(minutes=10)
KIND = "alarm.volume"
WATCHERS = "audit_administrator"
RECORD = UUID(int=0)
"""The subject of what happens to the record itself."""
CHECKED = "events.checked"
SEALS = 3_000
"""Two days' seals: one a minute, and one check a day."""

# Longer than the window by the hour in which a person is told of once: nothing is missed while the
# worker is away, or between two alarms.
READINGS = text(f"""
  with reading as (
    select e.actor_id, e.at, m.what, m.id
    from events e cross join lateral (
      select 'proposal' as what, e.proposal_id::text as id where e.proposal_id is not null
      union all
      select 'proposal', x from jsonb_array_elements_text(e.data -> 'proposals') x
      union all
      select 'person', x from jsonb_array_elements_text(e.data -> 'people') x
    ) m
    where e.{READ} and e.at > now() - interval '70 minutes' and e.actor_id is not null
  ),
  busy as (
    select r.actor_id,
      (select max(a.at) from events a where a.subject_id = r.actor_id and a.kind = '{KIND}') as told
    from reading r group by r.actor_id
    having count(distinct r.id) filter (where r.what = 'proposal') > :proposals
      or count(distinct r.id) filter (where r.what = 'person') > :people
  )
  select r.actor_id, r.at, r.what, r.id
  from busy b join reading r on r.actor_id = b.actor_id
  where b.told is null or (b.told <= now() - interval '1 hour' and r.at > b.told)
  order by r.actor_id, r.at
""")


class Crest(NamedTuple):
    """The most that was read within any ten minutes."""

    proposals: int
    people: int


@every(60, KIND)
async def watch(session: AsyncSession) -> None:
    """Tell the audit administrators of each person who read much at once, once an hour at most."""
    settings: Settings = session.info.get("settings") or Settings()
    limits = Crest(settings.alarm_proposals, settings.alarm_people)
    rows = (await session.execute(READINGS, limits._asdict())).all()
    readings: dict[UUID, list[tuple[datetime, str, str]]] = {}
    for reader, at, what, id_ in rows:
        readings.setdefault(reader, []).append((at, what, id_))
    for reader, read in readings.items():
        crest = highest(read)
        if crest.proposals > limits.proposals or crest.people > limits.people:
            await _tell(session, reader, crest)


def highest(readings: Iterable[tuple[datetime, str, str]]) -> Crest:
    """Return how many proposals and people were read about within ten minutes, where it was most."""
    within: deque[tuple[datetime, str, str]] = deque()
    seen: Counter[tuple[str, str]] = Counter()
    distinct: Counter[str] = Counter()
    most = Crest(0, 0)
    for at, what, id_ in readings:
        within.append((at, what, id_))
        seen[what, id_] += 1
        distinct[what] += seen[what, id_] == 1
        while within[0][0] <= at - WINDOW:
            _, *gone = within.popleft()
            seen[gone[0], gone[1]] -= 1
            distinct[gone[0]] -= seen[gone[0], gone[1]] == 0
        most = Crest(
            max(most.proposals, distinct["proposal"]), max(most.people, distinct["person"])
        )
    return most


async def _tell(session: AsyncSession, reader: UUID, crest: Crest) -> None:
    event = await record(session, None, KIND, reader, **crest._asdict())
    for watcher in await heirs_of(session, WATCHERS):
        await tell(
            session,
            event,
            watcher,
            "volume_alarm",
            to="self",
            person_id=reader,
            **crest._asdict(),
        )


@every(24 * 60 * 60, CHECKED)
async def check(session: AsyncSession) -> None:
    """Compare the newest part of the record with its seals; tell the audit administrators of a difference."""
    verdict = await _compared(session)
    faults = len(verdict.faults) + verdict.more
    event = await record(
        session, None, CHECKED, RECORD, seals=verdict.seals, events=verdict.events, faults=faults
    )
    if not verdict.good:
        for watcher in await heirs_of(session, WATCHERS):
            await tell(session, event, watcher, "record_broken", to="self", faults=faults)


async def _compared(session: AsyncSession) -> Verdict:
    settings: Settings | None = session.info.get("settings")
    if settings is None:
        return await verify(await raw(session), last=SEALS)
    # All of one moment, whatever is sealed meanwhile: that takes a transaction of another kind.
    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        return await verify(connection, last=SEALS)
    finally:
        await connection.close()
