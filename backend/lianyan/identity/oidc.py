"""OpenID Connect as the portal speaks it: what a provider publishes, the way there, and the way back."""

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import httpx2
import msgspec
from authlib.integrations.httpx_client import AsyncOAuth2Client

from lianyan.identity.outbound import (
    Guard,
    ProviderFailed,
    bounded,
    client_settings,
    get_json,
    json_object,
)
from lianyan.identity.tokens import MOST_KEYS

FRESH_S = 3600
"""How long what a provider publishes is not asked for again."""
STALE_S = 24 * 3600
"""How long it still serves while the provider does not answer."""
FORCED_S = 60
"""How often a token with an unknown key may make us ask for keys before their time."""
LARGEST_ANSWER = 256 * 1024
SCOPE = "openid profile email"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """The portal as one provider knows it: built from the provider's row for each request."""

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str
    auth_method: str = "client_secret_basic"
    scope: str = SCOPE


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a provider's metadata that are used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider gave for a code; nothing in it is verified yet."""

    id_token: str
    access_token: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider published, and when it was fetched; times in seconds."""

    document: dict[str, Any]
    keys: dict[str, Any]
    fetched_at: float
    forced_at: float | None = None


Load = Callable[[], Awaitable[Published | None]]
Store = Callable[[Published], Awaitable[None]]


def parse(document: Any, issuer: str, guard: Guard) -> Metadata:
    """Return the metadata in `document`; raise ProviderFailed where it is another's or of no use."""
    try:
        metadata = msgspec.convert(document, Metadata)
    except msgspec.ValidationError as error:
        raise ProviderFailed("metadata", str(error)) from error
    if metadata.issuer != issuer:
        raise ProviderFailed("issuer", metadata.issuer[:200])
    for url in (
        metadata.authorization_endpoint,
        metadata.token_endpoint,
        metadata.jwks_uri,
        metadata.userinfo_endpoint,
        metadata.end_session_endpoint,
    ):
        if url is not None:
            guard.check_url(url)
    return metadata


async def fetch_metadata(issuer: str, guard: Guard) -> dict[str, Any]:
    """Return the document of `issuer`, checked to be its own."""
    document = await get_json(guard, issuer.removesuffix("/") + "/.well-known/openid-configuration")
    parse(document, issuer, guard)
    return document


async def fetch_keys(url: str, guard: Guard) -> dict[str, Any]:
    """Return the key set at `url`; an error page is never taken for one."""
    found = await get_json(guard, url)
    keys = found.get("keys")
    if not isinstance(keys, list) or not 0 < len(keys) <= MOST_KEYS:
        raise ProviderFailed("keys")
    return {"keys": keys}


class Directory:
    """What one provider publishes, asked for at first use and kept where `store` puts it."""

    def __init__(
        self,
        issuer: str,
        guard: Guard,
        load: Load,
        store: Store,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.issuer, self.guard, self.load, self.store, self.now = issuer, guard, load, store, now

    async def published(self) -> tuple[Metadata, dict[str, Any]]:
        """Return metadata and keys, at most an hour old, or a day where the provider is silent."""
        kept = await self._kept()
        if kept is not None and self._age(kept.fetched_at) < FRESH_S:
            return parse(kept.document, self.issuer, self.guard), kept.keys
        try:
            document = await fetch_metadata(self.issuer, self.guard)
            metadata = parse(document, self.issuer, self.guard)
            keys = await fetch_keys(metadata.jwks_uri, self.guard)
        except ProviderFailed:
            if kept is None or self._age(kept.fetched_at) >= STALE_S:
                raise
            return parse(kept.document, self.issuer, self.guard), kept.keys
        forced = kept.forced_at if kept else None
        await self.store(
            Published(document=document, keys=keys, fetched_at=self.now(), forced_at=forced)
        )
        return metadata, keys

    async def fresh_keys(self) -> dict[str, Any] | None:
        """Return keys fetched this moment, or None where they were asked for within the minute."""
        kept = await self._kept()
        if kept is None or (kept.forced_at is not None and self._age(kept.forced_at) < FORCED_S):
            return None
        # written first: while a provider hangs, nobody else waits for it too
        await self.store(msgspec.structs.replace(kept, forced_at=self.now()))
        metadata = parse(kept.document, self.issuer, self.guard)
        keys = await fetch_keys(metadata.jwks_uri, self.guard)
        await self.store(msgspec.structs.replace(kept, keys=keys, forced_at=self.now()))
        return keys

    async def _kept(self) -> Published | None:
        kept = await self.load()
        # a row of an issuer that was since renamed is no answer of this one
        return kept if kept is not None and kept.document.get("issuer") == self.issuer else None

    def _age(self, then: float) -> float:
        age = self.now() - then
        return age if age >= 0 else STALE_S  # a clock set back makes nothing younger


def _client(client: Client, guard: Guard, **given: Any) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        token_endpoint_auth_method=client.auth_method,
        redirect_uri=client.redirect_uri,
        scope=client.scope,
        code_challenge_method="S256",
        **client_settings(guard, LARGEST_ANSWER),
        **given,
    )


