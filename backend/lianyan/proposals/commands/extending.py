"""Giving more time: a proposal's submission, confirmations or correction, or one institution's."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.core.actor import Actor
from lianyan.core.clock import now
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict, NotFound, invalid
from lianyan.core.revisions import match
from lianyan.core.text import prose
from lianyan.proposals.models import Extension, Proposal, Taking
from lianyan.proposals.moving import wrong_state
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.desk import ExtendIn
from lianyan.proposals.schemas.refs import Saved
from lianyan.proposals.states import OPEN, State

REASON_LIMIT = 300
LONGEST = timedelta(days=366)
"""A date further away is a slip of the pen."""

KINDS = {State.DRAFT: "submit", State.CONSENT_PENDING: "consent", State.RETURNED: "correction"}
"""States whose date can be moved, and which date it is."""


async def extend(
    session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int, data: ExtendIn
) -> Saved:
    """Move the date the proposal waits for, or one institution's, and keep the reason."""
    fields = Fields()
    reason = fields.take("reason", prose, data.reason, limit=REASON_LIMIT)
    fields.settle()
    proposal, roles = await find(session, actor, proposal_id, "proposal.extend")
    kind = KINDS.get(State(proposal.state))
    if kind is None:
        raise wrong_state(proposal, "extend", roles)
    taking = await _taking(session, proposal, data.participation_id)
    before = await _before(session, proposal, taking)
    until = later("until", data.until, await now(session))
    if before == until and proposal.rev == rev + 1:
        return Saved(proposal_id, proposal.rev)
    match(proposal.rev, rev, until=before.isoformat() if before else None)
    if before is not None and until <= before:
        raise invalid("until", "desk.not_later", until=before.isoformat())
    if taking is not None:
        taking.until = until
    elif kind == "submit":
        proposal.due_at = until
    elif kind == "consent":
        proposal.consent_until = until
        # A part's own extension that is earlier now says nothing any more.
        await session.execute(
            update(Taking)
            .where(Taking.proposal_id == proposal_id, Taking.until <= until)
            .values(until=None)
        )
    else:
        proposal.returned_until = until
    proposal.rev += 1
    session.add(
        Extension(
            proposal_id=proposal_id,
            participation_id=taking.id if taking else None,
            kind=kind,
            before=before,
            until=until,
            reason=reason or "",
            granted_by=actor.id,
        )
    )
    await session.flush()
    await record(
        session,
        actor,
        "participation.extend" if taking else "proposal.extend",
        taking.id if taking else proposal_id,
        proposal_id=proposal_id,
        until=until,
        extended=kind,
    )
    return Saved(proposal_id, proposal.rev)


async def _taking(
    session: AsyncSession, proposal: Proposal, participation_id: UUID | None
) -> Taking | None:
    """Return the institution's part that is given more time, None for the whole proposal."""
    if participation_id is None:
        return None
    taking = await session.scalar(
        select(Taking).where(Taking.id == participation_id, Taking.proposal_id == proposal.id)
    )
    if taking is None:
        raise NotFound
    if proposal.state != State.CONSENT_PENDING or taking.state not in OPEN:
        raise Conflict("desk.nothing_to_confirm", state=taking.state)
    return taking


async def _before(
    session: AsyncSession, proposal: Proposal, taking: Taking | None
) -> datetime | None:
    """Return the date that holds now."""
    if taking is not None:
        return taking.until or proposal.consent_until
    if proposal.state == State.CONSENT_PENDING:
        return proposal.consent_until
    if proposal.state == State.RETURNED:
        return proposal.returned_until
    closes = await session.scalar(select(Call.closes_at).where(Call.id == proposal.call_id))
    return proposal.due_at or closes


def later(field: str, value: str, moment: datetime) -> datetime:
    """Return an instant with a zone that lies after `moment`, within a year; refuse any other."""
    try:
        found = datetime.fromisoformat(value) if len(value) >= len("2026-12-01T18") else None
    except ValueError:
        found = None
    if found is None:
        raise invalid(field, "desk.not_an_instant")
    if found.tzinfo is None:
        raise invalid(field, "desk.zone_missing")
    try:
        found = found.astimezone(UTC)
    except OverflowError:
        raise invalid(field, "desk.not_an_instant") from None
    if found <= moment:
        raise invalid(field, "desk.in_the_past")
    if found > moment + LONGEST:
        raise invalid(field, "desk.too_far")
    return found
