"""Releasing decisions: ordered, held ten minutes, carried out once by whoever comes first.

Locks are taken in one order by everybody: the release, then its proposals by id, then its decisions.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival, now
from lianyan.core.db import raw
from lianyan.core.events import record
from lianyan.core.jobs import enqueue
from lianyan.core.messages import tell
from lianyan.core.problems import Conflict, FieldError, NotFound, invalid
from lianyan.decisions import policy
from lianyan.decisions.letters import Letter, letters_of
from lianyan.decisions.models import Decision, Release
from lianyan.decisions.states import HOLD, Decided
from lianyan.projects.commands import register
from lianyan.proposals.models import Proposal
from lianyan.proposals.moving import move
from lianyan.proposals.states import Move, State

MOST_AT_ONCE = 200
MOVES = {"approve": Move.APPROVE, "reject": Move.REJECT}
HANDLING = "decision.draft"
"""Whoever may draft a proposal's decision may release it, and take its release back."""


async def order(session: AsyncSession, actor: Actor, decision_ids: list[UUID]) -> UUID:
    """Release signed decisions together, all or none, when the hold is over; return the release."""
    ids = list(dict.fromkeys(decision_ids))
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise invalid("decision_ids", "problems.out_of_range", min=1, max=MOST_AT_ONCE)
    rows = await session.execute(
        select(Decision.id, Decision.proposal_id).where(Decision.id.in_(ids))
    )
    of: dict[UUID, UUID] = {row.id: row.proposal_id for row in rows}
    if len(of) < len(ids):
        raise NotFound
    found: list[Decision] = []
    wrong: list[FieldError] = []
    for decision_id in sorted(ids, key=lambda decision: of[decision]):
        proposal = await policy.find(session, actor, of[decision_id], HANDLING)
        decision = await policy.locked(session, decision_id)
        if why := not_ready(proposal, decision):
            wrong.append(FieldError(f"decision_ids.{decision_id}", why))
        found.append(decision)
    if wrong:
        raise Conflict("decisions.not_ready", errors=wrong, count=len(wrong))
    made = Release(ordered_by=actor.id, due_at=await now(session) + HOLD)
    session.add(made)
    await session.flush()
    for decision in found:
        decision.state, decision.release_id = Decided.SCHEDULED.value, made.id
        decision.rev += 1
    await enqueue(
        session,
        "release.carry_out",
        {"release": made.id},
        run_at=made.due_at,
        key=f"release:{made.id}",
    )
    await record(
        session, actor, "release.ordered", made.id, decisions=ids, proposals=list(of.values())
    )
    return made.id


def not_ready(proposal: Proposal, decision: Decision) -> str | None:
    """Return why a decision cannot be released, None if it can."""
    if proposal.state != State.DECISION_PENDING:
        return "decisions.not_pending"
    if decision.state == Decided.SCHEDULED:
        return "decisions.scheduled_already"
    if decision.state != Decided.SIGNED:
        return "decisions.not_signed"
    return "decisions.stale" if decision.version_id != proposal.version_id else None


async def take_back(
    session: AsyncSession, actor: Actor, arrival: Arrival, release_id: UUID
) -> None:
    """Take a whole release back before its hold is over: its decisions are signed as before."""
    release = await _locked(session, release_id)
    if release is None:
        raise NotFound
    decisions = await _scheduled(session, release_id)
    connection = await raw(session)
    for decision in decisions:
        await policy.look(connection, actor, decision.proposal_id, HANDLING)
    if release.taken_back_at is not None and release.taken_back_by == actor.id:
        return
    if release.done_at is not None or release.taken_back_at is not None:
        raise Conflict("decisions.release_over")
    if not decisions:
        raise NotFound
    moment = await now(session, arrival)
    if moment >= release.due_at:
        raise Conflict("decisions.too_late_to_take_back")
    release.taken_back_at, release.taken_back_by = moment, actor.id
    for decision in decisions:
        decision.state, decision.release_id = Decided.SIGNED.value, None
        decision.rev += 1
    await session.flush()
    await record(
        session, actor, "release.taken_back", release_id, decisions=[d.id for d in decisions]
    )


