"""Releasing decisions: ordered, held, carried out once."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival


async def order(session: AsyncSession, actor: Actor, decision_ids: list[UUID]) -> UUID:
    """Order."""
    raise NotImplementedError


async def take_back(
    session: AsyncSession, actor: Actor, arrival: Arrival, release_id: UUID
) -> None:
    """Take back."""
    raise NotImplementedError


async def carry_out(session: AsyncSession, release_id: UUID) -> None:
    """Carry out."""
    raise NotImplementedError
