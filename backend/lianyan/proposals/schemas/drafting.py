"""Starting and writing a proposal."""

from typing import Any
from uuid import UUID

import msgspec


class DraftIn(msgspec.Struct, forbid_unknown_fields=True):
    """A proposal to start."""

    call_id: UUID
    institution_id: UUID
    """The institution of yours that leads it."""
    again: bool = False
    """Start one more although you have a draft in this call."""


class SectionIn(msgspec.Struct, forbid_unknown_fields=True):
    """The answers of one section as they now stand; a question left out stays as it is."""

    answers: dict[str, Any]


class Effects(msgspec.Struct):
    """What an edit would void, told before the first keystroke is saved."""

    sections: dict[str, "Voids"]
    participations: dict[UUID, "Voids"]
    """By an edit of that institution's promise or special terms."""
    institutions: "Voids"
    """By adding or removing an institution, or giving it another role."""


class Voids(msgspec.Struct):
    """The institutions whose confirmation an edit here ends."""

    voids: list["VoidedInstitution"]
    questions: list[str] = []
    """The questions of the section whose change does it."""


class VoidedInstitution(msgspec.Struct):
    """An institution whose confirmation would end."""

    id: UUID
    zh: str
    en: str
