"""What is missing before a submission."""

from uuid import UUID

from lianyan.core.actor import Reading
from lianyan.proposals.completeness import advisory, blocking, content_read
from lianyan.proposals.policy import look
from lianyan.proposals.schemas.submission import Gaps


async def read(reading: Reading, proposal_id: UUID) -> Gaps:
    """Return what stops a submission, and what only deserves a look."""
    await look(reading.connection, reading.actor, proposal_id, "proposal.edit")
    found = await content_read(reading.connection, proposal_id)
    return Gaps(blocking(found), advisory(found))
