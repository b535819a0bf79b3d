"""What coordinators do about reviewers: ask, remove, set a conflict aside; and what a conflict does."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.core.actor import Actor
from lianyan.core.clock import now
from lianyan.core.events import record
from lianyan.core.problems import Conflict, NotFound, invalid
from lianyan.core.text import TextError, prose
from lianyan.identity.models import Person, PlatformRole
from lianyan.proposals import access
from lianyan.proposals.conflicts import (
    DISMISSABLE,
    ConflictOfInterest,
    conflicts,
    standing_in_the_way,
)
from lianyan.proposals.models import Dismissal, Proposal
from lianyan.proposals.states import State
from lianyan.reviews import policy
from lianyan.reviews.models import Assignment, Review
from lianyan.reviews.schemas import NewAssignment, NewDismissal

MOST_PER_REVIEWER = 6
REASON_LIMIT = 300
LATE_NOTICE = timedelta(days=7)
"""How long a reviewer has who is asked after the call's date for reviews."""


def reason_of(value: str, field: str = "reason") -> str:
    """Return a reason as it is stored, or refuse it by name."""
    try:
        return prose(value, limit=REASON_LIMIT)
    except TextError as error:
        raise invalid(field, error.code, **error.params) from None


def refusal(found: ConflictOfInterest) -> Conflict:
    """Return the refusal that a conflict of interest is."""
    return Conflict(
        f"reviews.conflict_{found.rule}",
        rule=found.rule,
        hard=found.hard,
        dismissable=found.rule in DISMISSABLE,
        **found.params,
    )


async def assign(
    session: AsyncSession, actor: Actor, proposal_id: UUID, data: NewAssignment
) -> UUID:
    """Ask a reviewer to review a proposal; return the assignment.

    Raise Conflict for a conflict of interest, and for a full quota unless a reason is given.
    """
    override = None
    if data.override_reason is not None and data.override_reason.strip():
        override = reason_of(data.override_reason, "override_reason")
    proposal = await policy.find(session, actor, proposal_id, "assignment.add")
    await _lock_reviewer(session, data.reviewer_id)
    against = standing_in_the_way(await conflicts(session, proposal_id, data.reviewer_id))
    if against:
        raise refusal(min(against, key=lambda c: not c.hard))
    current = _active(Assignment.proposal_id == proposal_id)
    if await session.scalar(
        select(current.where(Assignment.reviewer_id == data.reviewer_id).exists())
    ):
        raise Conflict("reviews.assigned_already")
    call = await session.get_one(Call, proposal.call_id)
    if override is None:
        await _within_quotas(session, proposal_id, data.reviewer_id, call.max_reviews)
    moment = await now(session)
    made = Assignment(
        proposal_id=proposal_id,
        reviewer_id=data.reviewer_id,
        assigned_by=actor.id,
        due_at=call.reviews_until if call.reviews_until > moment else moment + LATE_NOTICE,
        override_reason=override,
    )
    session.add(made)
    await session.flush()
    await access.refresh(session, proposal_id)
    await record(
        session,
        actor,
        "assignment.asked",
        made.id,
        proposal_id=proposal_id,
        reviewer_id=data.reviewer_id,
        override=override is not None,
    )
    return made.id


async def remove(session: AsyncSession, actor: Actor, assignment_id: UUID, reason: str) -> None:
    """Take a reviewer off a proposal; a review that is submitted and counts stays."""
    text = reason_of(reason)
    seen = await session.get(Assignment, assignment_id)
    if seen is None:
        raise NotFound
    proposal = await policy.find(session, actor, seen.proposal_id, "assignment.remove")
    found = await policy.locked(session, assignment_id)
    if found.state not in policy.ACTIVE:
        raise Conflict("reviews.assignment_over", state=found.state)
    if found.suspended_at is None and await submitted(session, assignment_id):
        raise Conflict("reviews.final")
    found.state, found.removal_reason = "removed", text
    found.rev += 1
    await access.refresh(session, proposal.id)
    await record(
        session,
        actor,
        "assignment.removed",
        found.id,
        proposal_id=proposal.id,
        reviewer_id=found.reviewer_id,
    )


