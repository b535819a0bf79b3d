"""The coordinator's desk (工作台) and every act on it."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.clock import Arrival
from lianyan.core.revisions import etag
from lianyan.core.shapes import shaped
from lianyan.proposals.commands import checking, extending, moving_on
from lianyan.proposals.queries import checklist, desk
from lianyan.proposals.schemas.desk import (
    BecauseIn,
    DeskOverview,
    DeskPage,
    DeskProposal,
    ExtendIn,
    FinishIn,
    Moved,
    RefuseIn,
    ReturnIn,
    VerdictIn,
)
from lianyan.proposals.schemas.refs import Saved


class Desk(Controller):
    """The coordinator's desk."""

    path = "/desk"
    tags = ["desk"]

    @get(opt={"action": "desk.list"}, status_code=200)
    async def list_(
        self,
        *,
        state: State,
        reading: NamedDependency[Reading],
        call: FromQuery[str | None] = None,
        in_state: Annotated[str | None, QueryParameter(name="state")] = None,
        sector: FromQuery[str | None] = None,
        whose: FromQuery[str | None] = None,
        missing: FromQuery[str | None] = None,
        within: FromQuery[str | None] = None,
        q: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
    ) -> Response[DeskPage]:
        """List what is under way, your turn first; final states only where asked for or searched."""
        asked = desk.Asked(call, in_state, sector, whose, missing, within, q, limit, after)
        return shaped(DeskPage, await desk.page(reading, asked, desk.link_to(state.settings)))

    @get("/overview", opt={"action": "desk.list"}, status_code=200)
    async def overview(
        self,
        *,
        reading: NamedDependency[Reading],
        call: FromQuery[str | None] = None,
        in_state: Annotated[str | None, QueryParameter(name="state")] = None,
        sector: FromQuery[str | None] = None,
        q: FromQuery[str | None] = None,
    ) -> Response[DeskOverview]:
        """Count what is under way, in all and by what is missing, and name the calls."""
        asked = desk.Asked(call, in_state, sector, None, None, None, q)
        return shaped(DeskOverview, await desk.overview(reading, asked))

    @get("/{proposal_id:uuid}", opt={"action": "desk.read"}, status_code=200)
    async def read(
        self, state: State, reading: NamedDependency[Reading], proposal_id: FromPath[UUID]
    ) -> DeskProposal:
        """Show one proposal with its next act, its check and what can be done."""
        return await checklist.read(reading, proposal_id, desk.link_to(state.settings))


class DeskActs(Controller):
    """What a coordinator does to a proposal."""

    path = "/proposals/{proposal_id:uuid}"
    tags = ["desk"]

    @put("/check/{item:str}", opt={"action": "proposal.check"}, status_code=200)
    async def check(
        self,
        *,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        item: FromPath[str],
        data: JSONBody[VerdictIn],
    ) -> Response[Saved]:
        """Answer one item of the checklist; the first answer starts the formal check.

        The ETag names the item's revision, the body the proposal's.
        """
        saved, item_rev = await checking.answer(session, actor, proposal_id, item, data, rev=rev)
        return Response(saved, headers=etag(item_rev))

    @post("/pass", opt={"action": "proposal.pass"}, status_code=200)
    async def pass_(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
    ) -> Moved:
        """Pass the formal check."""
        return await moving_on.pass_check(session, actor, proposal_id, rev)

    @post("/return", opt={"action": "proposal.return"}, status_code=200)
    async def return_(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        data: JSONBody[ReturnIn],
    ) -> Moved:
        """Return a proposal for correction, with a reason and a date."""
        return await moving_on.return_for_correction(session, actor, proposal_id, rev, data)

    @post("/refuse", opt={"action": "proposal.refuse"}, status_code=200)
    async def refuse(
        self,
        *,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        arrival: NamedDependency[Arrival],
        proposal_id: FromPath[UUID],
        data: JSONBody[RefuseIn],
    ) -> Moved:
        """Do not accept a proposal, with a reason code; a waiting one only after its date."""
        return await moving_on.refuse(session, actor, proposal_id, data, rev=rev, arrival=arrival)

    @post("/finish", opt={"action": "proposal.finish"}, status_code=200)
    async def finish(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        data: JSONBody[FinishIn],
    ) -> Moved:
        """Finish the reviews; what is missing refuses, unless a waiver says why it may be."""
        return await moving_on.finish(session, actor, proposal_id, rev, data)

    @post("/reopen", opt={"action": "proposal.reopen"}, status_code=200)
    async def reopen(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        data: JSONBody[BecauseIn],
    ) -> Moved:
        """Open the reviews again, while no decision is signed."""
        return await moving_on.reopen(session, actor, proposal_id, rev, data)

    @post("/undo", opt={"action": "proposal.undo"}, status_code=200)
    async def undo(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        arrival: NamedDependency[Arrival],
        proposal_id: FromPath[UUID],
    ) -> Moved:
        """Take your last move back within ten minutes; its messages are not sent."""
        return await moving_on.undo(session, actor, proposal_id, rev, arrival)

    @post("/restore", opt={"action": "proposal.restore"}, status_code=200)
    async def restore(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
    ) -> Moved:
        """Bring a withdrawn proposal back to where it was."""
        return await moving_on.restore(session, actor, proposal_id, rev)

    @post("/extend", opt={"action": "proposal.extend"}, status_code=200)
    async def extend(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        data: JSONBody[ExtendIn],
    ) -> Saved:
        """Give a proposal, or one institution's confirmation, a later date."""
        return await extending.extend(session, actor, proposal_id, rev, data)


HANDLERS_DESK: list[Any] = [Desk, DeskActs]
