"""Who stands for a role that nobody holds: each role that is off by default has an heir."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

HEIRS = {
    "auditor": "administrator",
    "audit_administrator": "administrator",
    "security_administrator": "administrator",
}
"""Role -> the role that does its work while nobody holds it."""

HOLDERS = text("""
  with held as (
    select r.role, r.person_id from platform_roles r
    join people p on p.id = r.person_id and p.status = 'active'
    where r.ended_at is null and r.role in (:role, :heir))
  select person_id from held
  where role = :role or not exists (select from held where role = :role)
  order by person_id
""")


async def heirs_of(session: AsyncSession, role: str) -> list[UUID]:
    """Return who holds a role; while nobody does, who holds the role that is its heir."""
    asked = {"role": role, "heir": HEIRS.get(role, role)}
    return list(await session.scalars(HOLDERS, asked))
