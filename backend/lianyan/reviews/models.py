"""Tables of the reviews slice."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Secret


class Assignment(Secret):
    """A reviewer asked to review a proposal."""

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("state in ('asked', 'accepted', 'declined', 'removed')", name="state"),
        Index(
            "uq_assignments_current",
            "proposal_id",
            "reviewer_id",
            unique=True,
            postgresql_where=text("state in ('asked', 'accepted')"),
        ),
        Index(None, "reviewer_id", "state"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    assigned_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str] = mapped_column(server_default="asked")
    due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    pledged_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None]
    removal_reason: Mapped[str | None]
    override_reason: Mapped[str | None]
    """Why a coordinator asked beyond a quota."""
    suspended_at: Mapped[datetime | None]
    """Set when a conflict arose after the assignment; the review does not count while it is set."""
    rev: Mapped[int] = mapped_column(server_default="1")


class Review(Secret):
    """One reviewer's scores and texts for one proposal."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("assignment_id"),
        CheckConstraint("recommendation in ('approve', 'revise', 'reject')", name="recommendation"),
    )

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    scores: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    recommendation: Mapped[str | None]
    for_applicants: Mapped[str] = mapped_column(server_default="")
    for_coordinators: Mapped[str] = mapped_column(server_default="")
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    late: Mapped[bool] = mapped_column(server_default=text("false"))
    rev: Mapped[int] = mapped_column(server_default="1")
