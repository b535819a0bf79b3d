"""Filling an empty, migrated database with a large portal: all of it or nothing, in one transaction."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from lianyan.calls import forms, presets
from lianyan.core.db import dsn
from lianyan.demo.scale import rows, words
from lianyan.demo.scale.bare import bare
from lianyan.demo.scale.follow import derived, follow
from lianyan.demo.scale.plan import (
    ADMINISTRATOR,
    APPROVER,
    COORDINATOR,
    EMPLOYED,
    HOMES,
    IN_TEAM,
    NOBODYS,
    OFFICE,
    OFFICER,
    RESEARCHER,
    SIGNER,
    SMALL,
    STAFF,
    STAND_IN,
    Plan,
)

LEAST, MOST = 500, 5_000_000
BATCH = 5_000
ASKED = {"basics": {"title", "sectors", "months"}, "aims": {"aims"}}
"""What the large call's form asks: a part of the standard one."""

BARE = [*rows.COLUMNS, "sections", "moves", "events"]
SETTINGS = """
  set local maintenance_work_mem = '512MB'; set local work_mem = '256MB'; set local jit = off;
  set local statement_timeout = 0; set local lock_timeout = '2s'
"""


class ScaleError(RuntimeError):
    """The large portal cannot be written; the text says why and what to do."""


async def fill(
    url: str,
    count: int,
    *,
    seed: int = 1,
    day: datetime | None = None,
    say: Callable[[str], None] = print,
) -> Plan:
    """Fill the database at its owner's `url` with `count` proposals; refuse one that holds anything."""
    if not LEAST <= count <= MOST:
        raise ScaleError(f"A large portal has {LEAST:,} to {MOST:,} proposals, not {count:,}.")
    plan = Plan(count, seed=seed, day=day or datetime.now(UTC))
    connection = await asyncpg.connect(dsn(url))
    told = _telling(say)
    try:
        async with connection.transaction():
            await _demand_empty(connection)
            await connection.execute(SETTINGS)
            async with bare(connection, ["access", "turns"], told):
                async with bare(connection, BARE, told):
                    await _cast(connection, plan)
                    writer = rows.Writer(plan, *await _call(connection, plan))
                    await _proposals(connection, writer, told)
                    await connection.execute(f"analyze {', '.join(rows.COLUMNS)}")
                    told(f"{await follow(connection, plan, list(ASKED)):,} rows that follow")
                    await connection.execute(f"analyze {', '.join(BARE)}")
                told(f"{await derived(connection):,} rows of access and turns")
        await connection.execute("vacuum (analyze)")
        told("swept and analysed")
    finally:
        await connection.close()
    return plan


def _telling(say: Callable[[str], None]) -> Callable[[str], None]:
    began = time.monotonic()
    return lambda text: say(f"{time.monotonic() - began:7.1f} s  {text}")


async def _demand_empty(connection: Any) -> None:
    if await connection.fetchval("select exists (select from people where not demo)"):
        raise ScaleError("There are real people in this database: nothing is written into it.")
    for table in ("people", "institutions", "calls", "proposals", "events"):
        if await connection.fetchval(f"select exists (select from {table})"):
            raise ScaleError(
                f"There is something in this database already (table {table}): name an empty "
                "data folder with LIANYAN_DATA_DIR, or make a new database."
            )


async def _proposals(connection: Any, writer: rows.Writer, told: Callable[[str], None]) -> None:
    """Copy the proposals in; the next rows are made while the database takes these."""
    count = writer.plan.count
    coming = asyncio.ensure_future(asyncio.to_thread(writer.batch, 0, min(BATCH, count)))
    for first in range(0, count, BATCH):
        batch, last = await coming, min(first + BATCH, count)
        coming = asyncio.ensure_future(
            asyncio.to_thread(writer.batch, last, min(last + BATCH, count))
        )
        for table, columns in rows.COLUMNS.items():
            await _copy(connection, table, columns, batch[table])
        if last * 10 // count != first * 10 // count:
            told(f"{last:,} of {count:,} proposals")
    await coming


async def _copy(connection: Any, table: str, columns: tuple[str, ...], records: Any) -> None:
    await connection.copy_records_to_table(table, columns=columns, records=records)


