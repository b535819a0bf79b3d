"""Institutions' login services as administrators change them.

Whoever can write an issuer down can become anybody in it. So what a login depends on is activated
by somebody else than who wrote it, after a login for trial; once somebody has come in by it, its
issuer and client id stay what they are [research 3, 4.4 and R11].
"""

import re
from datetime import UTC, datetime
from uuid import UUID

from litestar.datastructures import State
from msgspec import UNSET
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.problems import Conflict, FieldError, Invalid, NotFound, invalid
from lianyan.core.revisions import match
from lianyan.core.secrets import encrypt
from lianyan.core.text import TextError, line
from lianyan.identity.models import Identity, LoginTransaction, Provider, ProviderMetadata, Session
from lianyan.identity.oidc import Published, fetch_keys, fetch_metadata, parse
from lianyan.identity.outbound import LONGEST_URL, Guard, ProviderFailed
from lianyan.identity.provider_admin_schemas import NewProvider, ProviderChange
from lianyan.identity.provider_states import FOLLOWS, OPEN, Status, Step
from lianyan.identity.providers import guard_of, keep, transaction
from lianyan.identity.tokens import KINDS
from lianyan.institutions.models import Institution

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
LONGEST = {"name_zh": 60, "name_en": 120, "client_id": 255, "secret": 2000}
CONFIG = ("issuer", "client_id", "secret", "auth_method")
"""What a login depends on: a change makes the trial of before worth nothing."""


async def add(session: AsyncSession, key: bytes, actor: Actor, new: NewProvider) -> UUID:
    """Write a login service down as a draft and return its id."""
    if await session.get(Institution, new.institution_id) is None:
        raise invalid("institution_id", "problems.bad_choice")
    if not SLUG.fullmatch(new.slug):
        raise invalid("slug", "logins.slug_form")
    if await session.scalar(select(Provider.id).where(Provider.slug == new.slug)):
        raise invalid("slug", "logins.slug_taken")
    values = _accepted({name: getattr(new, name) for name in (*LONGEST, "issuer")})
    made = Provider(
        institution_id=new.institution_id,
        slug=new.slug,
        status=Status.DRAFT.value,
        auth_method=new.auth_method,
        secret=b"",
        changed_by=actor.id,
        **{name: value for name, value in values.items() if name != "secret"},
    )
    await _free(session, made)
    session.add(made)
    await session.flush()
    if values["secret"]:
        made.secret = encrypt(key, values["secret"], "providers", made.id, "secret")
    await record(
        session, actor, "provider.added", made.id, institution_id=made.institution_id
    )  # fmt: skip
    return made.id


async def change(
    session: AsyncSession,
    key: bytes,
    actor: Actor,
    provider_id: UUID,
    *,
    rev: int,
    sent: ProviderChange,
) -> int:
    """Change what is sent and return the new revision.

    A new issuer or client id makes a draft of it again; once somebody has come in by it, and while
    it is active, they are refused by name.
    """
    provider = await locked(session, provider_id)
    match(provider.rev, rev)
    if provider.status == Status.RETIRED:
        raise Conflict("logins.retired")
    given = {
        name: getattr(sent, name)
        for name in sent.__struct_fields__
        if getattr(sent, name) is not UNSET
    }
    method = given.pop("auth_method", provider.auth_method)
    values = _accepted(given)
    secret = values.pop("secret", "")
    changed = {name for name, value in values.items() if getattr(provider, name) != value}
    changed |= ({"secret"} if secret else set()) | (
        {"auth_method"} if method != provider.auth_method else set()
    )
    if not changed:
        return provider.rev
    moved = changed & {"issuer", "client_id"}
    if moved and await _fixed(session, provider):
        raise Invalid([FieldError(name, "logins.fixed") for name in sorted(moved)])
    for name in changed & values.keys():
        setattr(provider, name, values[name])
    provider.auth_method = method
    if secret:
        provider.secret = encrypt(key, secret, "providers", provider.id, "secret")
    if moved:
        provider.status = Status.DRAFT.value
        await session.execute(
            delete(ProviderMetadata).where(ProviderMetadata.provider_id == provider.id)
        )
        await _free(session, provider)
    if changed & set(CONFIG):
        provider.config_version += 1
        provider.changed_by = actor.id
    provider.rev += 1
    await session.flush()
    await record(
        session,
        actor,
        "provider.changed",
        provider.id,
        institution_id=provider.institution_id,
        fields=sorted(changed),
    )
    return provider.rev


