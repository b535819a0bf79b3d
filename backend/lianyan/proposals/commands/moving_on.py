"""The moves a coordinator makes: pass, return, refuse, finish, reopen, undo, restore."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.calls.presets import light
from lianyan.calls.workdays import add_workdays
from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival, instant, now
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict
from lianyan.core.revisions import match
from lianyan.core.text import prose
from lianyan.decisions.commands import cancel
from lianyan.decisions.queries import signed
from lianyan.proposals.commands.extending import later
from lianyan.proposals.models import Moved as Line
from lianyan.proposals.models import Proposal, Taking
from lianyan.proposals.moving import move, target, wrong_state
from lianyan.proposals.policy import Found, find
from lianyan.proposals.queries.checklist import blockers
from lianyan.proposals.queries.dossier import SINCE
from lianyan.proposals.schemas.desk import (
    REASON_CODES,
    BecauseIn,
    FinishIn,
    Moved,
    RefuseIn,
    ReturnIn,
)
from lianyan.proposals.states import OPEN, SHOWN, UNDOABLE, Move, State
from lianyan.reviews.queries import ready

REASON_LIMIT = 300
HOLD = timedelta(minutes=10)
"""How long a move can be undone, and its messages are held."""


async def pass_check(session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int) -> Moved:
    """Pass the formal check; every item must be answered with ok."""
    found = await _take(session, actor, proposal_id, Move.PASS, rev)
    if found is None:
        return await _as_it_is(session, proposal_id)
    missing = await blockers(session, found.proposal)
    if missing:
        items = [b.item for b in missing]
        raise Conflict("desk.check_unfinished", count=len(missing), items=items)
    return await _make(session, actor, found, Move.PASS)


async def return_for_correction(
    session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int, data: ReturnIn
) -> Moved:
    """Return the proposal to its lead, with a reason and a date: five working days unless given."""
    fields = Fields()
    reason = fields.take("reason", prose, data.reason, limit=REASON_LIMIT)
    fields.settle()
    found = await _take(session, actor, proposal_id, Move.RETURN, rev)
    if found is None:
        return await _as_it_is(session, proposal_id)
    moment = await now(session)
    if data.until is None:
        until = await return_until(session, found.proposal, moment)
    else:
        until = later("until", data.until, moment)
    found.proposal.returned_until = until
    return await _make(session, actor, found, Move.RETURN, reason=reason, until=until)


async def return_until(session: AsyncSession, proposal: Proposal, moment: datetime) -> datetime:
    """Return when a proposal returned at `moment` is due, unless another date is given."""
    call = await session.get_one(Call, proposal.call_id)
    closing = call.closes_at.astimezone(ZoneInfo(call.zone)).time()
    return add_workdays(moment, light().return_days, closing, call.zone)


async def refuse(
    session: AsyncSession,
    actor: Actor,
    proposal_id: UUID,
    data: RefuseIn,
    *,
    rev: int,
    arrival: Arrival,
) -> Moved:
    """Do not accept the proposal; one that waits for somebody only after its date."""
    fields = Fields()
    reason = fields.take("reason", prose, data.reason, limit=REASON_LIMIT)
    fields.settle()
    found = await _take(session, actor, proposal_id, Move.REFUSE, rev)
    if found is None:
        return await _as_it_is(session, proposal_id)
    date = await _date(session, found.proposal)
    if date is not None and await now(session, arrival) <= date:
        wrong = wrong_state(found.proposal, Move.REFUSE, found.roles)
        allowed = [m for m in wrong.params["allowed"] if m != Move.REFUSE]
        raise Conflict(
            "desk.before_date", until=instant(date), state=found.proposal.state, allowed=allowed
        )
    return await _make(session, actor, found, Move.REFUSE, reason=reason, reason_code=data.code)


async def _date(session: AsyncSession, proposal: Proposal) -> datetime | None:
    """Return until when the proposal waits for its institutions or its lead."""
    if proposal.state == State.RETURNED:
        return proposal.returned_until
    if proposal.state != State.CONSENT_PENDING:
        return None
    extended = await session.scalar(
        select(func.max(Taking.until)).where(
            Taking.proposal_id == proposal.id, Taking.state.in_(OPEN)
        )
    )
    dates = [date for date in (proposal.consent_until, extended) if date is not None]
    return max(dates, default=None)


async def finish(
    session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int, data: FinishIn
) -> Moved:
    """Finish the reviews; what is missing refuses, unless a waiver says why it may be."""
    fields = Fields()
    waiver = data.waiver and fields.take(
        "waiver", prose, data.waiver, blank=True, limit=REASON_LIMIT
    )
    fields.settle()
    found = await _take(session, actor, proposal_id, Move.FINISH, rev)
    if found is None:
        return await _as_it_is(session, proposal_id)
    missing = await ready(session, found.proposal)
    if missing and not (waiver and waiver.strip()):
        blocking = [{"code": b.code, "params": b.params} for b in missing]
        raise Conflict("desk.reviews_unfinished", count=len(missing), blockers=blocking)
    if not missing:
        return await _make(session, actor, found, Move.FINISH)
    return await _make(
        session, actor, found, Move.FINISH, reason=waiver, reason_code="waiver", waived=True
    )


async def reopen(
    session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int, data: BecauseIn
) -> Moved:
    """Open the reviews again while no decision is signed; a drafted one is cancelled."""
    fields = Fields()
    reason = fields.take("reason", prose, data.reason, limit=REASON_LIMIT)
    fields.settle()
    found = await _take(session, actor, proposal_id, Move.REOPEN, rev)
    if found is None:
        return await _as_it_is(session, proposal_id)
    if await signed(session, proposal_id):
        raise Conflict("desk.decision_signed", state=found.proposal.state, allowed=[])
    await cancel(session, actor, proposal_id)
    return await _make(session, actor, found, Move.REOPEN, reason=reason)


async def restore(session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int) -> Moved:
    """Bring a withdrawn proposal back to the state it was withdrawn from."""
    found = await _take(session, actor, proposal_id, Move.RESTORE, rev)
    if found is None:
        return await _as_it_is(session, proposal_id)
    return await _make(session, actor, found, Move.RESTORE)


DONE_SINCE = text(f"""
  select split_part(e.kind, '.', 1) from events e
  where e.proposal_id = :proposal and {SINCE.format(event="cast(:event as bigint)")}
  order by e.id limit 1
