"""A read that SQLAlchemy writes, asyncpg runs and PostgreSQL shapes: compiled once.

A session that builds its statement at each call costs the client five times as much; a shape that
depends on the request (which filters are on) is one `Read` per set of filters, kept in a dict.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, TextClause
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.sql.expression import BindParameter

from lianyan.core.db import Connection

NOBODY = UUID(int=0)
"""An id that no person has: who reads, where nobody is logged in."""
WHO = frozenset({"me", "person", "principals", "offices", "employers", "tied"})
"""Names under which statements ask who reads, which is never NULL.

A rule that compares with NULL is left out without a word, and somewhere that shows more.
"""


class Read:
    """A statement compiled once; every value is named, none is optional, none is surplus."""

    def __init__(self, statement: Select[Any] | TextClause) -> None:
        """Compile; raise ValueError for a statement whose text depends on its values (`in_`)."""
        compiled = statement.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
        self.sql = str(compiled)
        if "POSTCOMPILE" in self.sql:
            message = "a set is `column = any(:ids)`, never `in_`"
            raise ValueError(message)
        self.names = tuple(compiled.positiontup or ())
        self.constants = {n: b.effective_value for n, b in compiled.binds.items() if not _asked(b)}
        self.asked = frozenset(self.names) - self.constants.keys()
        self.encoders: dict[str, Any] = dict(compiled._bind_processors)  # noqa: SLF001  the dialect's own encoders

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """Return the values in the statement's order.

        Raise TypeError on a missing or unknown name, and where the reader is None.
        """
        if self.asked != values.keys():
            message = f"needs {sorted(self.asked)}, got {sorted(values)}"
            raise TypeError(message)
        if nobody := [name for name in WHO & values.keys() if _nobody(values[name])]:
            message = f"{sorted(nobody)} says who reads, and is None"
            raise TypeError(message)
        return [self._encoded(name, values) for name in self.names]

    async def run(self, connection: Connection, **values: Any) -> str | None:
        """Return the first column of the first row (JSON text by convention), or None."""
        found: str | None = await connection.fetchval(self.sql, *self.arguments(values))
        return found

    async def row(self, connection: Connection, **values: Any) -> Any:
        """Return the first row, or None."""
        return await connection.fetchrow(self.sql, *self.arguments(values))

    async def rows(self, connection: Connection, **values: Any) -> list[Any]:
        """Return all rows."""
        return list(await connection.fetch(self.sql, *self.arguments(values)))

    def _encoded(self, name: str, values: dict[str, Any]) -> Any:
        value = values[name] if name in values else self.constants[name]
        encode = self.encoders.get(name)
        return encode(value) if encode else value


def _asked(bind: BindParameter[Any]) -> bool:
    """Say whether the caller must give this value: a bindparam without one."""
    return bind.required


def _nobody(value: Any) -> bool:
    """Say whether a value that says who reads names nobody."""
    return value is None or (isinstance(value, list) and None in value)
