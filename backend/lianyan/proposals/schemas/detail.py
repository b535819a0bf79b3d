"""The proposal as its own people read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef
from lianyan.proposals.schemas.refs import Deadline, Progress, Todo


class CallOut(msgspec.Struct):
    """The call a proposal answers."""

    id: UUID
    title: I18n
    prefix: str
    closes_at: datetime
    min_institutions: int
    consent: str | None
    consent_days: int
    form: dict[str, Any]


class SectionOut(msgspec.Struct, kw_only=True):
    """How far one section is."""

    id: str
    rev: int
    saved_at: datetime | None
    saved_by: PersonRef | None
    complete: bool
    missing: int
    flagged: str | None
    """The checker's note, while the proposal is returned."""


class MemberOut(msgspec.Struct):
    """A person of the team."""

    id: UUID
    person: PersonRef
    duty: str
    lead: bool
    scope: bool
    """Invited by a link and not yet logged in through an institution."""


class ContributionOut(msgspec.Struct):
    """One line of what an institution brings."""

    id: UUID
    kind: str
    what: str
    amount: str
    unit: str
    value_fen: int | None
    terms: str


class FieldChange(msgspec.Struct):
    """One material field before and now."""

    field: str
    before: Any
    after: Any


class VoidOut(msgspec.Struct):
    """What ended a confirmation."""

    at: datetime | None
    by: str | None
    fields: list[str]
    changes: list[FieldChange]


class PartOut(msgspec.Struct, kw_only=True):
    """An institution's part."""

    id: UUID
    rev: int
    institution: InstitutionRef
    role: str
    state: str
    """With `expired`, which the date decides at reading."""
    until: datetime | None
    task: str
    special_terms: str
    contributions: list[ContributionOut]
    answered_at: datetime | None
    answered_by: str | None
    version: int | None
    comments: dict[str, str] | None
    void: VoidOut | None
    people: list[PersonRef]
    officer: bool
    """Whether somebody can confirm for this institution."""
    also_member: bool
    """Whether the officer who confirmed is in the team (本人兼任)."""
    scope_hash8: str | None


class InvitationRow(msgspec.Struct):
    """An invitation by link, for the lead."""

    id: UUID
    participation_id: UUID
    name: str
    email: str | None
    state: str
    expires_at: datetime
    comment: str | None
    """What the invited person wants changed, or why they said no."""


class MoveOut(msgspec.Struct):
    """One line of the timeline, in shown states."""

    move: str
    from_: str = msgspec.field(name="from")
    to: str
    at: datetime
    by: PersonRef | None
    reason: str | None
    reason_code: str | None


class VersionOut(msgspec.Struct):
    """A frozen content."""

    id: UUID
    number: int
    sha8: str
    at: datetime


class CheckNote(msgspec.Struct):
    """What the checker wants corrected."""

    item: str
    note: str
    section: str | None


class ReviewForApplicants(msgspec.Struct):
    """A review as the applicants read it: no name, no order."""

    label: str
    for_applicants: str
    recommendation: str | None


class DecisionOut(msgspec.Struct):
    """The released decision: what is granted beside what was applied for."""

    kind: str
    letter: str
    applied_months: int | None
    applied_fen: int | None
    granted_months: int | None
    granted_fen: int | None
    at: datetime | None
    reviews: list[ReviewForApplicants]


class ProposalOut(msgspec.Struct, kw_only=True):
    """Everything the pages of a proposal show to the people it belongs to."""

    can: list[str]
    shown: str
    state: str | None = None
    """The real state, only for those who may know it."""
    deadline: Deadline | None
    progress: Progress
    todo: list[Todo]
    now: datetime
    id: UUID
    rev: int
    number: str | None
    title: str
    title_en: str
    submitted_at: datetime | None
    call: CallOut
    lead: PersonRef
    sections: list[SectionOut]
    answers: dict[str, Any]
    team: list[MemberOut]
    participations: list[PartOut]
    invitations: list[InvitationRow]
    """Empty for everybody but the lead."""
    moves: list[MoveOut]
    versions: list[VersionOut]
    unsubmitted_changes: bool
    check_notes: list[CheckNote]
    content_hash: str
    """Goes back with submit: the content as shown."""
    decision: DecisionOut | None
