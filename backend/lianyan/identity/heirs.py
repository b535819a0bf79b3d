"""Who stands for a role that nobody holds: each role that is off by default has an heir."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.db import Connection

HEIRS = {
    "audit_administrator": "administrator",
    "security_administrator": "administrator",
}
"""Role -> the role that does its work while nobody holds it.

An auditor has none: nobody reads proposals because nobody else was named to.
"""
ADMINISTRATORS = ("administrator", "security_administrator", "audit_administrator")
"""The three who run the portal; each is somebody else, once named."""
STAFF = ("coordinator", "stand_in", "reviewer", "approver")
"""Who handles proposals: none of them audits."""

HOLDERS = text("""
  with held as (
    select r.role, r.person_id from platform_roles r
    join people p on p.id = r.person_id and p.status = 'active'
    where r.ended_at is null and r.role in (:role, :heir))
  select person_id from held
  where role = :role or not exists (select from held where role = :role)
  order by person_id
""")


UNDIVIDED = f"""
  select r.role from unnest(array{list(ADMINISTRATORS)}) with ordinality as r (role, place)
  where not exists (
    select from platform_roles h join people p on p.id = h.person_id and p.status = 'active'
    where h.role = r.role and h.ended_at is null)
  order by r.place
"""


def excluded(role: str) -> tuple[str, ...]:
    """Return the roles that nobody holds together with `role`."""
    if role == "auditor":
        return (*ADMINISTRATORS, *STAFF)
    if role in ADMINISTRATORS:
        return (*(other for other in ADMINISTRATORS if other != role), "auditor")
    return ("auditor",)


async def undivided(connection: Connection) -> list[str]:
    """Return which of the three administrators nobody is: none, where they are told apart (三员分立)."""
    return [row[0] for row in await connection.fetch(UNDIVIDED)]


async def heirs_of(session: AsyncSession, role: str) -> list[UUID]:
    """Return who holds a role; while nobody does, who holds the role that is its heir."""
    asked = {"role": role, "heir": HEIRS.get(role, role)}
    return list(await session.scalars(HOLDERS, asked))
