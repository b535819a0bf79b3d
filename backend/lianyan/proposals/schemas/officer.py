"""What an institution's officer reads and answers."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef
from lianyan.proposals.schemas.consortium import OtherPart
from lianyan.proposals.schemas.detail import ContributionOut, FieldChange, PartOut


class QueueProposal(msgspec.Struct):
    """The proposal of a queue's card."""

    id: UUID
    title: str
    title_en: str
    number: str | None
    shown: str
    lead: InstitutionRef | None


class QueueItem(msgspec.Struct, kw_only=True):
    """One card: what is to be confirmed, and what changed since it last was."""

    participation_id: UUID
    proposal: QueueProposal
    institution: InstitutionRef
    role: str
    task: str
    promise: list[ContributionOut]
    our_people: list[PersonRef]
    changes: list[FieldChange]
    """Against what was last confirmed; empty for a first confirmation."""
    changed_by: str | None
    changed_at: datetime | None
    state: str
    until: datetime | None
    scope_hash: str
    version: int | None
    """The frozen version with this content, where there is one."""
    also_member: bool


class Queue(msgspec.Struct):
    """What waits for an officer."""

    items: list[QueueItem]
    next: str | None


class OfficerRead(msgspec.Struct, kw_only=True):
    """An institution's part with the whole proposal, as its officer reads it."""

    can: list[str]
    part: PartOut
    proposal: QueueProposal
    form: dict[str, Any]
    answers: dict[str, Any]
    others: list[OtherPart]
    changes: list[FieldChange]
    scope: dict[str, Any]
    """The material content that a confirmation is to."""
    scope_hash: str
    version: int | None
    also_member: bool
    call: I18n
    until: datetime | None


class ConfirmIn(msgspec.Struct, forbid_unknown_fields=True):
    """A confirmation of exactly the content that was shown."""

    scope_hash: str


class ReturnIn(msgspec.Struct, forbid_unknown_fields=True):
    """What the officer asks to change, by section id, `contributions` or `terms`."""

    comments: dict[str, str]


class DeclineIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why the institution does not take part."""

    reason: str


class ConfirmItem(msgspec.Struct, forbid_unknown_fields=True):
    """One of many confirmations."""

    participation_id: UUID
    scope_hash: str


class ConfirmManyIn(msgspec.Struct, forbid_unknown_fields=True):
    """Confirmations to give at once; each has its own outcome."""

    items: list[ConfirmItem]


class Confirmed(msgspec.Struct):
    """A confirmation given."""

    participation_id: UUID
    version: int
    scope_hash: str
    also_member: bool


class ConfirmOutcome(msgspec.Struct, kw_only=True):
    """What became of one of many."""

    participation_id: UUID
    outcome: Literal["confirmed", "refused"]
    code: str | None = None
    params: dict[str, Any] = {}
    version: int | None = None


class ConfirmedMany(msgspec.Struct):
    """What became of each."""

    items: list[ConfirmOutcome]
