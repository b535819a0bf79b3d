"""One action, one effect: a creating POST that comes twice creates once.

Rows keep who, where, key, the body's hash and where the result is, for 48 hours; never an answer: a
replay reads again through the policy. The key is the `Idempotency-Key` header (draft-ietf-httpapi).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from sqlalchemy import LargeBinary, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.actor import Actor
from lianyan.core.db import Model
from lianyan.core.jobs import every
from lianyan.core.problems import Conflict, invalid

LONGEST_KEY = 100


class Idempotency(Model):
    """A creating POST that has been answered."""

    __tablename__ = "idempotency"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    made: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Created(msgspec.Struct, frozen=True):
    """The answer to a creating POST."""

    id: UUID


class Once:
    """Runs a creating command at most once per person, route and key."""

    def __init__(
        self, session: AsyncSession, actor: Actor, route: str, key: str, body: bytes
    ) -> None:
        """Take the request's parts."""
        self.session, self.actor, self.route, self.key, self.body = session, actor, route, key, body

    async def __call__(
        self,
        make: Callable[[], Awaitable[UUID]],
        see: Callable[[UUID], Awaitable[object]] | None = None,
    ) -> Created:
        """Return what `make` made, now or at the first try.

        A replay asks `see(id)` first, which raises NotFound if the asker may no longer see the result.
        Raise Conflict if the key was used with another body.
        """
        values = {"person_id": self.actor.id, "route": self.route, "key": self.key}
        row = (
            Idempotency.person_id == self.actor.id,
            Idempotency.route == self.route,
            Idempotency.key == self.key,
        )
        first = await self.session.scalar(
            upsert(Idempotency)
            .values(**values, body=self.body)
            .on_conflict_do_nothing()
            .returning(Idempotency.key)
        )
        if first is None:
            stored = (
                await self.session.execute(select(Idempotency.body, Idempotency.made).where(*row))
            ).one()
            if stored.body != self.body or stored.made is None:
                raise Conflict("problems.key_reused")
            if see is not None:
                await see(stored.made)
            return Created(stored.made)
        made = await make()
        await self.session.execute(update(Idempotency).where(*row).values(made=made))
        return Created(made)


async def provide_once(
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    actor: NamedDependency[Actor],
) -> Once:
    """Give a creating POST its guard; refuse one without a key."""
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise invalid("Idempotency-Key", "problems.required")
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise invalid("Idempotency-Key", "problems.wrong_type")
    path = request.scope["path"]
    return Once(
        session, actor, f"{request.method} {path}", key, sha256(await request.body()).digest()
    )


@every(3600, "idempotency.forget")
async def forget_old(session: AsyncSession) -> None:
    """Delete rows older than 48 hours."""
    await session.execute(
        delete(Idempotency).where(Idempotency.created_at < text("now() - interval '48 hours'"))
    )