""")
MOVED = text("select max(id) from events where proposal_id = :proposal and kind = :kind")
HELD = text("delete from messages where event_id = :event and hold_until > clock_timestamp()")
SENT = text("""
  select count(*) from messages where event_id = :event and hold_until <= clock_timestamp()
""")


async def undo(
    session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int, arrival: Arrival
) -> Moved:
    """Take the last move back: by who made it, within ten minutes, before anybody built on it."""
    found = await _take(session, actor, proposal_id, Move.UNDO, rev)
    if found is None:
        return await _as_it_is(session, proposal_id)
    line = await _last(session, proposal_id)
    if line is None:
        raise wrong_state(found.proposal, Move.UNDO, found.roles)
    event = await undoable(session, actor, line, await now(session, arrival))
    await session.execute(HELD, {"event": event})
    if line.move == Move.RETURN:
        found.proposal.returned_until = None
    return await _make(session, actor, found, Move.UNDO, undone=line.move)


async def undoable(session: AsyncSession, actor: Actor, line: Line, moment: datetime) -> int:
    """Return the event of the move that `line` tells of; raise Conflict where it cannot be undone."""
    if line.move not in UNDOABLE:
        raise Conflict("desk.undo_not_this_move", move=line.move)
    if line.actor_id != actor.id:
        raise Conflict("desk.undo_other_person", move=line.move)
    if moment > line.at + HOLD:
        raise Conflict("desk.undo_too_late", move=line.move, until=instant(line.at + HOLD))
    kind = f"proposal.{line.move}"
    event: int = (await session.scalars(MOVED, {"proposal": line.proposal_id, "kind": kind})).one()
    since = await session.scalar(DONE_SINCE, {"proposal": line.proposal_id, "event": event})
    if since is not None:
        raise Conflict("desk.undo_work_since", move=line.move, work=since)
    if await session.scalar(SENT, {"event": event}):
        raise Conflict("desk.undo_too_late", move=line.move, until=instant(line.at + HOLD))
    return event


async def _last(session: AsyncSession, proposal_id: UUID) -> Line | None:
    lines = select(Line).where(Line.proposal_id == proposal_id).order_by(Line.id.desc()).limit(1)
    return (await session.scalars(lines)).first()


async def _take(
    session: AsyncSession, actor: Actor, proposal_id: UUID, wanted: Move, rev: int
) -> Found | None:
    """Return the proposal, locked, if the move is possible from here; None if it was just made.

    A retry of the actor's own last move is a success. It names an older revision, unless the move
    is one that nobody outside sees: such a move leaves the revision as it was.
    """
    found = await find(session, actor, proposal_id, f"proposal.{wanted}")
    proposal = found.proposal
    last = await _last(session, proposal_id)
    if last is not None and (last.move, last.actor_id) == (wanted, actor.id):
        unseen = SHOWN[State(last.from_state)] == SHOWN[State(last.to_state)]
        if unseen or rev != proposal.rev:
            return None
    if await target(session, proposal, wanted) is None:
        raise wrong_state(proposal, wanted, found.roles)
    match(proposal.rev, rev, state=proposal.state)
    return found


async def _make(
    session: AsyncSession,
    actor: Actor,
    found: Found,
    made: Move,
    *,
    reason: str | None = None,
    reason_code: str | None = None,
    **data: Any,
) -> Moved:
    proposal = found.proposal
    if reason_code in REASON_CODES:
        data["code"] = reason_code
    state = await move(
        session,
        actor,
        proposal,
        made,
        roles=found.roles,
        reason=reason,
        reason_code=reason_code,
        **data,
    )
    return Moved(proposal.id, proposal.rev, state)


async def _as_it_is(session: AsyncSession, proposal_id: UUID) -> Moved:
    proposal = await session.get_one(Proposal, proposal_id)
    return Moved(proposal.id, proposal.rev, proposal.state)
