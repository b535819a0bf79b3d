"""Who a session token belongs to, with everything the policies ask about them: one statement."""

from typing import Any
from uuid import UUID

from lianyan.core.actor import Actor
from lianyan.core.db import Connection
from lianyan.identity.heirs import HEIRS

ACTOR = f"""
  select s.person_id, s.id, p.name, p.status, p.locale, s.authenticated_at, s.proposal_id,
    array(select r.role from platform_roles r where r.person_id = p.id and r.ended_at is null),
    array(select h.role from platform_roles r
      cross join (values {", ".join(map(str, HEIRS.items()))}) h (role, heir)
      where r.person_id = p.id and r.ended_at is null and r.role = h.heir and not exists (
        select from platform_roles o
        where o.role = h.role and o.ended_at is null
          and (select q.status from people q where q.id = o.person_id) = 'active' offset 0)),
    array(select f.institution_id from affiliations f
      where f.person_id = p.id and f.status = 'confirmed' order by f.id),
    array(select distinct f.institution_id from affiliations f
      where f.person_id = p.id and (f.status in ('pending', 'confirmed')
        or (f.status = 'ended' and f.ended_at > now() - interval '3 years'))),
    array(select o.institution_id from officers o
      where o.person_id = p.id and o.ended_at is null order by o.id)
  from sessions s join people p on p.id = s.person_id
  where s.token_hash = $1 and s.revoked_at is null
    and s.idle_expires_at > now() and s.absolute_expires_at > now()
"""


async def load_actor(connection: Connection, token_hash: bytes) -> Actor | None:
    """Return who the session is of, None for a session that is unknown or over.

    A session that an invitation opened carries no roles, institutions or offices: it opens its
    proposal and nothing else. A pending person's roles do not count until an officer confirms them.
    """
    row: Any = await connection.fetchrow(ACTOR, token_hash)
    if row is None:
        return None
    (
        person,
        session,
        name,
        status,
        locale,
        at,
        scope,
        roles,
        heir,
        institutions,
        employers,
        offices,
    ) = row
    full = scope is None and status == "active"
    return Actor(
        id=person,
        session_id=session,
        name=name,
        status=status,
        locale=locale,
        authenticated_at=at,
        scope=scope,
        roles=frozenset(roles) if full else frozenset(),
        stands_for=frozenset(heir) if full else frozenset(),
        institutions=_ids(institutions) if full else (),
        employers=_ids(employers),
        offices=_ids(offices) if full else (),
    )


def _ids(found: list[UUID]) -> tuple[UUID, ...]:
    return tuple(found)
