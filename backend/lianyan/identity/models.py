"""Tables of people and their logins."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Entity, Model


class Person(Entity):
    """Somebody who uses the portal; their words live here and can be erased."""

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'active')", name="status"),
        CheckConstraint("locale in ('zh', 'en')", name="locale"),
        CheckConstraint("length(name) between 1 and 60", name="name_length"),
    )

    name: Mapped[str]
    name_latin: Mapped[str | None]
    sort_key: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    locale: Mapped[str | None]
    email: Mapped[str | None]
    """Contact only; never identifies."""
    email_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    """The address came with a login whose institution had checked it."""
    phone: Mapped[str | None]
    orcid: Mapped[str | None]
    demo: Mapped[bool] = mapped_column(server_default=text("false"))
    rev: Mapped[int] = mapped_column(server_default="1")


class Provider(Entity):
    """A login service of one institution."""

    __tablename__ = "providers"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint(
            "status in ('draft', 'testing', 'active', 'disabled', 'retired')", name="status"
        ),
        Index(
            "uq_providers_in_use",
            "issuer",
            "client_id",
            unique=True,
            postgresql_where=text("status <> 'retired' and client_id <> ''"),
        ),
    )

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("institutions.id"), index=True)
    slug: Mapped[str]
    """Stands in the address that the provider sends people back to, so it stays what it is."""
    kind: Mapped[str] = mapped_column(server_default="oidc")
    status: Mapped[str] = mapped_column(server_default="draft")
    """Which follows which: `identity.provider_states`."""
    name_zh: Mapped[str]
    name_en: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    """Encrypted: core.secrets, bound to this table, row and column; empty while there is none."""
    auth_method: Mapped[str] = mapped_column(server_default="client_secret_basic")
    algorithms: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{RS256}'"))
    config_version: Mapped[int] = mapped_column(server_default="1")
    changed_by: Mapped[UUID | None]
    """Who last changed what a login depends on: not the one to activate it."""
    activated_by: Mapped[UUID | None]
    activated_at: Mapped[datetime | None]
    trial: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What the last login for trial has shown: `identity.provider_trials.Trial`."""
    rev: Mapped[int] = mapped_column(server_default="1")


class ProviderMetadata(Model):
    """What a provider publishes about itself, as last fetched."""

    __tablename__ = "provider_metadata"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    jwks: Mapped[dict[str, Any]] = mapped_column(JSONB)
    fetched_at: Mapped[datetime]
    forced_at: Mapped[datetime | None]


class Identity(Entity):
    """One login of a person: provider, issuer and subject, byte for byte."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("provider_id", "issuer", "subject"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"))
    issuer: Mapped[str] = mapped_column(Text(collation="C"))
    subject: Mapped[str] = mapped_column(Text(collation="C"))
    last_login_at: Mapped[datetime]


class LoginTransaction(Model):
    """A login on its way through an institution; consumed once."""

    __tablename__ = "login_transactions"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary)
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"))
    config_version: Mapped[int]
    nonce: Mapped[str]
    verifier: Mapped[str]
    return_to: Mapped[str]
    purpose: Mapped[str] = mapped_column(server_default="login")
    """`login`, or `trial`: it opens no session and makes no account."""
    acting_id: Mapped[UUID | None]
    """Who tries the provider."""
    invitation_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Session(Entity):
    """An open session; the token itself is only in the browser."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "person_id"),
        Index(
            "ix_sessions_identity_id", "identity_id", postgresql_where=text("revoked_at is null")
        ),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    identity_id: Mapped[UUID | None] = mapped_column(ForeignKey("identities.id"))
    proposal_id: Mapped[UUID | None]
    """Set for an invited person: the session opens this proposal and nothing else."""
    idp_session: Mapped[str | None]
    """What the institution calls its own session, by which it ends this one."""
    id_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Encrypted; only the hint for logging out at the institution."""
    by_link: Mapped[bool] = mapped_column(server_default=text("false"))
    """Opened by a link made on the server."""
    authenticated_at: Mapped[datetime]
    idle_expires_at: Mapped[datetime]
    absolute_expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class LogoutHeard(Model):
    """A notice of a logout at an institution; none is heard twice."""

    __tablename__ = "logouts_heard"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class Affiliation(Entity):
    """A person at an institution, for a time."""

    __tablename__ = "affiliations"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'confirmed', 'refused', 'ended')", name="status"),
        Index(
            "uq_affiliations_current",
            "person_id",
            "institution_id",
            unique=True,
            postgresql_where=text("status in ('pending', 'confirmed')"),
        ),
        Index(None, "institution_id", "status"),
        Index("ix_affiliations_person", "person_id"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("institutions.id"))
    status: Mapped[str] = mapped_column(server_default="pending")
    department: Mapped[str | None]
    source: Mapped[str]
    """`login`, `coordinator` or `invitation`."""
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Officer(Entity):
    """Who acts for an institution: its officer, and deputies."""

    __tablename__ = "officers"
    __table_args__ = (
        Index(
            "uq_officers_current",
            "institution_id",
            "person_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index(None, "person_id"),
    )

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("institutions.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    deputy: Mapped[bool] = mapped_column(server_default=text("false"))
    named_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    ended_at: Mapped[datetime | None]


class PlatformRole(Entity):
    """A role on the platform that a person holds for a time."""

    __tablename__ = "platform_roles"
    __table_args__ = (
        CheckConstraint(
            "role in ('coordinator', 'stand_in', 'reviewer', 'approver', 'administrator', "
            "'auditor', 'security_administrator', 'audit_administrator')",
            name="role",
        ),
        Index(
            "uq_platform_roles_current",
            "person_id",
            "role",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        # The three who run the portal are told apart; an auditor is apart from everybody, see offices.
        Index(
            "uq_platform_roles_one_administrator",
            "person_id",
            unique=True,
            postgresql_where=text(
                "ended_at is null and role in "
                "('administrator', 'security_administrator', 'audit_administrator')"
            ),
        ),
        Index("ix_platform_roles_held", "role", postgresql_where=text("ended_at is null")),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    role: Mapped[str]
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    ended_at: Mapped[datetime | None]


class AdministratorLink(Entity):
    """A one-use link, made on the server, that makes a person administrator or lets one back in."""

    __tablename__ = "administrator_links"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    name: Mapped[str]
    institution: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
