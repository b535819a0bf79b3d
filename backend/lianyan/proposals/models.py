"""Tables of the proposals slice."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Entity, Model
from lianyan.proposals.states import Move, Participation, State


def _one_of(column: str, values: list[str]) -> str:
    quoted = ", ".join(f"'{v}'" for v in values)
    return f"{column} in ({quoted})"


STATES = _one_of("state", list(State))
MOVES = _one_of("move", list(Move))
ROLES = _one_of(
    "role", ["lead", "participating", "demonstration", "collaborating", "resources", "standards"]
)
KINDS = _one_of(
    "kind",
    [
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
    ],
)


NOBODY_YET = '{"lead": null, "partners": []}'


class Proposal(Entity):
    """A joint project somebody proposes."""

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint(STATES, name="state"),
        CheckConstraint("(number is null) = (submitted_at is null)", name="number_with_time"),
        UniqueConstraint("call_id", "number"),
        Index(None, "state", text("submitted_at desc"), text("id desc")),
        Index(None, "lead_id"),
        Index(
            "ix_proposals_never_submitted",
            "call_id",
            postgresql_where=text("state = 'draft' and submitted_at is null"),
        ),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"))
    form_id: Mapped[UUID] = mapped_column(ForeignKey("forms.id"))
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str] = mapped_column(server_default=State.DRAFT.value)
    title: Mapped[str] = mapped_column(server_default="")
    """Copy of the answer to `title`, written with it; lists and messages show it."""
    title_en: Mapped[str] = mapped_column(server_default="")
    sectors: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    number: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    stages: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    consent_until: Mapped[datetime | None]
    """Until when officers confirm; set at the first submit, moved by an extension."""
    returned_until: Mapped[datetime | None]
    """Until when a returned proposal is to be resubmitted."""
    due_at: Mapped[datetime | None]
    """An extension of the submission for this proposal alone."""
    reopened: Mapped[bool] = mapped_column(server_default=text("false"))
    """An officer's no, or an expired part taken out, lets the lead edit while others confirm."""
    version_id: Mapped[UUID | None]
    """The version last submitted."""
    parties: Mapped[str] = mapped_column(server_default=NOBODY_YET)
    """JSON of the institutions as lists name them, lead and partners; kept by `proposals.kept`."""
    rev: Mapped[int] = mapped_column(server_default="1")


class Section(Model):
    """One section's revision: the thing that is edited alone."""

    __tablename__ = "sections"

    proposal_id: Mapped[UUID] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True
    )
    section: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int] = mapped_column(server_default="1")
    missing: Mapped[int] = mapped_column(server_default="0")
    """How many questions a complete answer still needs; counted when the section is saved."""
    saved_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    saved_at: Mapped[datetime]


class Answer(Model):
    """What the team answers to one question."""

    __tablename__ = "answers"

    proposal_id: Mapped[UUID] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True
    )
    question: Mapped[str] = mapped_column(primary_key=True)
    section: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)


class Taking(Entity):
    """An institution's part in a proposal: its role, its promise, its confirmation (参加单位)."""

    __tablename__ = "participations"
    __table_args__ = (
        CheckConstraint(ROLES, name="role"),
        CheckConstraint(
            _one_of("state", [p for p in Participation if p != "expired"]), name="state"
        ),
        Index(
            "uq_participations_current",
            "proposal_id",
            "institution_id",
            unique=True,
            postgresql_where=text("state <> 'removed'"),
        ),
        Index(
            "uq_participations_one_lead",
            "proposal_id",
            unique=True,
            postgresql_where=text("role = 'lead' and state <> 'removed'"),
        ),
        Index(None, "institution_id", "state"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("institutions.id"))
    role: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=Participation.INVITED.value)
    until: Mapped[datetime | None]
    """An extension of the consent date for this institution alone."""
    task: Mapped[str] = mapped_column(server_default="")
    """What the institution is asked to do, as the invitation shows it."""
    special_terms: Mapped[str] = mapped_column(server_default="")
    position: Mapped[int] = mapped_column(server_default="0")
    scope_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 of what was last confirmed; kept while void, so that the page can say what changed."""
    version_id: Mapped[UUID | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime | None]
    comments: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What the officer asks to change, by section; or the reason of a no."""
    void_at: Mapped[datetime | None]
    void_by: Mapped[UUID | None]
    void_fields: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    rev: Mapped[int] = mapped_column(server_default="1")


