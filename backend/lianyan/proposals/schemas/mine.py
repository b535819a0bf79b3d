"""The list of one's own proposals."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import InstitutionRef
from lianyan.proposals.schemas.refs import Deadline, WaitingFor


class ProposalRow(msgspec.Struct, kw_only=True):
    """One proposal in a list of one's own."""

    my_role: Literal["lead", "member", "officer"]
    deadline: Deadline | None
    waiting_for: WaitingFor | None
    id: UUID
    number: str | None
    title: str
    title_en: str
    shown: str
    sectors: list[str]
    lead: InstitutionRef | None
    partners: list[InstitutionRef]
    submitted_at: datetime | None


class ProposalPage(msgspec.Struct):
    """A page of one's own proposals, newest first, drafts before all."""

    items: list[ProposalRow]
    next: str | None
