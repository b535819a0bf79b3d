"""Jobs beside a running server: none after a rollback, none lost with its worker, none done twice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from figures import figure
from kills.rig import Program, Rig
from lianyan.core import jobs
from race.conftest import CLIENTS, new_key
from race.long import LONG, rounds
from reviews.scenes import make_reviewed, make_scene, make_sent

pytestmark = pytest.mark.xdist_group("race")

SOON = 20.0
PAST = "now() - interval '1 second'"
JOB = "key = 'release:{}'"
DONE = "id = '{}' and done_at is not null"
WORKERS = 8 if LONG else 2


@pytest.fixture(scope="module")
async def bench(ring):
    """Give the tabs of those who decide, and a maker of signed decisions."""
    async with ring.sessions.begin() as session:
        scene = await make_scene(session)
        desks = await ring.open(session, scene.coordinator, CLIENTS)
        (approver,) = await ring.open(session, scene.approver)
        (lead,) = await ring.open(session, scene.lead)

    async def signed() -> tuple[str, str]:
        async with ring.sessions.begin() as session:
            scene.session = session
            proposal = await make_sent(scene, "decision_pending")
            await make_reviewed(scene, proposal, scene.reviewers[0])
        letter = {"kind": "approve", "letter": "同意立项。"}
        made = await desks[0].send("PUT", f"/proposals/{proposal.id}/decision", letter, rev=0)
        decision = made.json()["id"]
        got = await approver.send("POST", f"/decisions/{decision}/sign", rev=1)
        assert got.status_code == 200, got.text
        return str(proposal.id), decision

    return desks, lead, signed


async def until(ring, sql: str) -> float:
    """Wait until the only value of a query is true; return how long it took."""
    began = time.monotonic()
    while not await ring.one(sql):
        assert time.monotonic() - began < SOON, sql
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def order(desk, decision: str) -> str:
    """Order the release of one decision."""
    got = await desk.send("POST", "/release", {"decision_ids": [decision]}, key=new_key())
    assert got.status_code == 201, got.text
    return str(got.json()["id"])


async def let_run(rig: Rig, release: str) -> None:
    """Let a worker find the job."""
    await rig.ask(f"update jobs set run_at = {PAST} where {JOB.format(release)} returning id")


async def effects(rig: Rig, proposal: str) -> tuple[int, int, int]:
    """Return how many moves, letters and project records a release has made."""
    ((moves, letters, projects),) = await rig.ask(f"""
      select (select count(*) from moves where proposal_id = '{proposal}' and move = 'approve'),
        (select count(*) from messages where proposal_id = '{proposal}' and template ~ '^letter'),
        (select count(*) from projects where proposal_id = '{proposal}')
    """)
    return moves, letters, projects  # type: ignore[return-value]


@asynccontextmanager
async def forbidden(rig: Rig, kind: str) -> AsyncIterator[None]:
    """Let the database refuse the event that comes after the job, and so the whole transaction."""
    await rig.ask(f"alter table events add constraint no_such check (kind <> '{kind}') not valid")
    try:
        yield
    finally:
        await rig.ask("alter table events drop constraint no_such")


async def test_a_job_asked_for_first_goes_with_the_rollback(ring, bench):
    desks, _, signed = bench
    _, decision = await signed()
    waiting = "select count(*) from jobs where kind = 'release.carry_out'"
    before = await ring.one(waiting)
    body = {"decision_ids": [decision]}
    async with forbidden(ring.rig, "release.ordered"):
        for _ in rounds("eight orders undone after their job was asked for", 1):
            got = await asyncio.gather(
                *(desk.send("POST", "/release", body, key=new_key()) for desk in desks)
            )
            assert {g.status_code for g in got} == {500}
            assert await ring.one(waiting) == before
    got = await asyncio.gather(
        *(desk.send("POST", "/release", body, key=new_key()) for desk in desks)
    )
    assert sorted(g.status_code for g in got) == [201] + [409] * (CLIENTS - 1)
    assert await ring.one(waiting) == before + 1


async def test_a_worker_killed_with_a_job_in_hand_is_replaced_within_seconds(ring, bench):
    """The release is locked from outside, so that the worker stands in its middle when it is killed."""
    desks, _, signed = bench
    longest = 0.0
    for _ in rounds("a worker killed with a job in hand", 1, 20):
        proposal, decision = await signed()
        release = await order(desks[0], decision)
        async with ring.sessions() as outside:
            await outside.execute(
                text(f"update releases set due_at = {PAST} where id = '{release}'")
            )
            await let_run(ring.rig, release)
            await until(
                ring, f"select count(*) from jobs where {JOB.format(release)} and tries > 0"
            )
            await ring.rig.worker.kill()
            await outside.commit()
        took = await until(ring, f"select count(*) from releases where {DONE.format(release)}")
        longest = max(longest, took)
        assert await effects(ring.rig, proposal) == (1, 3, 1)
        assert await ring.one(f"select count(*) from jobs where {JOB.format(release)}") == 0
    print(f"taken over after {longest:.1f} s at the most")
    if LONG:
        figure("a dead worker's job is taken over", "10 s", f"{longest:.1f} s", held=longest < 10)


async def test_a_due_release_is_carried_out_once_without_any_worker(ring, bench):
    """No worker knows of it; eight writes to the proposal come at once, then the worker comes late."""
    desks, lead, signed = bench
    for _ in rounds("a due release met by eight writes, and by its worker after them", 1, 100):
        proposal, decision = await signed()
        release = await order(desks[0], decision)
        await ring.rig.ask(
            f"update releases set due_at = {PAST} where id = '{release}' returning id"
        )
        assert (await lead.get(f"/proposals/{proposal}"))["shown"] != "approved"
        late = await desks[0].send("POST", f"/release/{release}/take_back", key=new_key())
        assert late.status_code == 409
        body = {"kind": "reject", "letter": "太晚"}
        path = f"/proposals/{proposal}/decision"
        got = await asyncio.gather(*(desk.send("PUT", path, body, rev=3) for desk in desks))
        assert {g.status_code for g in got} == {409}
        assert (await lead.get(f"/proposals/{proposal}"))["shown"] == "approved"
        assert await effects(ring.rig, proposal) == (1, 3, 1)
        await let_run(ring.rig, release)
        await until(ring, f"select (count(*) = 0)::int from jobs where {JOB.format(release)}")
        assert await effects(ring.rig, proposal) == (1, 3, 1)


@pytest.fixture
def chore(monkeypatch):
    """Know one chore and no job, in the workers of this process."""
    monkeypatch.setattr(jobs, "HANDLERS", {"none": None})
    monkeypatch.setattr(jobs, "CHORES", {})

    @jobs.every(3600, "race.chore")
    async def done(session):
        await session.execute(text("select pg_sleep(0.001)"))
        await session.execute(text("insert into race_chores default values"))


async def test_eight_workers_do_a_chore_once(ring, chore):
    await ring.rig.ask("create table race_chores (id bigint generated always as identity)")
    await ring.rig.ask("grant all on race_chores to lianyan_app")
    await asyncio.gather(*(jobs.run_due(ring.sessions) for _ in range(CLIENTS)))
    for n in rounds("a chore that is due, and eight workers", 5):
        await ring.rig.ask(
            "update periods set next_at = now() where name = 'race.chore' returning 1"
        )
        await asyncio.gather(*(jobs.run_due(ring.sessions) for _ in range(CLIENTS)))
        assert await ring.one("select count(*) from race_chores") == n + 2


TICKS = (
    "create table race_ticks (name text)",
    """
    create function race_tick() returns trigger language plpgsql security definer as $$
      begin insert into race_ticks values (new.name); return null; end $$
    """,
    """
    create trigger race_tick after update on periods for each row
      when (old.next_at < new.next_at) execute function race_tick()
    """,
)


async def test_worker_processes_beside_each_other_do_each_chore_once(ring):
    """Every chore of the portal counts itself in the transaction that sets its next time."""
    rig = ring.rig
    more = [
        Program(["work"], rig.worker.environment, rig.data / f"worker-{n}.log")
        for n in range(WORKERS - 1)
    ]
    for statement in TICKS:
        await rig.ask(statement)
    try:
        await asyncio.gather(*(program.go() for program in more))
        alive = f"select (count(*) >= {WORKERS})::int from workers where seen_at > now() - interval '20 s'"
        await until(ring, alive)
        await rig.ask("delete from periods where name like 'race.%' returning name")
        names = [str(row[0]) for row in await rig.ask("select name from periods")]
        assert "idempotency.forget" in names
        for n in rounds(f"every chore due at once for {WORKERS} worker processes", 1, 30):
            await rig.ask("update periods set next_at = now() - interval '1 s' returning name")
            done = f"select (count(*) >= {len(names) * (n + 1)})::int from race_ticks"
            await until(ring, done)
            if n == 0:
                await asyncio.sleep(1.5 * jobs.POLL)
            ticks = sorted(str(row[0]) for row in await rig.ask("select name from race_ticks"))
            assert ticks == sorted(names * (n + 1))
    finally:
        for program in more:
            await program.end()
        await rig.ask("drop trigger race_tick on periods")