class Contribution(Entity):
    """One line of what an institution brings."""

    __tablename__ = "contributions"
    __table_args__ = (
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("value_fen >= 0", name="value"),
        Index(None, "participation_id"),
    )

    participation_id: Mapped[UUID] = mapped_column(
        ForeignKey("participations.id", ondelete="CASCADE")
    )
    kind: Mapped[str]
    what: Mapped[str] = mapped_column(server_default="")
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    unit: Mapped[str]
    value_fen: Mapped[int | None] = mapped_column(BigInteger)
    """Value in 分; for cash it is the amount itself."""
    terms: Mapped[str] = mapped_column(server_default="")
    position: Mapped[int] = mapped_column(Integer)


class Consent(Entity):
    """A confirmation given: who saw which exact content, and what ended it."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "participation_id"),)

    participation_id: Mapped[UUID] = mapped_column(
        ForeignKey("participations.id", ondelete="CASCADE")
    )
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    version_id: Mapped[UUID] = mapped_column(ForeignKey("versions.id"))
    scope_hash: Mapped[bytes] = mapped_column(LargeBinary)
    scope: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The material fields as confirmed: what the next change is compared with."""
    also_member: Mapped[bool]
    """本人兼任: the officer is also in the team."""
    void_at: Mapped[datetime | None]


class Member(Entity):
    """A person in the team."""

    __tablename__ = "members"
    __table_args__ = (
        Index(
            "uq_members_current",
            "proposal_id",
            "person_id",
            unique=True,
            postgresql_where=text("removed_at is null"),
        ),
        Index(None, "person_id"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("institutions.id"))
    duty: Mapped[str] = mapped_column(server_default="")
    removed_at: Mapped[datetime | None]


class Invitation(Entity):
    """A person's invitation by link; its own row, it never moves the participation."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint(
            _one_of("state", ["sent", "accepted", "declined", "revoked"]), name="state"
        ),
        UniqueConstraint("token_hash"),
        Index(None, "proposal_id"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    participation_id: Mapped[UUID] = mapped_column(
        ForeignKey("participations.id", ondelete="CASCADE")
    )
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str | None]
    """Where given, only a login with this verified address, or nobody logged in, may accept."""
    state: Mapped[str] = mapped_column(server_default="sent")
    expires_at: Mapped[datetime]
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    comment: Mapped[str | None]
    """What the invited person wants changed, or why they said no."""
    answer_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Hash of the idempotency key of the accepting POST: a retry from that browser succeeds."""


class Version(Entity):
    """A frozen content: canonical JSON (RFC 8785) and its SHA-256; equal content is the same version."""

    __tablename__ = "versions"
    __table_args__ = (
        UniqueConstraint("proposal_id", "number"),
        UniqueConstraint("proposal_id", "sha256"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    number: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''"))
    """The revisions this content had: what tells an edit without reading the content."""
    made_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))


class Moved(Model):
    """One move of a proposal: the timeline, and what BEFORE is read from."""

    __tablename__ = "moves"
    __table_args__ = (CheckConstraint(MOVES, name="move"), Index(None, "proposal_id", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    move: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime]
    reason: Mapped[str | None]
    reason_code: Mapped[str | None]
    version_id: Mapped[UUID | None]


class CheckAnswer(Model):
    """The checker's verdict on one item of the checklist."""

    __tablename__ = "check_answers"
    __table_args__ = (CheckConstraint("verdict in ('ok', 'problem')", name="verdict"),)

    proposal_id: Mapped[UUID] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True
    )
    item: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    section: Mapped[str | None]
    """Where the applicant finds what to correct."""
    rev: Mapped[int] = mapped_column(server_default="1")
    answered_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime]


class Dismissal(Entity):
    """A conflict that somebody without one has set aside, with the reason."""

    __tablename__ = "dismissals"
    __table_args__ = (UniqueConstraint("proposal_id", "person_id", "rule"),)

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    rule: Mapped[str]
    reason: Mapped[str]
    dismissed_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))


class Tie(Entity):
    """A tie a person declared: to a proposal; it removes all knowledge of the handling."""

    __tablename__ = "ties"
    __table_args__ = (UniqueConstraint("proposal_id", "person_id"),)

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    note: Mapped[str] = mapped_column(server_default="")


class Extension(Entity):
    """A later date that a coordinator gave, and why."""

    __tablename__ = "extensions"
    __table_args__ = (
        CheckConstraint(_one_of("kind", ["submit", "consent", "correction"]), name="kind"),
        Index(None, "proposal_id"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    participation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("participations.id", ondelete="CASCADE")
    )
    """Set where one institution alone was given more time."""
    kind: Mapped[str]
    before: Mapped[datetime | None]
    until: Mapped[datetime]
    reason: Mapped[str]
    granted_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
