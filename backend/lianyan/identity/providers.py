"""An institution's login service as its row says, and what it publishes as a row keeps it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from litestar.datastructures import State
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.secrets import Unreadable, decrypt
from lianyan.identity.oidc import Client, Directory, Published
from lianyan.identity.outbound import Guard, ProviderFailed
from lianyan.settings import Settings

PROVIDER = """
  select v.id, v.slug, v.institution_id, v.status, v.issuer, v.client_id, v.secret, v.auth_method,
    v.algorithms, v.config_version, v.name_zh, v.name_en
  from providers v
"""
KEEP = text("""
  insert into provider_metadata (provider_id, document, jwks, fetched_at, forced_at)
  values (:id, cast(:document as jsonb), cast(:jwks as jsonb), :fetched, :forced)
  on conflict (provider_id) do update set document = excluded.document, jwks = excluded.jwks,
    fetched_at = excluded.fetched_at, forced_at = excluded.forced_at
""")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's row."""

    id: UUID
    slug: str
    institution_id: UUID
    status: str
    issuer: str
    client_id: str
    secret: bytes
    auth_method: str
    algorithms: list[str]
    config_version: int
    name_zh: str
    name_en: str


@asynccontextmanager
async def transaction(state: State) -> AsyncIterator[AsyncSession]:
    """Give a transaction of its own.

    A login needs several: its row is gone before the institution is asked, and nothing holds a
    connection while a network is waited for.
    """
    async with state.sessions.begin() as session:
        yield session


def guard_of(settings: Settings) -> Guard:
    """Return which addresses may be asked."""
    return Guard(demo=settings.demo)


def client_of(settings: Settings, known: Known) -> Client:
    """Return the portal as `known` knows it."""
    try:
        secret = decrypt(settings.secret_key, known.secret, "providers", known.id, "secret")
    except Unreadable as error:
        raise ProviderFailed("secret_unreadable") from error
    return Client(
        issuer=known.issuer,
        client_id=known.client_id,
        secret=secret,
        redirect_uri=callback_of(settings, known.slug),
        auth_method=known.auth_method,
    )


def callback_of(settings: Settings, slug: str) -> str:
    """Return the address a provider sends people back to, to be registered there."""
    return f"{settings.public_url.rstrip('/')}/auth/{slug}/callback"


async def keep(session: AsyncSession, provider_id: UUID, published: Published) -> None:
    """Keep what a provider publishes in its row."""
    forced = published.forced_at
    values = {
        "id": provider_id,
        "document": msgspec.json.encode(published.document).decode(),
        "jwks": msgspec.json.encode(published.keys).decode(),
        "fetched": datetime.fromtimestamp(published.fetched_at, UTC),
        "forced": datetime.fromtimestamp(forced, UTC) if forced is not None else None,
    }
    await session.execute(KEEP, values)


def directory_of(state: State, known: Known) -> Directory:
    """Return what the provider publishes, kept in its row."""

    async def load() -> Published | None:
        async with state.acquire() as connection:
            row = await connection.fetchrow(
                "select document, jwks, fetched_at, forced_at from provider_metadata"
                " where provider_id = $1",
                known.id,
            )
        if row is None:
            return None
        document, keys, fetched, forced = row
        return Published(
            document=msgspec.json.decode(document) if isinstance(document, str) else document,
            keys=msgspec.json.decode(keys) if isinstance(keys, str) else keys,
            fetched_at=fetched.timestamp(),
            forced_at=forced.timestamp() if forced else None,
        )

    async def store(published: Published) -> None:
        async with transaction(state) as session:
            await keep(session, known.id, published)

    return Directory(known.issuer, guard_of(state.settings), load, store)
