"""How a reviewer gets hold of an assignment, and what a refusal says."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.db import Connection
from lianyan.core.policy import Role
from lianyan.core.problems import Conflict, Forbidden, NotFound, Problem
from lianyan.proposals import policy
from lianyan.proposals.models import Proposal
from lianyan.proposals.states import State
from lianyan.reviews.models import Assignment

ACTIVE = ("asked", "accepted")


class Own(NamedTuple):
    """An assignment of the actor's, locked with its proposal."""

    proposal: Proposal
    assignment: Assignment


def explained(refusal: Problem, *, state: str, suspended: bool) -> Problem:
    """Return what a reviewer is told in place of a plain refusal: the reason, or nothing at all."""
    if refusal.code == "problems.coi_own_proposal":
        return own_proposal(refusal)
    if state not in ACTIVE:
        return NotFound()
    if suspended:
        return Forbidden("reviews.suspended")
    if state == "asked" and isinstance(refusal, Forbidden):
        return Forbidden("reviews.accept_first")
    return refusal


async def look(connection: Connection, actor: Actor, proposal_id: UUID, action: str) -> Role:
    """Return the actor's roles as `proposals.policy.look` does; whoever takes part is told so."""
    try:
        return await policy.look(connection, actor, proposal_id, action)
    except Forbidden as refusal:
        raise own_proposal(refusal) from None


async def find(session: AsyncSession, actor: Actor, proposal_id: UUID, action: str) -> Proposal:
    """Return the proposal, locked, while its reviewers may still be chosen."""
    try:
        found = await policy.find(session, actor, proposal_id, action)
    except Forbidden as refusal:
        raise own_proposal(refusal) from None
    in_review(found.proposal)
    return found.proposal


def own_proposal(refusal: Problem) -> Problem:
    """Return the refusal, said in the words of the reviews where the actor takes part."""
    if refusal.code == "problems.coi_own_proposal":
        return Forbidden("reviews.coi_own_proposal")
    return refusal


def in_review(proposal: Proposal) -> None:
    """Raise Conflict unless the proposal is with its reviewers; say nothing of where it is."""
    if proposal.state != State.PEER_REVIEW:
        raise Conflict("reviews.not_in_review")


async def mine(session: AsyncSession, actor: Actor, assignment_id: UUID) -> Assignment:
    """Return the assignment, not locked, if it is the actor's own."""
    own = Assignment.id == assignment_id, Assignment.reviewer_id == actor.id
    found = await session.scalar(select(Assignment).where(*own))
    if found is None:
        raise NotFound
    return found


async def own(session: AsyncSession, actor: Actor, assignment_id: UUID, action: str) -> Own:
    """Return an assignment of the actor's, locked after its proposal, if `action` is allowed."""
    assignment = await mine(session, actor, assignment_id)
    try:
        found = await policy.find(session, actor, assignment.proposal_id, action)
    except (Forbidden, NotFound) as refusal:
        suspended = assignment.suspended_at is not None
        raise explained(refusal, state=assignment.state, suspended=suspended) from None
    return Own(found.proposal, await locked(session, assignment_id))


async def locked(session: AsyncSession, assignment_id: UUID) -> Assignment:
    """Return the assignment as it is now, locked."""
    again = select(Assignment).where(Assignment.id == assignment_id).with_for_update()
    found = await session.scalar(again.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


async def own_many(
    session: AsyncSession, actor: Actor, assignment_ids: list[UUID], action: str
) -> list[Own]:
    """Return several assignments of the actor's, locked in one order for everybody."""
    rows = [await mine(session, actor, assignment_id) for assignment_id in assignment_ids]
    rows.sort(key=lambda row: row.proposal_id)
    return [await own(session, actor, row.id, action) for row in rows]
