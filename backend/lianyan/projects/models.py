"""Tables of the projects slice."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Entity


class Project(Entity):
    """An approved proposal's record: what the public register shows."""

    __tablename__ = "projects"
    __table_args__ = (
        UniqueConstraint("proposal_id"),
        UniqueConstraint("number"),
        Index("ix_projects_newest", text("approved_at desc"), text("id desc")),
        Index("ix_projects_sectors", "sectors", postgresql_using="gin"),
    )

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id"))
    number: Mapped[str]
    title: Mapped[str]
    title_en: Mapped[str]
    summary: Mapped[str]
    sectors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    institutions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """[{id, role}], lead first."""
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    granted_months: Mapped[int]
    granted_fen: Mapped[int | None] = mapped_column(BigInteger)
    approved_at: Mapped[datetime]
    search_keys: Mapped[str]
