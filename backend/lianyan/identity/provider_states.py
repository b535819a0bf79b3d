"""The states of an institution's login service, and which follows which: the one table."""

from enum import StrEnum


class Status(StrEnum):
    """Where a login service stands."""

    DRAFT = "draft"
    """Written down; nobody has looked yet whether it answers."""
    TESTING = "testing"
    """It answers as the issuer that was written down; administrators try it, nobody gets in by it."""
    ACTIVE = "active"
    DISABLED = "disabled"
    """No new login; who is in stays in."""
    RETIRED = "retired"
    """For good: its logins open nothing any more, whatever its issuer says."""


class Step(StrEnum):
    """What is done to it."""

    CHECK = "check"
    ACTIVATE = "activate"
    DISABLE = "disable"
    RETIRE = "retire"


S = Status
FOLLOWS: dict[tuple[Status, Step], Status] = {
    (S.DRAFT, Step.CHECK): S.TESTING,
    (S.TESTING, Step.CHECK): S.TESTING,
    (S.ACTIVE, Step.CHECK): S.ACTIVE,
    (S.DISABLED, Step.CHECK): S.DISABLED,
    (S.TESTING, Step.ACTIVATE): S.ACTIVE,
    (S.DISABLED, Step.ACTIVATE): S.ACTIVE,
    (S.ACTIVE, Step.DISABLE): S.DISABLED,
    (S.DRAFT, Step.RETIRE): S.RETIRED,
    (S.TESTING, Step.RETIRE): S.RETIRED,
    (S.ACTIVE, Step.RETIRE): S.RETIRED,
    (S.DISABLED, Step.RETIRE): S.RETIRED,
}
TRIED = frozenset({S.TESTING, S.ACTIVE, S.DISABLED})
"""Where a login for trial can be made."""
OPEN = frozenset({S.DRAFT, S.TESTING})
"""Where issuer and client id may still change: nobody has come in by it."""
