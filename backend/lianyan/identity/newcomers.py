"""Whose account a login opens: the one it opened before, else a new one; never one that only looks alike."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.names import sort_key
from lianyan.core.text import TextError, line
from lianyan.identity import models
from lianyan.identity.claims import name_of, plain_email, verified_email
from lianyan.identity.models import Identity
from lianyan.identity.people import DEPARTMENT, add_affiliation
from lianyan.identity.tokens import Proof
from lianyan.institutions.domains import domain_matches

LOCK = text("select pg_advisory_xact_lock(hashtextextended(:who, 0))")


class Provider(Protocol):
    """What is asked of the provider's row."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...

    @property
    def institution_id(self) -> UUID:
        """Whose it is."""
        ...


class Person(msgspec.Struct, frozen=True):
    """Whose account it is."""

    id: UUID
    identity_id: UUID
    new: bool


class Clash(Exception):
    """The login gives the address of somebody else's account; `code` is what the person reads."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def person_of(
    session: AsyncSession,
    provider: Provider,
    proof: Proof,
    claims: Mapping[str, Any],
    *,
    demo: bool = False,
) -> Person:
    """Return the person of this provider, issuer and subject; make a pending one at the first login.

    Two first logins at once make one person. Raise Clash instead of ever linking by an address.
    """
    who = f"{provider.id}|{proof.issuer}|{proof.subject}"
    await session.execute(LOCK, {"who": who})
    known = (
        await session.execute(
            update(Identity)
            .where(
                Identity.provider_id == provider.id,
                Identity.issuer == proof.issuer,
                Identity.subject == proof.subject,
            )
            .values(last_login_at=func.clock_timestamp())
            .returning(Identity.person_id, Identity.id)
        )
    ).one_or_none()
    if known is not None:
        return Person(known.person_id, known.id, new=False)
    await _refuse_clash(session, provider, claims)
    return await _made(session, provider, proof, claims, demo=demo)


async def _refuse_clash(
    session: AsyncSession, provider: Provider, claims: Mapping[str, Any]
) -> None:
    """Refuse a new login with the address that another login has brought here, checked by its institution."""
    said = claims.get("email")
    email = plain_email(said) if isinstance(said, str) else None
    if email is None:
        return
    taken = await session.scalar(
        select(models.Person.id)
        .where(func.lower(models.Person.email) == email.lower(), models.Person.email_verified)
        .limit(1)
    )
    if taken is None:
        return
    domains = await session.scalars(
        text("select domain from institution_domains where institution_id = :id").bindparams(
            id=provider.institution_id
        )
    )
    own = any(domain_matches(email, domain) for domain in domains)
    raise Clash("link_first" if own and verified_email(claims) else "email_not_verified")


async def _made(
    session: AsyncSession,
    provider: Provider,
    proof: Proof,
    claims: Mapping[str, Any],
    *,
    demo: bool,
) -> Person:
    called, email = name_of(claims), verified_email(claims)
    person = models.Person(
        name=called,
        sort_key=sort_key(called),
        email=email,
        email_verified=email is not None,
        demo=demo,
    )
    session.add(person)
    await session.flush()
    identity = Identity(
        person_id=person.id,
        provider_id=provider.id,
        issuer=proof.issuer,
        subject=proof.subject,
        last_login_at=func.clock_timestamp(),
    )
    session.add(identity)
    await session.flush()
    await add_affiliation(
        session, None, person.id, provider.institution_id, _department(claims.get("department"))
    )
    return Person(person.id, identity.id, new=True)


def _department(said: object) -> str | None:
    try:
        return line(said, longest=DEPARTMENT) if isinstance(said, str) else None
    except TextError:
        return None
