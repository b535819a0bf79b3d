"""Those for whom a large portal's pages are measured, and what they see there."""

import secrets
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from lianyan.demo.scale.plan import (
    ADMINISTRATOR,
    APPROVER,
    COORDINATOR,
    EMPLOYED,
    IN_TEAM,
    OFFICER,
    RESEARCHER,
    Plan,
)

WHO = {
    "researcher": RESEARCHER,
    "officer": OFFICER,
    "coordinator": COORDINATOR,
    "employed": EMPLOYED,
    "in_team": IN_TEAM,
    "approver": APPROVER,
    "administrator": ADMINISTRATOR,
}
"""Name -> number in the plan: `employed` coordinates and works where thousands of proposals are
from, `in_team` coordinates and is in twenty teams."""

OPEN = """
  insert into sessions (token_hash, person_id, authenticated_at, idle_expires_at, absolute_expires_at)
  values ($1, $2, now(), now() + interval '1 day', now() + interval '1 day')
"""


class Reader(NamedTuple):
    """Somebody logged in."""

    id: UUID
    token: str
    """What the session's cookie holds."""


async def readers(connection: Any, plan: Plan) -> dict[str, Reader]:
    """Log each of them in and return them by name."""
    found = {}
    for name, number in WHO.items():
        person, token = UUID(bytes=plan.id("people", number).bytes), secrets.token_urlsafe(32)
        await connection.execute(OPEN, sha256(token.encode()).digest(), person)
        found[name] = Reader(person, token)
    return found
