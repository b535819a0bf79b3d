"""Tables of institutions, taxonomies and the platform's profile."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Entity, Model


class Institution(Entity):
    """A university, company, hospital or institute of the consortium."""

    __tablename__ = "institutions"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("ror"),
        CheckConstraint("kind in ('university', 'company', 'hospital', 'institute')", name="kind"),
        CheckConstraint("standing in ('founding', 'ordinary', 'observer')", name="standing"),
    )

    name_zh: Mapped[str]
    name_en: Mapped[str]
    short_zh: Mapped[str | None]
    short_en: Mapped[str | None]
    """Short names are not unique and never a key."""
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    kind: Mapped[str]
    standing: Mapped[str] = mapped_column(server_default="ordinary")
    code: Mapped[str | None]
    """统一社会信用代码 (GB 32100-2015), normalised; None for one outside China."""
    ror: Mapped[str | None]
    country: Mapped[str] = mapped_column(server_default="CN")
    province: Mapped[str | None]
    city: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("institutions.id"))
    sort_key: Mapped[str]
    search_keys: Mapped[str]
    """Names, aliases, pinyin and initials in lower case, one string to match parts of."""
    rev: Mapped[int] = mapped_column(server_default="1")


class Domain(Model):
    """A mail domain that points to an institution; a hint, never a proof."""

    __tablename__ = "institution_domains"

    domain: Mapped[str] = mapped_column(primary_key=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("institutions.id"), index=True)


class Term(Model):
    """A sector or a technology field."""

    __tablename__ = "terms"
    __table_args__ = (CheckConstraint("kind in ('sector', 'field')", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    zh: Mapped[str]
    en: Mapped[str]
    note_zh: Mapped[str | None]
    note_en: Mapped[str | None]
    synonyms: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    search_keys: Mapped[str]
    position: Mapped[int]


class Platform(Model):
    """The platform's own profile: one row."""

    __tablename__ = "platform"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, server_default="1")
    name_zh: Mapped[str]
    name_en: Mapped[str]
    purpose_zh: Mapped[str]
    purpose_en: Mapped[str]
    lead_id: Mapped[UUID | None] = mapped_column(ForeignKey("institutions.id"))
    contact: Mapped[str]
    record_number: Mapped[str | None]
    """备案号, shown in the foot of every page."""
    rev: Mapped[int] = mapped_column(server_default="1")
