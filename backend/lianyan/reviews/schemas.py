"""What the reviews API takes and answers."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef

Recommendation = Literal["approve", "revise", "reject"]
AssignmentState = Literal["asked", "accepted", "declined", "removed"]
Scores = dict[str, int | None]
"""Criterion -> score; 0 is a score, null is none."""


class Words(msgspec.Struct, frozen=True):
    """A sentence of the catalogue with its parameters."""

    code: str
    params: dict[str, Any] = {}


class Dismissed(msgspec.Struct, frozen=True):
    """That somebody without a conflict has set one aside."""

    reason: str


class ConflictWords(msgspec.Struct, frozen=True):
    """A conflict of interest, explained."""

    rule: str
    hard: bool
    words: Words
    dismissable: bool
    dismissed: Dismissed | None = None


class Candidate(msgspec.Struct, frozen=True):
    """A reviewer who could be asked."""

    person: PersonRef
    load: int
    """Reviews the person has been asked for and not submitted, in all calls."""
    done: int
    conflicts: list[ConflictWords]


class AssignmentOut(msgspec.Struct, frozen=True):
    """One reviewer of a proposal, as its coordinators see them."""

    id: UUID
    label: str | None
    """The name applicants and other reviewers see: A, B …; once submitted."""
    reviewer: PersonRef
    state: AssignmentState
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    reason: str | None
    """Why the reviewer declined, or why they were removed."""
    submitted_at: datetime | None
    late: bool
    suspended: bool
    conflicts: list[ConflictWords]
    scores: Scores | None
    total: int | None
    recommendation: Recommendation | None
    for_applicants: str | None
    for_coordinators: str | None


class CriterionSpread(msgspec.Struct, frozen=True):
    """How the submitted scores of one criterion lie."""

    criterion: str
    mean: float | None
    low: int | None
    high: int | None


class Spread(msgspec.Struct, frozen=True):
    """How the submitted reviews of a proposal lie; null where there is nothing to count."""

    review_count: int
    mean_score: float | None
    low: int | None
    high: int | None
    deviation: float | None
    criteria: list[CriterionSpread]


class Assignments(msgspec.Struct, frozen=True):
    """Who reviews a proposal, what they said, and who else could be asked."""

    rev: int
    """Of the proposal."""
    state: str
    min: int
    max: int
    rubric: dict[str, Any]
    items: list[AssignmentOut]
    spread: Spread
    candidates: list[Candidate]
    blockers: list[Words]
    """Why the review cannot be finished yet."""
    can: list[str]


class NewAssignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reviewer to ask; beyond a quota only with a reason."""

    reviewer_id: UUID
    override_reason: str | None = None


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason in words."""

    reason: str


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the tie is."""

    note: str


class NewDismissal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conflict to set aside, with the reason."""

    person_id: UUID
    rule: str
    reason: str


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests to accept; the pledge counts for all of them."""

    assignment_ids: list[UUID]
    pledge: bool


class Submit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reviews to submit, all or none."""

    assignment_ids: list[UUID]


class Submitted(msgspec.Struct, frozen=True):
    """The reviews that are submitted now."""

    assignment_ids: list[UUID]
    at: datetime
    late: list[UUID]


class AcceptedReviews(msgspec.Struct, frozen=True):
    """The requests that are accepted now."""

    assignment_ids: list[UUID]


class ReviewIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A review as the reviewer has it now."""

    scores: Scores
    recommendation: Recommendation | None
    for_applicants: str
    for_coordinators: str


class OwnReview(msgspec.Struct, frozen=True):
    """The reader's own review, in the list."""

    scores: Scores
    recommendation: Recommendation | None
    rev: int
    saved_at: datetime
    submitted_at: datetime | None
    late: bool


class ReviewedProposal(msgspec.Struct, frozen=True):
    """A proposal as the review list names it."""

    id: UUID
    title: str
    title_en: str
    number: str
    lead: InstitutionRef
    partners: list[InstitutionRef]
    leader: PersonRef
    months: int | None


class ReviewCall(msgspec.Struct, frozen=True):
    """A call whose proposals the reader reviews."""

    id: UUID
    title: I18n
    rubric: dict[str, Any]


class ReviewRow(msgspec.Struct, frozen=True):
    """One of the reader's reviews."""

    assignment_id: UUID
    call_id: UUID
    proposal: ReviewedProposal
    state: Literal["asked", "accepted"]
    review: OwnReview | None
    mine_total: int | None
    """Sum of the scores that count; null as long as one of them is missing."""
    due_at: datetime
    open: bool
    """Whether the review can still be answered or written."""
    conflicts: list[str]
    """Rules that were set aside for this reader and proposal."""


class ReviewBlocker(msgspec.Struct, frozen=True):
    """Why a review cannot be submitted yet."""

    assignment_id: UUID
    code: str
    params: dict[str, Any]


class ReviewList(msgspec.Struct, frozen=True):
    """The reader's reviews side by side."""

    items: list[ReviewRow]
    calls: list[ReviewCall]
    call: ReviewCall | None
    """The call of the review that is due first."""
    due_at: datetime | None
    pledge_needed: bool
    can_submit_all: bool
    blockers: list[ReviewBlocker]
    now: datetime


class PromiseOut(msgspec.Struct, frozen=True):
    """One line of what an institution brings."""

    kind: str
    what: str
    amount: str
    unit: str
    value_fen: int | None


class TakingOut(msgspec.Struct, frozen=True):
    """An institution's part, as reviewers read it."""

    institution: InstitutionRef
    role: str
    task: str
    contributions: list[PromiseOut]


class TeamMember(msgspec.Struct, frozen=True):
    """A person of the team, as reviewers read it."""

    person: PersonRef
    duty: str
    lead: bool


class ReadableProposal(msgspec.Struct, frozen=True):
    """What a reviewer reads."""

    id: UUID
    title: str
    title_en: str
    number: str
    version: int | None
    sectors: list[str]
    form: dict[str, Any]
    answers: dict[str, Any]
    participations: list[TakingOut]
    people: list[TeamMember]


class ReviewText(msgspec.Struct, frozen=True):
    """The reader's own review with its texts; rev 0 is one that was never saved."""

    rev: int
    scores: Scores
    recommendation: Recommendation | None
    for_applicants: str
    for_coordinators: str
    saved_at: datetime | None
    submitted_at: datetime | None
    late: bool
    total: int | None


class OtherReview(msgspec.Struct, frozen=True):
    """Another reviewer's review, after the own is submitted."""

    label: str
    scores: Scores
    total: int | None
    recommendation: Recommendation | None
    for_applicants: str


class ReviewPage(msgspec.Struct, frozen=True):
    """A proposal and the reader's review of it."""

    assignment_id: UUID
    proposal: ReadableProposal
    rubric: dict[str, Any]
    review: ReviewText
    due_at: datetime
    late: bool
    """Whether a review submitted now would be late."""
    others: list[OtherReview] | None
    """None before the own review is submitted."""
    can: list[str]
