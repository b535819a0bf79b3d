"""Tables that say nothing of their own: who may see what, and whose turn it is, as lists read it.

Each row follows from the other tables and is written in the transaction that changes them, by
`proposals.access` and `proposals.kept`; `lianyan doctor` computes them anew and compares.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Model


class Access(Model):
    """Who may see what, as one relation; kept by `proposals.access.refresh` in each command's transaction."""

    __tablename__ = "access"
    __table_args__ = (
        Index(
            "ix_access_list",
            "principal",
            "shown_state",
            text("submitted_at desc"),
            text("proposal_id desc"),
            postgresql_include=["rights"],
        ),
        Index(
            "ix_access_newest",
            "principal",
            text("submitted_at desc"),
            text("proposal_id desc"),
            postgresql_include=["rights"],
            postgresql_where=text("shown_state is not null"),
        ),
        Index(
            "ix_access_due",
            "principal",
            "due",
            "proposal_id",
            postgresql_where=text("due is not null"),
        ),
    )

    proposal_id: Mapped[UUID] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True
    )
    principal: Mapped[UUID] = mapped_column(primary_key=True)
    """A person or an institution; never an institution times each of its members."""
    rights: Mapped[int] = mapped_column(SmallInteger)
    """Bits: see `proposals.access.Right`."""
    shown_state: Mapped[str | None]
    """What this principal's lists show; NULL for rows that only carry a conflict."""
    submitted_at: Mapped[datetime]
    """Time of submission; `infinity` for a draft, so that drafts come first."""
    due: Mapped[datetime | None]
    """Of an employer's row: when the proposal on the desk is due, as far as a coordinator employed
    there may know; kept by `proposals.kept`. NULL where no desk shows it."""


class Turn(Model):
    """Whose turn a proposal on the desk is: what the desk orders and filters by.

    Derived by `proposals.kept.refresh` from the one statement of `proposals.turn`, at both ends of
    time: what holds before `due` has passed, and what holds once it has.
    """

    __tablename__ = "turns"
    __table_args__ = (
        CheckConstraint("waits in ('desk', 'date', 'others', 'nobody')", name="waits"),
        Index("ix_turns_waits", "waits", "due", "proposal_id"),
        Index("ix_turns_state", "state", "waits", "due", "proposal_id"),
        Index("ix_turns_call", "call_id", "waits", "due", "proposal_id"),
    )

    proposal_id: Mapped[UUID] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True
    )
    call_id: Mapped[UUID]
    state: Mapped[str]
    waits: Mapped[str]
    """For the `desk` now, for it once `due` has passed (`date`), for `others`, for `nobody` any more."""
    due: Mapped[datetime]
    """`infinity` where nothing is due."""
    open_until: Mapped[datetime | None]
    """While confirmations are awaited: when the last of the open ones is due."""
    act: Mapped[str | None]
    act_late: Mapped[str | None]
    who: Mapped[str | None]
    who_late: Mapped[str | None]
    codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """What is missing."""
    codes_late: Mapped[list[str]] = mapped_column(ARRAY(Text))
    counts: Mapped[str]
    """Eight numbers with commas, one text being the quickest to read: confirmations open,
    returned, declined and all; items unanswered; reviewers asked, reviews done and wanted."""
    signer_id: Mapped[UUID | None]
    """Who wrote the decision: not the one to sign it."""
    zone: Mapped[str]
    """The call's, in which its days are counted."""
    barred: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    """Whose rows of `access` keep the handling from them: people, and institutions with whoever they
    employ. Written down here so that a desk need not look each of its rows up there."""
