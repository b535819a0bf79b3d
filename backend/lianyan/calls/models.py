"""Tables of calls and forms."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Entity, Model


class Form(Entity):
    """An immutable numbered form document; a change is a new form."""

    __tablename__ = "forms"
    __table_args__ = (UniqueConstraint("sha256"),)

    number: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)


class Call(Entity):
    """A call for proposals: what is asked, by which rules, until when."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("prefix"),
        CheckConstraint("opens_at < closes_at", name="opens_before_closes"),
        CheckConstraint("closes_at < reviews_until", name="closes_before_reviews"),
        CheckConstraint("reviews_until < decides_at", name="reviews_before_decides"),
        CheckConstraint("min_institutions between 1 and 20", name="min_institutions"),
        CheckConstraint("min_reviews between 1 and 9", name="min_reviews"),
    )

    title_zh: Mapped[str]
    title_en: Mapped[str]
    summary_zh: Mapped[str]
    summary_en: Mapped[str]
    prefix: Mapped[str]
    """Number prefix, such as NUIST-2026."""
    form_id: Mapped[UUID] = mapped_column(ForeignKey("forms.id"))
    rubric: Mapped[dict[str, Any]] = mapped_column(JSONB)
    checklist: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    preset: Mapped[str]
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """The stages that are on, in the fixed order; copied into a proposal at its submission."""
    consent: Mapped[str | None]
    """`click`; None where the call takes one institution."""
    min_institutions: Mapped[int]
    min_reviews: Mapped[int]
    max_reviews: Mapped[int] = mapped_column(server_default="5")
    zone: Mapped[str] = mapped_column(server_default="Asia/Shanghai")
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    consent_days: Mapped[int] = mapped_column(server_default="5")
    """Working days for confirmations, from the submission."""
    consents_until: Mapped[datetime | None]
    """Until when the last confirmations come in: `consent_days` working days after the close."""
    check_days: Mapped[int] = mapped_column(server_default="5")
    reviews_until: Mapped[datetime]
    decides_at: Mapped[datetime]
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))


class CallNumber(Model):
    """The last number given in a call: the one row that submits of a call share."""

    __tablename__ = "call_numbers"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"), primary_key=True)
    last: Mapped[int] = mapped_column(server_default=text("0"))
