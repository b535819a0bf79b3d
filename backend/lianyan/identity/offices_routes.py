"""The API of roles on the platform and of institutions' officers."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.idempotency import Created, Once
from lianyan.core.policy import ALLOWED, standing
from lianyan.identity import offices, offices_queries
from lianyan.identity.offices_schemas import Candidates, NewOfficer, NewRole, RoleList


class Roles(Controller):
    """Roles on the platform."""

    path = "/roles"
    tags = ["roles"]

    @get(opt={"action": "role.read"}, status_code=200)
    async def list_(self, reading: NamedDependency[Reading]) -> RoleList:
        """List who holds which role, and the institutions for which somebody is missing."""
        may = bool(standing(reading.actor) & ALLOWED["role.grant"])
        return await offices_queries.roles(reading, ["role.grant"] if may else [])

    @post(opt={"action": "role.grant"}, status_code=201)
    async def grant(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        data: JSONBody[NewRole],
    ) -> Response[Created]:
        """Give a person a role."""
        made = await once(lambda: offices.grant(session, actor, data.person_id, data.role))
        return Response(made, headers={"location": f"/api/roles/{made.id}"})

    @delete("/{role_id:uuid}", opt={"action": "role.grant"}, status_code=204)
    async def end(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        role_id: FromPath[UUID],
    ) -> None:
        """End a role."""
        await offices.end(session, actor, role_id)


class Officers(Controller):
    """Who acts for an institution."""

    path = "/"
    tags = ["roles"]

    @get(
        "/institutions/{institution_id:uuid}/candidates",
        opt={"action": "officer.name"},
        status_code=200,
    )
    async def candidates(
        self, reading: NamedDependency[Reading], institution_id: FromPath[UUID]
    ) -> Candidates:
        """List the people of an institution who could act for it."""
        return await offices_queries.candidates(reading, institution_id)

    @post(
        "/institutions/{institution_id:uuid}/officers",
        opt={"action": "officer.name"},
        status_code=201,
    )
    async def name(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        institution_id: FromPath[UUID],
        data: JSONBody[NewOfficer],
    ) -> Response[Created]:
        """Let a person act for an institution, and confirm them as one of its people."""
        made = await once(
            lambda: offices.name_officer(
                session, actor, institution_id, data.person_id, deputy=data.deputy
            )
        )
        return Response(made, headers={"location": f"/api/institutions/{institution_id}"})

    @delete("/officers/{officer_id:uuid}", opt={"action": "officer.name"}, status_code=204)
    async def end(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        officer_id: FromPath[UUID],
    ) -> None:
        """End an office."""
        await offices.end_officer(session, actor, officer_id)


HANDLERS: list[Any] = [Roles, Officers]
