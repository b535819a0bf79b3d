"""What the coordinator's pages take and give."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef

Verdict = Literal["ok", "problem"]
ReasonCode = Literal["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9"]
REASON_CODES: tuple[ReasonCode, ...] = ("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9")
"""Words: catalogue `desk.reason.R1` and so on."""


class Missing(msgspec.Struct):
    """Something a proposal still needs: catalogue `desk.missing.<code>`."""

    code: str
    """consent, declined, institution_returned, expired, correction, check, reviewers, reviews,
    decision, signature or release."""
    params: dict[str, Any]
    """`count` and, where it applies, `of`, `institutions` (I18n)."""


class Whose(msgspec.Struct):
    """Whose turn it is."""

    you: bool
    who: str | None
    """coordinator, lead, officer, reviewers, approver, release, stand_in or colleague; null: nobody's."""
    names: list[I18n]
    """The people or institutions, as the reader may know them."""


class Remind(msgspec.Struct):
    """A reminder to paste into a chat: names, date and link, nothing confidential."""

    text: I18n


class DeskRow(msgspec.Struct, kw_only=True):
    """One proposal on the desk."""

    id: UUID
    rev: int
    number: str
    title: str
    title_en: str
    lead: InstitutionRef | None
    partners: list[InstitutionRef]
    sectors: list[str]
    state: str
    """The real state; of a progress-only row what applicants see."""
    missing: list[Missing]
    whose: Whose
    act: str | None
    """The reader's next act: check, extend, assign, finish, draft, revise, release; null: none."""
    due_at: datetime | None
    days_left: int | None
    """0 is today; negative once the day has passed; null where nothing is due."""
    hot: bool
    """Due within three days, or overdue."""
    progress_only: bool
    """The reader's institution takes part: dates and completeness only."""
    remind: Remind | None


class DeskPage(msgspec.Struct, kw_only=True):
    """A page of the desk: the reader's turn first, then by the days left."""

    items: list[DeskRow]
    next: str | None
    can: list[str]
    now: datetime


class DeskCounts(msgspec.Struct):
    """How many rows the present filters leave, by group and by the chips above the table."""

    mine: int
    others: int
    soon: int
    """Due within three days."""
    missing: dict[str, int]
    """Code -> proposals that miss it."""
    capped: bool
    """A group has more than a thousand: of it the first thousand are counted, here and in the chips."""


class DeskCall(msgspec.Struct):
    """A call to filter by; of its never-submitted drafts nothing but their number, a thousand at most."""

    id: UUID
    title: I18n
    prefix: str
    closes_at: datetime
    drafts: int


class DeskOverview(msgspec.Struct, kw_only=True):
    """What stands above the desk's table."""

    counts: DeskCounts
    drafts: int
    """Never-submitted drafts of the chosen call, or of all calls; a thousand at most."""
    deadline: datetime | None
    """When the chosen call closes; without one, the call that closes next."""
    calls: list[DeskCall]


class ChecklistItem(msgspec.Struct, kw_only=True):
    """One item of the formal check."""

    item: str
    title: I18n
    kind: Literal["computed", "judged"]
    computed: Verdict | None
    """What the proposal's own data say; null for a judged item."""
    why: str | None
    """Catalogue key of what the data show, such as `desk.why.institutions_at_least_two`."""
    params: dict[str, Any]
    verdict: Verdict | None
    """What the checker has answered; it outweighs `computed`."""
    reason: str | None
    """The reason code that a no suggests."""
    note: str
    section: str | None
    rev: int
    """0: not answered yet."""
    answered_by: PersonRef | None
    answered_at: datetime | None


class Blocker(msgspec.Struct):
    """Why something cannot be done yet: a catalogue key and where to mend it."""

    code: str
    params: dict[str, Any] = {}
    item: str | None = None


class Checking(msgspec.Struct):
    """Whether the formal check can be passed."""

    can_pass: bool
    blockers: list[Blocker]


class DeskMove(msgspec.Struct, kw_only=True):
    """One line of the timeline with real states."""

    move: str
    from_: str = msgspec.field(name="from")
    to: str
    at: datetime
    by: PersonRef | None
    reason: str | None
    reason_code: str | None


class Undo(msgspec.Struct):
    """The last move can be taken back until then."""

    move: str
    until: datetime


class DeskExtension(msgspec.Struct):
    """A later date that was given, and why."""

    kind: str
    """submit, consent or correction."""
    until: datetime
    reason: str
    at: datetime
    by: PersonRef | None
    institution: InstitutionRef | None
    """Set where one institution alone was given more time."""


class DeskContribution(msgspec.Struct):
    """One line of a promise."""

    kind: str
    what: str
    amount: str
    unit: str
    value_fen: int | None
    terms: str


class DeskPart(msgspec.Struct, kw_only=True):
    """An institution's part as the coordinator reads it."""

    id: UUID
    institution: InstitutionRef
    role: str
    state: str
    """With `expired`, which the date decides at reading."""
    until: datetime | None
    task: str
    special_terms: str
    contributions: list[DeskContribution]
    comments: dict[str, str] | None
    people: list[PersonRef]
    officers: list[PersonRef]
    answered_at: datetime | None


class DeskCallOut(msgspec.Struct):
    """The call of the proposal, with what the check compares with."""

    id: UUID
    title: I18n
    prefix: str
    closes_at: datetime
    reviews_until: datetime
    decides_at: datetime
    min_institutions: int
    min_reviews: int
    consent_days: int


class DeskProposal(msgspec.Struct, kw_only=True):
    """One proposal's page on the desk: the next act, the check, what can be done.

    Of a progress-only proposal form, answers, checklist, timeline and contributions are empty, and
    `state` is what applicants see.
    """

    id: UUID
    rev: int
    number: str
    title: str
    title_en: str
    state: str
    shown: str
    progress_only: bool
    call: DeskCallOut
    lead: PersonRef
    submitted_at: datetime
    version: int | None
    sectors: list[str]
    whose: Whose
    act: str | None
    missing: list[Missing]
    due_at: datetime | None
    days_left: int | None
    remind: Remind | None
    form: dict[str, Any]
    answers: dict[str, Any]
    participations: list[DeskPart]
    checklist: list[ChecklistItem]
    check: Checking
    reason_codes: list[str]
    return_until: datetime | None
    """What `until` of a return is when left out: five working days."""
    undo: Undo | None
    moves: list[DeskMove]
    extensions: list[DeskExtension]
    can: list[str]
    now: datetime


class VerdictIn(msgspec.Struct, forbid_unknown_fields=True):
    """The checker's answer to one item."""

    verdict: Verdict
    note: str = ""
    section: str | None = None
    """Where the applicant finds what to correct; needed with a problem that has a place."""


class Moved(msgspec.Struct):
    """A proposal that was moved."""

    id: UUID
    rev: int
    state: str


class ReturnIn(msgspec.Struct, forbid_unknown_fields=True):
    """What has to be corrected, and until when: five working days where left out."""

    reason: str
    until: str | None = None
    """Instant with a zone."""


class RefuseIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why a proposal is not accepted."""

    code: ReasonCode
    reason: str


class FinishIn(msgspec.Struct, forbid_unknown_fields=True):
    """A waiver, where reviews are finished though something is missing."""

    waiver: str | None = None


class BecauseIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: str


class ExtendIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new date, for the whole proposal or one institution's confirmation."""

    until: str
    """Instant with a zone."""
    reason: str
    participation_id: UUID | None = None