async def check(state: State, actor: Actor, provider_id: UUID, rev: int) -> int:
    """Ask the provider what it publishes and return the new revision; a draft is for trial from then on.

    Nothing is held while the network is waited for. Raise Invalid naming `issuer` where it does not
    answer as what was written down; the reader is told what it calls itself, and of a failure no more
    than that there was one.
    """
    async with transaction(state) as session:
        provider = await locked(session, provider_id)
        match(provider.rev, rev)
        _next(provider, Step.CHECK)
        if lacking := [name for name in ("issuer", "client_id") if not getattr(provider, name)]:
            raise Invalid([FieldError(name, "problems.required") for name in lacking])
        if not provider.secret:
            raise invalid("secret", "problems.required")
        issuer = provider.issuer
    published, algorithms = await _asked(issuer, guard_of(state.settings))
    async with transaction(state) as session:
        provider = await locked(session, provider_id)
        match(provider.rev, rev)
        provider.status = _next(provider, Step.CHECK).value
        provider.algorithms = algorithms
        provider.rev += 1
        await keep(session, provider.id, published)
        await session.flush()
        await record(
            session, actor, "provider.checked", provider.id, institution_id=provider.institution_id
        )
        return provider.rev


async def activate(
    session: AsyncSession, actor: Actor | None, provider_id: UUID, rev: int | None = None
) -> int:
    """Let people in by it and return the new revision; `actor` None is the server's own operator.

    Not whoever wrote down what a login depends on, and not before such a login has succeeded.
    """
    provider = await locked(session, provider_id)
    if rev is not None:
        match(provider.rev, rev)
    after = _next(provider, Step.ACTIVATE)
    if lacking := lacking_of(provider.config_version, provider.trial):
        raise Conflict(lacking[0])
    if actor is not None and actor.id == provider.changed_by:
        raise Conflict("logins.another_activates")
    provider.activated_by = actor.id if actor else None
    provider.activated_at = await session.scalar(select(func.clock_timestamp()))
    return await _stepped(session, actor, provider, after, "provider.activated")


async def disable(session: AsyncSession, actor: Actor, provider_id: UUID, rev: int) -> int:
    """Let nobody in by it any more, and return the new revision; who is in stays in."""
    provider = await locked(session, provider_id)
    match(provider.rev, rev)
    after = _next(provider, Step.DISABLE)
    return await _stepped(session, actor, provider, after, "provider.disabled")


