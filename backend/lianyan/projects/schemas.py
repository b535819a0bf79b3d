"""What the projects API answers."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n


class ProjectInstitution(msgspec.Struct, frozen=True):
    """An institution of a project with its role; the lead comes first."""

    id: UUID
    name: I18n
    short: I18n | None
    role: str


class ProjectRow(msgspec.Struct, frozen=True):
    """An approved project in the public register."""

    id: UUID
    number: str
    title: str
    title_en: str
    sectors: list[str]
    institutions: list[ProjectInstitution]
    starts: date
    ends: date
    status: Literal["approved"]


class ProjectSector(msgspec.Struct, frozen=True):
    """How many projects of the search a sector has."""

    code: str
    n: int


class ProjectRegister(msgspec.Struct, frozen=True):
    """A page of the register; `total` ends at 1000, then `capped` is true.

    The sectors are counted in the newest thousand of what is looked for.
    """

    items: list[ProjectRow]
    next: str | None
    total: int
    capped: bool
    by_sector: list[ProjectSector]


class ProjectDetail(msgspec.Struct, frozen=True):
    """What everybody may know of an approved project."""

    id: UUID
    number: str
    title: str
    title_en: str
    summary: str
    sectors: list[str]
    fields: list[str]
    institutions: list[ProjectInstitution]
    starts: date
    ends: date
    months: int
    approved_at: datetime
    status: Literal["approved"]
