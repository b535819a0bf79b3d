"""Writing: one section at a time."""

from uuid import UUID

from litestar import Controller, Response, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.revisions import etag
from lianyan.proposals.commands import writing
from lianyan.proposals.queries import effects
from lianyan.proposals.schemas.drafting import Effects, SectionIn


class Sections(Controller):
    """A proposal's sections."""

    path = "/proposals/{proposal_id:uuid}"
    tags = ["proposals"]

    @put("/sections/{section:str}", status_code=204, opt={"action": "proposal.edit"})
    async def save(
        self,
        *,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        section: FromPath[str],
        data: JSONBody[SectionIn],
    ) -> Response[None]:
        """Save a section's answers; `X-Voided` says how many confirmations this has ended."""
        saved = await writing.save_section(
            session, actor, proposal_id, section, data.answers, rev=rev
        )
        headers = etag(saved.rev)
        if saved.voided:
            headers["x-voided"] = str(len(saved.voided))
        return Response(None, headers=headers)

    @get("/effects", opt={"action": "proposal.edit"})
    async def effects(
        self, reading: NamedDependency[Reading], proposal_id: FromPath[UUID]
    ) -> Effects:
        """Say whose confirmation an edit would end, section by section and part by part."""
        return await effects.read(reading, proposal_id)
