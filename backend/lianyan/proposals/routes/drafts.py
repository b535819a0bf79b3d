"""Starting, listing, reading and deleting proposals."""

from typing import Literal
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.idempotency import Created, Once
from lianyan.core.paging import page_limit
from lianyan.proposals.commands import drafting, withdrawing
from lianyan.proposals.queries import detail, mine
from lianyan.proposals.schemas.detail import ProposalOut
from lianyan.proposals.schemas.drafting import DraftIn
from lianyan.proposals.schemas.mine import ProposalPage


class Drafts(Controller):
    """Proposals of one's own."""

    path = "/proposals"
    tags = ["proposals"]

    @post(status_code=201, opt={"action": "proposal.draft"})
    async def start(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        data: JSONBody[DraftIn],
    ) -> Response[Created]:
        """Start a proposal that you lead for one of your institutions."""
        made = await once(
            lambda: drafting.start(session, actor, data),
            lambda made: drafting.see(session, actor, made),
        )
        return Response(made, headers={"location": f"/api/proposals/{made.id}"})

    @get(opt={"action": "proposal.list"})
    async def list_(
        self,
        *,
        reading: NamedDependency[Reading],
        shown: FromQuery[str | None] = None,
        q: FromQuery[str | None] = None,
        role: FromQuery[Literal["mine", "institution"] | None] = None,
        limit: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
    ) -> Response[ProposalPage]:
        """List the proposals you or your institutions take part in, drafts first, then newest first."""
        return await mine.page(
            reading, shown=shown, q=q, role=role, limit=page_limit(limit), after=after
        )

    @get("/{proposal_id:uuid}", opt={"action": "proposal.read"})
    async def read(
        self, reading: NamedDependency[Reading], proposal_id: FromPath[UUID]
    ) -> Response[ProposalOut]:
        """Read one proposal: everything its own people's pages show."""
        return await detail.read(reading, proposal_id)

    @delete("/{proposal_id:uuid}", status_code=204, opt={"action": "proposal.delete"})
    async def delete(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
    ) -> None:
        """Delete a draft that was never submitted."""
        await withdrawing.delete(session, actor, proposal_id, rev=rev)
