"""What the identity API takes and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef

Locale = Literal["zh", "en"]
Belonging = Literal["pending", "confirmed", "refused", "ended"]


class Me(msgspec.Struct, frozen=True):
    """The person who asks."""

    id: UUID
    name: str
    name_missing: bool
    """Their institution gave no name: the first page asks for it."""
    locale: Locale | None
    status: Literal["pending", "active"]
    institutions: list[InstitutionRef]
    offices: list[InstitutionRef]
    waiting: list[InstitutionRef]
    """Institutions whose officer has not confirmed the person yet."""
    roles: list[str]
    scope: UUID | None
    """The one proposal that this session opens; null for a session by login."""
    administrator_link: bool
    """The session was opened by a link made on the server, and is short."""


class NavItem(msgspec.Struct, frozen=True):
    """A page the person has, with how many things wait there."""

    key: str
    count: int | None = None


class PlatformName(msgspec.Struct, frozen=True):
    """What the head and foot of every page say about the platform."""

    name: I18n
    lead: InstitutionRef | None
    contact: str
    record_number: str | None


class SessionNow(msgspec.Struct, frozen=True):
    """Who is here, and what they may open."""

    person: Me | None
    demo: bool
    locale: Locale
    now: datetime
    nav: list[NavItem]
    platform: PlatformName
    tag: str | None = None
    """Names this session: sent back as `X-Session`, it keeps an old page from acting in a new session."""
    idle_expires_at: datetime | None = None


class ProviderRow(msgspec.Struct, frozen=True):
    """A way to log in."""

    slug: str
    institution: InstitutionRef
    name: I18n
    search_keys: str
    issuer: str
    """The service itself, named where its clock is wrong."""


class DemoPerson(msgspec.Struct, frozen=True):
    """Somebody of the demo who can be chosen with one click."""

    slug: str
    hint: str
    name: str
    institution: InstitutionRef
    roles: list[str]


class Providers(msgspec.Struct, frozen=True):
    """The ways to log in, the one used last, and in the demo the people."""

    items: list[ProviderRow]
    last: str | None = None
    demo_people: list[DemoPerson] | None = None


class LoginBegin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A login to begin."""

    return_to: str = "/"
    """Where the person goes afterwards: a path of the portal; anything else means the home page."""
    hint: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    """Whom to log in at once; only in the demo."""


class LoginBegun(msgspec.Struct, frozen=True):
    """Where the browser goes."""

    url: str


class LoggedOut(msgspec.Struct, frozen=True):
    """The session here is over; `end_session_url` also ends the one at the institution."""

    end_session_url: str | None = None


class LocaleChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The language the person reads."""

    locale: Locale


class OwnAffiliation(msgspec.Struct, frozen=True):
    """An institution the person is at, or asked to be."""

    id: UUID
    institution: InstitutionRef
    status: Belonging
    department: str | None
    since: datetime


class Account(msgspec.Struct, frozen=True):
    """What the person says about themselves."""

    id: UUID
    rev: int
    name: str
    name_latin: str | None
    sort_key: str | None
    """How a Chinese name is read, one syllable for each character; null for another name."""
    locale: Locale | None
    email: str | None
    phone: str | None
    orcid: str | None
    affiliations: list[OwnAffiliation]


class AccountChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changes; a field that is not sent stays as it is, null empties an optional one."""

    name: str | UnsetType | None = UNSET
    name_latin: str | UnsetType | None = UNSET
    sort_key: str | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    orcid: str | UnsetType | None = UNSET


class Changed(msgspec.Struct, frozen=True):
    """The answer to a change."""

    id: UUID
    rev: int


class NewAffiliation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An institution the person says they are at."""

    institution_id: UUID
    department: str | None = None


class Found(msgspec.Struct, frozen=True):
    """People who can be added to a team."""

    items: list[PersonRef]


class InstitutionPerson(msgspec.Struct, frozen=True):
    """A person of an institution, as its officer sees them."""

    affiliation_id: UUID
    person: PersonRef
    status: Belonging
    since: datetime
    department: str | None
    officer: bool
    deputy: bool
    can: list[str]


class InstitutionPeople(msgspec.Struct, frozen=True):
    """The people of the institutions whose officer asks."""

    items: list[InstitutionPerson]


class AdministratorInvitation(msgspec.Struct, frozen=True):
    """What a link made on the server opens, before it is used."""

    name: str
    institution: str
    expires_at: datetime
