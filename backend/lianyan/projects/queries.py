"""Reads of the projects slice."""

from uuid import UUID

from lianyan.core.actor import Reading


async def register(
    reading: Reading, q: str | None, sector: str | None, limit: str | None, after: str | None
) -> str:
    """Return a page of the register as JSON."""
    raise NotImplementedError


async def project(reading: Reading, project_id: UUID) -> str:
    """Return one project as JSON."""
    raise NotImplementedError
