"""An institution's own ledger (本单位台账)."""

from datetime import datetime
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef
from lianyan.proposals.schemas.detail import ContributionOut
from lianyan.proposals.schemas.refs import Deadline


class LedgerRow(msgspec.Struct, kw_only=True):
    """One proposal or project the institution is in."""

    proposal_id: UUID
    participation_id: UUID
    number: str | None
    title: str
    title_en: str
    call: I18n
    institution: InstitutionRef
    role: str
    promise: list[ContributionOut]
    shown: str
    consent: str
    next: Deadline | None
    lead: InstitutionRef | None
    submitted_at: datetime | None


class Ledger(msgspec.Struct):
    """All of them."""

    items: list[LedgerRow]
