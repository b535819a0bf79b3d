"""What an actor is to one proposal, and the only ways to get hold of one."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.db import Connection, owe, raw
from lianyan.core.policy import ALLOWED, Role, standing
from lianyan.core.problems import Forbidden, NotFound
from lianyan.proposals.access import Right
from lianyan.proposals.models import Proposal
from lianyan.proposals.states import State

DECIDING = {State.DECISION_PENDING, State.APPROVED, State.REJECTED}
"""States in which an approver has something to read."""

READERS = (
    Role.LEAD | Role.TEAM | Role.OFFICER | Role.LEAD_OFFICER | Role.COORDINATOR | Role.PROGRESS
    | Role.APPROVER | Role.ASKED | Role.REVIEWER | Role.AUDITOR | Role.EXAMINER
)  # fmt: skip
"""Whoever knows that the proposal exists."""


class Rights(NamedTuple):
    """The bits of `access` that concern one actor and one proposal."""

    own: int
    """Of the person."""
    office: int
    """Of the institutions the person is officer of."""
    employer: int
    """Of the institutions that employ or employed the person."""
    submitted: bool
    state: str


RIGHTS = """
  select
    coalesce(bit_or(a.rights) filter (where a.principal = $2), 0) as own,
    coalesce(bit_or(a.rights) filter (where a.principal = any($3)), 0) as office,
    coalesce(bit_or(a.rights) filter (where a.principal = any($4)), 0) as employer,
    p.submitted_at is not null as submitted, p.state
  from proposals p
  left join access a on a.proposal_id = p.id and a.principal = any($2 || $3 || $4)
  where p.id = $1
  group by p.id
"""


def roles(actor: Actor, rights: Rights, proposal_id: UUID) -> Role:
    """Return every role of `actor` towards the proposal that `rights` were read for."""
    found = standing(actor)
    if actor.scope is not None:
        return found | _inside(rights) if actor.scope == proposal_id else found
    found |= _inside(rights)
    own = Right(rights.own)
    if own & (Right.CONFLICT | Right.TEAM):
        return found
    if Role.RECORD in found:
        found |= Role.EXAMINER
    return found | _handling(found, own, rights)


def _inside(rights: Rights) -> Role:
    """Return what the consortium's own people are."""
    return _each(
        (Role.LEAD, rights.own & Right.LEAD),
        (Role.TEAM, rights.own & Right.TEAM),
        (Role.OFFICER, rights.office & Right.PARTY),
        (Role.LEAD_OFFICER, rights.office & Right.LEAD_PARTY),
    )


def _handling(stands: Role, own: Right, rights: Rights) -> Role:
    """Return what somebody without a personal conflict is to the handling."""
    # A proposal taken back is a draft again: its number stays, its content is the team's.
    there = rights.submitted and rights.state != State.DRAFT
    desk, auditing = Role.DESK in stands and there, Role.AUDITING in stands and there
    if rights.employer & Right.EMPLOYER:
        return _each((Role.PROGRESS, desk or auditing))
    return _each(
        (Role.COORDINATOR, desk),
        (Role.AUDITOR, auditing),
        (Role.ASKED, own & Right.ASKED),
        (Role.REVIEWER, own & Right.REVIEWER),
        (Role.APPROVER, Role.BENCH in stands and rights.state in DECIDING),
    )


def _each(*pairs: tuple[Role, int]) -> Role:
    found = Role(0)
    for role, holds in pairs:
        if holds:
            found |= role
    return found


async def rights(connection: Connection, actor: Actor, proposal_id: UUID) -> Rights | None:
    """Return the actor's bits towards a proposal, None if there is no such proposal."""
    row = await connection.fetchrow(
        RIGHTS.replace("$2 ||", "array[$2]::uuid[] ||"),
        proposal_id,
        actor.id,
        list(actor.offices),
        list(actor.employers),
    )
    return Rights(*row) if row else None


def refuse(found: Role, action: str) -> None:
    """Raise unless a holder of `found` may do `action`: NotFound to whom may not know, else Forbidden."""
    if found & ALLOWED[action]:
        return
    if not found & READERS:
        raise NotFound
    handling = action.split(".", maxsplit=1)[0] in {
        "review",
        "assignment",
        "decision",
        "conflict",
        "desk",
    }
    if handling and found & (Role.LEAD | Role.TEAM):
        raise Forbidden("problems.coi_own_proposal")
    if Role.PROGRESS in found:
        raise Forbidden("problems.coi_employer")
    raise Forbidden


async def look(connection: Connection, actor: Actor, proposal_id: UUID, action: str) -> Role:
    """Return the actor's roles towards a proposal they may do `action` to; refuse otherwise."""
    bits = await rights(connection, actor, proposal_id)
    if bits is None:
        raise NotFound
    found = roles(actor, bits, proposal_id)
    refuse(found, action)
    return found


class Found(NamedTuple):
    """A proposal that an actor got hold of, locked, and what they are to it."""

    proposal: Proposal
    roles: Role


Due = Callable[[AsyncSession, UUID], Awaitable[bool]]
DUE: list[Due] = []
"""What is carried out before the next write to a proposal looks at it: releases whose hold is over.

Each says whether it has done anything. That stays done, even if the write itself is refused.
"""


def _again(carry_out: Due, proposal_id: UUID) -> Callable[[AsyncSession], Awaitable[bool]]:
    return lambda session: carry_out(session, proposal_id)


async def find(session: AsyncSession, actor: Actor, proposal_id: UUID, action: str) -> Found:
    """Return the proposal, locked, if `actor` may do `action` to it.

    Raise NotFound if the actor may not know it, Forbidden if they may know it but not do this.
    """
    # Before the lock: a release locks its own row first and all its proposals after it, in order.
    for carry_out in DUE:
        if await carry_out(session, proposal_id):
            owe(session, _again(carry_out, proposal_id))
    locked = select(Proposal).where(Proposal.id == proposal_id).with_for_update()
    proposal = await session.scalar(locked.execution_options(populate_existing=True))
    if proposal is None:
        raise NotFound
    bits = await rights(await raw(session), actor, proposal_id)
    if bits is None:
        raise NotFound
    found = roles(actor, bits, proposal_id)
    refuse(found, action)
    return Found(proposal, found)


VISIBLE = text("""
  select p.id from proposals p
  join access a on a.proposal_id = p.id and a.principal = any(:principals) and a.shown_state is not null
  where cast(:scope as uuid) is null or p.id = :scope
  union
  select p.id from proposals p
  where :desk and p.submitted_at is not null and p.state <> 'draft'
    and not exists (
      select from access c
      where c.proposal_id = p.id and c.principal = :person and c.rights & :removed <> 0)
""")
"""Ids of the proposals an actor's lists may show: the read rule as SQL."""
