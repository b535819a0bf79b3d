"""Where a proposal is on its way, and what its people are to do: words for what the rows say."""

from datetime import datetime
from uuid import UUID

import msgspec

from lianyan.core.policy import Role
from lianyan.core.shapes import I18n
from lianyan.proposals.acts import Now, editable
from lianyan.proposals.schemas.refs import Progress, Step, Todo
from lianyan.proposals.states import OPEN, SHOWN, STAGES, State

PLACE: dict[str, str] = {
    "draft": "submit",
    "consent_pending": "consent",
    "submitted": "check",
    "formal_check": "check",
    "returned": "check",
    "not_accepted": "check",
    "in_review": "review",
}
"""The stage that a shown state stands in."""
DECIDED = {State.APPROVED, State.REJECTED}


class Passed(msgspec.Struct):
    """A move as the timeline shows it."""

    to: str
    at: datetime
    from_: str = msgspec.field(name="from")


class Named(msgspec.Struct):
    """An institution's name and id."""

    id: UUID
    name: I18n


class SeenPart(msgspec.Struct):
    """An institution's part, as far as the tasks ask."""

    id: UUID
    institution: Named
    role: str
    state: str


class SeenSection(msgspec.Struct):
    """A section, as far as the tasks ask."""

    id: str
    missing: int
    flagged: str | None


class Seen(msgspec.Struct):
    """What the answer already says, as far as progress and tasks ask."""

    sections: list[SeenSection]
    participations: list[SeenPart]
    moves: list[Passed]


class Dates(msgspec.Struct, frozen=True, kw_only=True):
    """The dates that stages have or will have."""

    submitted_at: datetime | None
    submit_until: datetime
    consent_until: datetime | None
    reviews_until: datetime
    decides_at: datetime


def progress(state: State, stages: list[str], dates: Dates, moves: list[Passed]) -> Progress:
    """Return the steps with what is done, by shown states only: nothing undisclosed can be read off."""
    order = [stage for stage in STAGES if stage == "submit" or stage in stages]
    shown = SHOWN[state]
    if state is State.WITHDRAWN:
        shown = moves[-1].from_ if moves else "draft"
    place = PLACE.get(shown)
    at = len(order) if place is None else _index(order, place)
    reached = {
        "submit": dates.submitted_at,
        "consent": _last(moves, "submitted"),
        "check": _last(moves, "in_review"),
        "approval": _last(moves, "approved") or _last(moves, "rejected"),
    }
    expected = {
        "submit": dates.submit_until,
        "consent": dates.consent_until,
        "review": dates.reviews_until,
        "approval": dates.decides_at,
    }
    steps = [
        Step(
            stage,
            done=number < at,
            current=number == at and state is not State.WITHDRAWN,
            at=reached.get(stage) if number < at else None,
            expected=None if number < at else expected.get(stage),
        )
        for number, stage in enumerate(order)
    ]
    return Progress(min(at + 1, len(order)), len(order), steps)


def _index(order: list[str], stage: str) -> int:
    """Return the place of a stage, or of the first later one where it is off."""
    whole = list(STAGES)
    later = whole[whole.index(stage) :]
    return next((n for n, found in enumerate(order) if found in later), len(order))


def _last(moves: list[Passed], to: str) -> datetime | None:
    return next((move.at for move in reversed(moves) if move.to == to), None)


def todo(roles: Role, state: State, now: Now, seen: Seen, offices: tuple[UUID, ...]) -> list[Todo]:
    """Return what the reader is to do about the proposal, the most pressing first."""
    found = []
    if editable(roles, state, now):
        found += _to_write(state, seen)
    if Role.LEAD in roles:
        found += _to_settle(state, seen)
    if state in {State.DRAFT, State.CONSENT_PENDING, State.RETURNED} and Role.OFFICER in roles:
        waiting = {str(s) for s in OPEN}
        found += [
            _about("proposals.todo_confirm", part)
            for part in seen.participations
            if part.institution.id in offices and part.state in waiting
        ]
    return found


def _to_write(state: State, seen: Seen) -> list[Todo]:
    found = [
        Todo("proposals.todo_flagged", section=section.id)
        for section in seen.sections
        if section.flagged is not None
    ]
    found += [
        Todo("proposals.todo_section", {"count": section.missing}, section=section.id)
        for section in seen.sections
        if section.missing
    ]
    if not found and state is State.DRAFT:
        found.append(Todo("proposals.todo_submit"))
    if state is State.RETURNED:
        found.append(Todo("proposals.todo_resubmit"))
    return found


SETTLE = {
    "returned": "proposals.todo_part_returned",
    "declined": "proposals.todo_part_declined",
    "expired": "proposals.todo_part_expired",
    "void": "proposals.todo_part_void",
}
"""States of a part that the lead is to do something about."""


def _to_settle(state: State, seen: Seen) -> list[Todo]:
    if state not in {State.DRAFT, State.CONSENT_PENDING, State.RETURNED}:
        return []
    return [
        _about(SETTLE[part.state], part) for part in seen.participations if part.state in SETTLE
    ]


def _about(code: str, part: SeenPart) -> Todo:
    name = {"zh": part.institution.name.zh, "en": part.institution.name.en}
    return Todo(code, {"institution": name}, participation=part.id)
