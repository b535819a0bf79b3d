"""Sectors and fields: what the portal brings, and how it comes into the database."""

from importlib.resources import files

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.names import search_keys
from lianyan.institutions.models import Term


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sector or field as the file says it."""

    code: str
    zh: str
    en: str
    note_zh: str | None
    note_en: str | None
    synonyms: list[str]


def entries() -> dict[str, list[Entry]]:
    """Return the sectors and fields by kind, in their order."""
    text = (files("lianyan.institutions") / "data" / "terms.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, list[Entry]])


async def load(session: AsyncSession) -> None:
    """Write the sectors and fields that are new or changed; where none is, nothing is computed."""
    stored = {(row.kind, row.code): row for row in await session.scalars(select(Term))}
    rows = []
    for kind, found in entries().items():
        for position, entry in enumerate(found):
            row = {"kind": kind, "position": position, **msgspec.structs.asdict(entry)}
            there = stored.get((kind, entry.code))
            if there is None or any(getattr(there, k) != v for k, v in row.items()):
                keys = search_keys(entry.zh, entry.en, *entry.synonyms)
                rows.append({**row, "search_keys": keys})
    if not rows:
        return
    statement = upsert(Term).values(rows)
    columns = {c.name: statement.excluded[c.name] for c in Term.__table__.c if not c.primary_key}
    await session.execute(
        statement.on_conflict_do_update(index_elements=[Term.kind, Term.code], set_=columns)
    )
