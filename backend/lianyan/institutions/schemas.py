"""What the institutions API takes and answers."""

from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef

Kind = Literal["university", "company", "hospital", "institute"]
Standing = Literal["founding", "ordinary", "observer"]


class InstitutionRow(msgspec.Struct, frozen=True):
    """An institution in the public directory."""

    id: UUID
    name: I18n
    short: I18n | None
    kind: Kind
    standing: Standing
    country: str
    """ISO 3166-1, two letters; shown wherever two institutions share a short name."""
    province: str | None
    """Code of GB/T 2260, two digits."""
    city: str | None
    aliases: list[str]


class Counts(msgspec.Struct, frozen=True):
    """How many institutions the search found, by kind."""

    university: int = 0
    company: int = 0
    hospital: int = 0
    institute: int = 0


class Directory(msgspec.Struct, frozen=True):
    """The directory, ordered by sound."""

    items: list[InstitutionRow]
    counts: Counts
    total: int
    next: str | None = None


class InstitutionDetail(msgspec.Struct, frozen=True):
    """One institution; `officers` and `own` only for those who may change it."""

    id: UUID
    rev: int
    name: I18n
    short: I18n | None
    kind: Kind
    standing: Standing
    country: str
    province: str | None
    city: str | None
    aliases: list[str]
    code: str | None
    ror: str | None
    domains: list[str]
    parent: InstitutionRef | None
    can: list[str]
    own: "Own | None" = None
    officers: list["OfficerRow"] | None = None


class Own(msgspec.Struct, frozen=True):
    """Short names as they were typed, for the form that changes them."""

    short_zh: str | None
    short_en: str | None


class OfficerRow(msgspec.Struct, frozen=True):
    """Who acts for an institution."""

    id: UUID
    person: PersonRef
    deputy: bool


class NewInstitution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An institution to be added."""

    name_zh: str
    name_en: str
    kind: Kind
    standing: Standing = "ordinary"
    short_zh: str | None = None
    short_en: str | None = None
    aliases: list[str] = []
    code: str | None = None
    ror: str | None = None
    country: str = "CN"
    province: str | None = None
    city: str | None = None
    domains: list[str] = []
    parent_id: UUID | None = None


class InstitutionChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changes; a field that is not sent stays as it is, null empties an optional one."""

    name_zh: str | UnsetType | None = UNSET
    name_en: str | UnsetType | None = UNSET
    kind: Kind | UnsetType | None = UNSET
    standing: Standing | UnsetType | None = UNSET
    short_zh: str | UnsetType | None = UNSET
    short_en: str | UnsetType | None = UNSET
    aliases: list[str] | UnsetType | None = UNSET
    code: str | UnsetType | None = UNSET
    ror: str | UnsetType | None = UNSET
    country: str | UnsetType | None = UNSET
    province: str | UnsetType | None = UNSET
    city: str | UnsetType | None = UNSET
    domains: list[str] | UnsetType | None = UNSET
    parent_id: UUID | UnsetType | None = UNSET


class Changed(msgspec.Struct, frozen=True):
    """The answer to a change."""

    id: UUID | int
    rev: int


class IdentifierQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code as somebody typed it."""

    kind: Literal["uscc", "ror", "orcid"]
    value: str


class IdentifierAnswer(msgspec.Struct, frozen=True):
    """Whether the code can be right; `value` in its one form where it can."""

    value: str
    ok: bool
    code: str | None = None
    """Catalogue key of what is wrong, or of a warning where `ok`."""
    params: dict[str, int | str] = {}


class TermRow(msgspec.Struct, frozen=True):
    """A sector or a field."""

    code: str
    zh: str
    en: str
    note: I18n | None
    synonyms: list[str]
    search_keys: str


class Terms(msgspec.Struct, frozen=True):
    """The vocabularies."""

    sectors: list[TermRow]
    fields: list[TermRow]


class PlatformProfile(msgspec.Struct, frozen=True):
    """The platform's own profile."""

    rev: int
    name: I18n
    purpose: I18n
    lead: InstitutionRef | None
    contact: str
    record_number: str | None
    can: list[str] = []


class PlatformChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changes in the profile; a field that is not sent stays as it is."""

    name_zh: str | UnsetType | None = UNSET
    name_en: str | UnsetType | None = UNSET
    purpose_zh: str | UnsetType | None = UNSET
    purpose_en: str | UnsetType | None = UNSET
    lead_id: UUID | UnsetType | None = UNSET
    contact: str | UnsetType | None = UNSET
    record_number: str | UnsetType | None = UNSET
