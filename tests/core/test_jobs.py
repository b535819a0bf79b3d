"""The job queue on a real database: nothing lost, nothing done twice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

from lianyan.core import jobs
from lianyan.core.db import Sessions, create_engine
from lianyan.core.jobs_schema import statements
from lianyan.embedded import postgres, throwaway
from lianyan.settings import Settings

DYING = Path(__file__).with_name("dying_worker.py")


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    """Give a database with the tables of the queue and one for what jobs write."""
    with throwaway() as folder:
        async with postgres(folder, options={"fsync": "off"}) as server:
            engine = create_engine(Settings(database_url=server.owner_url))
            async with engine.begin() as connection:
                for statement in statements():
                    await connection.execute(text(statement))
                await connection.execute(text("create table done (what text)"))
                await connection.execute(text("grant all on done to lianyan_app"))
            await engine.dispose()
            yield server.app_url


@pytest.fixture
async def sessions(address: str) -> AsyncIterator[Sessions]:
    engine = create_engine(Settings(database_url=address))
    yield async_sessionmaker(engine, expire_on_commit=False)
    async with engine.begin() as connection:
        for table in ("jobs", "periods", "workers", "done"):
            await connection.execute(text(f"delete from {table}"))
    await engine.dispose()


@pytest.fixture(autouse=True)
def _registered(monkeypatch) -> None:
    """Know one kind of job and no chore, whatever else has been imported."""
    monkeypatch.setattr(jobs, "HANDLERS", {})
    monkeypatch.setattr(jobs, "CHORES", {})

    @jobs.handles("note")
    async def note(session, payload):
        await session.execute(text("insert into done values (:what)"), {"what": payload["what"]})


async def count(sessions: Sessions, table: str) -> int:
    async with sessions() as session:
        return (await session.scalar(text(f"select count(*) from {table}"))) or 0


async def age_leases(sessions: Sessions) -> None:
    """Let the jobs that somebody has taken have been taken long ago."""
    async with sessions.begin() as session:
        await session.execute(
            text("update jobs set run_at = run_at - interval '10 seconds' where tries > 0")
        )


async def make_due(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(text("update jobs set run_at = now()"))


async def test_a_job_asked_for_first_does_not_survive_the_rollback(sessions):
    async with sessions() as session:
        await jobs.enqueue(session, "note", {"what": "x"})
        await session.rollback()
    assert await count(sessions, "jobs") == 0
    assert await jobs.run_due(sessions) == 0


async def test_a_committed_job_is_done_once(sessions):
    async with sessions.begin() as session:
        await jobs.enqueue(session, "note", {"what": "x"})
    assert await count(sessions, "jobs") == 1
    assert sum(await asyncio.gather(*(jobs.run_due(sessions) for _ in range(3)))) == 1
    assert await count(sessions, "done") == 1
    assert await count(sessions, "jobs") == 0


async def test_nobody_sees_a_job_before_the_commit(sessions):
    async with sessions.begin() as session:
        await jobs.enqueue(session, "note", {"what": "x"})
        assert await jobs.run_due(sessions) == 0


async def test_a_job_waits_for_its_time(sessions):
    async with sessions.begin() as session:
        later = datetime.now(UTC) + timedelta(hours=1)
        await jobs.enqueue(session, "note", {"what": "x"}, run_at=later)
    assert await jobs.run_due(sessions) == 0
    await make_due(sessions)
    assert await jobs.run_due(sessions) == 1


async def test_what_a_failing_job_wrote_vanishes_and_it_comes_back(sessions):
    outcomes = [RuntimeError("no"), None]

    @jobs.handles("fragile")
    async def fragile(session, payload):
        await session.execute(text("insert into done values ('half')"))
        if outcome := outcomes.pop(0):
            raise outcome

    async with sessions.begin() as session:
        await jobs.enqueue(session, "fragile", {})
    assert await jobs.run_due(sessions) == 1
    assert await count(sessions, "done") == 0
    assert await jobs.run_due(sessions) == 0, "it waits before the next try"
    await make_due(sessions)
    assert await jobs.run_due(sessions) == 1
    assert await count(sessions, "done") == 1


async def test_a_job_that_never_works_is_given_up_and_kept(sessions):
    @jobs.handles("hopeless")
    async def hopeless(session, payload):
        raise LookupError

    async with sessions.begin() as session:
        await jobs.enqueue(session, "hopeless", {})
    for _ in range(jobs.TRIES):
        await make_due(sessions)
        assert await jobs.run_due(sessions) == 1
    await make_due(sessions)
    assert await jobs.run_due(sessions) == 0
    async with sessions() as session:
        row = (await session.execute(text("select error, failed_at from jobs"))).one()
    assert row.error == "LookupError"
    assert row.failed_at


async def test_one_key_waits_once_and_a_change_during_its_run_makes_it_run_again(sessions):
    async def ask() -> None:
        async with sessions.begin() as session:
            await jobs.enqueue(session, "count", {"what": "x"}, key="one")

    runs = []

    @jobs.handles("count")
    async def run(session, payload):
        runs.append(payload)
        if len(runs) == 1:
            await ask()
        await session.execute(text("insert into done values ('counted')"))

    await ask()
    await ask()
    assert await count(sessions, "jobs") == 1
    await jobs.run_due(sessions)
    assert len(runs) == 2
    assert await count(sessions, "done") == 1, "the void run left nothing"


async def test_a_worker_killed_in_the_middle_loses_nothing(sessions, address):
    async with sessions.begin() as session:
        await jobs.enqueue(session, "note", {"what": "x"})
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        DYING,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "ADDRESS": address},
    )
    assert worker.stdout
    assert await asyncio.wait_for(worker.stdout.readline(), 20) == b"in the middle\n"
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    assert await count(sessions, "done") == 0
    assert await jobs.run_due(sessions) == 0, "the lease of the dead worker still runs"
    assert await jobs.free_orphans(sessions) == 0, "it was taken a moment ago"
    await age_leases(sessions)
    assert await jobs.free_orphans(sessions) == 1
    assert await jobs.run_due(sessions) == 1
    assert await count(sessions, "done") == 1
    assert await count(sessions, "jobs") == 0


async def test_a_job_in_living_hands_is_not_freed_and_can_be_asked_for_again(sessions):
    freed = []

    @jobs.handles("held")
    async def held(session, payload):
        await age_leases(sessions)
        freed.append(await jobs.free_orphans(sessions))
        if len(freed) == 1:
            async with asyncio.timeout(5), sessions.begin() as other:
                await jobs.enqueue(other, "held", {"n": 2}, key="held")
        await session.execute(text("insert into done values (:n)"), {"n": str(payload["n"])})

    async with sessions.begin() as session:
        await jobs.enqueue(session, "held", {"n": 1}, key="held")
    assert await jobs.run_due(sessions) == 2
    assert freed == [0, 0]
    async with sessions() as session:
        assert list(await session.scalars(text("select what from done"))) == ["2"]


async def test_neither_a_job_that_failed_nor_one_of_tomorrow_is_freed(sessions):
    @jobs.handles("fragile")
    async def fragile(session, payload):
        raise RuntimeError

    async with sessions.begin() as session:
        await jobs.enqueue(session, "fragile", {})
    assert await jobs.run_due(sessions) == 1
    async with sessions.begin() as session:
        later = datetime.now(UTC) + timedelta(seconds=30)
        await jobs.enqueue(session, "note", {"what": "x"}, run_at=later)
    assert await jobs.free_orphans(sessions) == 0


async def test_a_worker_that_outlives_its_lease_keeps_the_job_while_it_lives(sessions):
    others = []

    @jobs.handles("slow")
    async def slow(session, payload):
        await session.execute(text("insert into done values ('late')"))
        await make_due(sessions)
        others.append(await jobs.run_due(sessions))

    async with sessions.begin() as session:
        await jobs.enqueue(session, "slow", {})
    assert await jobs.run_due(sessions) == 1
    assert others == [0]
    assert (await count(sessions, "done"), await count(sessions, "jobs")) == (1, 0)


async def test_who_has_lost_a_job_before_beginning_it_writes_nothing(sessions):
    async with sessions.begin() as session:
        await jobs.enqueue(session, "note", {"what": "x"})
    taken = await jobs._take(sessions)
    await age_leases(sessions)
    assert await jobs.free_orphans(sessions) == 1, "nothing says that its holder lives"
    await jobs._do(sessions, taken)
    assert await count(sessions, "done") == 0
    assert await jobs.run_due(sessions) == 1
    assert (await count(sessions, "done"), await count(sessions, "jobs")) == (1, 0)


@pytest.mark.parametrize("value", ["a person's words, " * 5, "王", 1.5, {"nested": 1}, ["x"]])
async def test_a_payload_holds_ids_and_codes_only(sessions, value):
    async with sessions() as session:
        with pytest.raises(ValueError, match="no id"):
            await jobs.enqueue(session, "note", {"what": value})


async def test_ids_and_codes_arrive_as_they_were(sessions):
    seen = []

    @jobs.handles("see")
    async def see(session, payload):
        seen.append(payload)

    id_ = uuid4()
    async with sessions.begin() as session:
        await jobs.enqueue(
            session, "see", {"id": id_, "n": 3, "on": True, "none": None, "c": "ab-1"}
        )
    await jobs.run_due(sessions)
    assert seen == [{"id": str(id_), "n": 3, "on": True, "none": None, "c": "ab-1"}]


async def test_a_kind_without_a_handler_here_is_left_for_another_worker(sessions):
    async with sessions.begin() as session:
        await jobs.enqueue(session, "of-tomorrow", {})
    assert await jobs.run_due(sessions) == 0
    assert await count(sessions, "jobs") == 1


async def test_a_chore_is_done_once_a_period_by_one_worker(sessions):
    done = []

    @jobs.every(3600, "sweep")
    async def sweep(session):
        done.append(1)
        await asyncio.sleep(0.05)

    await asyncio.gather(*(jobs.run_due(sessions) for _ in range(3)))
    await jobs.run_due(sessions)
    assert len(done) == 1
    async with sessions.begin() as session:
        await session.execute(text("update periods set next_at = now()"))
    await jobs.run_due(sessions)
    assert len(done) == 2


async def test_a_working_worker_beats_and_stops_when_told(sessions):
    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(sessions, stop))
    async with asyncio.timeout(10):
        while not await count(sessions, "workers"):
            await asyncio.sleep(0.02)
        async with sessions.begin() as session:
            await jobs.enqueue(session, "note", {"what": "x"})
        while not await count(sessions, "done"):
            await asyncio.sleep(0.02)
        stop.set()
        await working
