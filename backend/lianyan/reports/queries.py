"""Reads of the log: who has read what is confidential."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text

from lianyan.core.db import Connection
from lianyan.core.events import READ, READ_MANY
from lianyan.core.reads import Read

NEWEST = 2**63 - 1

COLUMNS = """e.id, e.at, e.actor_id, e.kind, e.subject_id,
    case when e.proposal_id is null
      then array(select jsonb_array_elements_text(e.data -> 'proposals'))::uuid[]
      else array[e.proposal_id] end"""

WHO_SAW = Read(
    text(f"""
  select {COLUMNS} from (
    (select * from events
      where {READ} and proposal_id = cast(:proposal as uuid) and id < cast(:before as bigint)
      order by id desc limit cast(:most as int))
    union all
    (select * from events
      where {READ_MANY} and data -> 'proposals' ? cast(:named as text)
        and id < cast(:before as bigint)
      order by id desc limit cast(:most as int))
  ) e order by e.id desc limit cast(:most as int)
""")
)
WHAT_SAW = Read(
    text(f"""
  select {COLUMNS} from events e
  where {READ} and e.actor_id = cast(:reader as uuid) and e.id < cast(:before as bigint)
  order by e.id desc limit cast(:most as int)
""")
)


class Seen(msgspec.Struct, frozen=True):
    """Somebody read something confidential."""

    id: int
    """Where the next page begins: `before`."""
    at: datetime
    actor_id: UUID
    kind: str
    """assignment.read, review.read, decision.read, decisions.read or release.read."""
    subject_id: UUID
    """What was read: an assignment, a decision, a proposal; the reader, for a page about several."""
    proposals: list[UUID]
    """The proposals it was about."""


async def who_saw(
    connection: Connection, proposal_id: UUID, *, before: int = NEWEST, most: int = 50
) -> list[Seen]:
    """Return who read confidential matter of a proposal, the newest first."""
    return await _rows(
        connection, WHO_SAW, proposal=proposal_id, named=str(proposal_id), before=before, most=most
    )


async def what_saw(
    connection: Connection, person_id: UUID, *, before: int = NEWEST, most: int = 50
) -> list[Seen]:
    """Return what confidential matter a person read, the newest first."""
    return await _rows(connection, WHAT_SAW, reader=person_id, before=before, most=most)


async def _rows(connection: Connection, read: Read, **values: object) -> list[Seen]:
    rows = await connection.fetch(read.sql, *read.arguments(values))
    return [Seen(*row) for row in rows]
