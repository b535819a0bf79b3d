"""Checking, submitting, taking back and withdrawing."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.shapes import InstitutionRef
from lianyan.proposals.schemas.refs import Deadline


class Gap(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that is missing: what, and where to mend it."""

    code: str
    params: dict[str, Any] = {}
    section: str | None = None
    question: str | None = None
    participation: UUID | None = None


class Gaps(msgspec.Struct):
    """What stops a submission, and what only deserves a look."""

    blocking: list[Gap]
    advisory: list[Gap]


class SubmitIn(msgspec.Struct, forbid_unknown_fields=True):
    """The content as shown: `content_hash` of the page."""

    rev_hash: str


class Submitted(msgspec.Struct):
    """A submission that has happened."""

    number: str
    at: datetime
    version: int
    state: str


class WithdrawIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why a proposal is withdrawn."""

    reason: str


class ReceiptPart(msgspec.Struct):
    """An institution on the receipt."""

    institution: InstitutionRef
    role: str
    state: str


class NextStep(msgspec.Struct, omit_defaults=True):
    """What happens next, with its date where one is known."""

    stage: str
    until: datetime | None = None


class Receipt(msgspec.Struct, kw_only=True):
    """Proof of a submission."""

    number: str
    title: str
    title_en: str
    submitted_at: datetime
    version: int
    sha256: str
    institutions: list[ReceiptPart]
    next: list[NextStep]
    deadline: Deadline | None
