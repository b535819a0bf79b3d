"""Reads of the decisions slice that other slices use."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect
from sqlalchemy.ext.asyncio import AsyncSession


async def signed(session: AsyncSession, proposal_id: UUID) -> bool:
    """Say whether a decision on the proposal is signed, scheduled or released."""
    raise NotImplementedError


def released_json(proposal_id: ColumnElement[UUID]) -> ScalarSelect[Any]:
    """Return the released decision of a proposal as jsonb, NULL where none is released."""
    raise NotImplementedError
