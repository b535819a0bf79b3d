"""Drafting a decision, signing it, sending it back, cancelling it; and what carries out a release."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.forms import AMOUNT_MOST
from lianyan.core.actor import Actor
from lianyan.core.clock import now
from lianyan.core.db import raw
from lianyan.core.events import Happened, follows, record
from lianyan.core.fields import Fields
from lianyan.core.jobs import handles
from lianyan.core.problems import Conflict, Forbidden, Stale
from lianyan.core.revisions import match
from lianyan.core.text import prose
from lianyan.decisions import policy
from lianyan.decisions.models import Decision
from lianyan.decisions.releases import carry_out, carry_out_due
from lianyan.decisions.schemas import DecisionIn, DecisionRev
from lianyan.decisions.states import OPEN, Decided
from lianyan.proposals.policy import DUE
from lianyan.reviews.queries import not_before_own

LETTER_LIMIT = 2000
NOTE_LIMIT = 500
MONTHS_MOST = 120


async def draft(
    session: AsyncSession, actor: Actor, proposal_id: UUID, rev: int, data: DecisionIn
) -> DecisionRev:
    """Draft the decision on a proposal, for an approver who is another person to sign.

    Raise Conflict where nobody free of conflicts could sign: a decision never signs itself.
    """
    content = _content(data)
    proposal = await policy.find(session, actor, proposal_id, "decision.draft")
    policy.pending(proposal)
    await not_before_own(await raw(session), actor, proposal_id)
    decision = await policy.current(session, proposal_id)
    if decision is not None and _stored(decision) == content:
        new = decision.sent_back_note is not None or decision.version_id != proposal.version_id
        if decision.state != Decided.DRAFTED or not new:
            return DecisionRev(decision.id, decision.rev)
    elif decision is not None and decision.state != Decided.DRAFTED:
        raise Conflict("decisions.signed_already", state=decision.state)
    if rev != (decision.rev if decision else 0):
        stored = {**_stored(decision), "state": decision.state} if decision else None
        raise Stale(rev=decision.rev if decision else 0, stored=stored)
    writers = await policy.drafters(session, decision.id) if decision else set()
    found = await policy.approvers(await raw(session), proposal_id)
    if not any(
        not against for person, against in found.items() if person not in writers | {actor.id}
    ):
        raise Conflict("decisions.no_approver")
    moment = await now(session)
    if decision is None:
        decision = Decision(proposal_id=proposal_id, rev=0, state=Decided.DRAFTED.value)
        session.add(decision)
    for name, value in content.items():
        setattr(decision, name, value)
    decision.version_id = proposal.version_id  # type: ignore[assignment]  # set since the submit
    decision.drafted_by, decision.drafted_at = actor.id, moment
    decision.sent_back_note = None
    decision.rev += 1
    await session.flush()
    await _say(session, actor, "drafted", decision, decision_kind=decision.kind)
    return DecisionRev(decision.id, decision.rev)


async def sign(session: AsyncSession, actor: Actor, decision_id: UUID, rev: int) -> DecisionRev:
    """Sign a decision that somebody else has written, on the content it was written on.

    The signer's second click is the same signature.
    """
    proposal, decision = await policy.of_decision(session, actor, decision_id, "decision.sign")
    if decision.state == Decided.SIGNED and decision.signed_by == actor.id:
        return DecisionRev(decision.id, decision.rev)
    policy.pending(proposal)
    if decision.state != Decided.DRAFTED:
        raise Conflict("decisions.wrong_state", state=decision.state)
    match(decision.rev, rev, stored=_stored(decision))
    if actor.id in {decision.drafted_by, *await policy.drafters(session, decision.id)}:
        raise Forbidden("decisions.own_draft")
    if decision.sent_back_note is not None:
        raise Conflict("decisions.sent_back")
    if decision.version_id != proposal.version_id:
        raise Conflict("decisions.stale")
    moment = await now(session)
    decision.state = Decided.SIGNED.value
    decision.signed_by, decision.signed_at = actor.id, moment
    decision.rev += 1
    await session.flush()
    await _say(session, actor, "signed", decision, version_id=decision.version_id)
    return DecisionRev(decision.id, decision.rev)


async def send_back(
    session: AsyncSession, actor: Actor, decision_id: UUID, rev: int, note: str
) -> DecisionRev:
    """Send a decision back to its drafter with a note; a signature on it ends."""
    fields = Fields()
    text = fields.take("note", prose, note, limit=NOTE_LIMIT)
    fields.settle()
    proposal, decision = await policy.of_decision(session, actor, decision_id, "decision.send_back")
    if decision.state == Decided.DRAFTED and decision.sent_back_note == text:
        return DecisionRev(decision.id, decision.rev)
    policy.pending(proposal)
    if decision.state not in {Decided.DRAFTED, Decided.SIGNED}:
        raise Conflict("decisions.wrong_state", state=decision.state)
    match(decision.rev, rev, stored=_stored(decision))
    was_signed = decision.state == Decided.SIGNED
    decision.state = Decided.DRAFTED.value
    decision.signed_by = decision.signed_at = None
    decision.sent_back_note = text
    decision.rev += 1
    await session.flush()
    await _say(session, actor, "sent_back", decision, was_signed=was_signed)
    return DecisionRev(decision.id, decision.rev)


async def cancel(session: AsyncSession, actor: Actor | None, proposal_id: UUID) -> None:
    """Cancel the decision of a locked proposal that is being withdrawn; a released one stays."""
    mine = Decision.proposal_id == proposal_id, Decision.state.in_([s.value for s in OPEN])
    decision = await session.scalar(
        select(Decision).where(*mine).with_for_update().execution_options(populate_existing=True)
    )
    if decision is None:
        return
    decision.state, decision.release_id = Decided.CANCELLED.value, None
    decision.rev += 1
    await session.flush()
    await _say(session, actor, "cancelled", decision)


@handles("release.carry_out")
async def _carry_out(session: AsyncSession, payload: dict[str, Any]) -> None:
    await carry_out(session, UUID(payload["release"]))


DUE.append(carry_out_due)


@follows("proposal.withdraw_by_institution")
async def _withdrawn(session: AsyncSession, event: Happened) -> None:
    await cancel(session, None, event.subject_id)


def _content(data: DecisionIn) -> dict[str, Any]:
    """Return a decision's content as it is stored, or refuse it naming each field that is wrong."""
    fields = Fields()
    letter = fields.take("letter", prose, data.letter, limit=LETTER_LIMIT)
    note = fields.take("note", prose, data.note, blank=True, limit=NOTE_LIMIT)
    for field, value, low, high in (
        ("granted_months", data.granted_months, 1, MONTHS_MOST),
        ("granted_fen", data.granted_fen, 0, AMOUNT_MOST),
    ):
        if value is None:
            continue
        if data.kind == "reject":
            fields.wrong(field, "decisions.granted_on_reject")
        elif not low <= value <= high:
            fields.wrong(field, "problems.out_of_range", min=low, max=high)
    fields.settle()
    return {
        "kind": data.kind,
        "letter": letter,
        "note": note,
        "granted_months": data.granted_months,
        "granted_fen": data.granted_fen,
    }


def _stored(decision: Decision) -> dict[str, Any]:
    names = ("kind", "letter", "note", "granted_months", "granted_fen")
    return {name: getattr(decision, name) for name in names}


async def _say(
    session: AsyncSession, actor: Actor | None, what: str, decision: Decision, **data: Any
) -> None:
    await record(
        session,
        actor,
        f"decision.{what}",
        decision.id,
        proposal_id=decision.proposal_id,
        **data,
    )
