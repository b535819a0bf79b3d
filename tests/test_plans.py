"""No hot statement reads a big table whole, however many proposals there are."""

import os

import asyncpg
import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import cloned
from figures import figure
from lianyan.core.db import engine_of
from lianyan.demo.scale import fill
from plans import HOT, read_whole, refreshed_whole

pytestmark = pytest.mark.xdist_group("plans")

LONG = bool(os.environ.get("LIANYAN_LONG"))
COUNT = 20_000 if LONG else 2_000


@pytest.fixture(scope="module")
async def large(server, template):
    async with cloned(server, template) as name:
        await fill(server.of("owner", name), COUNT, say=lambda _: None)
        yield server.of("app", name)


@pytest.fixture
async def connection(large):
    connection = await asyncpg.connect(large)
    if not LONG:
        # So few rows are read whole with good reason; this asks whether an index could do it.
        await connection.execute("set enable_seqscan = off")
    yield connection
    await connection.close()


async def test_no_hot_statement_reads_a_big_table_whole(connection):
    whole = await read_whole(connection)
    figure(
        "plans: hot statements that read a big table whole", "0",
        f"{len(set(whole))} of {len(HOT)} at {COUNT:,} proposals", held=not whole,
    )  # fmt: skip
    assert whole == []


async def test_a_statement_without_an_index_is_found(connection):
    odd = {
        "whole": "select count(*) from answers where section = $1",
        "along": "select max(x.n) from (select count(*) over (order by proposal_id) as n from access) x",
        "bounded": "select id from proposals order by id limit $1::int",
    }
    found = await read_whole(connection, odd)
    assert {(one.statement, one.table) for one in found} == {
        ("whole", "answers"),
        ("along", "access"),
    }


async def test_a_change_reads_no_big_table_whole(large):
    engine = engine_of(large, poolclass=NullPool)
    async with AsyncSession(engine) as session:
        if not LONG:
            await session.execute(text("set enable_seqscan = off"))
        one = await session.scalar(text("select id from proposals where state = 'peer_review' limit 1"))  # fmt: skip
        assert await refreshed_whole(session, one) == []
    await engine.dispose()
