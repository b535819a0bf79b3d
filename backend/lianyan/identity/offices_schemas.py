"""What the API of roles and officers takes and answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from lianyan.core.shapes import InstitutionRef, PersonRef

RoleName = Literal[
    "coordinator",
    "stand_in",
    "reviewer",
    "approver",
    "administrator",
    "auditor",
    "security_administrator",
    "audit_administrator",
]


class RoleRow(msgspec.Struct, frozen=True):
    """Somebody with a role on the platform."""

    id: UUID
    person: PersonRef
    role: RoleName
    since: datetime


class RoleHole(msgspec.Struct, frozen=True):
    """An institution for which nobody free of a conflict coordinates, or approves."""

    institution: InstitutionRef
    missing: Literal["coordinator", "approver"]


class RoleList(msgspec.Struct, frozen=True):
    """Who holds which role, and what is missing."""

    items: list[RoleRow]
    holes: list[RoleHole]
    undivided: list[RoleName]
    """Which of the three administrators nobody is; empty where they are told apart."""
    can: list[str]


class NewRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role for a person."""

    person_id: UUID
    role: RoleName


class NewOfficer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person who is to act for an institution."""

    person_id: UUID
    deputy: bool = False


class Candidate(msgspec.Struct, frozen=True):
    """A person of an institution who could act for it."""

    person: PersonRef
    status: Literal["pending", "confirmed"]
    officer: bool


class Candidates(msgspec.Struct, frozen=True):
    """The people of an institution."""

    items: list[Candidate]
