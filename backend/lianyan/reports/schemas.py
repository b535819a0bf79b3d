"""What the API of the record answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import InstitutionRef, PersonRef


class RecordSubject(msgspec.Struct, frozen=True):
    """What an event was about."""

    kind: Literal["person", "proposal", "institution", "other"]
    id: UUID
    name: str | None = None
    """Of a person."""
    institution: InstitutionRef | None = None


class RecordProposal(msgspec.Struct, frozen=True):
    """A proposal as the record names it: by its number, never by its title."""

    id: UUID
    number: str | None


class RecordRow(msgspec.Struct, frozen=True):
    """Something that happened."""

    id: int
    at: datetime
    kind: str
    actor: PersonRef | None
    """None: the portal itself, or a reviewer, who is not named."""
    reviewer: bool
    """Done by the reviewer of the proposal."""
    subject: RecordSubject
    proposal: RecordProposal | None
    data: dict[str, str | int | float | bool]
    """Codes, numbers, states and dates."""


class RecordPage(msgspec.Struct):
    """A page of the record, the newest first."""

    items: list[RecordRow]
    next: str | None
    person: PersonRef | None = None
    """Whom the filter names."""


class SeenRow(msgspec.Struct, frozen=True):
    """Somebody has read something confidential."""

    id: int
    at: datetime
    kind: str
    actor: PersonRef | None
    proposals: list[RecordProposal]


class SeenPage(msgspec.Struct):
    """Who read what, the newest first."""

    items: list[SeenRow]
    next: str | None
    person: PersonRef | None = None
    """Who has read it, where one person was asked about."""


class LastSeal(msgspec.Struct, frozen=True):
    """The newest seal."""

    id: int
    sealed_at: datetime
    digest: str


class Checked(msgspec.Struct, frozen=True):
    """The last time the portal compared the newest part of the record with its seals."""

    at: datetime
    seals: int
    events: int
    faults: int
    """Places that are not as they were sealed."""


class SealState(msgspec.Struct, frozen=True):
    """How far the record is sealed."""

    seals: int
    last: LastSeal | None
    checked: Checked | None
    unsealed: int
    oldest_unsealed_seconds: float
