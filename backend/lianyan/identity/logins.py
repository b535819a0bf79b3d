"""A login from its first click to the session: begun, bound to the browser, answered once, believed or refused."""

import logging
import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar.datastructures import State
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.events import record
from lianyan.core.logs import note
from lianyan.core.problems import Conflict, NotFound, Problem
from lianyan.core.secrets import encrypt
from lianyan.identity import login_transactions, provider_trials
from lianyan.identity.breakers import SILENCE, breaker_of
from lianyan.identity.commands import close_session, open_session, token_hash
from lianyan.identity.login_transactions import Begun, Kept, Refusal
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
from lianyan.identity.provider_states import Status
from lianyan.identity.provider_trials import Trial
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
DOWN_HERE = SILENCE | {"resting", "secret_unreadable"}
"""Failures that have nothing to do with who logs in."""
FORGED = {"malformed", "no_transaction"}
"""Reasons of answers that belong to no login that this browser has begun."""
LANGUAGES = {"zh": "zh-CN", "en": "en"}
BROWSER_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


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


class Tried(msgspec.Struct, frozen=True):
    """A login for trial that is over, whatever it has shown."""

    provider_id: UUID


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
    trial_by: UUID | None = None,
) -> Start:
    """Begin a login at the provider `slug`; raise NotFound, or a 503 problem where it does not answer.

    `again` asks the institution for a new login: somebody has just logged out here. `trial_by` is
    who only tries the provider; anybody else gets in by an active one alone.
    """
    settings: Settings = state.settings
    async with state.acquire() as connection:
        row: Any = await connection.fetchrow(f"{PROVIDER} where v.slug = $1", slug)
    if row is None:
        raise NotFound
    known = msgspec.convert(dict(row), Known)
    if trial_by is None and known.status != Status.ACTIVE:
        # One that was never active is nobody's to know of; one that was is closed, not lost.
        raise _closed(known, locale) if known.status == Status.DISABLED else NotFound
    try:
        async with breaker_of(known.id).asking(heals=False):
            metadata, _ = await directory_of(state, known).published()
        client = client_of(settings, known)
    except ProviderFailed as error:
        note(LOG, logging.WARNING, "login.unavailable", provider=known.slug, reason=error.reason)
        raise _down(known, locale) from error
    nonce, verifier, sent = (secrets.token_urlsafe(32) for _ in range(3))
    if browser is None or not BROWSER_TOKEN.fullmatch(browser):
        browser = secrets.token_urlsafe(32)
    async with transaction(state) as session:
        await login_transactions.write(
            session,
            settings.secret_key,
            state=sent,
            browser=browser,
            known=known,
            kept=Kept(nonce, verifier, safe_return(return_to), trial_by),
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
    problem = Problem("identity.login_unavailable", institution=_named(known, locale))
    problem.status = 503
    return problem


def _closed(known: Known, locale: str) -> Problem:
    return Conflict("identity.login_closed", institution=_named(known, locale))


def _named(known: Known, locale: str) -> str:
    return known.name_en if locale == "en" else known.name_zh


# ---- the way back ----


async def finish(
    state: State,
    slug: str,
    query: list[tuple[str, str]],
    *,
    browser: str | None,
    former: bytes | None,
) -> Arrived | Tried:
    """Return who has logged in, in a new session; `former` is ended. Raise Refusal for anything else.

    Each login is answered once: its row is gone before the provider is asked anything. A login for
    trial ends nothing and opens nothing.
    """
    said = _answer(query)
    begun = await login_transactions.consume(state, slug, said.get("state"), browser)
    if begun.acting_id is not None:
        return await _tried(state, begun, said, begun.acting_id, former)
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


async def _believed(state: State, begun: Begun, said: dict[str, str]) -> Believed:
    """Return what the institution proves about the person; raise Refusal where it proves nothing."""
    try:
        async with breaker_of(begun.id).asking():
            return await _asked(state, begun, said)
    except ProviderFailed as error:
        down = error.reason in DOWN_HERE
        code = "unavailable" if down else "failed"
        raise Refusal(code, error.reason, provider=begun) from error
    except TokenRefused as error:
        code = "clock" if error.clock else "failed"
        raise Refusal(code, f"token_{error.reason}", provider=begun, skew=error.skew) from error


async def _asked(state: State, begun: Begun, said: dict[str, str]) -> Believed:
    """Return what the institution proves; raise ProviderFailed or TokenRefused as it comes."""
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
    if begun.acting_id is None and begun.status != Status.ACTIVE:
        raise Refusal("closed", "provider_closed", provider=begun)
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
        idp_session=proof.session,
        token=token,
        idle=timedelta(minutes=settings.session_idle_minutes),
        longest=timedelta(hours=settings.session_hours),
    )
    await record(session, None, "login.done", found.id, provider=begun.id)
    return Arrived(found, token, safe_return(begun.return_to), begun.slug)


async def _tried(
    state: State, begun: Begun, said: dict[str, str], by: UUID, former: bytes | None
) -> Tried:
    """Keep what a login for trial has shown; only in the session of who began it."""
    if await provider_trials.acting(state, former) != by:
        raise Refusal("expired", "trial_of_another")
    try:
        found = await _believed(state, begun, said)
    except Refusal as refusal:
        trial = Trial(
            at=datetime.now(UTC), by=by, version=begun.begun_version, ok=False,
            code=refusal.code, reason=refusal.reason,
        )  # fmt: skip
        async with transaction(state) as session:
            await provider_trials.keep(session, begun.id, trial)
        return Tried(begun.id)
    async with transaction(state) as session:
        trial = Trial(at=datetime.now(UTC), by=by, version=begun.begun_version, ok=True)
        shown = await provider_trials.shown(
            session, begun.institution_id, trial, found.proof, found.claims
        )
        await provider_trials.keep(session, begun.id, shown)
    return Tried(begun.id)


async def _noted(state: State, begun: Begun, refusal: Refusal) -> None:
    """Write one entry about a login that failed: reasons and numbers, no word of the answer."""
    code, reason = refusal.code, refusal.reason
    note(LOG, logging.WARNING, "login.refused", provider=begun.slug, reason=reason, code=code)
    data: dict[str, Any] = {"reason": refusal.reason}
    if refusal.skew is not None:
        data["skew_s"] = round(refusal.skew)
    async with transaction(state) as session:
        await record(session, None, "login.refused", begun.id, **data)
