"""The decisions API."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.clock import Arrival
from lianyan.core.idempotency import Created, Once
from lianyan.decisions import commands, pages, preview, releases
from lianyan.decisions.schemas import (
    DecideList,
    DecisionIn,
    DecisionPage,
    DecisionRev,
    Letters,
    ReleaseIn,
    ReleasePage,
    SendBack,
)


class ProposalDecision(Controller):
    """The decision on one proposal."""

    path = "/proposals/{proposal_id:uuid}/decision"
    tags = ["decisions"]

    @get(opt={"action": "decision.read"}, status_code=200)
    async def read(
        self, reading: NamedDependency[Reading], proposal_id: FromPath[UUID]
    ) -> DecisionPage:
        """Show the decision, the reviews it rests on and who may sign it."""
        return await pages.decision(reading, proposal_id)

    @put(opt={"action": "decision.draft"}, status_code=200)
    async def draft(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        proposal_id: FromPath[UUID],
        data: JSONBody[DecisionIn],
    ) -> DecisionRev:
        """Draft the decision for an approver to sign; `If-Match: "0"` where there is none yet."""
        return await commands.draft(session, actor, proposal_id, rev, data)


class DecisionActs(Controller):
    """What an approver does to a drafted decision."""

    path = "/decisions/{decision_id:uuid}"
    tags = ["decisions"]

    @post("/sign", opt={"action": "decision.sign"}, status_code=200)
    async def sign(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        decision_id: FromPath[UUID],
    ) -> DecisionRev:
        """Sign a decision that somebody else has drafted."""
        return await commands.sign(session, actor, decision_id, rev)

    @post("/send_back", opt={"action": "decision.send_back"}, status_code=200)
    async def send_back(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        decision_id: FromPath[UUID],
        data: JSONBody[SendBack],
    ) -> DecisionRev:
        """Send a decision back to its drafter with a note; a signature on it ends."""
        return await commands.send_back(session, actor, decision_id, rev, data.note)


class Decide(Controller):
    """The approver's list."""

    path = "/decide"
    tags = ["decisions"]

    @get(opt={"action": "decision.list"}, status_code=200)
    async def list_(
        self,
        reading: NamedDependency[Reading],
        limit: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
    ) -> DecideList:
        """List the decisions that wait for a signature."""
        return await pages.decide(reading, limit, after)


class Releases(Controller):
    """Releasing decisions together."""

    path = "/release"
    tags = ["decisions"]

    @get(opt={"action": "release.read"}, status_code=200)
    async def read(self, reading: NamedDependency[Reading]) -> ReleasePage:
        """Show everything a release would do, and nothing else."""
        return await preview.release(reading)

    @get("/letters", opt={"action": "release.read"}, status_code=200)
    async def letters(
        self, reading: NamedDependency[Reading], decision: FromQuery[UUID]
    ) -> Letters:
        """Show the letters of one decision as they will be read."""
        return await preview.letters(reading, decision)

    @post(opt={"action": "release.order"}, status_code=201)
    async def order(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        data: JSONBody[ReleaseIn],
    ) -> Response[Created]:
        """Release signed decisions together: ten minutes from now, unless taken back."""
        made = await once(lambda: releases.order(session, actor, data.decision_ids))
        return Response(made, headers={"location": "/api/release"})

    @post("/{release_id:uuid}/take_back", opt={"action": "release.take_back"}, status_code=204)
    async def take_back(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        arrival: NamedDependency[Arrival],
        release_id: FromPath[UUID],
    ) -> None:
        """Take a whole release back before its hold is over."""
        await releases.take_back(session, actor, arrival, release_id)


HANDLERS: list[Any] = [ProposalDecision, DecisionActs, Decide, Releases]
