"""Institutions' parts and the team."""

from uuid import UUID

from litestar import Controller, Response, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.idempotency import Created, Once
from lianyan.core.revisions import etag
from lianyan.proposals.commands import consortium, team
from lianyan.proposals.schemas.consortium import MemberIn, PartChange, PartIn, ReasonIn
from lianyan.proposals.schemas.refs import Saved


class Parts(Controller):
    """Institutions' parts in a proposal."""

    tags = ["consortium"]

    @post(
        "/proposals/{proposal_id:uuid}/participations",
        status_code=201,
        opt={"action": "proposal.arrange"},
    )
    async def add(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        proposal_id: FromPath[UUID],
        data: JSONBody[PartIn],
    ) -> Response[Created]:
        """Ask an institution to take part, in a role, for a task."""
        made = await once(lambda: consortium.add_part(session, actor, proposal_id, data))
        return Response(made, headers={"location": f"/api/participations/{made.id}"})

    @patch("/participations/{participation_id:uuid}", opt={"action": "proposal.edit"})
    async def change(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        participation_id: FromPath[UUID],
        data: JSONBody[PartChange],
    ) -> Response[Saved]:
        """Change an institution's role, task, terms or promise; `X-Voided` counts ended confirmations."""
        saved = await consortium.change_part(session, actor, participation_id, data, rev=rev)
        headers = etag(saved.rev)
        if saved.voided:
            headers["x-voided"] = str(len(saved.voided))
        return Response(Saved(participation_id, saved.rev), headers=headers)

    @post(
        "/participations/{participation_id:uuid}/remove",
        status_code=204,
        opt={"action": "proposal.arrange"},
    )
    async def remove(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        participation_id: FromPath[UUID],
        data: JSONBody[ReasonIn],
    ) -> None:
        """Take an institution out of the proposal, with its people and its unused invitations."""
        await consortium.remove_part(session, actor, participation_id, data.reason, rev=rev)


class Members(Controller):
    """The people of a proposal's team."""

    tags = ["consortium"]

    @post(
        "/proposals/{proposal_id:uuid}/members",
        status_code=201,
        opt={"action": "team.arrange"},
    )
    async def add(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        proposal_id: FromPath[UUID],
        data: JSONBody[MemberIn],
    ) -> Response[Created]:
        """Add a confirmed person of a participating institution to the team."""
        made = await once(lambda: team.add_member(session, actor, proposal_id, data))
        return Response(made, headers={"location": f"/api/proposals/{proposal_id}"})

    @delete("/members/{member_id:uuid}", status_code=204, opt={"action": "team.arrange"})
    async def remove(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        member_id: FromPath[UUID],
    ) -> None:
        """Take a person out of the team; their edits stay, their doors close at once."""
        await team.remove_member(session, actor, member_id)
