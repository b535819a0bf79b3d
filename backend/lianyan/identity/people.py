"""What can be done to people: their own account, and where they belong."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict, NotFound, invalid
from lianyan.core.revisions import match
from lianyan.core.text import TextError, line
from lianyan.identity.claims import UNNAMED, name
from lianyan.identity.models import Affiliation, Officer, Person
from lianyan.identity.readings import key_of
from lianyan.identity.schemas import AccountChange, NewAffiliation
from lianyan.institutions.domains import check_mail
from lianyan.institutions.identifiers import check_orcid
from lianyan.proposals import access

DEPARTMENT, PHONE = 60, 30
MOST_ASKED = 5
"""So many requests of one person may wait at once: each is a task of an officer."""


# ---- the own account ----


async def change_account(session: AsyncSession, actor: Actor, rev: int, data: AccountChange) -> int:
    """Change what is sent of the own account; return its revision, the old one if nothing changed."""
    stored = await session.scalar(select(Person).where(Person.id == actor.id).with_for_update())
    if stored is None:
        raise NotFound
    asked = {k: v for k, v in msgspec.structs.asdict(data).items() if v is not UNSET}
    wanted = _checked(asked, stored.name)
    changed = {k: v for k, v in wanted.items() if getattr(stored, k) != v}
    if not changed:
        return stored.rev
    match(stored.rev, rev, stored={k: getattr(stored, k) for k in asked if k != "sort_key"})
    for field, value in changed.items():
        setattr(stored, field, value)
    if "email" in changed:
        stored.email_verified = False
    stored.rev += 1
    await session.flush()
    if "email" in changed:
        await access.refresh_person(session, actor.id)
    await record(session, actor, "person.changed", actor.id, fields=sorted(changed))
    return stored.rev


def _checked(asked: dict[str, Any], called: str) -> dict[str, Any]:
    """Return the columns to write; refuse each wrong field by name."""
    fields = Fields()
    found: dict[str, Any] = {}
    if "name" in asked:
        found["name"] = fields.take("name", name, asked["name"] or "")
        if found["name"] == UNNAMED:
            fields.wrong("name", "text.blank")
    checks = {"name_latin": name, "email": check_mail, "phone": _phone, "orcid": check_orcid}
    for field, check in checks.items():
        if field in asked:
            value = asked[field]
            found[field] = fields.take(field, check, value) if value else None
    if "locale" in asked:
        found["locale"] = asked["locale"]
    if "sort_key" in asked or found.get("name"):
        reading = asked.get("sort_key") or None
        found["sort_key"] = fields.take("sort_key", key_of, found.get("name") or called, reading)
    fields.settle()
    return found


def _phone(text: str) -> str:
    found = line(text)
    if len(found) > PHONE or not all(c.isascii() and (c.isdigit() or c in "+-() ") for c in found):
        raise TextError("identity.phone_shape")
    return found


async def choose_locale(session: AsyncSession, actor: Actor, locale: str) -> None:
    """Remember the language the person reads."""
    await session.execute(update(Person).where(Person.id == actor.id).values(locale=locale))


# ---- where people belong ----


async def ask_affiliation(session: AsyncSession, actor: Actor, data: NewAffiliation) -> UUID:
    """Ask to be confirmed at an institution and return the request's id."""
    department = _department(data.department)
    known = await session.scalar(
        text("select id from institutions where id = :id").bindparams(id=data.institution_id)
    )
    if known is None:
        raise invalid("institution_id", "problems.bad_choice")
    asked = await session.scalar(
        select(func.count())
        .select_from(Affiliation)
        .where(Affiliation.person_id == actor.id, Affiliation.status == "pending")
    )
    if (asked or 0) >= MOST_ASKED:
        raise Conflict("identity.asked_enough", count=asked)
    return await add_affiliation(session, actor, actor.id, data.institution_id, department)


async def add_affiliation(
    session: AsyncSession,
    actor: Actor | None,
    person_id: UUID,
    institution_id: UUID,
    department: str | None = None,
) -> UUID:
    """Note that a person says, or their login says, that they are at an institution."""
    made = Affiliation(
        person_id=person_id, institution_id=institution_id, department=department, source="login"
    )
    session.add(made)
    await session.flush()
    await record(
        session, actor, "affiliation.asked", made.id, person=person_id, institution=institution_id
    )
    return made.id


def _department(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return line(value, blank=True, longest=DEPARTMENT) or None
    except TextError as error:
        raise invalid("department", error.code, **error.params) from None


async def _found(session: AsyncSession, actor: Actor, affiliation_id: UUID) -> Affiliation:
    """Return an affiliation of an institution the actor is officer of, locked."""
    found = await session.scalar(
        select(Affiliation).where(Affiliation.id == affiliation_id).with_for_update()
    )
    if found is None or found.institution_id not in actor.offices:
        raise NotFound
    return found


def _in(affiliation: Affiliation, status: str) -> None:
    if affiliation.status != status:
        raise Conflict("identity.affiliation_state", status=affiliation.status)


async def confirm_affiliation(session: AsyncSession, actor: Actor, affiliation_id: UUID) -> None:
    """Confirm that a person is at the institution: from then on they act for it as its member."""
    found = await _found(session, actor, affiliation_id)
    _in(found, "pending")
    person = await session.get_one(Person, found.person_id, with_for_update=True)
    if person.name == UNNAMED:
        raise Conflict("identity.name_missing")
    found.status, found.confirmed_by, found.confirmed_at = "confirmed", actor.id, func.now()
    person.status = "active"
    await _noted(session, actor, "affiliation.confirmed", found)


async def refuse_affiliation(session: AsyncSession, actor: Actor, affiliation_id: UUID) -> None:
    """Say that a person is not at the institution."""
    found = await _found(session, actor, affiliation_id)
    _in(found, "pending")
    found.status, found.ended_at = "refused", func.now()
    await _noted(session, actor, "affiliation.refused", found)


async def end_affiliation(session: AsyncSession, actor: Actor, affiliation_id: UUID) -> None:
    """Say that a person has left the institution."""
    found = await _found(session, actor, affiliation_id)
    _in(found, "confirmed")
    office = await session.scalar(
        select(Officer.id).where(
            Officer.institution_id == found.institution_id,
            Officer.person_id == found.person_id,
            Officer.ended_at.is_(None),
        )
    )
    if office is not None:
        raise Conflict("identity.still_officer")
    found.status, found.ended_at = "ended", func.now()
    await _noted(session, actor, "affiliation.ended", found)


async def _noted(session: AsyncSession, actor: Actor, kind: str, of: Affiliation) -> None:
    await session.flush()
    await record(session, actor, kind, of.id, person=of.person_id, institution=of.institution_id)
