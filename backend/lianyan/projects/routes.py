"""The projects API: the public register."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from lianyan.core.actor import Reading
from lianyan.core.shapes import shaped
from lianyan.projects import queries
from lianyan.projects.schemas import ProjectDetail, ProjectRegister


class Projects(Controller):
    """Approved projects."""

    path = "/projects"
    tags = ["projects"]

    @get(opt={"action": "project.read"}, status_code=200)
    async def list_(
        self,
        reading: NamedDependency[Reading],
        q: FromQuery[str | None] = None,
        sector: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
    ) -> Response[ProjectRegister]:
        """Search the register: title, number, institution or sector, also by pinyin initials."""
        return shaped(ProjectRegister, await queries.register(reading, q, sector, limit, after))

    @get("/{project_id:uuid}", opt={"action": "project.read"}, status_code=200)
    async def read(
        self, reading: NamedDependency[Reading], project_id: FromPath[UUID]
    ) -> Response[ProjectDetail]:
        """Show one approved project."""
        return shaped(ProjectDetail, await queries.project(reading, project_id))


HANDLERS: list[Any] = [Projects]
