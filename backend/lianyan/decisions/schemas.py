"""What the decisions API takes and answers."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef
from lianyan.decisions.states import Decided

Kind = Literal["approve", "reject"]
Recommendation = Literal["approve", "revise", "reject"]


class Applied(msgspec.Struct, frozen=True):
    """What was applied for."""

    months: int | None
    fen: int | None
    """The cash that the institutions promise, in 分."""


class DecisionIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision as its drafter has it now; granted values are None where they are what was applied for."""

    kind: Kind
    letter: str
    note: str = ""
    granted_months: int | None = None
    granted_fen: int | None = None


class DecisionRecord(msgspec.Struct, frozen=True):
    """A decision before its release."""

    id: UUID
    rev: int
    kind: Kind
    state: Decided
    letter: str
    note: str
    granted_months: int | None
    granted_fen: int | None
    drafted_by: PersonRef
    drafted_at: datetime
    signed_by: PersonRef | None
    signed_at: datetime | None
    sent_back_note: str | None
    stale: bool
    """Whether the proposal's content has changed since the draft."""
    release_due_at: datetime | None


class ReviewSummary(msgspec.Struct, frozen=True):
    """A submitted review without its author's name."""

    label: str
    scores: dict[str, int | None]
    total: int | None
    recommendation: Recommendation | None
    for_applicants: str
    for_coordinators: str
    late: bool


class ConflictWord(msgspec.Struct, frozen=True):
    """Why an approver cannot sign."""

    rule: str
    code: str
    params: dict[str, Any]


class ApproverOut(msgspec.Struct, frozen=True):
    """Somebody with the role approver, and what stands in the way."""

    person: PersonRef
    conflicts: list[ConflictWord]


class DecisionPage(msgspec.Struct, frozen=True):
    """Everything a decision is made from."""

    decision: DecisionRecord | None
    applied: Applied
    rubric: dict[str, Any]
    reviews: list[ReviewSummary]
    review_count: int
    mean: float | None
    approvers: list[ApproverOut]
    can: list[str]


class DecisionRev(msgspec.Struct, frozen=True):
    """A changed decision and its revision."""

    id: UUID
    rev: int


class SendBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the drafter is asked to change."""

    note: str


class DecidedProposal(msgspec.Struct, frozen=True):
    """A proposal as the approver's list names it."""

    id: UUID
    number: str
    title: str
    title_en: str
    lead: InstitutionRef
    partners: list[InstitutionRef]


class DraftedDecision(msgspec.Struct, frozen=True):
    """A drafted decision as the approver's list shows it."""

    id: UUID
    kind: Kind
    rev: int
    drafted_by: PersonRef
    drafted_at: datetime


class DecideRow(msgspec.Struct, frozen=True):
    """A decision that waits for a signature; `why` says what keeps this reader from signing."""

    proposal: DecidedProposal
    decision: DraftedDecision
    why: str | None


class DecideList(msgspec.Struct, frozen=True):
    """The decisions an approver may sign, then those they may not, with the reason."""

    items: list[DecideRow]
    next: str | None


class NamedProposal(msgspec.Struct, frozen=True):
    """A proposal by number and title."""

    id: UUID
    number: str
    title: str
    title_en: str


class Recipient(msgspec.Struct, frozen=True):
    """Somebody who gets a letter."""

    person: PersonRef
    as_: Literal["lead", "officer"] = msgspec.field(name="as")
    institution: InstitutionRef | None


class ReadyRow(msgspec.Struct, frozen=True):
    """A signed decision that can be released now."""

    decision_id: UUID
    proposal: NamedProposal
    kind: Kind
    signed_by: PersonRef
    signed_at: datetime
    recipients: list[Recipient]
    letters: int
    not_sent: list[InstitutionRef]
    """Institutions that get no letter of their own: nobody is officer there, or the lead is."""


class LeftOut(msgspec.Struct, frozen=True):
    """A proposal whose decision cannot be released yet."""

    proposal: NamedProposal
    why: str


class NotYours(msgspec.Struct, frozen=True):
    """A proposal that somebody else must release."""

    proposal: NamedProposal
    why: str
    stand_in: PersonRef | None


class Effects(msgspec.Struct, frozen=True):
    """What a release of everything ready would do."""

    states: int
    projects: int
    letters: int
    letters_approve: int
    letters_reject: int


class RunningRelease(msgspec.Struct, frozen=True):
    """A release whose hold is not over."""

    id: UUID
    due_at: datetime
    count: int
    letters: int
    ordered_by: PersonRef
    decision_ids: list[UUID]


class RecentRelease(msgspec.Struct, frozen=True):
    """A release that was carried out or taken back."""

    id: UUID
    at: datetime
    count: int
    taken_back: bool
    ordered_by: PersonRef


class ReleasePage(msgspec.Struct, frozen=True):
    """What a release would do: exactly this and nothing else."""

    ready: list[ReadyRow]
    left_out: list[LeftOut]
    not_yours: list[NotYours]
    effects: Effects
    running: RunningRelease | None
    recent: list[RecentRelease]
    hold_minutes: int
    can: list[str]


class LetterOut(msgspec.Struct, frozen=True):
    """A letter as it will be read, in both languages."""

    person_id: UUID
    to: str
    as_: Literal["lead", "officer"] = msgspec.field(name="as")
    template: str
    subject: I18n
    body: I18n


class Letters(msgspec.Struct, frozen=True):
    """The letters of some decisions."""

    items: list[LetterOut]


class ReleaseIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decisions to release together."""

    decision_ids: list[UUID]


class ReleasedReview(msgspec.Struct, frozen=True):
    """A review as applicants read it."""

    label: str
    for_applicants: str
    recommendation: Recommendation | None


class ReleasedDecision(msgspec.Struct, frozen=True):
    """A released decision as applicants read it, beside what they applied for."""

    kind: Kind
    letter: str
    applied_months: int | None
    applied_fen: int | None
    granted_months: int | None
    granted_fen: int | None
    at: datetime
    reviews: list[ReleasedReview]
