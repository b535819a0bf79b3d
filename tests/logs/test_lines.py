"""The form of a line: what is said of an error, of a library's line, of a warning; never somebody's words."""

import io
import json
import logging
import warnings

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from lianyan.core.logs import log_to, note
from lianyan.embedded import postgres, throwaway

SECRET = "王小明的手机"


@pytest.fixture
def written():
    """Let this process write as a server does; give what it has written."""
    root, own, shown = logging.getLogger(), logging.getLogger("lianyan"), warnings.showwarning
    before = root.handlers[:], root.level, own.level
    stream = io.StringIO()
    log_to(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], level, own_level = before
    root.setLevel(level)
    own.setLevel(own_level)
    warnings.showwarning = shown


def test_a_line_of_ours(written):
    note(logging.getLogger("lianyan.jobs"), logging.INFO, "job", id=7, kind="x.y")
    (line,) = written()
    assert line.pop("at").endswith("+00:00")
    assert line == {"level": "info", "event": "job", "id": 7, "kind": "x.y"}


def _raised(error: BaseException) -> BaseException:
    """Return the error as one that has been raised somewhere."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_an_error_is_its_kind_and_its_place(written):
    driver = asyncpg.UniqueViolationError(f"Key (phone)=({SECRET}) already exists.")
    driver.constraint_name = "uq_people_phone"
    error = _raised(IntegrityError("insert", {"name": SECRET}, driver))
    error.__cause__ = _raised(ValueError(SECRET))
    note(logging.getLogger("lianyan.errors"), logging.ERROR, "defect", error=error, id="a")
    (line,) = written()
    assert SECRET not in json.dumps(line, ensure_ascii=False)
    kinds = {one["type"]: one for one in line["errors"]}
    assert kinds.keys() == {
        "sqlalchemy.exc.IntegrityError",
        "asyncpg.exceptions.UniqueViolationError",
        "builtins.ValueError",
    }
    assert kinds["asyncpg.exceptions.UniqueViolationError"]["constraint_name"] == "uq_people_phone"
    assert kinds["asyncpg.exceptions.UniqueViolationError"]["sqlstate"] == "23505"
    assert kinds["builtins.ValueError"]["trace"][-1].startswith("logs/test_lines.py:")


def test_a_group_of_errors_names_each(written):
    error = _raised(ExceptionGroup(SECRET, [_raised(OSError(SECRET)), _raised(KeyError(SECRET))]))
    note(logging.getLogger("lianyan.errors"), logging.ERROR, "defect", error=error)
    (line,) = written()
    assert SECRET not in json.dumps(line, ensure_ascii=False)
    assert [one["type"] for one in line["errors"]] == [
        "builtins.ExceptionGroup", "builtins.OSError", "builtins.KeyError",
    ]  # fmt: skip


def test_a_line_of_a_library_is_what_stands_in_its_code(written):
    error = _raised(asyncpg.UniqueViolationError(SECRET))
    # As the event loop reports what nobody waited for: the text of the error is in the second line.
    logging.getLogger("asyncio").error(f"Future exception was never retrieved\nfuture: {error!r}", exc_info=error)  # fmt: skip  # noqa: G004
    logging.getLogger("sqlalchemy.pool").error("Exception terminating %r", SECRET)
    first, second = written()
    assert (first["event"], first["text"]) == ("asyncio", "Future exception was never retrieved")
    assert (second["event"], second["text"]) == ("sqlalchemy.pool", "Exception terminating %r")
    assert SECRET not in json.dumps([first, second], ensure_ascii=False)


def test_a_warning_is_its_kind_and_its_place(written):
    shown = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = shown
        warnings.warn(SECRET, stacklevel=1)
    (line,) = written()
    assert (line["event"], line["type"]) == ("warning", "UserWarning")
    assert SECRET not in json.dumps(line, ensure_ascii=False)


async def test_the_database_writes_down_no_value_it_refuses():
    with throwaway() as folder:
        async with postgres(folder, options={"fsync": "off"}) as server:
            connection = await asyncpg.connect(server.url("postgres"))
            await connection.execute(
                "create temporary table t (name text unique check (name <> ''), n int not null)"
            )
            await connection.execute("insert into t values ($1, 1)", SECRET)
            for sql in (
                "insert into t values ($1, 1)",
                "insert into t values ($1 || '二', null)",
                f"insert into t values ('{SECRET}', 1)",
            ):
                with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                    await connection.execute(sql, *([SECRET] if "$1" in sql else []))
            await connection.close()
        log = (folder / "postgres.log").read_text()
    assert log.count('duplicate key value violates unique constraint "t_name_key"') == 2
    assert log.count("violates not-null constraint") == 1
    assert SECRET not in log
    assert "DETAIL" not in log
    assert "STATEMENT" not in log
