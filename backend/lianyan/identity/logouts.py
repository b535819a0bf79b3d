"""Logging out: here at once, and where the institution's own login can be ended."""

import logging
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.events import record
from lianyan.core.logs import note
from lianyan.core.secrets import Unreadable, decrypt
from lianyan.identity.commands import close_session
from lianyan.identity.oidc import end_session_url, parse
from lianyan.identity.outbound import ProviderFailed
from lianyan.identity.providers import PROVIDER, Known, client_of, guard_of
from lianyan.settings import Settings

LOG = logging.getLogger("lianyan.logins")

SESSION = text(f"""
  select v.*, s.id_token, m.document, s.person_id
  from sessions s
    left join identities e on e.id = s.identity_id
    left join ({PROVIDER}) v on v.id = e.provider_id
    left join provider_metadata m on m.provider_id = v.id
  where s.token_hash = :hashed and s.revoked_at is null
""")


async def log_out(session: AsyncSession, settings: Settings, hashed: bytes | None) -> str | None:
    """End a session for good; return where the institution's own login ends, None where it cannot be.

    Whatever the institution's row says, the session here is over.
    """
    if hashed is None:
        return None
    row = (await session.execute(SESSION, {"hashed": hashed})).mappings().one_or_none()
    if row is None:
        return None
    closed = await close_session(session, hashed)
    await record(session, None, "logout.done", row["person_id"], ended=closed)
    return _elsewhere(settings, dict(row), hashed)


def _elsewhere(settings: Settings, row: dict[str, Any], hashed: bytes) -> str | None:
    if row["document"] is None:
        return None
    try:
        known = msgspec.convert(row, Known)
        metadata = parse(row["document"], known.issuer, guard_of(settings))
        kept = row["id_token"]
        token = (
            decrypt(settings.secret_key, kept, "sessions", hashed.hex(), "id_token")
            if kept
            else None
        )
        return end_session_url(
            metadata,
            client_of(settings, known),
            id_token=token,
            return_to=f"{settings.public_url.rstrip('/')}/",
        )
    except (ProviderFailed, Unreadable) as error:
        reason = getattr(error, "reason", "unreadable")
        note(LOG, logging.WARNING, "logout.incomplete", provider=row["slug"], reason=reason)
        return None
