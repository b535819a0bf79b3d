"""Conflicts of interest: one function everywhere, each conflict named by its rule and explained."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.proposals.access import LOOK_BACK_YEARS, personal_rules

EMPLOYER = text("""
  select distinct i.name_zh, i.name_en
  from affiliations f
  join participations t on t.proposal_id = :proposal and t.state <> 'removed'
  join institutions i on i.id = t.institution_id
  join institutions e on e.id = f.institution_id
  where f.person_id = :person
    and (e.id = i.id or e.id = i.parent_id or e.parent_id = i.id)
    and (f.status in ('pending', 'confirmed')
      or (f.status = 'ended' and f.ended_at > now() - make_interval(years => :years)))
  order by i.name_zh
""")
DISMISSED = text(
    "select rule, reason from dismissals where proposal_id = :proposal and person_id = :person"
)

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
    asked = {"proposal": proposal_id, "person": person_id}
    reasons = {row.rule: row.reason for row in await session.execute(DISMISSED, asked)}
    found = []
    employers = (await session.execute(EMPLOYER, {**asked, "years": LOOK_BACK_YEARS})).all()
    if employers:
        names = {
            "zh": "、".join(e.name_zh for e in employers),
            "en": ", ".join(e.name_en for e in employers),
        }
        found.append(ConflictOfInterest("employer", hard=True, params={"institution": names}))
    found.extend(
        ConflictOfInterest(rule, hard=rule not in DISMISSABLE, dismissed=reasons.get(rule))
        for rule in sorted(await personal_rules(session, proposal_id, person_id))
    )
    return found


def standing_in_the_way(found: list[ConflictOfInterest]) -> list[ConflictOfInterest]:
    """Return the conflicts that nobody has dismissed."""
    return [c for c in found if c.dismissed is None]
