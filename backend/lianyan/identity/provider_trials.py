"""A login for trial: the whole way through an institution, kept as what it has shown, opening nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar.datastructures import State
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.problems import Conflict
from lianyan.identity import provider_admin
from lianyan.identity.claims import UNNAMED, name_of, plain_email
from lianyan.identity.provider_states import TRIED
from lianyan.identity.tokens import Proof, email_of
from lianyan.institutions.domains import domain_matches

USED = (
    "sub", "name", "family_name", "given_name", "nickname", "email", "email_verified", "iss", "aud",
    "iat", "exp", "auth_time", "acr", "amr",
)  # fmt: skip
"""Claims whose values are shown: those we look at, and those that say how the login was made."""
MOST, LONGEST = 60, 200


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a login for trial has shown, as the provider's row keeps it."""

    at: datetime
    by: UUID
    version: int
    ok: bool
    code: str | None = None
    reason: str | None = None
    subject: str | None = None
    name: str | None = None
    email: str | None = None
    email_checked: bool = False
    email_own: bool = False
    claims: list[tuple[str, str | None]] = []


async def triable(session: AsyncSession, provider_id: UUID) -> str:
    """Return the slug of a login service that can be tried now; raise NotFound or Conflict."""
    provider = await provider_admin.locked(session, provider_id)
    if provider.status not in TRIED:
        raise Conflict("logins.not_now", status=provider.status)
    return provider.slug


async def shown(
    session: AsyncSession,
    institution_id: UUID,
    trial: Trial,
    proof: Proof,
    claims: Mapping[str, Any],
) -> Trial:
    """Return a trial with what it has shown: what would be kept of the person, and what was said."""
    address, checked = email_of(claims)
    email = plain_email(address)
    name = name_of(claims)
    domains = await session.scalars(
        text("select domain from institution_domains where institution_id = :id"),
        {"id": institution_id},
    )
    return msgspec.structs.replace(
        trial,
        subject=proof.subject,
        name=None if name == UNNAMED else name,
        email=email,
        email_checked=checked and email is not None,
        email_own=email is not None and any(domain_matches(email, one) for one in domains),
        claims=[(key[:LONGEST], _shown(key, value)) for key, value in list(claims.items())[:MOST]],
    )


def _shown(key: str, value: Any) -> str | None:
    if key not in USED:
        return None
    said = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


async def keep(session: AsyncSession, provider_id: UUID, trial: Trial) -> None:
    """Keep the newest trial with its provider, and write down that there was one."""
    provider = await provider_admin.locked(session, provider_id)
    provider.trial = msgspec.to_builtins(trial)
    provider.rev += 1
    await session.flush()
    await record(
        session,
        None,
        "provider.tried",
        provider.id,
        institution_id=provider.institution_id,
        person_id=trial.by,
        ok=trial.ok,
        reason=trial.reason or "",
    )


async def acting(state: State, former: bytes | None) -> UUID | None:
    """Return the person whose session this browser brings along, if any."""
    if former is None:
        return None
    async with state.acquire() as connection:
        actor: Actor | None = await state.load_actor(connection, former)
    return actor.id if actor else None
