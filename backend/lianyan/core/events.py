"""The one way to write down that something happened, in the transaction where it happened."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, func, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.actor import Actor
from lianyan.core.db import Model

READ = "kind like '%.read'"
"""SQL: an event is the reading of something confidential. Indexes are over exactly this condition."""
READ_MANY = f"{READ} and data ? 'proposals'"
"""SQL: an event is the reading of a page about several proposals, named in its data."""


class Event(Model):
    """One thing that happened: who did what to which subject; ids only, never words of a person."""

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "subject_id", "id"),
        Index(None, "proposal_id", "id"),
        Index(None, "actor_id", "id"),
        Index("ix_events_read", "at", postgresql_where=text(READ)),
        Index(
            "ix_events_read_many",
            text("(data -> 'proposals')"),
            postgresql_using="gin",
            postgresql_where=text(READ_MANY),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    subject_id: Mapped[UUID]
    proposal_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


Follower = Callable[[AsyncSession, "Happened"], Awaitable[None]]
FOLLOWERS: dict[str, list[Follower]] = {}
"""Kind of event -> what else is written in the same transaction (messages, jobs)."""


class Happened(NamedTuple):
    """An event as its followers see it."""

    id: int
    kind: str
    actor_id: UUID | None
    subject_id: UUID
    proposal_id: UUID | None
    data: dict[str, Any]


def follows(*kinds: str) -> Callable[[Follower], Follower]:
    """Register a function that runs in the transaction of each event of these kinds."""

    def register(follower: Follower) -> Follower:
        for kind in kinds:
            FOLLOWERS.setdefault(kind, []).append(follower)
        return follower

    return register


async def record(
    session: AsyncSession,
    actor: Actor | None,
    kind: str,
    subject_id: UUID,
    *,
    proposal_id: UUID | None = None,
    **data: Any,
) -> int:
    """Add an event to the caller's transaction, then run its followers; return the event's id.

    `actor` None is the system. `data` holds ids, codes, numbers and states, never names or texts.
    """
    actor_id = actor.id if actor else None
    plain = {key: _plain(value) for key, value in data.items()}
    found: int = (
        await session.scalars(
            insert(Event)
            .values(
                kind=kind,
                actor_id=actor_id,
                subject_id=subject_id,
                proposal_id=proposal_id,
                data=plain,
            )
            .returning(Event.id)
        )
    ).one()
    for follower in FOLLOWERS.get(kind, ()):
        await follower(session, Happened(found, kind, actor_id, subject_id, proposal_id, plain))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    return value
