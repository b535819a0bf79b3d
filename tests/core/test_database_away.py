"""A database that cannot be reached is nobody's mistake: the same request may succeed in a moment."""

import errno

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lianyan.core.database_errors import away, problem_of


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        FileNotFoundError(errno.ENOENT, "no such socket"),
        TimeoutError(),
        PoolTimeoutError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError(
            "cannot switch to state 12; another operation (2) is in progress"
        ),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.CrashShutdownError("terminating connection"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    ],
)
def test_what_says_that_the_database_is_away(error):
    assert away(error)
    problem = problem_of(DBAPIError("select 1", None, error))
    assert problem is not None
    assert (problem.status, problem.code) == (503, "problems.busy")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "missing", "words.json"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.InternalClientError("unexpected result from the server"),
        asyncpg.UndefinedColumnError("column t.x does not exist"),
        ValueError("x"),
        KeyError("x"),
    ],
)
def test_a_defect_stays_one(error):
    assert not away(error)
    assert problem_of(DBAPIError("select 1", None, error)) is None
