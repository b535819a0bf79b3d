"""What has happened is kept, six months and for ever: no job, statement or right of the portal ends it."""

import os
import re
import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

import lianyan
from core.sealing import a_log, happen, opened, sealed, verdict
from lianyan.cli.children import LOG_KEPT, LOG_LIMIT, rotate
from lianyan.cli.work import know_jobs
from lianyan.core.db import engine_of, raw
from lianyan.core.disclosed import disclosed
from lianyan.core.jobs import CHORES, HANDLERS
from makers import make_person

DAY = 86_400
AHEAD = """
  create schema ahead;
  create function ahead.now() returns timestamptz language sql stable as
    $$ select pg_catalog.now() + interval '5000 days' $$;
  create function ahead.clock_timestamp() returns timestamptz language sql volatile as
    $$ select pg_catalog.clock_timestamp() + interval '5000 days' $$;
  create function ahead.statement_timestamp() returns timestamptz language sql stable as
    $$ select pg_catalog.statement_timestamp() + interval '5000 days' $$;
  grant usage on schema ahead to lianyan_app;
"""
"""A clock that is far ahead, for whoever has this schema first on the search path."""
OLD = "insert into idempotency (person_id, route, key, body) values (uuidv7(), 'x', 'y', '')"
KEPT = "select 'events' as t, e::text from events e union all select 'seals', s::text from seals s"


async def test_no_job_ends_an_event_a_reading_or_a_seal(server, template):
    know_jobs()
    async with a_log(server, template) as log:
        await happen(log, 4)
        await sealed(log)
        async with log.sessions.begin() as session:
            reader = await make_person(session, roles=["coordinator"])
            await disclosed(await raw(session), reader, "review.read", uuid4(), uuid4())
        await sealed(log)
        await happen(log, 2)
        async with opened(log.admin) as admin:
            await admin.execute("set session_replication_role = replica")
            for days, ids in ((2000, "(1, 5)"), (181, "(2)"), (179, "(3)")):
                await admin.execute(
                    f"update events set at = at - interval '{days} days' where id in {ids}"
                )
            await admin.execute("update seals set sealed_at = sealed_at - interval '2000 days'")
            await admin.execute(f"{AHEAD}; {OLD}")
            before = set(await admin.fetch(KEPT))
        engine = engine_of(
            log.app,
            server={"search_path": "ahead, pg_catalog, public"},
        )
        try:
            sessions = async_sessionmaker(engine)
            for _, chore in CHORES.values():
                async with sessions.begin() as session:
                    await chore(session)
            for handler in HANDLERS.values():
                async with sessions.begin() as session:
                    await handler(session, Anything())
        finally:
            await engine.dispose()
        async with opened(log.admin) as admin:
            assert before <= set(await admin.fetch(KEPT))
            assert await admin.fetchval("select count(*) from idempotency") == 0, (
                "the clock was ahead, and what may be forgotten was"
            )
        assert len(before) == 7 + 2
        assert {"events.seal", "alarm.volume", "idempotency.forget"} <= CHORES.keys()
        # What the check of the record itself leaves is sealed with the next.
        assert (await verdict(log)).unsealed <= 1


class Anything(dict):
    """A job's payload in which every id is that of nothing."""

    def __missing__(self, key):
        return str(uuid4())


FORBIDDEN = re.compile(
    r"""delete\s+from\s+(only\s+)?["']?(events|seals)\b | truncate\s+[^;]*\b(events|seals)\b
      | drop\s+table\s+[^;]*\b(events|seals)\b | delete\(\s*(Event|Seal)\b
      | update\s+["']?(events|seals)\b | update\(\s*(Event|Seal)\b
      | (disable|drop)\s+trigger | session_replication_role""",
    re.IGNORECASE | re.VERBOSE,
)


def test_no_statement_of_the_portal_ends_or_rewrites_one():
    root = Path(lianyan.__file__).parent
    found = {
        path.relative_to(root).as_posix(): FORBIDDEN.findall(path.read_text(encoding="utf-8"))
        for path in root.rglob("*.py")
    }
    assert len(found) > 100
    counts = {name: len(hits) for name, hits in found.items() if hits}
    # The demo tells its past in the very transaction that writes it, before anybody has seen it.
    assert counts == {"demo/clock.py": 2}


@pytest.mark.parametrize(
    "statement",
    [
        "delete from events where at < x",
        "DELETE FROM seals",
        "truncate table events cascade",
        "delete(Event).where()",
        "update events set at = now()",
        "drop table if exists seals",
        "alter table events disable trigger all",
    ],
)
def test_such_a_statement_would_be_noticed(statement):
    assert FORBIDDEN.search(statement)


async def test_the_portals_role_has_no_right_to(session):
    rights = await session.execute(
        text(
            "select t, r from unnest(array['events', 'seals']) t,"
            " unnest(array['update', 'delete', 'truncate', 'trigger', 'references', 'maintain']) r"
            " where has_table_privilege(current_user, t, r)"
        )
    )
    assert rights.all() == []
    assert await session.scalar(text("select current_user")) == "lianyan_app"
    assert await session.scalar(text("select has_table_privilege('seals', 'insert')"))


def test_logs_are_put_aside_and_kept_for_half_a_year(tmp_path):
    log = tmp_path / "server.log"
    now = time.time()

    def aside(days: float):
        path = tmp_path / f"server.log.{days}"
        path.write_text("old")
        os.utime(path, (now - days * DAY, now - days * DAY))
        return path

    kept, gone = [aside(days) for days in (1, 179, 181, 199)], aside(201)
    other = tmp_path / "server.logbook"
    other.write_text("x")
    os.utime(other, (0, 0))
    log.write_text("young")
    rotate(log)
    assert log.read_text() == "young"
    assert all(path.exists() for path in kept)
    assert not gone.exists()
    assert other.exists()
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    rotate(log)
    assert not log.exists()
    [aside_now] = list(tmp_path.glob("server.log.*Z"))
    assert aside_now.stat().st_size == LOG_LIMIT + 1
    assert all(path.exists() for path in kept)
    assert LOG_KEPT >= 180 * DAY * 1.1
