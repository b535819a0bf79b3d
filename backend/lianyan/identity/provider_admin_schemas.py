"""What the API of institutions' login services takes and answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from lianyan.core.shapes import I18n, InstitutionRef, PersonRef

Auth = Literal["client_secret_basic", "client_secret_post"]
StatusName = Literal["draft", "testing", "active", "disabled", "retired"]


class Claim(msgspec.Struct, frozen=True):
    """One thing the provider says about who tried it; `value` only where it is one we use."""

    name: str
    value: str | None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a login for trial has shown."""

    at: datetime
    by: PersonRef
    current: bool
    """Nothing that a login depends on has changed since."""
    ok: bool
    code: str | None
    """Of a login that failed: what people would read, `identity.login_<code>`."""
    reason: str | None
    """And what the log keeps."""
    subject: str | None
    name: str | None
    email: str | None
    email_checked: bool
    email_own: bool
    """The address lies in a domain of the institution."""
    claims: list[Claim]


class ProviderListed(msgspec.Struct, frozen=True, kw_only=True):
    """A login service in the list."""

    id: UUID
    institution: InstitutionRef
    name: I18n
    slug: str
    status: StatusName
    issuer: str
    people: int
    """Accounts that have come in by it."""
    last_login_at: datetime | None


class ProviderList(msgspec.Struct, frozen=True):
    """Every institution's login services."""

    items: list[ProviderListed]
    can: list[str]


class ProviderPage(msgspec.Struct, frozen=True, kw_only=True):
    """A login service."""

    id: UUID
    rev: int
    institution: InstitutionRef
    name: I18n
    slug: str
    status: StatusName
    issuer: str
    client_id: str
    secret: bool
    """One is stored; it is never shown again."""
    auth_method: Auth
    algorithms: list[str]
    callback: str
    """The address to register at the provider."""
    fixed: bool
    """Issuer and client id stay what they are."""
    people: int
    last_login_at: datetime | None
    changed_by: PersonRef | None
    activated_by: PersonRef | None
    activated_at: datetime | None
    checked_at: datetime | None
    trial: Trial | None
    lacking: list[str]
    """What stands before its activation: catalogue keys."""
    can: list[str]


class NewProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A login service to add; what is not known yet comes later."""

    institution_id: UUID
    slug: str
    name_zh: str
    name_en: str
    issuer: str = ""
    client_id: str = ""
    secret: str = ""
    auth_method: Auth = "client_secret_basic"


class ProviderChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to change; what is left out stays."""

    name_zh: str | UnsetType = UNSET
    name_en: str | UnsetType = UNSET
    issuer: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    auth_method: Auth | UnsetType = UNSET
