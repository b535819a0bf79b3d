"""What the calls API and the public home take and answer."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef

StepKey = Literal["opens", "closes", "consents", "reviews", "decides"]


class CallStep(msgspec.Struct, frozen=True):
    """One date of a call; `done` and `current` follow from the time, nothing is stored."""

    key: StepKey
    at: datetime
    done: bool
    current: bool


class CallCard(msgspec.Struct, frozen=True):
    """A call as lists show it."""

    id: UUID
    title: I18n
    summary: I18n
    prefix: str
    opens_at: datetime
    closes_at: datetime
    state: Literal["coming", "open", "closed"]
    zone: str
    steps: list[CallStep]
    min_institutions: int


class CallList(msgspec.Struct, frozen=True):
    """The calls: open ones first, then coming ones, then closed ones."""

    items: list[CallCard]
    next: str | None
    can: list[str]


class OwnDraft(msgspec.Struct, frozen=True):
    """A draft of the reader's in this call."""

    id: UUID
    title: str
    title_en: str
    shown: str


class Named(msgspec.Struct, frozen=True):
    """A thing with a code and a title."""

    key: str
    title: I18n


class CallDetail(msgspec.Struct, frozen=True):
    """One call with everything it asks for."""

    id: UUID
    title: I18n
    summary: I18n
    prefix: str
    opens_at: datetime
    closes_at: datetime
    state: Literal["coming", "open", "closed"]
    zone: str
    steps: list[CallStep]
    min_institutions: int
    min_reviews: int
    consent: str | None
    consent_days: int
    check_days: int
    reviews_until: datetime
    decides_at: datetime
    preset: str
    stages: list[str]
    form: dict[str, Any]
    rubric: dict[str, Any]
    checklist: list[Named]
    can: list[str]
    my_drafts: list[OwnDraft]


class Hole(msgspec.Struct, frozen=True):
    """A member institution whose proposals nobody free of a conflict could handle."""

    institution: InstitutionRef
    missing: Literal["coordinator", "approver"]


class Preset(msgspec.Struct, frozen=True):
    """What a new call is made from, and what still stands in its way."""

    preset: str
    stages: list[str]
    form: dict[str, Any]
    rubric: dict[str, Any]
    checklist: list[Named]
    consent_days: int
    check_days: int
    min_institutions: int
    min_reviews: int
    zone: str
    holes: list[Hole]


class NewCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A call to be opened from the Light preset; every instant is ISO 8601 and carries its zone."""

    title_zh: str
    title_en: str
    summary_zh: str
    summary_en: str
    prefix: str
    opens_at: str
    closes_at: str
    reviews_until: str
    decides_at: str
    min_institutions: int = 2
    min_reviews: int = 2


class HomePlatform(msgspec.Struct, frozen=True):
    """Who runs the platform, as the home page says it."""

    name: I18n
    purpose: I18n
    lead: InstitutionRef | None
    contact: str
    record_number: str | None


class TakingPart(msgspec.Struct, frozen=True):
    """An institution of a project with its role."""

    id: UUID
    name: I18n
    short: I18n | None
    role: str


class RegisterRow(msgspec.Struct, frozen=True):
    """An approved project in the public register."""

    id: UUID
    number: str
    title: str
    title_en: str
    sectors: list[str]
    institutions: list[TakingPart]
    starts: date
    ends: date
    status: str


class SectorCount(msgspec.Struct, frozen=True):
    """How many projects a sector has."""

    code: str
    n: int


class Register(msgspec.Struct, frozen=True):
    """The newest projects and how many there are; counted are the newest thousand."""

    items: list[RegisterRow]
    total: int
    by_sector: list[SectorCount]


class KindOfMember(msgspec.Struct, frozen=True):
    """The institutions of one kind."""

    kind: str
    n: int
    names: list[I18n]


class Members(msgspec.Struct, frozen=True):
    """The consortium in numbers and names."""

    total: int
    by_kind: list[KindOfMember]


class Home(msgspec.Struct, frozen=True):
    """The public home page."""

    platform: HomePlatform
    open_calls: list[CallCard]
    register: Register
    members: Members
