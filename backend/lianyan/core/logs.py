"""What a process writes down: one line of JSON for each thing that happened, and nobody's words in it.

A line is `at`, `level`, `event` and fields of ours: ids, routes, counts. Of an error it keeps the
type and where it came from, never its text: the database and many libraries put values into that.
The same goes for lines of libraries, of which only the sentence as they wrote it in their code is
kept, without what they fill in.
"""

import logging
import sys
import traceback
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

OWN = "lianyan"
MOST_FRAMES = 25
MOST_ERRORS = 8
FROM_THE_DATABASE = ("sqlstate", "constraint_name", "table_name", "column_name")


def note(
    log: logging.Logger,
    level: int,
    event: str,
    *,
    error: BaseException | None = None,
    **fields: Any,
) -> None:
    """Write one line; `fields` are ids, codes and numbers, `error` gives its type and its place."""
    log.log(level, event, exc_info=error, extra={"fields": fields})


class Lines(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower()}
        fields = getattr(record, "fields", None)
        if fields is not None:
            line |= {"event": record.msg, **fields}
        elif record.name.partition(".")[0] == OWN:
            line |= {"event": record.name.rpartition(".")[2], "text": record.getMessage()}
        else:
            line |= {"event": record.name, "text": _first(str(record.msg))}
        if record.exc_info and record.exc_info[1]:
            line["errors"] = told(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def _first(text: str) -> str:
    return text.strip().partition("\n")[0]


def told(error: BaseException) -> list[dict[str, Any]]:
    """Return what may be written down of an error and of those behind it: types and places."""
    found: list[dict[str, Any]] = []
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting and len(found) < MOST_ERRORS:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        kind = type(one)
        about = {"type": f"{kind.__module__}.{kind.__qualname__}"}
        about |= {k: str(v) for k in FROM_THE_DATABASE if (v := getattr(one, k, None))}
        frames = traceback.extract_tb(one.__traceback__)[-MOST_FRAMES:]
        found.append({**about, "trace": [_place(f.filename, f.lineno, f.name) for f in frames]})
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        waiting += [getattr(one, "orig", None), one.__cause__, one.__context__]
    return found


def _place(file: str, line: int | None, function: str = "") -> str:
    parts = Path(file).parts
    for root in ("site-packages", OWN):
        if root in parts:
            parts = parts[parts.index(root) + (root != OWN) :]
            break
    else:
        parts = parts[-2:]
    return f"{'/'.join(parts)}:{line} {function}".rstrip()


def log_to(stream: Any = None) -> None:
    """Write down what this process and its libraries have to say, from now on, to `stream`."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(logging.INFO)

    def warned(  # noqa: PLR0917  as the library calls it
        message: Warning | str,  # noqa: ARG001  somebody's words
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        place = _place(filename, lineno)
        note(root, logging.WARNING, "warning", type=category.__name__, place=place)

    warnings.showwarning = warned
