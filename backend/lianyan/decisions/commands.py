"""Drafting, signing and sending back a decision."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.decisions.schemas import DecisionIn, DecisionRev


async def draft(
    session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int, data: DecisionIn
) -> DecisionRev:
    """Draft."""
    raise NotImplementedError


async def sign(session: AsyncSession, actor: Actor, decision_id: UUID, rev: int) -> DecisionRev:
    """Sign."""
    raise NotImplementedError


async def send_back(
    session: AsyncSession, actor: Actor, decision_id: UUID, rev: int, note: str
) -> DecisionRev:
    """Send back."""
    raise NotImplementedError


async def cancel(session: AsyncSession, actor: Actor | None, proposal_id: UUID) -> None:
    """Cancel the proposal's decision, if there is one that is not released."""
    raise NotImplementedError
