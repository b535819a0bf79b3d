"""The demo world as data: who is there, which calls, which proposals, and how far each has come.

Days are counted from a base day, so the demo always looks current; a proposal's first month is
counted in months from the base day's. Nobody in it is a real person.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

FOLDER = "content"
MONTHS = 12


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record whose file holds nothing it does not know."""


class Institution(Strict, frozen=True, kw_only=True):
    """A member institution with its login."""

    slug: str
    name_zh: str
    name_en: str
    short_zh: str
    short_en: str
    aliases: list[str]
    kind: str
    standing: str
    country: str
    province: str | None
    city: str
    code: str
    domains: list[str]


class Login(Strict, frozen=True, kw_only=True):
    """An account of a person at an institution."""

    institution: str
    sub: str


class Note(Strict, frozen=True, kw_only=True):
    """What the table of logins says beside a person."""

    zh: str
    en: str


class Person(Strict, frozen=True, kw_only=True):
    """Somebody to log in as; the first login's institution is the person's main one."""

    key: str
    name: str
    logins: list[Login]
    roles: list[str]
    name_latin: str | None = None
    email: str | None = None
    officer_of: str | None = None
    deputy: bool = False
    department: str | None = None
    expertise: list[str] = []
    """Codes of technology fields, of reviewers."""
    pending: bool = False
    """Has logged in once and waits for the officer."""
    locale: str | None = None
    orcid: str | None = None
    note: Note | None = None


class Platform(Strict, frozen=True, kw_only=True):
    """The platform's profile."""

    name_zh: str
    name_en: str
    purpose_zh: str
    purpose_en: str
    lead: str
    contact: str
    record_number: str


class Call(Strict, frozen=True, kw_only=True):
    """A call; `{year}` and `{last}` in its words are the base day's year and the one before."""

    key: str
    prefix: str
    title_zh: str
    title_en: str
    summary_zh: str
    summary_en: str
    opens_day: int
    closes_day: int
    reviews_day: int
    decides_day: int
    hour: str
    min_institutions: int

    def said(self, field: str, base: date) -> str:
        """Return one of its texts as it reads on `base`."""
        text: str = getattr(self, field)
        return text.format(year=base.year, last=base.year - 1)


class Contribution(Strict, frozen=True, kw_only=True):
    """One line of what an institution brings; `value_wan` is its worth in 万元."""

    kind: str
    what: str
    amount: float
    unit: str
    value_wan: float | None = None
    terms: str = ""


class Member(Strict, frozen=True, kw_only=True):
    """A person of the team."""

    person: str
    duty: str


class Taking(Strict, frozen=True, kw_only=True):
    """An institution's part in a proposal."""

    institution: str
    role: str
    task: str
    contributions: list[Contribution]
    special_terms: str
    team: list[Member]


class Change(Strict, frozen=True, kw_only=True):
    """The edit that made a confirmation void: the content now holds `to`."""

    kind: str
    what: str
    from_: float = msgspec.field(name="from")
    to: float
    unit: str


class Answered(Strict, frozen=True, kw_only=True):
    """What the officer had answered before."""

    state: Literal["returned"]
    day: int
    comments: dict[str, str]


class Consent(Strict, frozen=True, kw_only=True):
    """Where an institution's confirmation stands; those not listed have confirmed in time."""

    institution: str
    state: Literal["invited", "viewed", "consented", "returned", "void", "expired"]
    day: int
    comments: dict[str, str] = {}
    void_day: int | None = None
    change: Change | None = None
    first: Answered | None = None


class Check(Strict, frozen=True, kw_only=True):
    """The formal check; without an outcome it goes on, and `open` items are not answered."""

    by: str
    day: int
    outcome: Literal["pass", "return", "refuse"] | None
    open: list[str] = []
    notes: dict[str, str] = {}
    reason_code: str | None = None
    reason: str = ""
    items: dict[str, str] = {}
    """What is to be corrected, by section."""
    due_day: int | None = None
    methods_before: str | None = None
    """The methods as they were submitted, before the correction under way."""


class Review(Strict, frozen=True, kw_only=True):
    """What a reviewer wrote."""

    scores: dict[str, int]
    recommendation: str | None
    for_applicants: str
    for_coordinators: str
    submitted: bool
    day: int


class Assignment(Strict, frozen=True, kw_only=True):
    """A reviewer asked."""

    reviewer: str
    state: Literal["asked", "accepted", "declined"]
    review: Review | None = None
    reason: str | None = None


class Refused(Strict, frozen=True, kw_only=True):
    """A reviewer whom a conflict keeps out."""

    reviewer: str
    kind: str
    institution: str


class Decision(Strict, frozen=True, kw_only=True):
    """A decision; unsigned or unreleased where the day is missing."""

    kind: Literal["approve", "reject"]
    letter: str
    note: str
    drafted_by: str
    drafted_day: int
    signed_by: str | None = None
    signed_day: int | None = None
    released_day: int | None = None


class Withdrawal(Strict, frozen=True, kw_only=True):
    """Who withdrew, and why."""

    by: str
    day: int
    reason: str


class Waits(Strict, frozen=True, kw_only=True):
    """What the story of this proposal still waits for: a later move, and the state it shows then."""

    for_: str = msgspec.field(name="for")
    shown: str


class Proposal(Strict, frozen=True, kw_only=True):
    """A proposal with its content, its institutions and its way so far."""

    id: int
    """Its number in the call is this one too."""
    call: str
    state: str
    language: Literal["zh", "en"]
    lead: str
    starts_month: int
    answers: dict[str, Any]
    participations: list[Taking]
    submitted_day: int | None = None
    consents: list[Consent] = []
    check: Check | None = None
    assignments: list[Assignment] = []
    refused_assignments: list[Refused] = []
    decision: Decision | None = None
    withdrawal: Withdrawal | None = None
    waits: Waits | None = None

    def content(self, base: date) -> dict[str, Any]:
        """Return the answers to every question of the standard form, as they read on `base`."""
        months = base.year * MONTHS + base.month - 1 + self.starts_month
        return self.answers | {"starts": f"{months // MONTHS}-{months % MONTHS + 1:02d}"}


class World(Strict, frozen=True, kw_only=True):
    """Everything the demo starts with."""

    institutions: list[Institution]
    people: list[Person]
    platform: Platform
    calls: list[Call]
    proposals: list[Proposal]

    def person(self, key: str) -> Person:
        """Return the person of this key."""
        return next(p for p in self.people if p.key == key)

    def people_of(self, slug: str) -> list[Person]:
        """Return who can log in at an institution."""
        return [p for p in self.people if any(x.institution == slug for x in p.logins)]


@cache
def read_world() -> World:
    """Return the demo world."""
    folder = files("lianyan.demo") / FOLDER
    proposals = sorted((folder / "proposals").iterdir(), key=lambda file: file.name)
    return World(
        institutions=_read("institutions.json", list[Institution]),
        people=_read("people.json", list[Person]),
        platform=_read("platform.json", Platform),
        calls=_read("calls.json", list[Call]),
        proposals=[msgspec.json.decode(file.read_bytes(), type=Proposal) for file in proposals],
    )


def _read(name: str, kind: Any) -> Any:
    return msgspec.json.decode((files("lianyan.demo") / FOLDER / name).read_bytes(), type=kind)
