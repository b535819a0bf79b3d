"""What reviewers do."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival
from lianyan.reviews.schemas import Accept, AcceptedReviews, ReviewIn, Submitted


async def accept(session: AsyncSession, actor: Actor, data: Accept) -> AcceptedReviews:
    """Accept requests."""
    raise NotImplementedError


async def decline(session: AsyncSession, actor: Actor, assignment_id: UUID, reason: str) -> None:
    """Decline."""
    raise NotImplementedError


async def declare(session: AsyncSession, actor: Actor, assignment_id: UUID, note: str) -> None:
    """Declare a conflict."""
    raise NotImplementedError


async def save(
    session: AsyncSession, actor: Actor, assignment_id: UUID, rev: int, data: ReviewIn
) -> int:
    """Save; return the review's revision."""
    raise NotImplementedError


async def submit(
    session: AsyncSession, actor: Actor, arrival: Arrival, assignment_ids: list[UUID]
) -> Submitted:
    """Submit."""
    raise NotImplementedError
