"""A login from its first click to the session: begun, bound to the browser, answered once, believed or refused."""

import base64
import logging
import re
import secrets
import time
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from litestar.datastructures import State
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.events import record
from lianyan.core.logs import note
from lianyan.core.problems import NotFound, Problem
from lianyan.core.secrets import Unreadable, decrypt, encrypt
from lianyan.identity.commands import close_session, open_session, token_hash
from lianyan.identity.newcomers import Clash, Person, person_of
from lianyan.identity.oidc import (
    Directory,
    Metadata,
    authorization_url,
    check_response_issuer,
    exchange,
    userinfo,
)
from lianyan.identity.outbound import Guard, ProviderFailed
from lianyan.identity.providers import (
    PROVIDER,
    Known,
    client_of,
    directory_of,
    guard_of,
    transaction,
)
from lianyan.identity.returns import safe_return
from lianyan.identity.tokens import Expected, Proof, TokenRefused, verify
from lianyan.settings import Settings

LOG = logging.getLogger("lianyan.logins")

LONGEST = {"state": 128, "code": 2048, "iss": 1024, "error": 200, "error_description": 4000}
REFUSED = {"access_denied", "login_required", "interaction_required", "consent_required"}
DOWN = {"temporarily_unavailable", "server_error"}
FORGED = {"malformed", "no_transaction"}
"""Reasons of answers that belong to no login that this browser has begun."""
LANGUAGES = {"zh": "zh-CN", "en": "en"}
BROWSER_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

FORGET = text("""
  delete from login_transactions where state_hash in (select state_hash from login_transactions
    where expires_at < now() limit 20 for update skip locked)
""")
BEGIN = text("""
  insert into login_transactions (state_hash, browser_hash, provider_id, config_version, nonce,
    verifier, return_to, created_at, expires_at)
  values (:state, :browser, :provider, :version, :nonce, :verifier, :return_to, now(),
    now() + interval '10 minutes')
""")
CONSUME = text(f"""
  with gone as (delete from login_transactions t using providers v
    where v.id = t.provider_id and v.slug = :slug and t.state_hash = :state
      and t.browser_hash = :browser and t.expires_at > now()
    returning t.*)
  select v.*, g.config_version as begun_version, g.nonce, g.verifier, g.return_to
  from gone g join ({PROVIDER}) v on v.id = g.provider_id
""")  # the names are constants of this file


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


STATUS = {"email_not_verified": 403, "link_first": 403, "refused": 403, "unavailable": 503}


class Begun(Known, frozen=True, kw_only=True):
    """A login on its way, as its row kept it."""

    begun_version: int
    nonce: str
    verifier: str
    return_to: str


class Believed(NamedTuple):
    """What the institution has proved."""

    proof: Proof
    claims: dict[str, Any]
    id_token: str


class Start(msgspec.Struct, frozen=True):
    """Where the browser goes, and what binds it to the login."""

    url: str
    browser: str


class Arrived(msgspec.Struct, frozen=True):
    """A login that succeeded."""

    person: Person
    token: str
    return_to: str
    slug: str


# ---- the way there ----


async def begin(
    state: State,
    slug: str,
    *,
    return_to: str,
    hint: str | None,
    browser: str | None,
    again: bool,
    locale: str,
) -> Start:
    """Begin a login at the provider `slug`; raise NotFound, or a 503 problem where it does not answer.

    `again` asks the institution for a new login: somebody has just logged out here.
    """
    settings: Settings = state.settings
    async with state.acquire() as connection:
        row: Any = await connection.fetchrow(f"{PROVIDER} where v.slug = $1", slug)
    if row is None:
        raise NotFound
    known = msgspec.convert(dict(row), Known)
    try:
        metadata, _ = await directory_of(state, known).published()
        client = client_of(settings, known)
    except ProviderFailed as error:
        note(LOG, logging.WARNING, "login.unavailable", provider=known.slug, reason=error.reason)
        raise _down(known, locale) from error
    nonce, verifier, sent = (secrets.token_urlsafe(32) for _ in range(3))
    if browser is None or not BROWSER_TOKEN.fullmatch(browser):
        browser = secrets.token_urlsafe(32)
    hashed = _hash(sent)
    sealed = encrypt(settings.secret_key, verifier, "login_transactions", hashed.hex(), "verifier")
    async with transaction(state) as session:
        await session.execute(FORGET)
        await session.execute(
            BEGIN,
            {
                "state": hashed,
                "browser": _hash(browser),
                "provider": known.id,
                "version": known.config_version,
                "nonce": nonce,
                "verifier": base64.b64encode(sealed).decode(),
                "return_to": safe_return(return_to),
            },
        )
    url = authorization_url(
        client,
        metadata,
        guard_of(settings),
        state=sent,
        nonce=nonce,
        verifier=verifier,
        prompt="login" if again else None,
        login_hint=hint if settings.demo else None,
        ui_locales=LANGUAGES[locale],
    )
    return Start(url, browser)


def _down(known: Known, locale: str) -> Problem:
    name = known.name_en if locale == "en" else known.name_zh
    problem = Problem("identity.login_unavailable", institution=name)
    problem.status = 503
    return problem


def _hash(value: str) -> bytes:
    return sha256(value.encode("utf-8", "surrogatepass")).digest()


