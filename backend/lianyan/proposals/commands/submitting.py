"""Submitting and submitting again."""

from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call, CallNumber
from lianyan.calls.workdays import add_workdays
from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival
from lianyan.core.policy import Role
from lianyan.core.problems import Conflict, FieldError
from lianyan.proposals import acts, versions
from lianyan.proposals.commands.editing import ask_again, complete
from lianyan.proposals.completeness import blocking, content
from lianyan.proposals.deadlines import too_late
from lianyan.proposals.models import Moved, Proposal, Taking, Version
from lianyan.proposals.moving import move, wrong_state
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.submission import Gap, Submitted
from lianyan.proposals.states import MOVES, Move, Participation, State

DIGITS = 4


async def submit(
    session: AsyncSession,
    actor: Actor,
    proposal_id: UUID,
    content_hash: str,
    *,
    arrival: Arrival | None = None,
) -> Submitted:
    """Submit the content as shown, judged by the database's clock; return number, time and version.

    A retry of a submission that has happened, with the same content, is a success.
    """
    proposal, roles = await find(session, actor, proposal_id, "proposal.submit")
    if done := await _done(session, proposal, content_hash, Move.SUBMIT):
        return done
    _demand(proposal, Move.SUBMIT, roles)
    call = await session.get_one(Call, proposal.call_id)
    now = await acts.moment(session, proposal.id, arrival)
    if not acts.in_time(Move.SUBMIT, now):
        raise Conflict("proposals.call_closed", **too_late(now.submit_until, now.at))
    await _demand_shown(session, proposal, content_hash)
    await _demand_complete(session, proposal)
    proposal.stages = list(call.stages)
    version = await versions.freeze(session, proposal, actor.id)
    number = proposal.number or await _number(session, call)
    proposal.version_id = version.id
    proposal.number, proposal.submitted_at = number, now.at
    await ask_again(session, actor, proposal.id)
    await _open_consent(session, proposal, call, now.at)
    await move(session, actor, proposal, Move.SUBMIT, version_id=version.id)
    await complete(session, proposal)
    return _submitted(proposal, version)


async def resubmit(
    session: AsyncSession,
    actor: Actor,
    proposal_id: UUID,
    content_hash: str,
    *,
    arrival: Arrival | None = None,
) -> Submitted:
    """Submit the corrected content; number and time of submission stay as they are."""
    proposal, roles = await find(session, actor, proposal_id, "proposal.resubmit")
    if done := await _done(session, proposal, content_hash, Move.RESUBMIT):
        return done
    _demand(proposal, Move.RESUBMIT, roles)
    call = await session.get_one(Call, proposal.call_id)
    now = await acts.moment(session, proposal.id, arrival)
    if not acts.in_time(Move.RESUBMIT, now) and now.returned_until is not None:
        raise Conflict("proposals.correction_closed", **too_late(now.returned_until, now.at))
    await _demand_shown(session, proposal, content_hash)
    await _demand_complete(session, proposal)
    version = await versions.freeze(session, proposal, actor.id)
    proposal.version_id = version.id
    await ask_again(session, actor, proposal.id)
    await _open_consent(session, proposal, call, now.at)
    await move(session, actor, proposal, Move.RESUBMIT, version_id=version.id)
    await complete(session, proposal)
    return _submitted(proposal, version)


def _demand(proposal: Proposal, asked: Move, roles: Role) -> None:
    if (State(proposal.state), asked) not in MOVES:
        raise wrong_state(proposal, asked, roles)


async def _demand_shown(session: AsyncSession, proposal: Proposal, content_hash: str) -> None:
    """Raise Conflict if somebody has changed the content since it was shown."""
    found = (await versions.fingerprint(session, proposal.id)).hex()
    if found != content_hash:
        raise Conflict("proposals.content_changed", content_hash=found)


async def _demand_complete(session: AsyncSession, proposal: Proposal) -> None:
    """Raise Conflict naming every field that is missing."""
    gaps = blocking(await content(session, proposal))
    if gaps:
        raise Conflict(
            "proposals.incomplete",
            errors=[FieldError(_field(gap), gap.code, gap.params) for gap in gaps],
            count=len(gaps),
        )


def _field(gap: Gap) -> str:
    if gap.question:
        return f"answers.{gap.question}"
    if gap.participation:
        return f"participations.{gap.participation}"
    return gap.section or "proposal"


async def _number(session: AsyncSession, call: Call) -> str:
    """Return the call's next number: its row is locked until the commit, so none is given twice."""
    stored = upsert(CallNumber).values(call_id=call.id, last=1)
    last = await session.scalar(
        stored.on_conflict_do_update(
            index_elements=["call_id"], set_={"last": CallNumber.last + literal(1)}
        ).returning(CallNumber.last)
    )
    return f"{call.prefix}-{last:0{DIGITS}d}"


async def _open_consent(
    session: AsyncSession, proposal: Proposal, call: Call, now: datetime
) -> None:
    """Set the date of the confirmations, where any is missing: working days, to the closing hour."""
    proposal.reopened = False
    if "consent" not in (proposal.stages or []):
        return
    waiting = await session.scalar(
        select(Taking.id)
        .where(
            Taking.proposal_id == proposal.id,
            Taking.state.not_in([Participation.CONSENTED, Participation.REMOVED]),
        )
        .limit(1)
    )
    if waiting is None and proposal.consent_until is not None:
        return
    closing: time = call.closes_at.astimezone(ZoneInfo(call.zone)).time()
    proposal.consent_until = add_workdays(now, call.consent_days, closing, call.zone)


async def _done(
    session: AsyncSession, proposal: Proposal, content_hash: str, asked: Move
) -> Submitted | None:
    """Return the submission that has already happened with this very content, if it was the last."""
    if proposal.number is None or State(proposal.state) in {State.DRAFT, State.RETURNED}:
        return None
    last = await session.scalar(
        select(Moved)
        .where(Moved.proposal_id == proposal.id, Moved.actor_id.is_not(None))
        .order_by(Moved.id.desc())
        .limit(1)
    )
    if last is None or last.move != asked or last.actor_id != proposal.lead_id:
        return None
    version = await session.get(Version, last.version_id)
    if version is None or version.fingerprint.hex() != content_hash:
        return None
    return _submitted(proposal, version)


def _submitted(proposal: Proposal, version: Version) -> Submitted:
    assert proposal.number is not None  # noqa: S101  a table constraint says so
    assert proposal.submitted_at is not None  # noqa: S101  a table constraint says so
    return Submitted(proposal.number, proposal.submitted_at, version.number, proposal.state)
