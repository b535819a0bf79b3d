"""The reviews API."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.clock import Arrival
from lianyan.core.idempotency import Created, Once
from lianyan.core.revisions import etag
from lianyan.core.shapes import shaped
from lianyan.reviews import answers, commands, followers, pages, queries
from lianyan.reviews.schemas import (
    Accept,
    AcceptedReviews,
    Assignments,
    NewAssignment,
    NewDismissal,
    Note,
    Reason,
    ReviewIn,
    ReviewList,
    ReviewPage,
    Submit,
    Submitted,
)


class ProposalReviewers(Controller):
    """The reviewers of one proposal."""

    path = "/proposals/{proposal_id:uuid}"
    tags = ["reviews"]

    @get("/assignments", opt={"action": "assignment.read"}, status_code=200)
    async def read(
        self, reading: NamedDependency[Reading], proposal_id: FromPath[UUID]
    ) -> Assignments:
        """Show who reviews the proposal, what they said, and who else could be asked."""
        return await pages.assignments(reading, proposal_id)

    @post("/assignments", opt={"action": "assignment.add"}, status_code=201)
    async def assign(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        proposal_id: FromPath[UUID],
        data: JSONBody[NewAssignment],
    ) -> Response[Created]:
        """Ask a reviewer; a conflict of interest or a full quota refuses, and says which."""
        made = await once(lambda: commands.assign(session, actor, proposal_id, data))
        return Response(made, headers={"location": f"/api/proposals/{proposal_id}/assignments"})

    @post("/dismissals", opt={"action": "conflict.dismiss"}, status_code=201)
    async def dismiss(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        proposal_id: FromPath[UUID],
        data: JSONBody[NewDismissal],
    ) -> Response[Created]:
        """Set a conflict aside with a reason; employment, membership and one address never are."""
        made = await once(lambda: commands.dismiss(session, actor, proposal_id, data))
        return Response(made, headers={"location": f"/api/proposals/{proposal_id}/assignments"})


class AssignmentActs(Controller):
    """What is done to one assignment."""

    path = "/assignments/{assignment_id:uuid}"
    tags = ["reviews"]

    @post("/remove", opt={"action": "assignment.remove"}, status_code=204)
    async def remove(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        assignment_id: FromPath[UUID],
        data: JSONBody[Reason],
    ) -> None:
        """Take a reviewer off a proposal, with a reason; a submitted review stays."""
        await commands.remove(session, actor, assignment_id, data.reason)

    @post("/decline", opt={"action": "assignment.answer"}, status_code=204)
    async def decline(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        assignment_id: FromPath[UUID],
        data: JSONBody[Reason],
    ) -> None:
        """Decline to review, with a reason."""
        await answers.decline(session, actor, assignment_id, data.reason)

    @post("/conflict", opt={"action": "assignment.answer"}, status_code=204)
    async def declare(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        assignment_id: FromPath[UUID],
        data: JSONBody[Note],
    ) -> None:
        """Declare a conflict of interest: the proposal is closed to the reviewer from then on."""
        await answers.declare(session, actor, assignment_id, data.note)


class Reviews(Controller):
    """The reader's own reviews."""

    path = "/reviews"
    tags = ["reviews"]

    @get(opt={"action": "review.list"}, status_code=200)
    async def list_(self, reading: NamedDependency[Reading]) -> Response[ReviewList]:
        """List the reader's reviews side by side."""
        return shaped(ReviewList, await queries.own(reading))

    @post("/accept", opt={"action": "assignment.answer"}, status_code=200)
    async def accept(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        data: JSONBody[Accept],
    ) -> AcceptedReviews:
        """Accept several requests at once, with one pledge."""
        return await answers.accept(session, actor, data)

    @post("/submit", opt={"action": "review.submit"}, status_code=200)
    async def submit(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        arrival: NamedDependency[Arrival],
        data: JSONBody[Submit],
    ) -> Submitted:
        """Submit several reviews, all or none; a submitted review is final."""
        return await answers.submit(session, actor, arrival, data.assignment_ids)

    @get("/{assignment_id:uuid}", opt={"action": "review.read"}, status_code=200)
    async def read(
        self, reading: NamedDependency[Reading], assignment_id: FromPath[UUID]
    ) -> ReviewPage:
        """Show the proposal, the form and the own review; others' only after the own is submitted."""
        return await pages.review(reading, assignment_id)

    @put("/{assignment_id:uuid}", opt={"action": "review.write"}, status_code=204)
    async def save(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        assignment_id: FromPath[UUID],
        data: JSONBody[ReviewIn],
    ) -> Response[None]:
        """Save the own review as it is; `If-Match: "0"` for one that was never saved."""
        found = await answers.save(session, actor, assignment_id, rev, data)
        return Response(None, status_code=204, headers=etag(found))


STOPS_REVIEWS = followers
"""Loaded with the routes: conflicts that come later stop reviews."""

HANDLERS: list[Any] = [ProposalReviewers, AssignmentActs, Reviews]