async def carry_out(session: AsyncSession, release_id: UUID) -> None:
    """Do what was ordered, once the hold is over: moves, project records and letters, all or none.

    A second call finds it done. What was withdrawn meanwhile is left out; what else cannot be moved
    stays signed.
    """
    release = await _locked(session, release_id)
    if release is None or release.done_at is not None or release.taken_back_at is not None:
        return
    moment = await now(session)
    if moment < release.due_at:
        return
    decided: list[tuple[Proposal, Decision]] = []
    for decision in await _scheduled(session, release_id):
        lock = select(Proposal).where(Proposal.id == decision.proposal_id).with_for_update()
        proposal = (await session.scalars(lock.execution_options(populate_existing=True))).one()
        again = await policy.locked(session, decision.id)
        if again.state != Decided.SCHEDULED or again.release_id != release_id:
            continue
        if proposal.state != State.DECISION_PENDING:
            again.state, again.release_id = Decided.SIGNED.value, None
            continue
        decided.append((proposal, again))
    letters = await letters_of(await raw(session), [decision.id for _, decision in decided])
    for proposal, decision in decided:
        mine = [letter for letter in letters if letter.decision_id == decision.id]
        await _release(session, release, proposal, decision, mine)
    release.done_at = moment
    await session.flush()
    await record(session, None, "release.done", release_id, decisions=[d.id for _, d in decided])


async def _release(
    session: AsyncSession,
    release: Release,
    proposal: Proposal,
    decision: Decision,
    letters: list[Letter],
) -> None:
    await move(session, None, proposal, MOVES[decision.kind], version_id=decision.version_id)
    decision.state = Decided.RELEASED.value
    decision.rev += 1
    await session.flush()
    if decision.kind == "approve":
        await register(session, proposal, decision.granted_months, decision.granted_fen)
    event = await record(
        session,
        None,
        "decision.released",
        decision.id,
        proposal_id=proposal.id,
        decision_kind=decision.kind,
        drafted_by=decision.drafted_by,
        signed_by=decision.signed_by,
        ordered_by=release.ordered_by,
        release_id=release.id,
    )
    for letter in letters:
        await tell(
            session,
            event,
            letter.person.id,
            letter.template,
            proposal_id=proposal.id,
            **_params(letter),
        )


def _params(letter: Letter) -> dict[str, Any]:
    """Return what the message keeps: ids, codes and numbers; the words are read from their rows."""
    return {
        "to": letter.to,
        "decision": letter.decision_id,
        "institution": letter.institution.id if letter.institution else None,
        "number": letter.number,
        "applied_months": letter.applied.months,
        "applied_fen": letter.applied.fen,
        "granted_months": letter.granted_months,
        "granted_fen": letter.granted_fen,
    }


async def _locked(session: AsyncSession, release_id: UUID) -> Release | None:
    lock = select(Release).where(Release.id == release_id).with_for_update()
    return await session.scalar(lock.execution_options(populate_existing=True))


async def _scheduled(session: AsyncSession, release_id: UUID) -> list[Decision]:
    """Return the release's decisions, not locked, in the order in which proposals are locked."""
    mine = Decision.release_id == release_id, Decision.state == Decided.SCHEDULED
    statement = select(Decision).where(*mine).order_by(Decision.proposal_id)
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return list(found.all())


async def carry_out_due(session: AsyncSession, proposal_id: UUID) -> bool:
    """Carry out the release of a proposal if its hold is over: before any write looks at it.

    Return whether one was due.

    "Over" is judged by the transaction's own beginning, so that one transaction that writes to
    several proposals of one release sees it due for all of them or for none.
    """
    due = (
        select(Release.id)
        .join(Decision, Decision.release_id == Release.id)
        .where(
            Decision.proposal_id == proposal_id,
            Decision.state == Decided.SCHEDULED,
            Release.done_at.is_(None),
            Release.taken_back_at.is_(None),
            Release.due_at <= func.now(),
        )
    )
    release_id = await session.scalar(due)
    if release_id is None:
        return False
    await carry_out(session, release_id)
    return True
