"""The actor: who is making a request, as every policy sees them."""

from collections.abc import AsyncGenerator
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.db import Connection, raw


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A logged-in person with what the database says about them at this moment."""

    id: UUID
    session_id: UUID
    name: str
    status: str
    """`pending` or `active`."""
    locale: str | None = None
    authenticated_at: datetime | None = None
    scope: UUID | None = None
    """The one proposal an invited person's session opens; None for a session by login."""
    roles: frozenset[str] = frozenset()
    """Platform roles held: coordinator, stand_in, reviewer, approver, administrator, and those of
    `identity.heirs`."""
    stands_for: frozenset[str] = frozenset()
    """Roles that nobody holds, whose work is this person's meanwhile."""
    institutions: tuple[UUID, ...] = ()
    """Institutions that have confirmed the person and employ them now."""
    employers: tuple[UUID, ...] = ()
    """Institutions that employ or employed the person within the look-back, confirmed or not."""
    offices: tuple[UUID, ...] = ()
    """Institutions the person is officer or deputy of."""

    @property
    def principals(self) -> list[UUID]:
        """Return the principals of the access relation whose lists are this person's own."""
        return [self.id] if self.scope else [self.id, *self.offices]

    @property
    def tag(self) -> str:
        """Return the public name of the session: it tells one from another and opens none."""
        return sha256(self.session_id.bytes).hexdigest()[:16]


class Reading(msgspec.Struct, frozen=True):
    """One read request: the connection it reads from and who asks."""

    connection: Any
    visitor: Actor | None

    @property
    def actor(self) -> Actor:
        """Return who asks; routes whose action needs a login never see None here."""
        if self.visitor is None:  # the guard has refused before
            raise LookupError
        return self.visitor


def session_cookie(state: State) -> str:
    """Return the name of the session cookie: `__Host-` wherever the browser allows it."""
    settings = state.settings
    if not settings.public_url.startswith("https://"):
        return "lianyan_session"
    return "__Secure-s" if settings.base_path.strip("/") else "__Host-s"


def token_of(request: Request[Any, Any, Any]) -> bytes | None:
    """Return the hash of the session token the browser sent, if it sent one of the right shape."""
    token = request.cookies.get(session_cookie(request.app.state))
    if not token or len(token) > 128:  # noqa: PLR2004  ours have 43 characters
        return None
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


async def _find(request: Request[Any, Any, Any], connection: Connection) -> Actor | None:
    """Load the actor once a request, and refuse at once what their standing can never do."""
    from lianyan.core.policy import ALLOWED, needs_login, standing, standing_only  # noqa: PLC0415  the table needs Actor
    from lianyan.core.problems import Forbidden, Unauthorized  # noqa: PLC0415  problems need words only when raised

    token = token_of(request)
    actor: Actor | None = None
    if token is not None:
        actor = await request.app.state.load_actor(connection, token)
    request.scope["actor"] = actor  # type: ignore[typeddict-unknown-key]  # for the log line and problems
    _same_session(request, actor)
    action = request.route_handler.opt["action"]
    if actor is None and needs_login(action):
        raise Unauthorized
    if standing_only(action) and not standing(actor) & ALLOWED[action]:
        raise Forbidden("problems.role_missing")
    return actor


def _same_session(request: Request[Any, Any, Any], actor: Actor | None) -> None:
    """Refuse a change from a page of another session than the one now open in this browser."""
    from lianyan.core.problems import Forbidden  # noqa: PLC0415  problems need words only when raised

    sent = request.headers.get("x-session")
    if sent and actor is not None and request.method not in {"GET", "HEAD"} and sent != actor.tag:
        raise Forbidden("identity.stale_form")


async def provide_reading(
    request: Request[Any, Any, Any], state: State
) -> AsyncGenerator[Reading, None]:
    """Give a read request its connection and its actor."""
    async with state.acquire() as connection:
        yield Reading(connection, await _find(request, connection))


async def provide_visitor(
    request: Request[Any, Any, Any], session: NamedDependency[AsyncSession]
) -> Actor | None:
    """Give a write request its actor, or None where the action allows nobody in particular."""
    return await _find(request, await raw(session))


async def provide_actor(visitor: NamedDependency[Actor | None]) -> Actor:
    """Give a write request its logged-in actor."""
    if visitor is None:
        raise LookupError  # the action lets anybody in: such a handler asks for `visitor`
    return visitor
