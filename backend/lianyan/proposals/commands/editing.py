"""What every edit begins and ends with: may it be, and whose confirmation does it end."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.clock import now as clock_now
from lianyan.core.events import record
from lianyan.core.policy import Role
from lianyan.core.problems import Conflict, NotFound
from lianyan.proposals import acts, versions
from lianyan.proposals.material import differing, scope_hash, scopes
from lianyan.proposals.models import Consent, Proposal, Taking
from lianyan.proposals.moving import move
from lianyan.proposals.policy import find
from lianyan.proposals.states import EDITABLE, SHOWN, Move, Participation, State


class Changed(NamedTuple):
    """What a change has done: the thing's revision, and the institutions whose confirmation ended."""

    rev: int
    voided: list[UUID]


class Editing(NamedTuple):
    """A locked proposal whose content the actor may change now."""

    proposal: Proposal
    roles: Role


async def begin(
    session: AsyncSession, actor: Actor, proposal_id: UUID, action: str = "proposal.edit"
) -> Editing:
    """Return the locked proposal if the actor may change its content now; refuse in words otherwise."""
    found = await find(session, actor, proposal_id, action)
    await demand_editable(session, found.proposal, found.roles)
    return Editing(found.proposal, found.roles)


async def demand_editable(session: AsyncSession, proposal: Proposal, roles: Role) -> None:
    """Raise Conflict unless the content may be changed now by a holder of `roles`."""
    state = State(proposal.state)
    if state in EDITABLE:
        return
    if state is not State.CONSENT_PENDING:
        raise Conflict("proposals.not_editable", state=SHOWN[state])
    now = await acts.moment(session, proposal.id)
    if acts.editable(roles, state, now):
        return
    if not now.reopened:
        raise Conflict("proposals.not_reopened", state=SHOWN[state])
    if Role.LEAD not in roles:
        raise Conflict("proposals.lead_only_now", state=SHOWN[state])
    raise Conflict("proposals.consent_date_over", state=SHOWN[state])


async def part_of(session: AsyncSession, participation_id: UUID) -> Taking:
    """Return an institution's part that has not been removed; raise NotFound."""
    part = await session.get(Taking, participation_id, populate_existing=True)
    if part is None or part.state == Participation.REMOVED:
        raise NotFound
    return part


async def settle(session: AsyncSession, actor: Actor, proposal: Proposal) -> list[UUID]:
    """End exactly the confirmations whose content has changed; return their institutions.

    While confirmations are out, an edit is also a new version at once, and an institution that had
    sent its part back is asked again.
    """
    await session.flush()
    voided = await _void(session, actor, proposal)
    if proposal.state == State.CONSENT_PENDING:
        version = await versions.freeze(session, proposal, actor.id)
        proposal.version_id = version.id
        await ask_again(session, actor, proposal.id)
        await complete(session, proposal)
    return voided


async def _void(session: AsyncSession, actor: Actor, proposal: Proposal) -> list[UUID]:
    confirmed = (
        await session.scalars(
            select(Taking).where(
                Taking.proposal_id == proposal.id, Taking.state == Participation.CONSENTED
            )
        )
    ).all()
    if not confirmed:
        return []
    present = await scopes(session, proposal.id, Participation.CONSENTED)
    voided = []
    for part in confirmed:
        scope = present[part.id]
        if scope_hash(scope) == part.scope_hash:
            continue
        consent = (
            await session.scalars(
                select(Consent)
                .where(Consent.participation_id == part.id, Consent.void_at.is_(None))
                .order_by(Consent.id.desc())
                .limit(1)
            )
        ).one()
        await void(session, actor, part, consent, differing(consent.scope, scope))
        voided.append(part.institution_id)
    return voided


async def void(
    session: AsyncSession, actor: Actor, part: Taking, consent: Consent, fields: list[str]
) -> None:
    """End one confirmation and write down by whom and for which fields."""
    at: datetime = await clock_now(session)
    part.state = Participation.VOID.value
    part.void_at, part.void_by, part.void_fields = at, actor.id, fields
    consent.void_at = at
    await session.flush()
    await record(
        session,
        actor,
        "participation.void",
        part.id,
        proposal_id=part.proposal_id,
        institution_id=part.institution_id,
        fields=fields,
    )


async def ask_again(session: AsyncSession, actor: Actor, proposal_id: UUID) -> None:
    """Ask each institution that had sent its part back anew: the lead has made a new version."""
    returned = await session.execute(
        update(Taking)
        .where(Taking.proposal_id == proposal_id, Taking.state == Participation.RETURNED)
        .values(state=Participation.INVITED.value)
        .returning(Taking.id, Taking.institution_id)
    )
    for part_id, institution_id in returned.all():
        await record(
            session,
            actor,
            "participation.renew",
            part_id,
            proposal_id=proposal_id,
            institution_id=institution_id,
        )


async def complete(session: AsyncSession, proposal: Proposal) -> bool:
    """Complete the submission if every institution has confirmed; say whether it did."""
    await session.flush()
    if proposal.state != State.CONSENT_PENDING:
        return False
    waiting = await session.scalar(
        select(Taking.id)
        .where(
            Taking.proposal_id == proposal.id,
            Taking.state.not_in([Participation.CONSENTED, Participation.REMOVED]),
        )
        .limit(1)
    )
    if waiting is not None:
        return False
    proposal.reopened = False
    await move(session, None, proposal, Move.COMPLETE)
    return True
