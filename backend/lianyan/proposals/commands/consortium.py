"""Institutions' parts in a proposal."""

from typing import Any
from uuid import UUID

from msgspec import UNSET
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.policy import Role
from lianyan.core.problems import Conflict, Forbidden, NotFound, Stale, invalid
from lianyan.core.text import line, prose
from lianyan.institutions.models import Institution
from lianyan.proposals import access, acts
from lianyan.proposals.commands import contributing
from lianyan.proposals.commands.editing import (
    Changed,
    begin,
    demand_editable,
    part_of,
    settle,
)
from lianyan.proposals.commands.team import close_links, leave
from lianyan.proposals.deadlines import part_state
from lianyan.proposals.models import Consent, Member, Proposal, Taking
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.consortium import PartChange, PartIn
from lianyan.proposals.states import EDITABLE, PARTICIPATION_MOVES, Participation, State

PARTS_MOST = 20
TASK_LIMIT, TERMS_LIMIT, REASON_LIMIT = 300, 500, 300


async def add_part(session: AsyncSession, actor: Actor, proposal_id: UUID, data: PartIn) -> UUID:
    """Ask an institution to take part; return the id of its part."""
    proposal = (await begin(session, actor, proposal_id, "proposal.arrange")).proposal
    fields = Fields()
    task = fields.take("task", prose, data.task, blank=True, limit=TASK_LIMIT)
    fields.settle()
    if await session.get(Institution, data.institution_id) is None:
        raise invalid("institution_id", "proposals.no_such_institution")
    there = (
        await session.execute(
            select(Taking.institution_id, Taking.position).where(
                Taking.proposal_id == proposal.id, Taking.state != Participation.REMOVED
            )
        )
    ).all()
    if any(row.institution_id == data.institution_id for row in there):
        raise _twice()
    if len(there) >= PARTS_MOST:
        raise Conflict("proposals.too_many_institutions", limit=PARTS_MOST)
    part = Taking(
        proposal_id=proposal.id,
        institution_id=data.institution_id,
        role=data.role,
        task=task,
        position=max((row.position for row in there), default=0) + 1,
    )
    session.add(part)
    await session.flush()
    await access.refresh(session, proposal.id)
    await record(
        session,
        actor,
        "participation.added",
        part.id,
        proposal_id=proposal.id,
        institution_id=part.institution_id,
        role=part.role,
    )
    await settle(session, actor, proposal)
    return part.id


def _twice() -> Conflict:
    problem = Conflict("proposals.institution_twice")
    problem.errors = invalid("institution_id", "proposals.institution_twice").errors
    return problem


async def change_part(
    session: AsyncSession, actor: Actor, participation_id: UUID, data: PartChange, *, rev: int
) -> Changed:
    """Change an institution's role, task, terms or promise; a field left out stays as it is."""
    part = await part_of(session, participation_id)
    editing = await begin(session, actor, part.proposal_id)
    part = await part_of(session, participation_id)
    await _demand_own(session, actor, editing.roles, part, data)
    sent = _texts(data)
    if "role" in sent and part.role == "lead":
        raise Conflict("proposals.lead_institution_stays")
    held: dict[str, Any] = {name: getattr(part, name) for name in sent}
    lines = None
    if data.contributions is not UNSET:
        lines = contributing.check(data.contributions)
        before = await contributing.stored(session, part.id)
        sent["contributions"], held["contributions"] = lines, before
    if sent == held:
        return Changed(part.rev, [])
    if rev != part.rev:
        if "contributions" in held:
            held["contributions"] = contributing.plain(held["contributions"])
        raise Stale(rev=part.rev, stored=held)
    for name in ("role", "task", "special_terms"):
        if name in sent:
            setattr(part, name, sent[name])
    if lines is not None and lines != held["contributions"]:
        await contributing.replace(session, part.id, lines)
    part.rev += 1
    await session.flush()
    await record(
        session,
        actor,
        "participation.changed",
        part.id,
        proposal_id=part.proposal_id,
        institution_id=part.institution_id,
        fields=[name for name in sent if sent[name] != held[name]],
    )
    return Changed(part.rev, await settle(session, actor, editing.proposal))


def _texts(data: PartChange) -> dict[str, Any]:
    """Return what is sent but the lines, as it is stored; raise Invalid naming what may not be."""
    fields = Fields()
    sent: dict[str, Any] = {}
    if data.role is not UNSET:
        sent["role"] = data.role
    for name, limit in (("task", TASK_LIMIT), ("special_terms", TERMS_LIMIT)):
        value = getattr(data, name)
        if value is not UNSET:
            sent[name] = fields.take(name, prose, value, blank=True, limit=limit)
    fields.settle()
    return sent


async def _demand_own(
    session: AsyncSession, actor: Actor, roles: Role, part: Taking, data: PartChange
) -> None:
    """Let the lead change everything, and people of the institution what it brings."""
    if Role.LEAD in roles:
        return
    if data.role is not UNSET or data.task is not UNSET:
        raise Forbidden("proposals.lead_arranges")
    own = await session.scalar(
        select(Member.id).where(
            Member.proposal_id == part.proposal_id,
            Member.person_id == actor.id,
            Member.institution_id == part.institution_id,
            Member.removed_at.is_(None),
        )
    )
    if own is None:
        raise Forbidden("proposals.not_your_part")


async def remove_part(
    session: AsyncSession, actor: Actor, participation_id: UUID, reason: str, *, rev: int
) -> list[UUID]:
    """Take an institution out, with its people and unused links; return whose confirmation ended.

    One that has declined or expired may go at any time while confirmations are out: that is the
    lead's way on. One that is out already is a success.
    """
    part = await session.get(Taking, participation_id, populate_existing=True)
    if part is None:
        raise NotFound
    found = await find(session, actor, part.proposal_id, "proposal.arrange")
    proposal = found.proposal
    await session.refresh(part)
    if part.state == Participation.REMOVED:
        return []
    fields = Fields()
    fields.take("reason", line, reason, blank=True, limit=REASON_LIMIT)
    fields.settle()
    if part.role == "lead":
        raise Conflict("proposals.lead_institution_stays")
    now = await acts.moment(session, proposal.id)
    state = part_state(proposal, part, now.at)
    way_on = proposal.state == State.CONSENT_PENDING and state in {
        Participation.DECLINED,
        Participation.EXPIRED,
    }
    if not way_on:
        await demand_editable(session, proposal, found.roles)
    if (state, "remove") not in PARTICIPATION_MOVES:
        raise Conflict("proposals.part_state", state=state.value, move="remove")
    if rev != part.rev:
        raise Stale(rev=part.rev, stored={})
    return await _take_out(session, actor, proposal, part)


async def _take_out(
    session: AsyncSession, actor: Actor, proposal: Proposal, part: Taking
) -> list[UUID]:
    part.state = Participation.REMOVED.value
    part.rev += 1
    if proposal.state not in EDITABLE:
        proposal.reopened = True
    await session.execute(
        update(Consent)
        .where(Consent.participation_id == part.id, Consent.void_at.is_(None))
        .values(void_at=func.clock_timestamp())
    )
    await close_links(session, part.proposal_id, participation_id=part.id)
    await leave(session, part.proposal_id, institution_id=part.institution_id)
    await session.flush()
    await access.refresh_around(session, proposal.id)
    await record(
        session,
        actor,
        "participation.remove",
        part.id,
        proposal_id=proposal.id,
        institution_id=part.institution_id,
    )
    return await settle(session, actor, proposal)
