"""Who holds a role on the platform and who acts for an institution: granting, naming, ending."""

from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.problems import Conflict, Forbidden, NotFound, invalid
from lianyan.identity.heirs import excluded, heirs_of
from lianyan.identity.models import Affiliation, Officer, Person, PlatformRole
from lianyan.institutions.models import Institution
from lianyan.proposals import access
from lianyan.reviews.commands import suspend_conflicted_person

LOCK = text("select pg_advisory_xact_lock(hashtext('offices'))")
"""Two administrators who end each other's role at once must not leave the portal without one."""
GRANTING = "security_administrator"
"""Who grants and ends roles: it, or its heir."""


async def grant(session: AsyncSession, actor: Actor | None, person_id: UUID, role: str) -> UUID:
    """Give an active person a role and return its id; it holds from the next request on.

    Nobody gives themselves one, and nobody holds two that exclude each other.
    """
    await _alone(session, actor)
    if actor is not None and actor.id == person_id:
        raise Conflict("roles.own")
    person = await session.get(Person, person_id)
    if person is None:
        raise invalid("person_id", "roles.person_unknown")
    if person.status != "active":
        raise Conflict("roles.person_pending", name=person.name)
    held = select(PlatformRole.id).where(
        PlatformRole.person_id == person_id,
        PlatformRole.role == role,
        PlatformRole.ended_at.is_(None),
    )
    if await session.scalar(held) is not None:
        raise Conflict("roles.held", name=person.name)
    holds = select(PlatformRole.role).where(
        PlatformRole.person_id == person_id, PlatformRole.ended_at.is_(None)
    )
    if clash := sorted(set(await session.scalars(holds)) & set(excluded(role))):
        raise Conflict("roles.excluded", name=person.name, role=clash[0])
    made = PlatformRole(person_id=person_id, role=role, granted_by=actor.id if actor else None)
    session.add(made)
    await session.flush()
    await record(session, actor, "role.granted", made.id, person_id=person_id, role=role)
    await access.refresh_person(session, person_id)
    return made.id


async def end(session: AsyncSession, actor: Actor, role_id: UUID) -> None:
    """End a role at once; refuse it for the last administrator. An ended one stays ended.

    Nobody ends their own where they are the last who holds it: another takes it over first.
    """
    await _alone(session, actor)
    role = await session.get(PlatformRole, role_id)
    if role is None:
        raise NotFound
    if role.ended_at is not None:
        return
    if not await _held_by_another(session, role):
        if role.role == "administrator":
            raise Conflict("roles.last_administrator")
        if role.person_id == actor.id:
            raise Conflict("roles.last_own")
    await _end(session, actor, role)


async def end_of(session: AsyncSession, name: str, role: str) -> int:
    """End a role of whoever is called that, past every rule, and return how many held it.

    For the server's own operator, where the only one who could grant has gone.
    """
    await _alone(session, None)
    held = (
        select(PlatformRole)
        .join(Person, Person.id == PlatformRole.person_id)
        .where(Person.name == name, PlatformRole.role == role, PlatformRole.ended_at.is_(None))
    )
    found = (await session.scalars(held)).all()
    for one in found:
        await _end(session, None, one)
    return len(found)


async def _end(session: AsyncSession, actor: Actor | None, role: PlatformRole) -> None:
    role.ended_at = await session.scalar(select(func.now()))
    await session.flush()
    await record(session, actor, "role.ended", role.id, person_id=role.person_id, role=role.role)
    await access.refresh_person(session, role.person_id)


async def _alone(session: AsyncSession, actor: Actor | None) -> None:
    """Wait for whoever changes roles at the same moment, then see whether the actor still may."""
    await session.execute(LOCK)
    if actor is not None and actor.id not in await heirs_of(session, GRANTING):
        raise Forbidden


async def _held_by_another(session: AsyncSession, role: PlatformRole) -> bool:
    others = (
        select(PlatformRole.id)
        .join(Person, Person.id == PlatformRole.person_id)
        .where(
            PlatformRole.role == role.role,
            PlatformRole.ended_at.is_(None),
            PlatformRole.id != role.id,
            Person.status == "active",
        )
    )
    return await session.scalar(others.limit(1)) is not None


async def name_officer(
    session: AsyncSession,
    actor: Actor | None,
    institution_id: UUID,
    person_id: UUID,
    *,
    deputy: bool,
) -> UUID:
    """Let a person act for an institution and return the office's id.

    Naming somebody also confirms them as one of the institution's people: its first officer has
    nobody else who could.
    """
    locked = select(Institution).where(Institution.id == institution_id).with_for_update()
    institution = await session.scalar(locked)
    if institution is None:
        raise NotFound
    person = await session.scalar(select(Person).where(Person.id == person_id).with_for_update())
    if person is None:
        raise invalid("person_id", "roles.person_unknown")
    await _confirm(session, actor, person, institution_id)
    now = select(Officer).where(
        Officer.institution_id == institution_id,
        Officer.person_id == person_id,
        Officer.ended_at.is_(None),
    )
    office = await session.scalar(now)
    if office is not None and office.deputy == deputy:
        raise Conflict("roles.officer_already", name=person.name)
    if office is None:
        office = Officer(
            institution_id=institution_id,
            person_id=person_id,
            named_by=actor.id if actor else None,
        )
        session.add(office)
    office.deputy = deputy
    await session.flush()
    await record(
        session,
        actor,
        "officer.named",
        office.id,
        person_id=person_id,
        institution_id=institution_id,
        deputy=deputy,
    )
    return office.id


async def end_officer(session: AsyncSession, actor: Actor, officer_id: UUID) -> None:
    """End an office at once; an ended one stays ended."""
    office = await session.scalar(select(Officer).where(Officer.id == officer_id).with_for_update())
    if office is None:
        raise NotFound
    if office.ended_at is not None:
        return
    office.ended_at = await session.scalar(select(func.now()))
    await session.flush()
    await record(
        session,
        actor,
        "officer.ended",
        office.id,
        person_id=office.person_id,
        institution_id=office.institution_id,
    )


async def _confirm(
    session: AsyncSession, actor: Actor | None, person: Person, institution_id: UUID
) -> None:
    """Make the person one of the institution's people, and active."""
    current = select(Affiliation).where(
        Affiliation.person_id == person.id,
        Affiliation.institution_id == institution_id,
        Affiliation.status.in_(("pending", "confirmed")),
    )
    found = await session.scalar(current)
    if found is None:
        found = Affiliation(
            person_id=person.id, institution_id=institution_id, source="coordinator"
        )
        session.add(found)
    if found.status != "confirmed":
        found.status = "confirmed"
        found.confirmed_by = actor.id if actor else None
        found.confirmed_at = await session.scalar(select(func.now()))
        await session.flush()
        await record(
            session,
            actor,
            "affiliation.confirmed",
            found.id,
            person_id=person.id,
            institution_id=institution_id,
        )
        await suspend_conflicted_person(session, person.id)
    if person.status != "active":
        person.status = "active"
        person.rev += 1
