"""Saving one section of a proposal."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls import forms
from lianyan.core.actor import Actor
from lianyan.core.clock import instant
from lianyan.core.events import record
from lianyan.core.problems import FieldError, Invalid, NotFound, Stale, invalid
from lianyan.identity.models import Person
from lianyan.proposals.commands.editing import Changed, begin, settle
from lianyan.proposals.form import asks_terms, form_of, missing_of, terms
from lianyan.proposals.material import QUESTIONS
from lianyan.proposals.models import Answer, Proposal, Section

QUESTIONS_MOST = 100


async def save_section(
    session: AsyncSession,
    actor: Actor,
    proposal_id: UUID,
    section_id: str,
    answers: dict[str, Any],
    *,
    rev: int,
) -> Changed:
    """Store one section's answers; return its revision and the institutions whose confirmation ended.

    A question left out stays as it is. Raise Invalid naming `answers.<question>`, or Stale with what
    is stored, unless that is what was sent.
    """
    proposal = (await begin(session, actor, proposal_id)).proposal
    section = (await form_of(session, proposal.form_id)).section(section_id)
    if section is None:
        raise NotFound
    if len(answers) > QUESTIONS_MOST:
        raise invalid("answers", "problems.too_long", count=len(answers), limit=QUESTIONS_MOST)
    codes = await terms(session) if asks_terms(section) else {}
    sent, errors = forms.accept(section, answers, codes)
    if errors:
        raise Invalid([FieldError(f"answers.{e.field}", e.code, e.params) for e in errors])
    held = await session.get(Section, (proposal_id, section_id), populate_existing=True)
    rows = await session.execute(
        select(Answer.question, Answer.value).where(
            Answer.proposal_id == proposal_id, Answer.section == section_id
        )
    )
    stored = {row.question: row.value for row in rows}
    changed = [question for question, value in sent.items() if stored.get(question) != value]
    at = held.rev if held else 0
    if rev != at and changed:
        raise Stale(rev=at, stored=stored, **await _writer(session, held))
    if not changed:
        return Changed(at, [])
    await _store(session, proposal_id, section_id, {q: sent[q] for q in changed})
    now_stored = {k: v for k, v in (stored | sent).items() if v is not None}
    at += 1
    values = {
        "rev": at,
        "saved_by": actor.id,
        "saved_at": func.clock_timestamp(),
        "missing": len(missing_of(section, now_stored, codes)),
    }
    await session.execute(
        upsert(Section)
        .values(proposal_id=proposal_id, section=section_id, **values)
        .on_conflict_do_update(index_elements=["proposal_id", "section"], set_=values)
    )
    _copy(proposal, {question: sent[question] for question in changed})
    await record(
        session,
        actor,
        "section.saved",
        proposal_id,
        proposal_id=proposal_id,
        section=section_id,
        rev=at,
        questions=changed,
    )
    material = any(question in QUESTIONS for question in changed)
    pending = proposal.state not in {"draft", "returned"}
    return Changed(at, await settle(session, actor, proposal) if material or pending else [])


async def _store(
    session: AsyncSession, proposal_id: UUID, section_id: str, answers: dict[str, Any]
) -> None:
    emptied = [question for question, value in answers.items() if value is None]
    if emptied:
        await session.execute(
            delete(Answer).where(Answer.proposal_id == proposal_id, Answer.question.in_(emptied))
        )
    filled = [
        {"proposal_id": proposal_id, "question": q, "section": section_id, "value": value}
        for q, value in answers.items()
        if value is not None
    ]
    if filled:
        insert = upsert(Answer).values(filled)
        await session.execute(
            insert.on_conflict_do_update(
                index_elements=["proposal_id", "question"], set_={"value": insert.excluded.value}
            )
        )


def _copy(proposal: Proposal, answers: dict[str, Any]) -> None:
    """Keep the copies that lists and messages show."""
    if "title" in answers:
        proposal.title = answers["title"] or ""
    if "title_en" in answers:
        proposal.title_en = answers["title_en"] or ""
    if "sectors" in answers:
        proposal.sectors = answers["sectors"] or []


async def _writer(session: AsyncSession, held: Section | None) -> dict[str, str]:
    if held is None:
        return {}
    name = await session.scalar(select(Person.name).where(Person.id == held.saved_by))
    return {"saved_by": name or "", "saved_at": instant(held.saved_at)}