async def retire(session: AsyncSession, actor: Actor, provider_id: UUID, rev: int) -> int:
    """End it for good with the sessions that it opened, and return the new revision."""
    provider = await locked(session, provider_id)
    match(provider.rev, rev)
    after = _next(provider, Step.RETIRE)
    identities = select(Identity.id).where(Identity.provider_id == provider.id)
    await session.execute(
        update(Session)
        .where(Session.identity_id.in_(identities), Session.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
    )
    return await _stepped(session, actor, provider, after, "provider.retired")


def lacking_of(version: int, trial: dict[str, object] | None) -> list[str]:
    """Return what stands before an activation, as keys of sentences."""
    if trial is None:
        return ["logins.not_tried"]
    if trial.get("version") != version:
        return ["logins.tried_before"]
    return [] if trial.get("ok") else ["logins.trial_failed"]


async def locked(session: AsyncSession, provider_id: UUID) -> Provider:
    """Return the login service, held until the transaction ends; raise NotFound."""
    found = await session.scalar(
        select(Provider)
        .where(Provider.id == provider_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


async def _stepped(
    session: AsyncSession, actor: Actor | None, provider: Provider, after: Status, kind: str
) -> int:
    provider.status = after.value
    provider.rev += 1
    await session.flush()
    await session.execute(
        delete(LoginTransaction).where(LoginTransaction.provider_id == provider.id)
    )
    await record(session, actor, kind, provider.id, institution_id=provider.institution_id)
    return provider.rev


def _next(provider: Provider, step: Step) -> Status:
    after = FOLLOWS.get((Status(provider.status), step))
    if after is None:
        raise Conflict("logins.not_now", status=provider.status)
    return after


async def _fixed(session: AsyncSession, provider: Provider) -> bool:
    """Say whether issuer and client id stay: it lets people in, or somebody has come in by it."""
    if provider.status not in OPEN:
        return True
    used = select(Identity.id).where(Identity.provider_id == provider.id).limit(1)
    return await session.scalar(used) is not None


async def _free(session: AsyncSession, provider: Provider) -> None:
    """Raise Invalid where another login service has the same issuer and client id."""
    if not provider.issuer or not provider.client_id:
        return
    with session.no_autoflush:
        taken = await session.scalar(
            select(Provider.id).where(
                Provider.issuer == provider.issuer,
                Provider.client_id == provider.client_id,
                Provider.status != Status.RETIRED,
                Provider.id.is_distinct_from(provider.id),
            )
        )
    if taken is not None:
        raise invalid("client_id", "logins.taken")


def _accepted(given: dict[str, str]) -> dict[str, str]:
    """Return the texts in the form they are stored in; raise Invalid naming each that is none."""
    values, errors = {}, []
    for name, value in given.items():
        try:
            values[name] = _issuer(value) if name == "issuer" else _line(name, value)
        except TextError as error:
            errors.append(FieldError(name, error.code, error.params))
    if errors:
        raise Invalid(errors)
    return values


def _line(name: str, value: str) -> str:
    # A secret stays as the provider gave it: not one character is another one.
    if name == "secret" and not value.isprintable():
        raise TextError("logins.secret_form")
    found = value if name == "secret" else line(value, blank=name == "client_id")
    if len(found) > LONGEST[name]:
        raise TextError("text.too_many_characters", count=len(found), limit=LONGEST[name])
    return found


def _issuer(value: str) -> str:
    """Return an issuer as it was written, byte for byte; raise TextError where it cannot be one."""
    found = value.strip()
    if found:
        try:
            Guard(demo=True).check_url(found)
        except ProviderFailed as error:
            raise TextError("logins.issuer_form", limit=LONGEST_URL) from error
        if "?" in found:
            raise TextError("logins.issuer_form", limit=LONGEST_URL)
    return found


async def _asked(issuer: str, guard: Guard) -> tuple[Published, list[str]]:
    try:
        guard.check_url(issuer)
        document = await fetch_metadata(issuer, guard)
        metadata = parse(document, issuer, guard)
        keys = await fetch_keys(metadata.jwks_uri, guard)
    except ProviderFailed as error:
        if error.reason == "issuer":
            raise invalid("issuer", "logins.issuer_differs", said=error.detail) from error
        raise invalid("issuer", "logins.no_answer") from error
    offered = document.get("id_token_signing_alg_values_supported")
    algorithms = [one for one in KINDS if isinstance(offered, list) and one in offered]
    if not algorithms:
        raise invalid("issuer", "logins.no_algorithm")
    at = datetime.now(UTC).timestamp()
    return Published(document=document, keys=keys, fetched_at=at), algorithms


async def provider_named(session: AsyncSession, slug: str) -> UUID:
    """Return the id of the login service with this short name; raise NotFound."""
    found = await session.scalar(
        text("select id from providers where slug = :slug"), {"slug": slug}
    )
    if found is None:
        raise NotFound
    return UUID(str(found))
