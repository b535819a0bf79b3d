"""What can be done to sessions, ways to log in, and the administrators' way in."""

import secrets
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core import names
from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.problems import Gone
from lianyan.core.secrets import encrypt
from lianyan.core.text import line
from lianyan.identity.claims import name
from lianyan.identity.models import (
    AdministratorLink,
    Identity,
    Person,
    PlatformRole,
    Provider,
    Session,
)
from lianyan.settings import Settings

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
LINK_SESSION = timedelta(hours=1)
LINK_LIVES = timedelta(hours=24)


# ---- sessions ----


async def open_session(
    session: AsyncSession,
    person_id: UUID,
    *,
    scope: UUID | None = None,
    identity_id: UUID | None = None,
    id_token: bytes | None = None,
    idp_session: str | None = None,
    token: str | None = None,
    idle: timedelta = IDLE,
    longest: timedelta = LONGEST,
    by_link: bool = False,
) -> str:
    """Open a session and return its token, which is nowhere else: always a new one at each login.

    `scope` limits it to one proposal, as an invitation does.
    """
    token = token or secrets.token_urlsafe(32)
    now = func.statement_timestamp()
    session.add(
        Session(
            token_hash=token_hash(token),
            person_id=person_id,
            identity_id=identity_id,
            proposal_id=scope,
            id_token=id_token,
            idp_session=idp_session,
            by_link=by_link,
            authenticated_at=now,
            idle_expires_at=now + min(idle, longest),
            absolute_expires_at=now + longest,
        )
    )
    await session.flush()
    return token


def token_hash(token: str) -> bytes:
    """Return what the database keeps of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


async def close_session(session: AsyncSession, hashed: bytes | None) -> UUID | None:
    """End the session of a token for good and return its id; None for one that is no more."""
    if hashed is None:
        return None
    found: UUID | None = await session.scalar(
        update(Session)
        .where(Session.token_hash == hashed, Session.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
        .returning(Session.id)
    )
    return found


async def renew_session(session: AsyncSession, settings: Settings, actor: Actor) -> None:
    """Let the session live on for its idle time, never beyond its longest.

    Who came by an invitation has no way to log in again, and keeps the longer time.
    """
    idle = IDLE if actor.scope else timedelta(minutes=settings.session_idle_minutes)
    await session.execute(
        update(Session)
        .where(Session.id == actor.session_id, Session.revoked_at.is_(None))
        .values(
            idle_expires_at=func.least(func.clock_timestamp() + idle, Session.absolute_expires_at)
        )
    )


# ---- the way in from the server ----


async def invite_administrator(
    session: AsyncSession, settings: Settings, *, name: str, institution: str
) -> str:
    """Return a link that makes one person administrator, or lets one back in: once, within a day."""
    token = secrets.token_urlsafe(32)
    session.add(
        AdministratorLink(
            token_hash=token_hash(token),
            name=_person_name(name),
            institution=line(institution),
            expires_at=func.clock_timestamp() + LINK_LIVES,
        )
    )
    await session.flush()
    return f"{settings.public_url.rstrip('/')}/welcome#administrator={token}"


def _person_name(text: str) -> str:
    return name(text)


async def use_administrator_link(session: AsyncSession, token: str) -> str:
    """Make the link's person administrator and return a short session; raise Gone for a dead link.

    An administrator of that very name is let back in. Where nobody coordinates yet, the person also
    becomes coordinator: otherwise a new portal could not take its first step.
    """
    link = await session.scalar(
        update(AdministratorLink)
        .where(
            AdministratorLink.token_hash == token_hash(token),
            AdministratorLink.used_at.is_(None),
            AdministratorLink.expires_at > func.clock_timestamp(),
        )
        .values(used_at=func.clock_timestamp())
        .returning(AdministratorLink)
    )
    if link is None:
        raise Gone("identity.link_dead")
    person_id = await _administrator(session, link.name)
    if person_id is None:
        person_id = await _new_administrator(session, link.name)
    link.used_by = person_id
    opened = await open_session(session, person_id, longest=LINK_SESSION, by_link=True)
    await record(session, None, "administrator.link_used", person_id, link=link.id)
    return opened


async def _administrator(session: AsyncSession, called: str) -> UUID | None:
    found: UUID | None = await session.scalar(
        select(Person.id)
        .join(PlatformRole, PlatformRole.person_id == Person.id)
        .where(
            Person.name == called,
            PlatformRole.role == "administrator",
            PlatformRole.ended_at.is_(None),
        )
        .order_by(Person.id)
        .limit(1)
    )
    return found


async def _new_administrator(session: AsyncSession, called: str) -> UUID:
    person = Person(name=called, sort_key=names.sort_key(called), status="active")
    session.add(person)
    await session.flush()
    held = set(
        await session.scalars(select(PlatformRole.role).where(PlatformRole.ended_at.is_(None)))
    )
    for role in ("administrator", *(() if "coordinator" in held else ("coordinator",))):
        granted = PlatformRole(person_id=person.id, role=role)
        session.add(granted)
        await session.flush()
        await record(session, None, "role.granted", granted.id, person=person.id, role=role)
    return person.id


# ---- ways to log in ----


async def add_provider(
    session: AsyncSession,
    key: bytes,
    *,
    institution_id: UUID,
    slug: str,
    name_zh: str,
    name_en: str,
    issuer: str,
    client_id: str,
    secret: str,
) -> UUID:
    """Add a login service that is active at once and return its id; the secret is stored encrypted.

    For the demo and for tests: people add theirs by `provider_admin`.
    """
    made = Provider(
        status="active",
        institution_id=institution_id,
        slug=slug,
        name_zh=name_zh,
        name_en=name_en,
        issuer=issuer,
        client_id=client_id,
        secret=b"",
    )
    session.add(made)
    await session.flush()
    made.secret = encrypt(key, secret, "providers", made.id, "secret")
    await session.flush()
    return made.id


async def add_identity(
    session: AsyncSession, person_id: UUID, provider_id: UUID, issuer: str, subject: str
) -> UUID:
    """Let a login open the account of a person and return its id."""
    made = Identity(
        person_id=person_id,
        provider_id=provider_id,
        issuer=issuer,
        subject=subject,
        last_login_at=func.clock_timestamp(),
    )
    session.add(made)
    await session.flush()
    return made.id


async def move_demo_issuers(session: AsyncSession, base: str) -> None:
    """Let every demo login be known at `base`: the service's port may change, its people do not."""
    new = text(":base || substring(issuer from '^http://127\\.0\\.0\\.1:\\d+(/.*)$')")
    demo = text("issuer ~ '^http://127\\.0\\.0\\.1:\\d+/'")
    stale = text("issuer not like :base || '/%'")
    for table in (Identity, Provider):
        await session.execute(
            update(table)
            .where(demo, stale)
            .values(issuer=new)
            .execution_options(synchronize_session=False),
            {"base": base},
        )
