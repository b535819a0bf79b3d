"""The pages of the decisions slice."""

from uuid import UUID

from lianyan.core.actor import Reading
from lianyan.decisions.schemas import DecideList, DecisionPage, Letters, ReleasePage


async def decision(reading: Reading, proposal_id: UUID) -> DecisionPage:
    """Return the page."""
    raise NotImplementedError


async def decide(reading: Reading, limit: str | None, after: str | None) -> DecideList:
    """Return the list."""
    raise NotImplementedError


async def release(reading: Reading) -> ReleasePage:
    """Return the page."""
    raise NotImplementedError


async def letters(reading: Reading, decision_id: UUID) -> Letters:
    """Return the letters."""
    raise NotImplementedError
