"""What a reader does to the own messages."""

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.messages import Message
from lianyan.core.problems import invalid

MOST = 200


async def mark_read(session: AsyncSession, actor: Actor, ids: list[UUID]) -> None:
    """Mark the actor's own messages as read; ids of anybody else's change nothing."""
    if len(ids) > MOST:
        raise invalid("ids", "problems.out_of_range", min=0, max=MOST)
    await session.execute(
        update(Message)
        .where(
            Message.id.in_(ids),
            Message.person_id == actor.id,
            Message.read_at.is_(None),
        )
        .values(read_at=func.clock_timestamp())
    )
