"""The pages of the reviews slice."""

from uuid import UUID

from lianyan.core.actor import Reading
from lianyan.reviews.schemas import Assignments, ReviewPage


async def assignments(reading: Reading, proposal_id: UUID) -> Assignments:
    """Return the page."""
    raise NotImplementedError


async def review(reading: Reading, assignment_id: UUID) -> ReviewPage:
    """Return the page."""
    raise NotImplementedError
