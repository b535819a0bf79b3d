"""A login on its way through an institution: one row, begun by a browser and consumed once by the same."""

import base64
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec
from litestar.datastructures import State
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.secrets import Unreadable, decrypt, encrypt
from lianyan.identity.providers import PROVIDER, Known, transaction

FORGET = text("""
  delete from login_transactions where state_hash in (select state_hash from login_transactions
    where expires_at < now() limit 20 for update skip locked)
""")
BEGIN = text("""
  insert into login_transactions (state_hash, browser_hash, provider_id, config_version, nonce,
    verifier, return_to, purpose, acting_id, created_at, expires_at)
  values (:state, :browser, :provider, :version, :nonce, :verifier, :return_to, :purpose, :acting,
    now(), now() + interval '10 minutes')
""")
CONSUME = text(f"""
  with gone as (delete from login_transactions t using providers v
    where v.id = t.provider_id and v.slug = :slug and t.state_hash = :state
      and t.browser_hash = :browser and t.expires_at > now()
    returning t.*)
  select v.*, g.config_version as begun_version, g.nonce, g.verifier, g.return_to, g.purpose,
    g.acting_id
  from gone g join ({PROVIDER}) v on v.id = g.provider_id
""")  # the names are constants of this file


STATUS = {
    "closed": 409, "email_not_verified": 403, "link_first": 403, "refused": 403, "unavailable": 503,
}  # fmt: skip


class Refusal(Exception):
    """A login that does not succeed: `code` is what the person reads, `reason` what the log keeps."""

    def __init__(
        self,
        code: str,
        reason: str = "",
        *,
        provider: "Known | None" = None,
        skew: float | None = None,
    ) -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.provider, self.skew = code, reason or code, provider, skew

    @property
    def status(self) -> int:
        """Return the status of the page that says so."""
        return STATUS.get(self.code, 400)


class Begun(Known, frozen=True, kw_only=True):
    """A login on its way, as its row kept it."""

    begun_version: int
    nonce: str
    verifier: str
    return_to: str
    purpose: str
    acting_id: UUID | None


class Kept(NamedTuple):
    """What a login keeps on its way."""

    nonce: str
    verifier: str
    return_to: str
    trial_by: UUID | None


async def write(
    session: AsyncSession, key: bytes, *, state: str, browser: str, known: Known, kept: Kept
) -> None:
    """Keep a login that begins, and forget some that nobody has ended."""
    hashed = _hash(state)
    sealed = encrypt(key, kept.verifier, "login_transactions", hashed.hex(), "verifier")
    await session.execute(FORGET)
    await session.execute(
        BEGIN,
        {
            "state": hashed,
            "browser": _hash(browser),
            "provider": known.id,
            "version": known.config_version,
            "nonce": kept.nonce,
            "verifier": base64.b64encode(sealed).decode(),
            "return_to": kept.return_to,
            "purpose": "trial" if kept.trial_by else "login",
            "acting": kept.trial_by,
        },
    )


async def consume(state: State, slug: str, sent: str | None, browser: str | None) -> Begun:
    """Return the login that this browser began with this state, and forget it, in one statement."""
    row, settings = None, state.settings
    if sent and browser:
        asked = {"slug": slug, "state": _hash(sent), "browser": _hash(browser)}
        async with transaction(state) as session:
            row = (await session.execute(CONSUME, asked)).mappings().one_or_none()
    if row is None or not sent:
        raise Refusal("expired", "no_transaction")
    begun = msgspec.convert(dict(row), Begun)
    try:
        sealed = base64.b64decode(begun.verifier)
        verifier = decrypt(
            settings.secret_key, sealed, "login_transactions", _hash(sent).hex(), "verifier"
        )
    except Unreadable as error:
        raise Refusal("expired", "verifier_unreadable") from error
    return msgspec.structs.replace(begun, verifier=verifier)


def _hash(value: str) -> bytes:
    return sha256(value.encode("utf-8", "surrogatepass")).digest()
