"""Starting a proposal."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.core.actor import Actor
from lianyan.core.clock import came, now
from lianyan.core.events import record
from lianyan.core.problems import Conflict, invalid
from lianyan.identity.models import Person
from lianyan.proposals import access
from lianyan.proposals.deadlines import too_late
from lianyan.proposals.models import Member, Proposal, Taking
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.drafting import DraftIn
from lianyan.proposals.states import State


async def start(session: AsyncSession, actor: Actor, data: DraftIn) -> UUID:
    """Start a proposal that the actor leads for one of their institutions; return its id."""
    call = await session.get(Call, data.call_id)
    if call is None:
        raise invalid("call_id", "proposals.no_such_call")
    if data.institution_id not in actor.institutions:
        raise invalid("institution_id", "proposals.not_employed_there")
    at = await now(session, came(session))
    if at < call.opens_at:
        raise Conflict("proposals.call_not_open", **too_late(call.opens_at, at))
    if at > call.closes_at:
        raise Conflict("proposals.call_closed", **too_late(call.closes_at, at))
    if not data.again:
        # Two tabs at once: the second looks for the draft when the first has made it.
        await session.execute(
            select(Person.id).where(Person.id == actor.id).with_for_update(key_share=True)
        )
        draft = await session.scalar(
            select(Proposal.id)
            .where(
                Proposal.call_id == call.id,
                Proposal.lead_id == actor.id,
                Proposal.state == State.DRAFT,
            )
            .order_by(Proposal.id.desc())
            .limit(1)
        )
        if draft is not None:
            raise Conflict("proposals.draft_exists", id=str(draft))
    proposal = Proposal(call_id=call.id, form_id=call.form_id, lead_id=actor.id)
    session.add(proposal)
    await session.flush()
    session.add_all(
        [
            Taking(proposal_id=proposal.id, institution_id=data.institution_id, role="lead"),
            Member(proposal_id=proposal.id, person_id=actor.id, institution_id=data.institution_id),
        ]
    )
    await access.refresh(session, proposal.id)
    await record(
        session,
        actor,
        "proposal.drafted",
        proposal.id,
        proposal_id=proposal.id,
        call_id=call.id,
        institution_id=data.institution_id,
    )
    return proposal.id


async def see(session: AsyncSession, actor: Actor, proposal_id: UUID) -> None:
    """Raise NotFound unless the actor may still read the proposal."""
    await find(session, actor, proposal_id, "proposal.read")
