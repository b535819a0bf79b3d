"""Reads of the decisions slice that other slices use."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, SQLColumnExpression, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from lianyan.decisions.models import Decision, Release
from lianyan.decisions.states import BINDING, Decided
from lianyan.proposals.models import Answer, Contribution, Taking
from lianyan.reviews.queries import passed_on


async def signed(session: AsyncSession, proposal_id: UUID) -> bool:
    """Say whether a decision on the proposal is signed, scheduled or released."""
    mine = Decision.proposal_id == proposal_id, Decision.state.in_([s.value for s in BINDING])
    return bool(await session.scalar(select(exists().where(*mine))))


def released_json(proposal_id: SQLColumnExpression[UUID]) -> ScalarSelect[Any]:
    """Return the released decision of a proposal as jsonb, NULL where none is released.

    It is `schemas.ReleasedDecision`: what is granted beside what was applied for, the letter, and the
    reviews without names and in no order of theirs. The note between coordinators and approvers is
    not in it.
    """
    d, r = aliased(Decision), aliased(Release)
    months, fen = _applied(d)
    return (
        select(
            func.jsonb_build_object(
                *("kind", d.kind, "letter", d.letter),
                *("applied_months", months, "applied_fen", fen),
                *("granted_months", func.coalesce(func.to_jsonb(d.granted_months), months)),
                *("granted_fen", func.coalesce(d.granted_fen, fen)),
                *("at", func.to_char(func.timezone("UTC", r.done_at), INSTANT)),
                *("reviews", passed_on(d)),
            )
        )
        .join(r, r.id == d.release_id)
        .where(d.proposal_id == proposal_id, d.state == Decided.RELEASED.value)
        .scalar_subquery()
    )


INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def _applied(of: Any) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return what a proposal applies for, as `letters.APPLIED` says it: months, and cash in 分."""
    w, c, t = aliased(Answer), aliased(Contribution), aliased(Taking)
    months = select(w.value).where(
        w.proposal_id == of.proposal_id,
        w.question == "months",
        func.jsonb_typeof(w.value) == "number",
    )
    fen = (
        select(func.sum(c.value_fen))
        .join(t, t.id == c.participation_id)
        .where(
            t.proposal_id == of.proposal_id,
            t.state != "removed",
            t.state != "declined",
            c.kind == "cash",
        )
    )
    return months.scalar_subquery(), fen.scalar_subquery()