async def _cast(connection: Any, plan: Plan) -> None:
    """Write the institutions, the people, and who may do what."""
    at, id_ = plan.day - timedelta(days=400), plan.id
    places = []
    for n in range(plan.institutions):
        zh, en, kind = words.institution(n)
        # Every tenth belongs to the one before: what near institutions are, conflicts are made of.
        near = id_("institutions", n - 1) if n > HOMES and n % 10 == 0 else None
        keys = f"{zh.lower()}\n{en.lower()}"
        places.append((id_("institutions", n), at, zh, en, kind, "ordinary", near, f"{n:06d}", keys))  # fmt: skip
    await _copy(
        connection,
        "institutions",
        ("id", "created_at", "name_zh", "name_en", "kind", "standing", "parent_id", "sort_key", "search_keys"),
        places,
    )  # fmt: skip
    await _copy(
        connection,
        "people",
        ("id", "created_at", "name", "sort_key", "status", "demo"),
        ((id_("people", n), at, words.person(n), f"{n:09d}", "active", True) for n in range(plan.people)),
    )  # fmt: skip
    await _copy(
        connection,
        "affiliations",
        ("id", "created_at", "person_id", "institution_id", "status", "source", "confirmed_at"),
        rows.affiliations(plan),
    )
    offices = [(OFFICE, OFFICER), (SMALL, RESEARCHER), (NOBODYS, COORDINATOR)]
    offices += [(home, plan.somebody_at(home, 0)) for home in range(HOMES, plan.institutions)]
    await _copy(
        connection,
        "officers",
        ("id", "created_at", "institution_id", "person_id"),
        [(id_("officers", n), at, id_("institutions", place), id_("people", person))
         for n, (place, person) in enumerate(offices)],
    )  # fmt: skip
    held = {
        ADMINISTRATOR: "administrator", COORDINATOR: "coordinator", STAND_IN: "stand_in",
        APPROVER: "approver", SIGNER: "approver", EMPLOYED: "coordinator", IN_TEAM: "coordinator",
        RESEARCHER: "reviewer",
    }  # fmt: skip
    held |= dict.fromkeys(range(STAFF, STAFF + plan.reviewers), "reviewer")
    await _copy(
        connection,
        "platform_roles",
        ("id", "created_at", "person_id", "role"),
        [(id_("platform_roles", n), at, id_("people", n), role) for n, role in held.items()],
    )


async def _call(connection: Any, plan: Plan) -> tuple[Any, list[str], list[str]]:
    """Write the form and the calls; return the form's id, the stages, and what is judged by hand."""
    whole, light = presets.standard_form(), presets.light()
    sections = [
        msgspec.structs.replace(s, questions=[q for q in s.questions if q.id in ASKED[s.id]])
        for s in whole.sections
        if s.id in ASKED
    ]
    form = msgspec.structs.replace(whole, sections=sections)
    form_id = plan.id("calls", plan.calls)
    await connection.execute(
        "insert into forms (id, number, document, sha256) values ($1, 1, $2, $3)",
        form_id,
        _json(forms.write(form)),
        forms.form_hash(form),
    )
    rubric, checklist = _json(presets.standard_rubric()), _json(light.checklist)
    calls = []
    for n in range(plan.calls):
        closes, reviews, decides = rows.due(plan, n)
        calls.append((
            plan.id("calls", n), f"示例征集 {n + 1}", f"Sample call {n + 1}", "示例。", "Sample.", rows.prefix(n), form_id,
            rubric, checklist, "light", light.stages, "click", light.min_institutions, light.min_reviews,
            plan.day - timedelta(days=120), closes, reviews, decides,
        ))  # fmt: skip
    await _copy(
        connection,
        "calls",
        ("id", "title_zh", "title_en", "summary_zh", "summary_en", "prefix", "form_id", "rubric", "checklist",
         "preset", "stages", "consent", "min_institutions", "min_reviews", "opens_at", "closes_at",
         "reviews_until", "decides_at"),
        calls,
    )  # fmt: skip
    await _copy(connection, "call_numbers", ("call_id", "last"), rows.numbers(plan))
    await _copy(
        connection,
        "releases",
        ("id", "created_at", "ordered_by", "due_at", "done_at"),
        rows.releases(plan),
    )
    return form_id, list(light.stages), [item.id for item in light.checklist if not item.computed]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