# ---- the way back ----


async def finish(
    state: State,
    slug: str,
    query: list[tuple[str, str]],
    *,
    browser: str | None,
    former: bytes | None,
) -> Arrived:
    """Return who has logged in, in a new session; `former` is ended. Raise Refusal for anything else.

    Each login is answered once: its row is gone before the provider is asked anything.
    """
    said = _answer(query)
    begun = await _consume(state, slug, said.get("state"), browser)
    try:
        believed = await _believed(state, begun, said)
        async with transaction(state) as session:
            return await _opened(session, state.settings, begun, believed, former)
    except Refusal as refusal:
        await _noted(state, begun, refusal)
        raise


def _answer(query: list[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters of the answer; one that comes twice, or is too long, is no answer."""
    said: dict[str, str] = {}
    for name, value in query:
        if name in said or len(value) > LONGEST.get(name, 4000):
            raise Refusal("expired", "malformed")
        said[name] = value
    return said


async def _consume(state: State, slug: str, sent: str | None, browser: str | None) -> Begun:
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


async def _believed(state: State, begun: Begun, said: dict[str, str]) -> Believed:
    """Return what the institution proves about the person; raise Refusal where it proves nothing."""
    try:
        directory = directory_of(state, begun)
        metadata, keys = await directory.published()
        check_response_issuer(metadata, said.get("iss"))
        code = _code(begun, said)
        client, guard = client_of(state.settings, begun), guard_of(state.settings)
        tokens = await exchange(client, metadata, guard, code=code, verifier=begun.verifier)
        expected = Expected(
            issuer=begun.issuer,
            client_id=begun.client_id,
            nonce=begun.nonce,
            algorithms=frozenset(begun.algorithms),
            access_token=tokens.access_token,
        )
        proof = await _proved(directory, tokens.id_token, keys, expected)
        claims = await _claims(metadata, guard, proof, tokens.access_token)
    except ProviderFailed as error:
        down = error.reason in {"unreachable", "timeout", "status", "secret_unreadable"}
        code = "unavailable" if down else "failed"
        raise Refusal(code, error.reason, provider=begun) from error
    except TokenRefused as error:
        code = "clock" if error.clock else "failed"
        raise Refusal(code, f"token_{error.reason}", provider=begun, skew=error.skew) from error
    return Believed(proof, claims, tokens.id_token)


def _code(begun: Begun, said: dict[str, str]) -> str:
    """Return the code of the answer; raise Refusal for an error, in words of ours and never theirs."""
    error = said.get("error")
    if error is not None:
        code = "refused" if error in REFUSED else "unavailable" if error in DOWN else "failed"
        shown = error if error in REFUSED | DOWN else "other"
        raise Refusal(code, f"answer_{shown}", provider=begun)
    code = said.get("code", "")
    if not code or not code.isascii() or not code.isprintable():
        raise Refusal("failed", "code_missing", provider=begun)
    if begun.config_version != begun.begun_version:
        raise Refusal("changed", "config_changed", provider=begun)
    return code


async def _proved(directory: Directory, token: str, keys: Any, expected: Expected) -> Proof:
    """Return the proof; where the keys may have changed, they are fetched anew, once."""
    try:
        return verify(token, keys, expected, time.time())
    except TokenRefused as refused:
        fresh = await directory.fresh_keys() if refused.refresh else None
        if fresh is None:
            raise
    return verify(token, fresh, expected, time.time())


async def _claims(
    metadata: Metadata, guard: Guard, proof: Proof, access_token: str
) -> dict[str, Any]:
    """Return what is said about the person in the token, and besides it where the name is not there."""
    if "name" in proof.claims:
        return dict(proof.claims)
    more = await userinfo(metadata, guard, access_token=access_token, subject=proof.subject)
    return {**more, **proof.claims}


async def _opened(
    session: AsyncSession,
    settings: Settings,
    begun: Begun,
    believed: Believed,
    former: bytes | None,
) -> Arrived:
    proof, claims, id_token = believed
    try:
        found = await person_of(session, begun, proof, claims, demo=settings.demo)
    except Clash as clash:
        raise Refusal(clash.code, provider=begun) from clash
    await close_session(session, former)
    token = secrets.token_urlsafe(32)
    kept = encrypt(settings.secret_key, id_token, "sessions", token_hash(token).hex(), "id_token")
    await open_session(
        session,
        found.id,
        identity_id=found.identity_id,
        id_token=kept,
        token=token,
        idle=timedelta(minutes=settings.session_idle_minutes),
        longest=timedelta(hours=settings.session_hours),
    )
    await record(session, None, "login.done", found.id, provider=begun.id)
    return Arrived(found, token, safe_return(begun.return_to), begun.slug)


async def _noted(state: State, begun: Begun, refusal: Refusal) -> None:
    """Write one entry about a login that failed: reasons and numbers, no word of the answer."""
    code, reason = refusal.code, refusal.reason
    note(LOG, logging.WARNING, "login.refused", provider=begun.slug, reason=reason, code=code)
    data: dict[str, Any] = {"reason": refusal.reason}
    if refusal.skew is not None:
        data["skew_s"] = round(refusal.skew)
    async with transaction(state) as session:
        await record(session, None, "login.refused", begun.id, **data)
