"""What coordinators do to reviewers."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.reviews.schemas import NewAssignment, NewDismissal


async def assign(
    session: AsyncSession, actor: Actor, proposal_id: UUID, data: NewAssignment
) -> UUID:
    """Ask a reviewer; return the assignment."""
    raise NotImplementedError


async def dismiss(
    session: AsyncSession, actor: Actor, proposal_id: UUID, data: NewDismissal
) -> UUID:
    """Set a conflict aside; return the dismissal."""
    raise NotImplementedError


async def remove(session: AsyncSession, actor: Actor, assignment_id: UUID, reason: str) -> None:
    """Take a reviewer off a proposal."""
    raise NotImplementedError


async def suspend_conflicted(session: AsyncSession, proposal_id: UUID) -> None:
    """Suspend every assignment of the proposal whose reviewer has a conflict now."""
    raise NotImplementedError
