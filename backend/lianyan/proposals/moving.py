"""The one function that moves a proposal from state to state."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.policy import ALLOWED, Role
from lianyan.core.problems import Conflict
from lianyan.proposals import access
from lianyan.proposals.models import Moved, Proposal
from lianyan.proposals.states import (
    BEFORE,
    MOVES,
    NEXT,
    OVER,
    SHOWN,
    Move,
    State,
    before_state,
    moves_from,
    next_state,
)


async def target(session: AsyncSession, proposal: Proposal, move: Move) -> State | None:
    """Return where `move` would lead the proposal now, None if it leads nowhere."""
    state = State(proposal.state)
    found = MOVES.get((state, move))
    if found == NEXT:
        return next_state(state, proposal.stages or [])
    if found == BEFORE:
        rows = await session.execute(
            select(Moved.move, Moved.from_state, Moved.to_state)
            .where(Moved.proposal_id == proposal.id)
            .order_by(Moved.id)
        )
        return before_state(state, [(Move(m), State(a), State(b)) for m, a, b in rows])
    return State(found) if found else None


def wrong_state(proposal: Proposal, move: str, roles: Role | None) -> Conflict:
    """Return the refusal of a move: what holds now and what is allowed, as far as the asker may know."""
    state = State(proposal.state)
    asker = roles or Role(0)
    staff = asker & (Role.COORDINATOR | Role.APPROVER)
    allowed = [m.value for m in moves_from(state) if asker & ALLOWED.get(f"proposal.{m}", Role(0))]
    shown = state.value if staff else SHOWN[state]
    return Conflict("proposals.wrong_state", state=shown, move=move, allowed=allowed)


async def move(
    session: AsyncSession,
    actor: Actor | None,
    proposal: Proposal,
    move: Move,
    *,
    roles: Role | None = None,
    reason: str | None = None,
    reason_code: str | None = None,
    version_id: UUID | None = None,
    **data: Any,
) -> State:
    """Move the locked proposal, write the timeline and the event, keep `access`; return the new state.

    `actor` None is the system. Raise Conflict if the table knows no such move from here.
    """
    entered = await target(session, proposal, move)
    if entered is None:
        raise wrong_state(proposal, move, roles)
    left = State(proposal.state)
    await session.execute(
        insert(Moved).values(
            proposal_id=proposal.id,
            move=move.value,
            from_state=left.value,
            to_state=entered.value,
            actor_id=actor.id if actor else None,
            at=func.clock_timestamp(),
            reason=reason,
            reason_code=reason_code,
            version_id=version_id or proposal.version_id,
        )
    )
    proposal.state = entered.value
    # Applicants read the revision too: it stays where they are shown the same state as before.
    if SHOWN[left] != SHOWN[entered]:
        proposal.rev += 1
    await session.flush()
    # A project that is over ties nobody any more, and one that is alive again does.
    if (left in OVER) != (entered in OVER):
        await access.refresh_around(session, proposal.id)
    else:
        await access.refresh(session, proposal.id)
    await record(
        session,
        actor,
        f"proposal.{move}",
        proposal.id,
        proposal_id=proposal.id,
        before=left.value,
        after=entered.value,
        **data,
    )
    return entered
