"""Every reading of something confidential is written down before the answer leaves."""

from uuid import UUID

from lianyan.core.actor import Actor
from lianyan.core.db import Connection

# One statement, so one transaction of its own on a read's connection: a crash may lose the line
# with an answer that never left, and nothing else waits for the disk.
DISCLOSED = """
  insert into events (kind, actor_id, subject_id, proposal_id, data)
  select $1, $2, $3, $4, '{}'::jsonb
  from (select set_config('synchronous_commit', 'off', true)) as quick
"""


async def disclosed(
    connection: Connection, actor: Actor, kind: str, subject_id: UUID, proposal_id: UUID | None
) -> None:
    """Note that `actor` has read a review, a reviewer's name or an unreleased decision."""
    await connection.execute(DISCLOSED, kind, actor.id, subject_id, proposal_id)
