"""Reads of the reviews slice that other slices use, and the reader's own list."""

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Reading
from lianyan.core.problems import FieldError
from lianyan.proposals.models import Proposal


async def ready(session: AsyncSession, proposal: Proposal) -> list[FieldError]:
    """Return what keeps the review of a proposal from being finished; nothing, if it may be."""
    raise NotImplementedError


async def own(reading: Reading) -> str:
    """Return the reader's reviews as JSON."""
    raise NotImplementedError
