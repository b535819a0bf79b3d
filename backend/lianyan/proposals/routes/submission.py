"""Checking what is missing, submitting, taking back and withdrawing."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.clock import Arrival
from lianyan.core.revisions import etag
from lianyan.proposals.commands import submitting, withdrawing
from lianyan.proposals.queries import gaps, receipt
from lianyan.proposals.schemas.refs import Saved
from lianyan.proposals.schemas.submission import Gaps, Receipt, SubmitIn, Submitted, WithdrawIn


class Submission(Controller):
    """A proposal on its way in, or out."""

    path = "/proposals/{proposal_id:uuid}"
    tags = ["submission"]

    @get("/gaps", opt={"action": "proposal.edit"})
    async def gaps(self, reading: NamedDependency[Reading], proposal_id: FromPath[UUID]) -> Gaps:
        """Say what stops a submission, and what only deserves a look."""
        return await gaps.read(reading, proposal_id)

    @get("/receipt", opt={"action": "proposal.read"})
    async def receipt(
        self, reading: NamedDependency[Reading], proposal_id: FromPath[UUID]
    ) -> Receipt:
        """Read the receipt of the last submission."""
        return await receipt.read(reading, proposal_id)

    @post("/submit", status_code=200, opt={"action": "proposal.submit"})
    async def submit(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        arrival: NamedDependency[Arrival],
        proposal_id: FromPath[UUID],
        data: JSONBody[SubmitIn],
    ) -> Submitted:
        """Submit the content as shown; a retry of one that has happened is a success."""
        return await submitting.submit(session, actor, proposal_id, data.rev_hash, arrival=arrival)

    @post("/resubmit", status_code=200, opt={"action": "proposal.resubmit"})
    async def resubmit(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        arrival: NamedDependency[Arrival],
        proposal_id: FromPath[UUID],
        data: JSONBody[SubmitIn],
    ) -> Submitted:
        """Submit the corrected content; number and time of submission stay."""
        return await submitting.resubmit(
            session, actor, proposal_id, data.rev_hash, arrival=arrival
        )

    @post("/take_back", status_code=200, opt={"action": "proposal.take_back"})
    async def take_back(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        arrival: NamedDependency[Arrival],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
    ) -> Response[Saved]:
        """Make the proposal a draft again, before the deadline and before anybody has checked it."""
        now = await withdrawing.take_back(session, actor, proposal_id, rev=rev, arrival=arrival)
        return Response(Saved(proposal_id, now), headers=etag(now))

    @post("/withdraw", status_code=200, opt={"action": "proposal.withdraw"})
    async def withdraw(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        data: JSONBody[WithdrawIn],
    ) -> Response[Saved]:
        """Withdraw the proposal before its review has begun."""
        now = await withdrawing.withdraw(session, actor, proposal_id, data.reason, rev=rev)
        return Response(Saved(proposal_id, now), headers=etag(now))

    @post(
        "/withdraw_by_institution",
        status_code=200,
        opt={"action": "proposal.withdraw_by_institution"},
    )
    async def withdraw_by_institution(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        data: JSONBody[WithdrawIn],
    ) -> Response[Saved]:
        """Withdraw the proposal for its lead institution, once review has begun."""
        now = await withdrawing.withdraw_by_institution(
            session, actor, proposal_id, data.reason, rev=rev
        )
        return Response(Saved(proposal_id, now), headers=etag(now))
