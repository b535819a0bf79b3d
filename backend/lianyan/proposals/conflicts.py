"""Conflicts of interest: one function everywhere, each conflict named by its rule and explained."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.db import Connection, raw
from lianyan.core.reads import Read
from lianyan.proposals.access import LOOK_BACK_YEARS, PERSONAL_RULES

EMPLOYERS = """
  select distinct f.person_id, i.name_zh, i.name_en
  from affiliations f
  join participations t on t.proposal_id = $1 and t.state <> 'removed'
  join institutions i on i.id = t.institution_id
  join institutions e on e.id = f.institution_id
  where f.person_id = any($2)
    and (e.id = i.id or e.id = i.parent_id or e.parent_id = i.id)
    and (f.status in ('pending', 'confirmed')
      or (f.status = 'ended' and f.ended_at > now() - make_interval(years => $3)))
  order by i.name_zh
"""
DISMISSED = (
    "select person_id, rule, reason from dismissals where proposal_id = $1 and person_id = any($2)"
)
PERSONAL = Read(PERSONAL_RULES)

DISMISSABLE = {"shared_project", "same_domain", "declared_tie"}
"""Rules that somebody without a conflict may set aside with a reason. The others never are."""


class ConflictOfInterest(msgspec.Struct, frozen=True):
    """Why a person may not handle, review or decide on a proposal."""

    rule: str
    """`employer`, `team`, `declared_tie`, `shared_project`, `same_address` or `same_domain`."""
    hard: bool
    params: dict[str, Any] = {}
    dismissed: str | None = None
    """The reason, where somebody has set it aside."""


async def conflicts(
    session: AsyncSession, proposal_id: UUID, person_id: UUID
) -> list[ConflictOfInterest]:
    """Return every conflict of a person with a proposal, dismissed ones with their reason."""
    await session.flush()
    return (await conflicts_of(await raw(session), proposal_id, [person_id]))[person_id]


async def conflicts_of(
    connection: Connection, proposal_id: UUID, people: Iterable[UUID]
) -> dict[UUID, list[ConflictOfInterest]]:
    """Return what `conflicts` says of each of these people, in three statements for any number."""
    asked = list(people)
    found: dict[UUID, list[ConflictOfInterest]] = {person: [] for person in asked}
    rows = await connection.fetch(DISMISSED, proposal_id, asked)
    reasons = {(row["person_id"], row["rule"]): row["reason"] for row in rows}
    employers: dict[UUID, list[Any]] = {}
    for row in await connection.fetch(EMPLOYERS, proposal_id, asked, LOOK_BACK_YEARS):
        employers.setdefault(row["person_id"], []).append(row)
    for person, named in employers.items():
        names = {
            "zh": "、".join(row["name_zh"] for row in named),
            "en": ", ".join(row["name_en"] for row in named),
        }
        found[person].append(
            ConflictOfInterest("employer", hard=True, params={"institution": names})
        )
    for row in await PERSONAL.rows(connection, ids=[proposal_id], people=asked):
        person, rule = row["person_id"], row["rule"]
        found[person].append(
            ConflictOfInterest(
                rule, hard=rule not in DISMISSABLE, dismissed=reasons.get((person, rule))
            )
        )
    return found


def standing_in_the_way(found: list[ConflictOfInterest]) -> list[ConflictOfInterest]:
    """Return the conflicts that nobody has dismissed."""
    return [c for c in found if c.dismissed is None]
