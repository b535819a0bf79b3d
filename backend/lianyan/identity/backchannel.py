"""A logout at the institution ends the sessions here (OpenID Connect Back-Channel Logout 1.0)."""

import logging
import time
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from litestar.datastructures import State
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.events import record
from lianyan.core.logs import note
from lianyan.core.problems import NotFound
from lianyan.identity.outbound import ProviderFailed
from lianyan.identity.provider_states import Status
from lianyan.identity.providers import PROVIDER, Known, directory_of, transaction
from lianyan.identity.tokens import LARGEST, Ended, TokenRefused, verify_logout

LOG = logging.getLogger("lianyan.logins")

FORGET = text("delete from logouts_heard where expires_at < now()")
HEARD = text("""
  insert into logouts_heard (provider_id, jti, expires_at)
  values (:provider, :jti, to_timestamp(:until)) on conflict do nothing returning jti
""")
END = text("""
  update sessions s set revoked_at = clock_timestamp()
  from identities e
  where e.id = s.identity_id and e.provider_id = :provider and e.issuer = :issuer
    and s.revoked_at is null and (cast(:subject as text) is null or e.subject = :subject)
    and (cast(:session as text) is null or s.idp_session = :session
      or (s.idp_session is null and cast(:subject as text) is not null))
  returning s.person_id
""")
"""A session that was opened before its name was kept ends with any logout of its person."""


class LogoutRefused(Exception):
    """The notice proves nothing; `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def token_in(body: bytes, kind: str) -> str:
    """Return the logout token of a form, or raise LogoutRefused."""
    if kind.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise LogoutRefused("content_type")
    if len(body) > LARGEST:
        raise LogoutRefused("too_large")
    try:
        sent = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise LogoutRefused("malformed") from error
    tokens = [value for name, value in sent if name == "logout_token"]
    if len(tokens) != 1:
        raise LogoutRefused("token_missing")
    return tokens[0]


async def receive(state: State, slug: str, token: str) -> int:
    """End the sessions that the institution `slug` has ended there, and return how many.

    Raise NotFound for no such institution, LogoutRefused for a token that is not its own or was
    heard before.
    """
    async with state.acquire() as connection:
        row: Any = await connection.fetchrow(f"{PROVIDER} where v.slug = $1", slug)
    if row is None or row["status"] not in {Status.ACTIVE, Status.DISABLED}:
        raise NotFound
    known = msgspec.convert(dict(row), Known)
    try:
        ended = await _proved(state, known, token)
    except (ProviderFailed, TokenRefused) as error:
        note(LOG, logging.WARNING, "logout.refused", provider=slug, reason=error.reason)
        raise LogoutRefused(error.reason) from error
    async with transaction(state) as session:
        people = await _end(session, known, ended)
        for person in people:
            await record(session, None, "logout.at_provider", person, provider=known.id)
    return len(people)


async def _proved(state: State, known: Known, token: str) -> Ended:
    """Return what the token says; where the keys may have changed, they are fetched anew, once."""
    directory = directory_of(state, known)
    _, keys = await directory.published()
    algorithms = frozenset(known.algorithms)

    def verified(with_keys: Any) -> Ended:
        return verify_logout(
            token, with_keys, issuer=known.issuer, client_id=known.client_id,
            algorithms=algorithms, now=time.time(),
        )  # fmt: skip

    try:
        return verified(keys)
    except TokenRefused as refused:
        fresh = await directory.fresh_keys() if refused.refresh else None
        if fresh is None:
            raise
    return verified(fresh)


async def _end(session: AsyncSession, known: Known, ended: Ended) -> list[UUID]:
    """Return whose sessions have ended; raise LogoutRefused for a notice heard before."""
    await session.execute(FORGET)
    asked = {"provider": known.id, "jti": ended.jti, "until": ended.forgotten_at}
    if (await session.execute(HEARD, asked)).one_or_none() is None:
        note(LOG, logging.WARNING, "logout.refused", provider=known.slug, reason="replayed")
        raise LogoutRefused("replayed")
    found = await session.scalars(
        END,
        {
            "provider": known.id,
            "issuer": known.issuer,
            "subject": ended.subject,
            "session": ended.session,
        },
    )
    return list(found)
