"""What a change elsewhere does to reviews: a conflict of interest that comes later stops them at once.

People join teams, move between institutions and change addresses in other slices' commands; in the
same transaction, whoever reviews by then what they may not review is suspended.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.events import Happened, follows
from lianyan.reviews.commands import suspend_conflicted, suspend_conflicted_person

TEAM = """
  team as (
    select p.id as proposal_id, p.lead_id as person_id from proposals p
    union
    select m.proposal_id, m.person_id from members m where m.removed_at is null
  )
"""

REVIEWERS_OF_TEAM = text(f"""
  with {TEAM}
  select distinct a.reviewer_id from assignments a
  join team t on t.person_id = a.reviewer_id and t.proposal_id = :proposal
  where a.state in ('asked', 'accepted') and a.suspended_at is null
""")
"""Who takes part in the proposal and reviews others: a new colleague may be in one of those."""

REVIEWED_OF_PERSON = text(f"""
  with {TEAM}
  select distinct a.proposal_id from assignments a
  join team t on t.proposal_id = a.proposal_id and t.person_id = :person
  where a.state in ('asked', 'accepted') and a.suspended_at is null
""")
"""The proposals of a person that somebody reviews."""


@follows(
    "member.added", "invitation.accepted", "proposal.pass", "proposal.restore", "proposal.undo"
)
async def _team(session: AsyncSession, event: Happened) -> None:
    """Look at the reviews of the proposal, and at those that its people write elsewhere."""
    if event.proposal_id is None:
        return
    asked = {"proposal": event.proposal_id}
    await suspend_conflicted(session, event.proposal_id)
    for reviewer in (await session.scalars(REVIEWERS_OF_TEAM, asked)).all():
        await suspend_conflicted_person(session, reviewer)


@follows("affiliation.asked", "affiliation.confirmed", "person.changed")
async def _person(session: AsyncSession, event: Happened) -> None:
    """Look at what the person reviews, and at who reviews the person's own proposals."""
    person = _whom(event)
    await suspend_conflicted_person(session, person)
    for proposal in (await session.scalars(REVIEWED_OF_PERSON, {"person": person})).all():
        await suspend_conflicted(session, proposal)


def _whom(event: Happened) -> UUID:
    """Return the person whom an event is about: its own subject, unless its data name somebody."""
    named = event.data.get("person_id") or event.data.get("person")
    return UUID(named) if named else event.subject_id
