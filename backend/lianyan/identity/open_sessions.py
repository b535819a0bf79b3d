"""Open sessions: one's own, and somebody else's as a security administrator sees and ends them."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.events import record
from lianyan.core.messages import tell
from lianyan.core.pieces import instant
from lianyan.core.problems import NotFound
from lianyan.identity.models import Session

Reason = Literal["lost_device", "suspicious", "left", "other"]

SESSIONS = f"""
  select jsonb_build_object('items', coalesce((
    select jsonb_agg(jsonb_build_object('id', s.id, 'created_at', {instant("s.created_at")},
        'authenticated_at', {instant("s.authenticated_at")},
        'idle_expires_at', {instant("s.idle_expires_at")},
        'absolute_expires_at', {instant("s.absolute_expires_at")},
        'by_link', s.by_link, 'proposal_only', s.proposal_id is not null) order by s.id desc)
    from sessions s
    where s.person_id = p.id and s.revoked_at is null
      and s.idle_expires_at > now() and s.absolute_expires_at > now()), '[]'))::text
  from people p where p.id = $1
"""


class OpenSession(msgspec.Struct, frozen=True):
    """A session that is open now."""

    id: UUID
    created_at: str
    authenticated_at: str
    idle_expires_at: str
    absolute_expires_at: str
    by_link: bool
    """Opened by a link made on the server."""
    proposal_only: bool
    """Opened by an invitation: it opens one proposal."""
    here: bool = False
    """The one that asks."""


class OpenSessions(msgspec.Struct, frozen=True):
    """The sessions a person has open, the newest first."""

    items: list[OpenSession]


class EndSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody's session is ended."""

    reason: Reason


async def sessions_of(reading: Reading, person_id: UUID) -> OpenSessions:
    """Return the sessions a person has open."""
    body = await reading.connection.fetchval(SESSIONS, person_id)
    if body is None:
        raise NotFound
    return msgspec.json.decode(body, type=OpenSessions)


async def own_sessions(reading: Reading) -> OpenSessions:
    """Return the reader's open sessions, and which of them asks."""
    found = await sessions_of(reading, reading.actor.id)
    here = reading.actor.session_id
    return OpenSessions([msgspec.structs.replace(one, here=one.id == here) for one in found.items])


async def end_own(session: AsyncSession, actor: Actor, session_id: UUID) -> None:
    """End one of the own sessions at once; somebody else's is not there. One that is over stays so."""
    if await _ended(session, session_id, Session.person_id == actor.id) is not None:
        await record(session, actor, "session.left", session_id, person_id=actor.id)


async def end_session(
    session: AsyncSession, actor: Actor, session_id: UUID, reason: Reason
) -> None:
    """End somebody's session at once and tell them; one that is over stays so."""
    person_id = await _ended(session, session_id)
    if person_id is None:
        return
    event = await record(
        session, actor, "session.ended", session_id, person_id=person_id, reason=reason
    )
    await tell(session, event, person_id, "session_ended", to="self")


async def _ended(
    session: AsyncSession, session_id: UUID, *whose: ColumnElement[bool]
) -> UUID | None:
    """End a session and return whose it was, None where it was over; raise NotFound."""
    wanted = select(Session).where(Session.id == session_id, *whose).with_for_update()
    found = await session.scalar(wanted)
    if found is None:
        raise NotFound
    if found.revoked_at is not None:
        return None
    found.revoked_at = await session.scalar(select(func.clock_timestamp()))
    await session.flush()
    return found.person_id


@get(
    "/security/people/{person_id:uuid}/sessions",
    opt={"action": "security.read"},
    tags=["security"],
)
async def list_sessions(
    reading: NamedDependency[Reading], person_id: FromPath[UUID]
) -> OpenSessions:
    """List the sessions a person has open."""
    return await sessions_of(reading, person_id)


@post(
    "/security/sessions/{session_id:uuid}/end",
    opt={"action": "security.end_session"},
    status_code=204,
    tags=["security"],
)
async def end(
    session: NamedDependency[AsyncSession],
    actor: NamedDependency[Actor],
    session_id: FromPath[UUID],
    data: JSONBody[EndSession],
) -> None:
    """End somebody's session."""
    await end_session(session, actor, session_id, data.reason)


@get("/settings/sessions", opt={"action": "settings.read"}, tags=["settings"])
async def list_own(reading: NamedDependency[Reading]) -> OpenSessions:
    """List where the person who asks is logged in."""
    return await own_sessions(reading)


@post(
    "/settings/sessions/{session_id:uuid}/end",
    opt={"action": "settings.change"},
    status_code=204,
    tags=["settings"],
)
async def end_one(
    session: NamedDependency[AsyncSession],
    actor: NamedDependency[Actor],
    session_id: FromPath[UUID],
) -> None:
    """Log out somewhere else."""
    await end_own(session, actor, session_id)


HANDLERS: list[Any] = [list_sessions, end, list_own, end_one]
