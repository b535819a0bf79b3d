"""The record of an approved proposal: what the public register shows."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.clock import BEIJING, now
from lianyan.core.names import search_keys
from lianyan.institutions.models import Institution, Term
from lianyan.projects.models import Project
from lianyan.projects.search import as_typed
from lianyan.proposals.models import Answer, Contribution, Proposal, Taking

PUBLIC = ("summary", "fields", "starts", "months")
YEAR = 12


async def register(
    session: AsyncSession, proposal: Proposal, months: int | None, fen: int | None
) -> UUID:
    """Enter an approved proposal into the register; `months` and `fen` are what is granted.

    None means what was applied for.
    """
    answers = await _answers(session, proposal.id)
    rows = await _institutions(session, proposal.id)
    moment = await now(session)
    length = months or answers.get("months") or YEAR
    starts = _month(answers.get("starts")) or _next_month(moment.astimezone(BEIJING).date())
    fields = [str(code) for code in answers.get("fields") or []]
    made = Project(
        proposal_id=proposal.id,
        number=proposal.number or "",
        title=proposal.title,
        title_en=proposal.title_en,
        summary=answers.get("summary") or "",
        sectors=list(proposal.sectors),
        fields=fields,
        institutions=[{"id": str(home.id), "role": role} for home, role in rows],
        starts_on=starts,
        ends_on=_after(starts, length) - timedelta(days=1),
        granted_months=length,
        granted_fen=fen if fen is not None else await _cash(session, proposal.id),
        approved_at=moment,
        search_keys=await _keys(session, proposal, [home for home, _ in rows], fields),
    )
    session.add(made)
    await session.flush()
    return made.id


async def _answers(session: AsyncSession, proposal_id: UUID) -> dict[str, Any]:
    rows = await session.execute(
        select(Answer.question, Answer.value).where(
            Answer.proposal_id == proposal_id, Answer.question.in_(PUBLIC)
        )
    )
    return {row.question: row.value for row in rows}


async def _institutions(session: AsyncSession, proposal_id: UUID) -> list[tuple[Institution, str]]:
    rows = await session.execute(
        select(Institution, Taking.role)
        .join(Taking, Taking.institution_id == Institution.id)
        .where(Taking.proposal_id == proposal_id, Taking.state.not_in(["removed", "declined"]))
        .order_by(Taking.role != "lead", Taking.position, Taking.id)
    )
    return [(home, role) for home, role in rows]


async def _cash(session: AsyncSession, proposal_id: UUID) -> int | None:
    found = await session.scalar(
        select(func.sum(Contribution.value_fen))
        .join(Taking, Taking.id == Contribution.participation_id)
        .where(
            Taking.proposal_id == proposal_id,
            Taking.state.not_in(["removed", "declined"]),
            Contribution.kind == "cash",
        )
    )
    return None if found is None else int(found)


async def _keys(
    session: AsyncSession, proposal: Proposal, homes: list[Institution], fields: list[str]
) -> str:
    """Return what a search may hit, one key a line: as typed, folded, in pinyin and initials."""
    codes = [*proposal.sectors, *fields]
    terms = await session.scalars(select(Term.search_keys).where(Term.code.in_(codes)))
    own = (proposal.title, proposal.title_en, proposal.number)
    lines = [
        search_keys(*own),
        *(as_typed(text) for text in own if text),
        *(home.search_keys for home in homes),
        *terms,
    ]
    return "\n".join(dict.fromkeys(line for text in lines for line in text.split("\n") if line))


def _month(value: object) -> date | None:
    try:
        return date.fromisoformat(f"{value}-01")
    except ValueError:
        return None


def _next_month(day: date) -> date:
    return _after(day.replace(day=1), 1)


def _after(first: date, months: int) -> date:
    """Return the first day of the month so many months later."""
    years, month = divmod(first.month - 1 + months, YEAR)
    return date(first.year + years, month + 1, 1)
