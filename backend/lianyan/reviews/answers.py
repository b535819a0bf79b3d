"""What reviewers do: accept, decline, declare a conflict, write, submit."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival, now
from lianyan.core.db import raw
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict, FieldError, Forbidden, NotFound, Stale, invalid
from lianyan.core.text import prose
from lianyan.proposals import access
from lianyan.proposals.conflicts import conflicts, standing_in_the_way
from lianyan.proposals.models import Proposal, Tie
from lianyan.proposals.policy import look
from lianyan.reviews import policy, rubric
from lianyan.reviews.commands import reason_of, submitted
from lianyan.reviews.models import Assignment, Review
from lianyan.reviews.schemas import Accept, AcceptedReviews, ReviewIn, Submitted

MOST_AT_ONCE = 50


def _ids(given: list[UUID]) -> list[UUID]:
    if not 1 <= len(given) <= MOST_AT_ONCE:
        raise invalid("assignment_ids", "problems.out_of_range", min=1, max=MOST_AT_ONCE)
    return list(dict.fromkeys(given))


async def accept(session: AsyncSession, actor: Actor, data: Accept) -> AcceptedReviews:
    """Accept requests, all or none, with one pledge for all of them."""
    ids = _ids(data.assignment_ids)
    if not data.pledge:
        raise invalid("pledge", "reviews.pledge_needed")
    moment = await now(session)
    against: list[FieldError] = []
    for proposal, assignment in await policy.own_many(session, actor, ids, "assignment.answer"):
        if assignment.state == "accepted":
            continue
        policy.in_review(proposal)
        found = standing_in_the_way(await conflicts(session, proposal.id, actor.id))
        against += [
            FieldError(f"assignment_ids.{assignment.id}", "reviews.own_conflict", {"rule": c.rule})
            for c in found
        ]
        assignment.state, assignment.answered_at = "accepted", moment
        assignment.pledged_at = moment
        assignment.rev += 1
        await access.refresh(session, proposal.id)
        await _say(session, actor, "accepted", assignment)
    if against:
        raise Conflict("reviews.conflict_found", errors=against)
    return AcceptedReviews(ids)


async def decline(session: AsyncSession, actor: Actor, assignment_id: UUID, reason: str) -> None:
    """Decline a request, or give a review back that is not submitted."""
    text = reason_of(reason)
    _, assignment = await policy.own(session, actor, assignment_id, "assignment.answer")
    if await submitted(session, assignment_id):
        raise Conflict("reviews.final")
    await _leave(session, actor, assignment, text)


async def declare(session: AsyncSession, actor: Actor, assignment_id: UUID, note: str) -> None:
    """Declare a tie to the proposal: it is closed to the reviewer, and a submitted review suspended."""
    text = reason_of(note, "note")
    _, assignment = await policy.own(session, actor, assignment_id, "assignment.answer")
    tie = {"proposal_id": assignment.proposal_id, "person_id": actor.id, "note": text}
    await session.execute(insert(Tie).values(**tie).on_conflict_do_nothing())
    if not await submitted(session, assignment_id):
        await _leave(session, actor, assignment, text, conflict=True)
        return
    assignment.suspended_at = await now(session)
    assignment.rev += 1
    await access.refresh(session, assignment.proposal_id)
    await _say(session, actor, "suspended", assignment, rules=["declared_tie"])


async def save(
    session: AsyncSession, actor: Actor, assignment_id: UUID, rev: int, data: ReviewIn
) -> int:
    """Save the actor's review as it is; return its revision.

    The proposal is not locked: reviewers who write at the same time do not wait for each other.
    """
    seen = await policy.mine(session, actor, assignment_id)
    try:
        await look(await raw(session), actor, seen.proposal_id, "review.write")
    except (Forbidden, NotFound) as refusal:
        suspended = seen.suspended_at is not None
        raise policy.explained(refusal, state=seen.state, suspended=suspended) from None
    proposal = await session.get_one(Proposal, seen.proposal_id)
    call = await session.get_one(Call, proposal.call_id)
    content = _content(rubric.read(call.rubric), data)
    await policy.locked(session, assignment_id)
    review = await session.scalar(select(Review).where(Review.assignment_id == assignment_id))
    stored = _stored(review) if review else None
    if review is not None and stored == content:
        return review.rev
    if review is not None and review.submitted_at is not None:
        raise Conflict("reviews.final")
    policy.in_review(proposal)
    if rev != (review.rev if review else 0):
        raise Stale(rev=review.rev if review else 0, stored=stored)
    moment = await now(session)
    if review is None:
        review = Review(assignment_id=assignment_id, rev=0)
        session.add(review)
    for name, value in content.items():
        setattr(review, name, value)
    review.saved_at = moment
    review.rev += 1
    await session.flush()
    await record(session, actor, "review.saved", review.id, proposal_id=proposal.id, rev=review.rev)
    return review.rev


async def submit(
    session: AsyncSession, actor: Actor, arrival: Arrival, assignment_ids: list[UUID]
) -> Submitted:
    """Submit reviews, all or none; after the due date they are marked late.

    Raise Conflict naming everything that is missing in any of them. What is submitted already stays.
    """
    ids = _ids(assignment_ids)
    moment = await now(session, arrival)
    found: list[Review] = []
    wrong: list[FieldError] = []
    for proposal, assignment in await policy.own_many(session, actor, ids, "review.write"):
        saved = select(Review).where(Review.assignment_id == assignment.id)
        review = await session.scalar(saved.execution_options(populate_existing=True))
        if review is not None and review.submitted_at is not None:
            found.append(review)
            continue
        policy.in_review(proposal)
        call = await session.get_one(Call, proposal.call_id)
        wrong += _missing(rubric.read(call.rubric), assignment, review)
        if review is not None:
            review.submitted_at = moment
            review.late = moment >= assignment.due_at
            review.rev += 1
            found.append(review)
            await _say(session, actor, "submitted", assignment, late=review.late)
    if wrong:
        raise Conflict("reviews.incomplete", errors=wrong, count=len({e.field for e in wrong}))
    return Submitted(
        assignment_ids=ids,
        at=max((r.submitted_at for r in found if r.submitted_at), default=moment),
        late=[r.assignment_id for r in found if r.late],
    )


def _missing(
    asked: rubric.Rubric, assignment: Assignment, review: Review | None
) -> list[FieldError]:
    scores = review.scores if review else {}
    recommendation = review.recommendation if review else None
    text = review.for_applicants if review else ""
    return [
        FieldError(f"assignment_ids.{assignment.id}", e.code, e.params)
        for e in rubric.missing(asked, scores, recommendation, text)
    ]


def _content(asked: rubric.Rubric, data: ReviewIn) -> dict[str, Any]:
    """Return a review as it is stored, or refuse it naming each field that is wrong."""
    fields = Fields()
    for criterion, score in data.scores.items():
        if criterion not in asked.criteria:
            fields.wrong(f"scores.{criterion[:80]}", "reviews.unknown_criterion")
        elif score is not None and not asked.low <= score <= asked.high:
            fields.wrong(
                f"scores.{criterion}", "reviews.score_out_of_range", min=asked.low, max=asked.high
            )
    for_applicants = fields.take(
        "for_applicants", prose, data.for_applicants, blank=True, limit=asked.applicants_limit
    )
    for_coordinators = fields.take(
        "for_coordinators", prose, data.for_coordinators, blank=True, limit=asked.coordinators_limit
    )
    fields.settle()
    return {
        "scores": {criterion: data.scores.get(criterion) for criterion in asked.criteria},
        "recommendation": data.recommendation,
        "for_applicants": for_applicants,
        "for_coordinators": for_coordinators,
    }


def _stored(review: Review) -> dict[str, Any]:
    return {
        "scores": review.scores,
        "recommendation": review.recommendation,
        "for_applicants": review.for_applicants,
        "for_coordinators": review.for_coordinators,
    }


async def _leave(
    session: AsyncSession, actor: Actor, assignment: Assignment, text: str, **data: Any
) -> None:
    assignment.state, assignment.answered_at = "declined", await now(session)
    assignment.decline_reason = text
    assignment.rev += 1
    await access.refresh(session, assignment.proposal_id)
    await _say(session, actor, "declined", assignment, **data)


async def _say(
    session: AsyncSession, actor: Actor, what: str, assignment: Assignment, **data: Any
) -> None:
    kind = "review" if what == "submitted" else "assignment"
    await record(
        session,
        actor,
        f"{kind}.{what}",
        assignment.id,
        proposal_id=assignment.proposal_id,
        reviewer_id=assignment.reviewer_id,
        **data,
    )
