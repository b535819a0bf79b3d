"""The institutions API: directory, vocabularies, the platform's profile."""

from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.idempotency import Created, Once
from lianyan.core.revisions import etag
from lianyan.core.shapes import shaped
from lianyan.institutions import commands, queries
from lianyan.institutions.schemas import (
    Changed,
    Directory,
    IdentifierAnswer,
    IdentifierQuery,
    InstitutionChange,
    InstitutionDetail,
    NewInstitution,
    PlatformChange,
    PlatformProfile,
    Terms,
)


class Institutions(Controller):
    """Member institutions."""

    path = "/institutions"
    tags = ["institutions"]

    @get(opt={"action": "institution.read"}, status_code=200)
    async def list_(
        self,
        reading: NamedDependency[Reading],
        q: FromQuery[str | None] = None,
        kind: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
    ) -> Directory:
        """List the institutions by sound; `q` finds names, other names, pinyin and initials."""
        return await queries.directory(reading, q=q, kind=kind, limit=limit, after=after)

    @get("/{institution_id:uuid}", opt={"action": "institution.read"}, status_code=200)
    async def read(
        self, reading: NamedDependency[Reading], institution_id: FromPath[UUID]
    ) -> Response[InstitutionDetail]:
        """Show one institution."""
        found = await queries.institution(reading, institution_id)
        return Response(found, headers=etag(found.rev))

    @post(opt={"action": "institution.add"}, status_code=201)
    async def add(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        data: JSONBody[NewInstitution],
    ) -> Response[Created]:
        """Add an institution."""
        made = await once(lambda: commands.add(session, actor, data))
        return Response(made, headers={"location": f"/api/institutions/{made.id}"})

    @patch("/{institution_id:uuid}", opt={"action": "institution.change"}, status_code=200)
    async def change(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        institution_id: FromPath[UUID],
        data: JSONBody[InstitutionChange],
    ) -> Response[Changed]:
        """Change what is sent of an institution, and nothing else."""
        now = await commands.change(session, actor, institution_id, rev, data)
        return Response(Changed(institution_id, now), headers=etag(now))


class Vocabularies(Controller):
    """Sectors, fields and codes."""

    path = "/"
    tags = ["institutions"]

    @get("/terms", opt={"action": "institution.read"}, status_code=200)
    async def terms(self, reading: NamedDependency[Reading]) -> Response[Terms]:
        """List the sectors and fields in their order."""
        return shaped(Terms, await queries.terms(reading))

    @post("/identifiers/check", opt={"action": "institution.read"}, status_code=200)
    async def check(self, data: JSONBody[IdentifierQuery]) -> IdentifierAnswer:
        """Say whether a code can be right, and in words what is wrong with it."""
        return queries.check_identifier(data)


class Profile(Controller):
    """The platform's own profile."""

    path = "/platform"
    tags = ["platform"]

    @get(opt={"action": "institution.read"}, status_code=200)
    async def read(self, reading: NamedDependency[Reading]) -> Response[PlatformProfile]:
        """Show who runs the platform and what for."""
        found = await queries.platform(reading)
        return Response(found, headers=etag(found.rev))

    @patch(opt={"action": "platform.change"}, status_code=200)
    async def change(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        data: JSONBody[PlatformChange],
    ) -> Response[Changed]:
        """Change what is sent of the profile, and nothing else."""
        now = await commands.change_platform(session, actor, rev, data)
        return Response(Changed(1, now), headers=etag(now))


HANDLERS: list[type[Controller]] = [Institutions, Vocabularies, Profile]
