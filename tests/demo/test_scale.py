"""The large portal: what the tables demand, the same twice, seen as planned, and only in an empty house."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import async_sessionmaker

from conftest import cloned
from lianyan.app import create_app
from lianyan.core.db import ReadPool, engine_of
from lianyan.demo.scale import Plan, ScaleError, fill, readers
from lianyan.demo.scale.plan import WEIGHTS
from lianyan.proposals.access import differences
from lianyan.settings import Settings
from makers import ORIGIN

pytestmark = pytest.mark.xdist_group("demo")

COUNT = 2_000
DAY = datetime(2026, 11, 25, tzinfo=UTC)
SHAPE = """
  select indexdef as line from pg_indexes where schemaname = 'public'
  union all
  select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated
  from pg_constraint where connamespace = 'public'::regnamespace
"""
# The moments a row was really written at differ between two runs, and so do the ids of those rows.
OWN_TIME = {"terms", "alembic_version", "sessions"}


class Large(NamedTuple):
    """The portal on a large database."""

    owner: str
    plan: Plan
    before: set[str]
    made: dict[str, Any]
    connection: Any
    sessions: Any
    client: AsyncClient
    tokens: dict[str, Any]

    async def get(self, who: str, path: str) -> Any:
        """Return what a reader gets there."""
        cookie = {"cookie": f"lianyan_session={self.tokens[who].token}"}
        got = await self.client.get(f"/api{path}", headers=cookie)
        assert got.status_code == 200, (path, got.text)
        return got.json()


async def shape(connection):
    return {row["line"] for row in await connection.fetch(SHAPE)}


async def contents(connection):
    """Return a fingerprint of each table."""
    tables = await connection.fetch("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")  # fmt: skip
    found = {}
    for name in sorted(row["relname"] for row in tables if row["relname"] not in OWN_TIME):
        found[name] = tuple(await connection.fetchrow(
            f"select count(*), md5(string_agg(t, '' order by t)) from (select md5((to_jsonb(x) - 'created_at')::text) as t from {name} x) y"
        ))  # fmt: skip
    return found


@pytest.fixture(scope="module")
async def large(server, template, tmp_path_factory):
    async with cloned(server, template) as name:
        owner, app_url = server.of("owner", name), server.of("app", name)
        connection = await asyncpg.connect(owner)
        before = await shape(connection)
        plan = await fill(owner, COUNT, day=DAY, say=lambda _: None)
        made = await contents(connection)
        tokens = await readers(connection, plan)
        settings = Settings.from_env(
            {}, database_url=app_url, data_dir=tmp_path_factory.mktemp("scale"), public_url=ORIGIN, demo=True
        )  # fmt: skip
        url = app_url.replace("postgresql://", "postgresql+asyncpg://", 1)
        engine, pool = engine_of(url, poolclass=NullPool), ReadPool(settings)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        app: Any = create_app(settings, sessions, pool.acquire)
        async with AsyncClient(transport=ASGITransport(app), base_url=ORIGIN) as client:
            yield Large(owner, plan, before, made, connection, sessions, client, tokens)
        await pool.close()
        await engine.dispose()
        await connection.close()


async def test_access_made_in_bulk_is_what_refresh_would_have_made(large):
    async with large.sessions() as session:
        assert await differences(session) == []
    each = await large.connection.fetchval("select count(*) from access") / COUNT
    assert 6 < each < 8


async def test_indexes_and_keys_are_what_they_were(large):
    assert await shape(large.connection) == large.before
    assert large.before


async def test_each_reader_sees_as_much_as_planned(large):
    async def walk(who):
        seen, after = [], ""
        while True:
            page = await large.get(who, f"/proposals?limit=100{after}")
            seen += [row["id"] for row in page["items"]]
            if page["next"] is None:
                return seen
            after = f"&after={page['next']}"

    mine, offices = await walk("researcher"), await walk("officer")
    assert (len(mine), len(set(mine))) == (30, 30)
    assert (len(offices), len(set(offices))) == (large.plan.office_parts,) * 2
    assert len((await large.get("researcher", "/reviews"))["items"]) == 10
    approved = "select count(*) * 5.0 / $1 from proposals where state = 'approved'"
    assert 0.9 < await large.connection.fetchval(approved, COUNT) < 1.1


async def test_pages_open(large):
    ids = await large.connection.fetch(
        "select distinct on (state) id, state from proposals where state <> 'draft' order by state, id"
    )
    assert len(ids) == 10
    for row in ids:
        detail = await large.get("coordinator", f"/proposals/{row['id']}")
        assert detail["answers"].keys() == {"title", "sectors", "months", "aims"}, row["state"]
        assert detail["title"] == detail["answers"]["title"]
        page = await large.get("coordinator", f"/desk/{row['id']}")
        assert page["state"] == row["state"]
    for who, path in [("officer", "/queue"), ("officer", "/ledger"), ("coordinator", "/desk"), ("coordinator", "/tasks"),
                      ("researcher", "/tasks"), ("administrator", "/tasks"), ("approver", "/tasks"), ("approver", "/decide"), ("coordinator", "/release"),
                      ("officer", "/projects"), ("officer", "/home")]:  # fmt: skip
        assert await large.get(who, path)


async def test_the_same_number_makes_the_same_portal(large, server, template):
    async with cloned(server, template) as name:
        await fill(server.of("owner", name), COUNT, day=DAY, say=lambda _: None)
        again = await asyncpg.connect(server.of("owner", name))
        try:
            assert await contents(again) == large.made
        finally:
            await again.close()


async def test_a_house_with_anything_in_it_is_refused(large):
    count = "select count(*) from proposals"
    with pytest.raises(ScaleError, match="something in this database"):
        await fill(large.owner, COUNT, day=DAY)
    with pytest.raises(ScaleError, match="500 to 5,000,000"):
        await fill(large.owner, 499)
    await large.connection.execute("update people set demo = false where sort_key = '000000100'")
    with pytest.raises(ScaleError, match="real people"):
        await fill(large.owner, COUNT, day=DAY)
    await large.connection.execute("update people set demo = true where sort_key = '000000100'")
    assert await large.connection.fetchval(count) == COUNT


SAME = (
    "rev",
    "state",
    "whose",
    "act",
    "missing",
    "days_left",
    "remind",
    "progress_only",
    "title",
    "sectors",
)


async def test_a_row_of_the_desk_says_what_its_own_page_says(large):
    """The list reads what was kept, the page works it out: both say the same of whose turn it is."""
    kinds = set()
    for who in ("coordinator", "employed", "in_team"):
        for asked in ("whose=me", "whose=others", *(f"state={s}" for s in (*WEIGHTS, "in_review"))):
            for row in (await large.get(who, f"/desk?limit=100&{asked}"))["items"]:
                codes = tuple(m["code"] for m in row["missing"])
                kind = (
                    who,
                    row["state"],
                    row["act"],
                    row["whose"]["who"],
                    codes,
                    row["progress_only"],
                )
                if kind in kinds:
                    continue
                kinds.add(kind)
                own = await large.get(who, f"/desk/{row['id']}")
                assert {k: own[k] for k in SAME} == {k: row[k] for k in SAME}, (kind, row["id"])
                dates = [x["due_at"] and datetime.fromisoformat(x["due_at"]) for x in (own, row)]
                assert dates[0] == dates[1], kind
    assert len(kinds) > 40
    assert {progress for who, *_, progress in kinds if who == "employed"} == {True, False}