async def dismiss(
    session: AsyncSession, actor: Actor, proposal_id: UUID, data: NewDismissal
) -> UUID:
    """Set a person's conflict with a proposal aside; a review suspended for it alone goes on."""
    text = reason_of(data.reason)
    await policy.find(session, actor, proposal_id, "conflict.dismiss")
    found = await conflicts(session, proposal_id, data.person_id)
    rule = next((c for c in found if c.rule == data.rule), None)
    if rule is None:
        raise Conflict("reviews.no_such_conflict")
    if rule.hard:
        raise Conflict("reviews.conflict_hard", rule=rule.rule)
    if rule.dismissed is not None:
        raise Conflict("reviews.dismissed_already")
    made = Dismissal(
        proposal_id=proposal_id,
        person_id=data.person_id,
        rule=rule.rule,
        reason=text,
        dismissed_by=actor.id,
    )
    session.add(made)
    await session.flush()
    if not standing_in_the_way(await conflicts(session, proposal_id, data.person_id)):
        mine = Assignment.proposal_id == proposal_id, Assignment.reviewer_id == data.person_id
        for assignment in await session.scalars(_active(*mine)):
            assignment.suspended_at = None
    await access.refresh(session, proposal_id)
    await record(
        session,
        actor,
        "conflict.dismissed",
        made.id,
        proposal_id=proposal_id,
        person_id=data.person_id,
        rule=rule.rule,
    )
    return made.id


async def suspend_conflicted(session: AsyncSession, proposal_id: UUID) -> None:
    """Suspend every assignment of the locked proposal whose reviewer has a conflict by now.

    To be called in the transaction of each change of who takes part. A suspended review does not
    count, and its author reads nothing more of the proposal.
    """
    await session.flush()
    unsuspended = _active(Assignment.proposal_id == proposal_id, Assignment.suspended_at.is_(None))
    for assignment in (await session.scalars(unsuspended)).all():
        await _suspend(session, assignment)


async def suspend_conflicted_person(session: AsyncSession, person_id: UUID) -> None:
    """Suspend those assignments of a person that a new conflict of theirs forbids."""
    await session.flush()
    unsuspended = _active(Assignment.reviewer_id == person_id, Assignment.suspended_at.is_(None))
    for assignment in (await session.scalars(unsuspended)).all():
        await _suspend(session, assignment)


async def _suspend(session: AsyncSession, assignment: Assignment) -> None:
    proposal_id, person_id = assignment.proposal_id, assignment.reviewer_id
    against = standing_in_the_way(await conflicts(session, proposal_id, person_id))
    if not against:
        return
    assignment.suspended_at = await now(session)
    assignment.rev += 1
    await access.refresh_many(session, [proposal_id])
    await record(
        session,
        None,
        "assignment.suspended",
        assignment.id,
        proposal_id=proposal_id,
        reviewer_id=person_id,
        rules=[c.rule for c in against],
    )


async def submitted(session: AsyncSession, assignment_id: UUID) -> bool:
    """Say whether the review of an assignment is submitted."""
    done = Review.assignment_id == assignment_id, Review.submitted_at.is_not(None)
    return bool(await session.scalar(select(exists().where(*done))))


def _active(*conditions: ColumnElement[bool]) -> Select[Assignment]:
    return select(Assignment).where(Assignment.state.in_(policy.ACTIVE), *conditions)


async def _lock_reviewer(session: AsyncSession, person_id: UUID) -> None:
    """Hold the reviewer, so that two who ask at the same instant count one after the other."""
    statement = (
        select(Person.id)
        .join(PlatformRole, PlatformRole.person_id == Person.id)
        .where(
            Person.id == person_id,
            Person.status == "active",
            PlatformRole.role == "reviewer",
            PlatformRole.ended_at.is_(None),
        )
        .with_for_update(of=Person, key_share=True)
    )
    if await session.scalar(statement) is None:
        raise invalid("reviewer_id", "reviews.not_a_reviewer")


async def _within_quotas(
    session: AsyncSession, proposal_id: UUID, reviewer_id: UUID, most: int
) -> None:
    counted = (
        select(func.count())
        .select_from(Assignment)
        .join(Proposal, Proposal.id == Assignment.proposal_id)
        .where(
            Assignment.state.in_(policy.ACTIVE),
            Assignment.suspended_at.is_(None),
            Proposal.state == State.PEER_REVIEW,
        )
    )
    for of, limit, whose in (
        ("proposal", most, Assignment.proposal_id == proposal_id),
        ("reviewer", MOST_PER_REVIEWER, Assignment.reviewer_id == reviewer_id),
    ):
        count = await session.scalar(counted.where(whose)) or 0
        if count >= limit:
            raise Conflict("reviews.quota_reached", of=of, count=count, limit=limit)
