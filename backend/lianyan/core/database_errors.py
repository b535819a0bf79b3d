"""What the database refuses, as problems: one table for constraints, one for kinds of bad value."""

import shutil
from pathlib import Path

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lianyan.core.problems import BUSY, Conflict, Invalid, Problem, invalid

CONSTRAINTS: dict[str, tuple[str, str]] = {
    "uq_institutions_code": ("code", "institutions.code_taken"),
    "uq_institutions_ror": ("ror", "institutions.ror_taken"),
    "uq_calls_prefix": ("prefix", "calls.prefix_taken"),
    "pk_institution_domains": ("domains", "institutions.domain_taken"),
    "uq_participations_current": ("institution_id", "proposals.institution_twice"),
    "uq_participations_one_lead": ("role", "proposals.one_lead"),
    "uq_members_current": ("person_id", "proposals.member_twice"),
    "uq_assignments_current": ("reviewer_id", "reviews.assigned_already"),
    "uq_decisions_current": ("proposal_id", "decisions.exists"),
    "ck_decisions_two_persons": ("signed_by", "decisions.two_persons"),
    "uq_platform_roles_current": ("role", "roles.held_already"),
    "uq_platform_roles_one_administrator": ("role", "roles.one_administrator"),
    "uq_officers_current": ("person_id", "roles.officer_already"),
    "uq_affiliations_current": ("institution_id", "identity.affiliated_already"),
}
"""Named constraint -> the field it is about and the sentence for it."""

BAD_VALUE = {"22001", "22003", "22007", "22008", "22021", "22P02", "22P05"}
"""A value the column cannot hold: SQLSTATEs of class 22 that only input can cause."""

LATER = {"40001", "40P01", "55P03", "57014"}
"""Serialisation, deadlock, lock and statement timeouts: the same request may succeed in a moment."""

FULL = "53100"
"""The disk of the database has no room left."""

FULL_HINT = "Check free disk space"
"""What the server adds where the disk has room and gives it none: a quota, a limit."""

AWAY = {"57P01", "57P02", "57P03", "53300"}
"""The server stops, has crashed, starts, or has no room; class 08 says that the connection is gone."""


PATIENCE = 30
"""So many seconds later room may have been made."""

SEGMENT = 1 << 24
"""With less room than this the database cannot begin the next file of its log."""


def problem_of(error: DBAPIError) -> Problem | None:
    """Return the problem a database error stands for, None for a defect of ours."""
    state = str(getattr(error.orig, "sqlstate", "") or "")
    if isinstance(error, IntegrityError):
        name = str(getattr(error.driver_exception, "constraint_name", "") or "")
        if name in CONSTRAINTS:
            field, code = CONSTRAINTS[name]
            problem = Conflict(code)
            problem.errors = invalid(field, code).errors
            return problem
    if state in BAD_VALUE:
        return Invalid([], "problems.unstorable")
    if state in LATER or away(error):
        return busy()
    return None


def busy() -> Problem:
    """Return the problem of a request that may succeed in a moment."""
    found = Problem("problems.busy")
    found.status = BUSY
    return found


def disk_full() -> Problem:
    """Return the problem of a request that nothing but more room helps."""
    found = Problem("problems.disk_full")
    found.status, found.retry_after = BUSY, PATIENCE
    return found


def unavailable(error: BaseException, data_dir: Path) -> Problem | None:
    """Return the problem of an error that is nobody's mistake: a full disk, a database away; else None."""
    if _full(error):
        return disk_full()
    if not away(error):
        return None
    try:
        room = shutil.disk_usage(data_dir).free
    except OSError:
        return busy()
    # A database that cannot write its log ends, and cannot say why to who asks then.
    return disk_full() if room < SEGMENT else busy()


def _full(error: BaseException) -> bool:
    if isinstance(error, DBAPIError):
        return error.orig is not None and _full(error.driver_exception)
    hint = str(getattr(error, "hint", "") or "")
    return getattr(error, "sqlstate", "") == FULL or hint.startswith(FULL_HINT)


def away(error: BaseException) -> bool:
    """Say whether an error means that the database cannot be reached now: nobody's mistake.

    A commit whose answer got lost is one too: the same request sent again finds what it did.
    """
    if isinstance(error, DBAPIError):
        known = error.orig is not None
        return error.connection_invalidated or (known and away(error.driver_exception))
    state = str(getattr(error, "sqlstate", "") or "")
    if state in AWAY or state.startswith("08"):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return "clos" in str(error)
    if isinstance(error, asyncpg.InternalClientError):
        # Said of a connection that the server has just ended, until its socket is seen to close.
        return "cannot switch to state" in str(error)
    # A socket that is not there is reported without a name, a missing file with its own.
    missing = isinstance(error, FileNotFoundError) and error.filename is None
    return missing or isinstance(error, (ConnectionError, TimeoutError, PoolTimeoutError))
