"""Messages to people: inbox now, outbox of the mail later; one row per event, person and template."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Entity


class Message(Entity):
    """What one person is told about one event; shown in the inbox once `hold_until` has passed."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("event_id", "person_id", "template"),
        Index(None, "person_id", text("id desc")),
    )

    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("events.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    proposal_id: Mapped[UUID | None]
    template: Mapped[str]
    """Catalogue key under the area `messages`."""
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Ids, codes, numbers and dates for the template; never words of a person."""
    hold_until: Mapped[datetime | None]
    read_at: Mapped[datetime | None]


async def tell(
    session: AsyncSession,
    event_id: int,
    person_id: UUID,
    template: str,
    /,
    *,
    proposal_id: UUID | None = None,
    hold_until: datetime | None = None,
    **params: Any,
) -> None:
    """Add a message in the caller's transaction; the same event tells a person the same thing once."""
    await session.execute(
        upsert(Message)
        .values(
            event_id=event_id,
            person_id=person_id,
            template=template,
            proposal_id=proposal_id,
            hold_until=hold_until,
            params={k: str(v) if isinstance(v, (UUID, datetime)) else v for k, v in params.items()},
        )
        .on_conflict_do_nothing()
    )
