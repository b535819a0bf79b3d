"""The demo's beginning: institutions, people with their logins, roles, officers, the profile, calls."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.commands import open_call
from lianyan.calls.schemas import NewCall
from lianyan.core.names import sort_key
from lianyan.demo import login, world
from lianyan.demo.stage import Stage, Step
from lianyan.identity import commands as identity
from lianyan.identity import offices
from lianyan.identity.models import Affiliation, Person
from lianyan.identity.people import add_affiliation
from lianyan.institutions import commands as institutions
from lianyan.institutions.schemas import NewInstitution, PlatformChange
from lianyan.settings import Settings

FOUNDED = -600
"""The day everything began, before the first call."""


def founding(stage: Stage, settings: Settings, port: int) -> list[Step]:
    """Return the steps before the first call."""
    return [
        Step(stage.at(FOUNDED, 9), lambda s: _institutions(s, stage, settings, port)),
        Step(stage.at(FOUNDED, 10), lambda s: _people(s, stage, port, pending=False)),
        Step(stage.at(FOUNDED, 11), lambda s: _offices(s, stage)),
    ]


def openings(stage: Stage) -> list[Step]:
    """Return the openings of the calls."""
    return [_opening(stage, call) for call in stage.told.calls]


def newcomers(stage: Stage, port: int) -> Step:
    """Return the first login of those who wait to be confirmed."""
    return Step(stage.at(-1, 9), lambda s: _people(s, stage, port, pending=True))


async def _institutions(session: AsyncSession, stage: Stage, settings: Settings, port: int) -> None:
    for member in stage.told.institutions:
        made = await institutions.add(
            session,
            None,
            NewInstitution(
                name_zh=member.name_zh,
                name_en=member.name_en,
                short_zh=member.short_zh,
                short_en=member.short_en,
                aliases=member.aliases,
                kind=member.kind,  # type: ignore[arg-type]  # checked by its file
                standing=member.standing,  # type: ignore[arg-type]
                code=member.code,
                country=member.country,
                province=member.province,
                city=member.city,
                domains=member.domains,
            ),
        )
        stage.institutions[member.slug] = made
        stage.providers[member.slug] = await identity.add_provider(
            session,
            settings.secret_key,
            institution_id=made,
            slug=member.slug,
            name_zh=member.name_zh,
            name_en=member.name_en,
            issuer=login.issuer(port, member.slug),
            client_id=login.client_id(member.slug),
            secret=login.client_secret(settings, member.slug),
        )
    profile = stage.told.platform
    await institutions.change_platform(
        session,
        None,
        0,
        PlatformChange(
            name_zh=profile.name_zh,
            name_en=profile.name_en,
            purpose_zh=profile.purpose_zh,
            purpose_en=profile.purpose_en,
            lead_id=stage.institutions[profile.lead],
            contact=profile.contact,
            record_number=profile.record_number,
        ),
    )


async def _people(session: AsyncSession, stage: Stage, port: int, *, pending: bool) -> None:
    """Let people log in for the first time; all but those who wait have been confirmed."""
    for told in stage.told.people:
        if told.pending is not pending:
            continue
        person = Person(
            name=told.name,
            name_latin=told.name_latin,
            sort_key=sort_key(told.name),
            status="pending" if pending else "active",
            locale=told.locale,
            email=told.email,
            orcid=told.orcid,
            demo=True,
        )
        session.add(person)
        await session.flush()
        for way in told.logins:
            provider, home = stage.providers[way.institution], stage.institutions[way.institution]
            issuer = login.issuer(port, way.institution)
            await identity.add_identity(session, person.id, provider, issuer, way.sub)
            if pending:
                await add_affiliation(session, None, person.id, home, told.department)
            else:
                session.add(_affiliation(person.id, home, told.department, stage.at(FOUNDED, 10)))
        await session.flush()
        stage.join(told.key, person.id)


def _affiliation(person: UUID, home: UUID, department: str | None, at: datetime) -> Affiliation:
    return Affiliation(
        person_id=person,
        institution_id=home,
        status="confirmed",
        department=department,
        source="login",
        confirmed_at=at,
    )


async def _offices(session: AsyncSession, stage: Stage) -> None:
    by_role: dict[str, list[world.Person]] = {}
    for person in stage.told.people:
        for role in person.roles:
            by_role.setdefault(role, []).append(person)
    administrator = stage.actors[by_role["administrator"][0].key]
    # Who grants comes first; from the first security administrator on, the administrator no longer does.
    order = {"administrator": -1, "security_administrator": 1}
    for role, people in sorted(by_role.items(), key=lambda held: order.get(held[0], 0)):
        granting = None if role == "administrator" else administrator
        for person in people:
            await offices.grant(session, granting, stage.actors[person.key].id, role)
    coordinator = stage.actors[by_role["coordinator"][0].key]
    for person in stage.told.people:
        if person.officer_of is not None:
            await offices.name_officer(
                session,
                coordinator,
                stage.institutions[person.officer_of],
                stage.actors[person.key].id,
                deputy=person.deputy,
            )


def _opening(stage: Stage, call: world.Call) -> Step:
    opener = next(p.key for p in stage.told.people if "coordinator" in p.roles)
    hour, minute = (int(part) for part in call.hour.split(":"))
    opens = stage.at(call.opens_day, 9)

    async def do(session: AsyncSession) -> None:
        made: UUID = await open_call(
            session,
            stage.actors[opener],
            NewCall(
                title_zh=call.said("title_zh", stage.today),
                title_en=call.said("title_en", stage.today),
                summary_zh=call.said("summary_zh", stage.today),
                summary_en=call.said("summary_en", stage.today),
                prefix=call.said("prefix", stage.today),
                opens_at=opens.isoformat(),
                closes_at=stage.at(call.closes_day, hour, minute).isoformat(),
                reviews_until=stage.at(call.reviews_day, hour, minute).isoformat(),
                decides_at=stage.at(call.decides_day, hour, minute).isoformat(),
                min_institutions=call.min_institutions,
            ),
        )
        stage.calls[call.key] = made

    return Step(opens - timedelta(days=1), do)