def authorization_url(
    client: Client,
    metadata: Metadata,
    guard: Guard,
    *,
    state: str,
    nonce: str,
    verifier: str,
    **more: str | None,
) -> str:
    """Return where the browser goes to log in; `more` are hint, prompt and languages, if any."""
    builder = _client(client, guard, client_id=client.client_id)
    url, _ = builder.create_authorization_url(
        metadata.authorization_endpoint,
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        **{name: value for name, value in more.items() if value},
    )
    return str(url)


def check_response_issuer(metadata: Metadata, said: str | None) -> None:
    """Raise ProviderFailed where an answer comes from another provider than the one asked (RFC 9207)."""
    if said is None and not metadata.authorization_response_iss_parameter_supported:
        return
    if said != metadata.issuer:
        raise ProviderFailed("response_issuer", said or "")


async def exchange(
    client: Client, metadata: Metadata, guard: Guard, *, code: str, verifier: str
) -> Tokens:
    """Return the tokens for `code`, or raise ProviderFailed."""
    guard.check_url(metadata.token_endpoint)
    basic = client.auth_method == "client_secret_basic"
    # in Basic both parts are form-encoded first (RFC 6749, 2.3.1), which the library leaves out
    encode: Callable[[str], str] = (lambda text: quote(text, safe="")) if basic else str
    async with _client(
        client, guard, client_id=encode(client.client_id), client_secret=encode(client.secret)
    ) as asker:
        asker.register_compliance_hook("access_token_response", _checked)
        answer = await bounded(
            asker.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
            )
        )
    return Tokens(id_token=answer["id_token"], access_token=answer["access_token"])


def _checked(response: httpx2.Response) -> httpx2.Response:
    """Refuse every answer of a token endpoint that is not one, whatever its status says."""
    if response.status_code in {400, 401} and response.headers.get("content-type", "").startswith(
        "application/json"
    ):
        said = httpx2.Response(200, content=response.content)
        raise ProviderFailed("token_error", str(json_object(said).get("error", ""))[:100])
    answer = json_object(response)
    if "error" in answer:
        raise ProviderFailed("token_error", str(answer["error"])[:100])
    for name in ("access_token", "id_token"):
        if not isinstance(answer.get(name), str) or not answer[name]:
            raise ProviderFailed(f"{name}_missing")
    kind = answer.get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ProviderFailed("token_type")
    return response


async def userinfo(
    metadata: Metadata, guard: Guard, *, access_token: str, subject: str
) -> dict[str, Any]:
    """Return what the provider says about the person besides the token, empty where it has no such page."""
    if metadata.userinfo_endpoint is None:
        return {}
    found = await get_json(
        guard, metadata.userinfo_endpoint, cap=LARGEST_ANSWER, bearer=access_token
    )
    if found.get("sub") != subject:
        raise ProviderFailed("userinfo_subject")
    return found


def end_session_url(
    metadata: Metadata, client: Client, *, id_token: str | None, return_to: str
) -> str | None:
    """Return where the person also logs out at the institution, or None where it offers that not."""
    if metadata.end_session_endpoint is None:
        return None
    parts = urlsplit(metadata.end_session_endpoint)
    query = [
        *parse_qsl(parts.query),
        ("client_id", client.client_id),
        ("post_logout_redirect_uri", return_to),
        *([("id_token_hint", id_token)] if id_token else []),
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))
