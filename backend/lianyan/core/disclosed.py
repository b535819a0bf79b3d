"""Every reading of something confidential is written down before the answer leaves.

It is an event like any other, and sealed with them. Its kind ends with `.read`: by that the log of
readings is found.
"""

import json
from collections.abc import Iterable
from uuid import UUID

from lianyan.core.actor import Actor
from lianyan.core.db import Connection

# One statement, so one transaction of its own on a read's connection: a crash may lose the line
# with an answer that never left, and nothing else waits for the disk.
DISCLOSED = """
  insert into events (kind, actor_id, subject_id, proposal_id, data)
  select $1, $2, $3, $4, $5
  from (select set_config('synchronous_commit', 'off', true)) as quick
"""


async def disclosed(
    connection: Connection,
    actor: Actor,
    kind: str,
    subject_id: UUID,
    proposal_id: UUID | None,
    *,
    proposals: Iterable[UUID] = (),
    people: Iterable[UUID] = (),
) -> None:
    """Note that `actor` has read a review, a reviewer's name or an unreleased decision.

    A page about several proposals names them all in `proposals`; `people` are those whose part in it
    the page shows.
    """
    if not kind.endswith(".read"):
        raise ValueError(f"{kind} would not be found among what was read")
    named = {"proposals": sorted(map(str, proposals)), "people": sorted(map(str, people))}
    data = json.dumps({key: ids for key, ids in named.items() if ids})
    await connection.execute(DISCLOSED, kind, actor.id, subject_id, proposal_id, data)
