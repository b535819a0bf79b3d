"""The people of a proposal's team."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict, NotFound, invalid
from lianyan.core.text import line
from lianyan.identity.models import Affiliation, Person
from lianyan.institutions.models import Institution
from lianyan.proposals import access
from lianyan.proposals.acts import CONFIRMABLE
from lianyan.proposals.models import Invitation, Member, Proposal, Taking
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.consortium import MemberIn
from lianyan.proposals.states import SHOWN, Participation, State

DUTY_LIMIT = 40
MEMBERS_MOST = 100


async def add_member(
    session: AsyncSession, actor: Actor, proposal_id: UUID, data: MemberIn
) -> UUID:
    """Add a confirmed person of a participating institution; return the member's id."""
    proposal = (await find(session, actor, proposal_id, "team.arrange")).proposal
    demand_open_team(proposal)
    fields = Fields()
    duty = fields.take("duty", line, data.duty, blank=True, limit=DUTY_LIMIT)
    fields.settle()
    takes_part = await session.scalar(
        select(Taking.id).where(
            Taking.proposal_id == proposal.id,
            Taking.institution_id == data.institution_id,
            Taking.state != Participation.REMOVED,
        )
    )
    if takes_part is None:
        raise invalid("institution_id", "proposals.institution_not_in")
    employed = await session.scalar(
        select(Affiliation.id)
        .join(Person, Person.id == Affiliation.person_id)
        .where(
            Affiliation.person_id == data.person_id,
            Affiliation.institution_id == data.institution_id,
            Affiliation.status == "confirmed",
            Person.status == "active",
        )
    )
    if employed is None:
        raise invalid("person_id", "proposals.person_not_there")
    if await current(session, proposal.id, data.person_id) is not None:
        problem = Conflict("proposals.member_twice")
        problem.errors = invalid("person_id", "proposals.member_twice").errors
        raise problem
    return await join(
        session, actor, proposal.id, data.person_id, data.institution_id, duty=duty or ""
    )


def demand_open_team(proposal: Proposal) -> None:
    """Raise Conflict once the team stands: from the formal check on it is what was submitted."""
    state = State(proposal.state)
    if state not in CONFIRMABLE:
        raise Conflict("proposals.team_closed", state=SHOWN[state])


async def current(session: AsyncSession, proposal_id: UUID, person_id: UUID) -> Member | None:
    """Return a person's place in the team, None for somebody who is not in it."""
    found: Member | None = await session.scalar(
        select(Member).where(
            Member.proposal_id == proposal_id,
            Member.person_id == person_id,
            Member.removed_at.is_(None),
        )
    )
    return found


async def join(
    session: AsyncSession,
    actor: Actor | None,
    proposal_id: UUID,
    person_id: UUID,
    institution_id: UUID,
    *,
    duty: str = "",
) -> UUID:
    """Put a person into the team and open the proposal to them; return the member's id."""
    if await _count(session, Member.proposal_id == proposal_id) >= MEMBERS_MOST:
        raise Conflict("proposals.team_full", limit=MEMBERS_MOST)
    made = Member(
        proposal_id=proposal_id, person_id=person_id, institution_id=institution_id, duty=duty
    )
    session.add(made)
    await session.flush()
    await access.refresh_around(session, proposal_id)
    await record(
        session,
        actor,
        "member.added",
        made.id,
        proposal_id=proposal_id,
        person_id=person_id,
        institution_id=institution_id,
    )
    return made.id


async def remove_member(session: AsyncSession, actor: Actor, member_id: UUID) -> None:
    """Take a person out of the team; their unused links die, their edits stay under their name."""
    member = await session.get(Member, member_id)
    if member is None:
        raise NotFound
    proposal = (await find(session, actor, member.proposal_id, "team.arrange")).proposal
    await session.refresh(member)
    if member.removed_at is not None:
        return
    demand_open_team(proposal)
    if member.person_id == proposal.lead_id:
        raise Conflict("proposals.lead_stays")
    same = (Member.proposal_id == proposal.id, Member.institution_id == member.institution_id)
    if await _count(session, *same) == 1 and await _takes_part(session, member):
        home = await session.get_one(Institution, member.institution_id)
        names = {"zh": home.name_zh, "en": home.name_en}
        raise Conflict("proposals.last_contact_of_institution", institution=names)
    await leave(session, proposal.id, member_id=member.id)
    person = await session.get_one(Person, member.person_id)
    await close_links(
        session,
        proposal.id,
        participation_of=member.institution_id,
        name=person.name,
        email=person.email,
    )
    await access.refresh_around(session, proposal.id)
    await record(
        session,
        actor,
        "member.removed",
        member.id,
        proposal_id=proposal.id,
        person_id=member.person_id,
        institution_id=member.institution_id,
    )


async def _count(session: AsyncSession, *where: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(Member).where(Member.removed_at.is_(None), *where)
    return await session.scalar(counted) or 0


async def _takes_part(session: AsyncSession, member: Member) -> bool:
    found = await session.scalar(
        select(Taking.id).where(
            Taking.proposal_id == member.proposal_id,
            Taking.institution_id == member.institution_id,
            Taking.state != Participation.REMOVED,
        )
    )
    return found is not None


async def leave(
    session: AsyncSession,
    proposal_id: UUID,
    *,
    institution_id: UUID | None = None,
    member_id: UUID | None = None,
) -> None:
    """End the place of one member, or of all of an institution."""
    which = Member.id == member_id if member_id else Member.institution_id == institution_id
    await session.execute(
        update(Member)
        .where(Member.proposal_id == proposal_id, Member.removed_at.is_(None), which)
        .values(removed_at=func.clock_timestamp())
    )


async def close_links(
    session: AsyncSession,
    proposal_id: UUID,
    *,
    participation_id: UUID | None = None,
    participation_of: UUID | None = None,
    name: str = "",
    email: str | None = None,
) -> None:
    """Kill unused links: all of one part, or those made for one person (by address, or by name)."""
    which: Any = Invitation.participation_id == participation_id
    if participation_id is None:
        parts = select(Taking.id).where(
            Taking.proposal_id == proposal_id, Taking.institution_id == participation_of
        )
        which = (Invitation.name == name) & Invitation.participation_id.in_(parts)
        if email:
            which = or_(func.lower(Invitation.email) == email.lower(), which)
    await session.execute(
        update(Invitation)
        .where(Invitation.proposal_id == proposal_id, Invitation.state == "sent", which)
        .values(state="revoked", answered_at=func.clock_timestamp())
    )
