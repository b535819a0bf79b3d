"""Answering the checklist of the formal check."""

from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call, Form
from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import NotFound, Stale
from lianyan.core.text import prose
from lianyan.proposals.models import CheckAnswer, Proposal
from lianyan.proposals.moving import move, wrong_state
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.desk import VerdictIn
from lianyan.proposals.schemas.refs import Saved
from lianyan.proposals.states import Move, State

NOTE_LIMIT = 300


async def answer(
    session: AsyncSession, actor: Actor, proposal_id: UUID, item: str, data: VerdictIn, *, rev: int
) -> tuple[Saved, int]:
    """Store the verdict on one item; return the proposal's revision and the item's.

    The first answer moves a submitted proposal into the formal check in the same transaction.
    """
    proposal, roles = await find(session, actor, proposal_id, "proposal.check")
    if proposal.state not in {State.SUBMITTED, State.FORMAL_CHECK}:
        raise wrong_state(proposal, "check", roles)
    checklist = await session.scalar(select(Call.checklist).where(Call.id == proposal.call_id))
    if item not in {entry["id"] for entry in checklist or []}:
        raise NotFound
    values = {
        "verdict": data.verdict,
        "note": await _note(session, proposal, data),
        "section": data.section,
    }
    here = (CheckAnswer.proposal_id == proposal_id, CheckAnswer.item == item)
    stored = await session.scalar(
        select(CheckAnswer).where(*here).execution_options(populate_existing=True)
    )
    now = {key: getattr(stored, key) for key in values} if stored else {}
    found = stored.rev if stored else 0
    started = proposal.state == State.FORMAL_CHECK
    # After a correction the former verdicts stand; to give one again is what starts the check anew.
    if stored and now == values and started:
        return Saved(proposal_id, proposal.rev), found
    if found != rev and now != values:
        raise Stale(rev=found, stored=now)
    if stored:
        changed = {"answered_by": actor.id, "answered_at": func.clock_timestamp(), "rev": found + 1}
        await session.execute(update(CheckAnswer).where(*here).values(**values, **changed))
    else:
        await session.execute(
            insert(CheckAnswer).values(
                proposal_id=proposal_id,
                item=item,
                **values,
                answered_by=actor.id,
                answered_at=func.clock_timestamp(),
            )
        )
    if not started:
        await move(session, None, proposal, Move.START_CHECK, roles=roles)
    await record(
        session,
        actor,
        "check.answered",
        proposal_id,
        proposal_id=proposal_id,
        item=item,
        verdict=data.verdict,
    )
    return Saved(proposal_id, proposal.rev), found + 1


async def _note(session: AsyncSession, proposal: Proposal, data: VerdictIn) -> str:
    """Return the note as it is stored; a problem needs one, and a place is a section of the form."""
    fields = Fields()
    note = fields.take("note", prose, data.note, blank=data.verdict == "ok", limit=NOTE_LIMIT)
    if data.section is not None:
        document = await session.scalar(select(Form.document).where(Form.id == proposal.form_id))
        known = {section["id"] for section in (document or {}).get("sections", [])}
        if data.section not in known:
            fields.wrong("section", "problems.bad_choice")
    fields.settle()
    return note or ""
