"""Tables without their indexes and foreign keys while they are loaded; what comes back is checked.

A foreign key made anew reads both tables and refuses what does not fit, so nothing is taken on trust.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

KEYS = """
  select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition,
    contype = 'f' as foreign
  from pg_constraint where conrelid = any($1::text[]::regclass[]) and contype in ('f', 'p', 'u')
  order by contype = 'f', conname
"""
INDEXES = """
  select i.indrelid::regclass::text as table, i.indexrelid::regclass::text as name,
    pg_get_indexdef(i.indexrelid) as definition
  from pg_index i
  where i.indrelid = any($1::text[]::regclass[])
    and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'))
  order by 2
"""


@asynccontextmanager
async def bare(
    connection: Any, tables: Sequence[str], say: Callable[[str], None]
) -> AsyncIterator[None]:
    """Take the tables' keys and indexes away for the block; make them again, all checked, after it."""
    keys = await connection.fetch(KEYS, tables)
    indexes = await connection.fetch(INDEXES, tables)
    outside = await connection.fetch(
        KEYS.replace("conrelid = any($1", "confrelid = any($1").replace(
            "contype in", "conrelid <> all($1::text[]::regclass[]) and contype in"
        ),
        tables,
    )
    for key in [*outside, *reversed(keys)]:
        await connection.execute(f"alter table {key['table']} drop constraint {key['name']}")
    for index in indexes:
        await connection.execute(f"drop index {index['name']}")
    yield
    for index in indexes:
        await connection.execute(index["definition"])
    say(f"{len(indexes)} indexes made")
    for key in [*keys, *outside]:
        await connection.execute(
            f"alter table {key['table']} add constraint {key['name']} {key['definition']}"
        )
    say(f"{len(keys) + len(outside)} keys made and checked")
