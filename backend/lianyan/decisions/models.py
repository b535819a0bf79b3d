"""Tables of the decisions slice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Secret


class Release(Secret):
    """Decisions released together: ordered, held ten minutes, then carried out once."""

    __tablename__ = "releases"

    ordered_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    due_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
    taken_back_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    done_at: Mapped[datetime | None]


class Decision(Secret):
    """A decision on a proposal: drafted by one person, signed by another, then released."""

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint("kind in ('approve', 'reject')", name="kind"),
        CheckConstraint(
            "state in ('drafted', 'signed', 'scheduled', 'released', 'cancelled')", name="state"
        ),
        CheckConstraint("signed_by <> drafted_by", name="two_persons"),
        CheckConstraint(
            "(state in ('signed', 'scheduled', 'released')) <= (signed_by is not null)",
            name="signed",
        ),
        Index(
            "uq_decisions_current",
            "proposal_id",
            unique=True,
            postgresql_where=text("state <> 'cancelled'"),
        ),
        Index(None, "release_id"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="drafted")
    version_id: Mapped[UUID]
    """The content that is decided on."""
    letter: Mapped[str]
    """What the applicants read, beside the fixed parts and the reviews' texts."""
    note: Mapped[str] = mapped_column(server_default="")
    """Between coordinators and approvers; never in an applicant's answer."""
    granted_months: Mapped[int | None]
    granted_fen: Mapped[int | None] = mapped_column(BigInteger)
    """What is granted, beside what was applied for; None where it is the same."""
    drafted_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    drafted_at: Mapped[datetime]
    signed_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    signed_at: Mapped[datetime | None]
    sent_back_note: Mapped[str | None]
    release_id: Mapped[UUID | None] = mapped_column(ForeignKey("releases.id"))
    rev: Mapped[int] = mapped_column(server_default="1")
