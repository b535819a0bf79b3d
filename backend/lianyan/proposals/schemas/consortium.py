"""Institutions' parts, their people and invitations by link."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from lianyan.core.shapes import I18n, InstitutionRef

PartRole = Literal["participating", "demonstration", "collaborating", "resources", "standards"]
Kind = Literal[
    "cash",
    "staff",
    "equipment",
    "compute",
    "data",
    "software",
    "venue",
    "scenario",
    "training",
    "standards",
]


class ContributionIn(msgspec.Struct, forbid_unknown_fields=True):
    """One line of what an institution brings."""

    kind: Kind
    amount: str
    """A decimal number with at most two places, such as `6` or `0.50`."""
    unit: str
    what: str = ""
    value_fen: int | None = None
    terms: str = ""
    id: UUID | None = None
    """Sent back as read; lines keep no identity of their own."""


class PartIn(msgspec.Struct, forbid_unknown_fields=True):
    """An institution to ask."""

    institution_id: UUID
    role: PartRole
    task: str = ""


class PartChange(msgspec.Struct, forbid_unknown_fields=True):
    """What changes in an institution's part; a field left out stays as it is."""

    role: PartRole | UnsetType = UNSET
    task: str | UnsetType = UNSET
    special_terms: str | UnsetType = UNSET
    contributions: list[ContributionIn] | UnsetType = UNSET
    """The whole list."""


class ReasonIn(msgspec.Struct, forbid_unknown_fields=True):
    """A reason that may be left out."""

    reason: str = ""


class MemberIn(msgspec.Struct, forbid_unknown_fields=True):
    """A person to add to the team."""

    person_id: UUID
    institution_id: UUID
    duty: str = ""


class InvitationIn(msgspec.Struct, forbid_unknown_fields=True):
    """A person to invite by a link."""

    name: str = ""
    email: str | None = None
    """Where given, somebody logged in may accept only with this verified address."""


class InvitationMade(msgspec.Struct):
    """A link, shown this once."""

    id: UUID
    url: str


class LinkMade(msgspec.Struct):
    """A new link in place of the old one, which is dead."""

    url: str


class Inviter(msgspec.Struct):
    """Who invites."""

    name: str
    institution: I18n | None


class InvitedTo(msgspec.Struct):
    """The proposal as the invitation shows it."""

    title: str
    title_en: str
    starts: str | None
    months: int | None


class InvitedLine(msgspec.Struct):
    """One line of the promise as the invitation shows it."""

    kind: str
    what: str
    amount: str
    unit: str


class OtherPart(msgspec.Struct):
    """Another institution of the consortium."""

    institution: InstitutionRef
    role: str


class InvitationOut(msgspec.Struct):
    """What somebody with the link may read without login: who asks whom to do what, until when."""

    inviter: Inviter
    institution: InstitutionRef
    proposal: InvitedTo
    role: str
    task: str
    contributions: list[InvitedLine]
    special_terms: str
    data_terms: str
    ip_terms: str
    others: list[OtherPart]
    answer_until: datetime
    state: Literal["sent", "accepted", "declined", "expired", "revoked"]
    name_hint: str
    bound: bool
    """Whether the link was made for one mail address."""
    proposal_id: UUID | None = None
    """Only for a reader who is already in the team."""


class AcceptIn(msgspec.Struct, forbid_unknown_fields=True):
    """The name somebody takes part under, and how to reach them."""

    name: str = ""
    """Needed unless logged in."""
    contact: str = ""


class Accepted(msgspec.Struct):
    """The proposal one has joined."""

    proposal_id: UUID


class CommentIn(msgspec.Struct, forbid_unknown_fields=True):
    """What an invited person wants changed before answering."""

    comment: str
