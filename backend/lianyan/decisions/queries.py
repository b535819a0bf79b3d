"""Reads of the decisions slice that other slices use."""

from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.pieces import instant
from lianyan.decisions.letters import applied
from lianyan.decisions.models import Decision
from lianyan.decisions.states import BINDING
from lianyan.reviews.queries import passed_on


async def signed(session: AsyncSession, proposal_id: UUID) -> bool:
    """Say whether a decision on the proposal is signed, scheduled or released."""
    mine = Decision.proposal_id == proposal_id, Decision.state.in_([s.value for s in BINDING])
    return bool(await session.scalar(select(exists().where(*mine))))


def released(of: str) -> str:
    """Return the SQL of the released decision of the proposal `of`, NULL where none is released.

    It is `schemas.ReleasedDecision` as JSON: what is granted beside what was applied for, the letter,
    and the reviews without names and in no order of theirs. The note between coordinators and
    approvers is not in it.
    """
    return f"""
      (select jsonb_build_object('kind', released.kind, 'letter', released.letter,
          'applied_months', asked.applied -> 'months', 'applied_fen', asked.applied -> 'fen',
          'granted_months',
            coalesce(to_jsonb(released.granted_months), asked.applied -> 'months'),
          'granted_fen', coalesce(to_jsonb(released.granted_fen), asked.applied -> 'fen'),
          'at', {instant("carried.done_at")}, 'reviews', {passed_on(of)})
        from decisions released
        left join releases carried on carried.id = released.release_id
        cross join lateral (select {applied(of)} as applied) asked
        where released.proposal_id = {of}.id and released.state = 'released')
    """
