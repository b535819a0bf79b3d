"""Who gets hold of a decision, and what a refusal says."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.db import Connection
from lianyan.core.policy import Role
from lianyan.core.problems import Conflict, Forbidden, NotFound, Problem
from lianyan.decisions.models import Decision
from lianyan.decisions.states import Decided
from lianyan.proposals import policy
from lianyan.proposals.conflicts import ConflictOfInterest, conflicts_of, standing_in_the_way
from lianyan.proposals.models import Proposal
from lianyan.proposals.states import State

APPROVERS = """
  select q.id from people q join platform_roles h on h.person_id = q.id
  where h.role = 'approver' and h.ended_at is null and q.status = 'active'
  order by q.sort_key collate "C", q.id
"""

DRAFTERS = text(
    "select distinct actor_id from events where subject_id = :decision and kind = 'decision.drafted'"
)


def own_proposal(refusal: Problem) -> Problem:
    """Return the refusal, said in the words of the decisions where the actor takes part."""
    if refusal.code == "problems.coi_own_proposal":
        return Forbidden("decisions.coi_own_proposal")
    return refusal


async def look(connection: Connection, actor: Actor, proposal_id: UUID, action: str) -> Role:
    """Return the actor's roles as `proposals.policy.look` does; whoever takes part is told so."""
    try:
        return await policy.look(connection, actor, proposal_id, action)
    except Forbidden as refusal:
        raise own_proposal(refusal) from None


async def find(session: AsyncSession, actor: Actor, proposal_id: UUID, action: str) -> Proposal:
    """Return the proposal, locked, if `actor` may do `action` about its decision."""
    try:
        return (await policy.find(session, actor, proposal_id, action)).proposal
    except Forbidden as refusal:
        raise own_proposal(refusal) from None


def pending(proposal: Proposal) -> None:
    """Raise Conflict unless the proposal waits for its decision."""
    if proposal.state != State.DECISION_PENDING:
        raise Conflict("decisions.not_pending", state=proposal.state)


async def of_decision(
    session: AsyncSession, actor: Actor, decision_id: UUID, action: str
) -> tuple[Proposal, Decision]:
    """Return a decision and its proposal, both locked, if `actor` may do `action` to it."""
    seen = await session.get(Decision, decision_id)
    if seen is None:
        raise NotFound
    proposal = await find(session, actor, seen.proposal_id, action)
    return proposal, await locked(session, decision_id)


async def locked(session: AsyncSession, decision_id: UUID) -> Decision:
    """Return the decision as it is now, locked."""
    again = select(Decision).where(Decision.id == decision_id).with_for_update()
    found = await session.scalar(again.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


async def current(session: AsyncSession, proposal_id: UUID) -> Decision | None:
    """Return the proposal's decision that is not cancelled, locked."""
    mine = Decision.proposal_id == proposal_id, Decision.state != Decided.CANCELLED
    statement = select(Decision).where(*mine).with_for_update()
    return await session.scalar(statement.execution_options(populate_existing=True))


async def drafters(session: AsyncSession, decision_id: UUID) -> set[UUID]:
    """Return everybody who has written any part of a decision: none of them signs it."""
    found = await session.scalars(DRAFTERS, {"decision": decision_id})
    return {person for person in found if person is not None}


async def approvers(
    connection: Connection, proposal_id: UUID
) -> dict[UUID, list[ConflictOfInterest]]:
    """Return everybody with the role approver, with the conflicts that keep them from signing."""
    people = [row["id"] for row in await connection.fetch(APPROVERS)]
    found = await conflicts_of(connection, proposal_id, people)
    return {person: standing_in_the_way(found[person]) for person in people}
