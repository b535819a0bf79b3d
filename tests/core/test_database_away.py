"""A database that cannot be reached is nobody's mistake: the same request may succeed in a moment."""

import errno
import shutil
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lianyan.core.database_errors import away, problem_of, unavailable
from lianyan.core.db import abandon, provide_session
from lianyan.core.problems import NotFound


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


def quota() -> asyncpg.PostgresError:
    """Return what the server says where the disk has room and gives it none."""
    error = asyncpg.InternalServerError("could not extend file: Disk quota exceeded")
    error.hint = "Check free disk space."
    return error


@pytest.mark.parametrize("error", [asyncpg.DiskFullError("could not extend file"), quota()])
def test_a_full_disk_is_named_whoever_asks(error, tmp_path):
    for found in (error, DBAPIError("select 1", None, error)):
        problem = unavailable(found, tmp_path)
        assert problem is not None
        assert (problem.status, problem.code) == (503, "problems.disk_full")
        assert problem.retry_after > 1


def test_a_database_away_is_named_by_its_cause(tmp_path, monkeypatch):
    error = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    assert unavailable(error, tmp_path).code == "problems.busy"
    assert unavailable(error, tmp_path / "gone").code == "problems.busy"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert unavailable(error, tmp_path).code == "problems.disk_full"
    assert unavailable(ValueError("x"), tmp_path) is None


@pytest.fixture
async def lost(committed) -> tuple[Any, Any]:
    """Give a request whose connection the database ends before its session is closed, with its session."""
    request: Any = SimpleNamespace(scope={})
    provided = provide_session(request, SimpleNamespace(sessions=committed.sessions))
    session = await anext(provided)
    ours = await session.scalar(text("select pg_backend_pid()"))
    async with committed.sessions() as other:
        await other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": ours})
    return provided, session


async def test_a_refusal_stands_though_the_connection_is_lost_meanwhile(lost):
    provided, session = lost
    with pytest.raises(NotFound):
        await provided.athrow(NotFound())
    assert session.bind.pool.checkedout() == 0, "nothing waits for the garbage collector"


async def test_a_commit_on_a_lost_connection_is_refused(lost):
    provided, session = lost
    with pytest.raises(DBAPIError) as refused:
        await anext(provided, None)
    assert away(refused.value)
    assert session.bind.pool.checkedout() == 0


async def test_a_request_refused_early_is_let_go_though_the_connection_is_lost(lost):
    _, session = lost
    await abandon({"session": session})
    assert session.bind.pool.checkedout() == 0
