"""Ways out: taking back, withdrawing, deleting a draft."""

from uuid import UUID

from sqlalchemy import delete as delete_from
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.policy import Role
from lianyan.core.problems import Conflict, Forbidden, Stale
from lianyan.core.text import prose
from lianyan.identity.models import Officer
from lianyan.proposals import access, acts
from lianyan.proposals.deadlines import too_late
from lianyan.proposals.models import Consent, Moved, Proposal, Taking, Version
from lianyan.proposals.moving import move, wrong_state
from lianyan.proposals.policy import find
from lianyan.proposals.states import MOVES, Move, State

REASON_LIMIT = 300


async def take_back(
    session: AsyncSession,
    actor: Actor,
    proposal_id: UUID,
    *,
    rev: int,
    arrival: Arrival | None = None,
) -> int:
    """Make the proposal a draft again, before the deadline and before anybody has checked it."""
    proposal, roles = await find(session, actor, proposal_id, "proposal.take_back")
    if await _happened(session, actor, proposal, Move.TAKE_BACK):
        return proposal.rev
    _demand(proposal, Move.TAKE_BACK, roles, rev)
    now = await acts.moment(session, proposal.id, arrival)
    if now.checked:
        raise Conflict("proposals.checked_already")
    if not acts.in_time(Move.TAKE_BACK, now):
        raise Conflict("proposals.call_closed", **too_late(now.submit_until, now.at))
    proposal.consent_until, proposal.reopened = None, False
    await move(session, actor, proposal, Move.TAKE_BACK, roles=roles)
    return proposal.rev


async def withdraw(
    session: AsyncSession, actor: Actor, proposal_id: UUID, reason: str, *, rev: int
) -> int:
    """Withdraw the proposal before its review has begun; return its revision."""
    proposal, roles = await find(session, actor, proposal_id, "proposal.withdraw")
    said = _reason(reason)
    if await _happened(session, actor, proposal, Move.WITHDRAW):
        return proposal.rev
    _demand(proposal, Move.WITHDRAW, roles, rev)
    await move(session, actor, proposal, Move.WITHDRAW, roles=roles, reason=said)
    return proposal.rev


async def withdraw_by_institution(
    session: AsyncSession, actor: Actor, proposal_id: UUID, reason: str, *, rev: int
) -> int:
    """Withdraw the proposal for its lead institution once review has begun; return its revision.

    A coordinator does so only for an institution that has no officer.
    """
    action = "proposal.withdraw_by_institution"
    proposal, roles = await find(session, actor, proposal_id, action)
    said = _reason(reason)
    if await _happened(session, actor, proposal, Move.WITHDRAW_BY_INSTITUTION):
        return proposal.rev
    _demand(proposal, Move.WITHDRAW_BY_INSTITUTION, roles, rev)
    if Role.LEAD_OFFICER not in roles and await _has_officer(session, proposal):
        raise Forbidden("proposals.officer_withdraws")
    await move(session, actor, proposal, Move.WITHDRAW_BY_INSTITUTION, roles=roles, reason=said)
    return proposal.rev


async def delete(session: AsyncSession, actor: Actor, proposal_id: UUID, *, rev: int) -> None:
    """Delete a draft that was never submitted, with everything in it."""
    proposal, roles = await find(session, actor, proposal_id, "proposal.delete")
    if proposal.state != State.DRAFT or proposal.number is not None:
        raise wrong_state(proposal, "delete", roles)
    if proposal.rev != rev:
        raise Stale(rev=proposal.rev, stored={})
    parts = select(Taking.id).where(Taking.proposal_id == proposal.id)
    await session.execute(delete_from(Consent).where(Consent.participation_id.in_(parts)))
    await session.execute(delete_from(Version).where(Version.proposal_id == proposal.id))
    await record(
        session,
        actor,
        "proposal.deleted",
        proposal.id,
        proposal_id=proposal.id,
        call_id=proposal.call_id,
    )
    around = await access.around(session, proposal.id)
    await session.execute(delete_from(Proposal).where(Proposal.id == proposal.id))
    await access.refresh_many(session, around)


def _reason(reason: str) -> str:
    fields = Fields()
    said = fields.take("reason", prose, reason, limit=REASON_LIMIT) or ""
    fields.settle()
    return said


def _demand(proposal: Proposal, asked: Move, roles: Role, rev: int) -> None:
    if (State(proposal.state), asked) not in MOVES:
        raise wrong_state(proposal, asked, roles)
    if proposal.rev != rev:
        raise Stale(rev=proposal.rev, stored={})


async def _happened(session: AsyncSession, actor: Actor, proposal: Proposal, asked: Move) -> bool:
    """Say whether this was the last move, made by this person: a retry then is a success."""
    last = await session.scalar(
        select(Moved).where(Moved.proposal_id == proposal.id).order_by(Moved.id.desc()).limit(1)
    )
    return last is not None and last.move == asked and last.actor_id == actor.id


async def _has_officer(session: AsyncSession, proposal: Proposal) -> bool:
    found = await session.scalar(
        select(Officer.id)
        .join(Taking, Taking.institution_id == Officer.institution_id)
        .where(
            Taking.proposal_id == proposal.id,
            Taking.role == "lead",
            Taking.state != "removed",
            Officer.ended_at.is_(None),
        )
        .limit(1)
    )
    return found is not None
