"""C-73: whoever decides, releases, takes back or withdraws at the same moment, one of them does."""

import asyncio
from collections import Counter
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from lianyan.core.jobs import run_due
from lianyan.core.messages import Message
from lianyan.decisions.models import Decision, Release
from lianyan.decisions.releases import carry_out
from lianyan.projects.models import Project
from lianyan.proposals.models import Moved, Proposal
from reviews.scenes import make_reviewed, make_scene, make_sent, sit

ROUNDS = 6
LONG_AGO = text("timestamptz '2020-01-01 00:00+00'")


@pytest.fixture
async def here(committed):
    async with committed.sessions.begin() as session:
        scene = await make_scene(session)
        people = (
            scene.coordinator,
            scene.stand_in,
            scene.approver,
            scene.approver_2,
            scene.officer_a,
        )
        scene.desk, scene.second, scene.bench, scene.bench_2, scene.office = [
            await sit(scene, committed.client, person) for person in people
        ]
    scene.sessions, scene.client, scene.url = committed.sessions, committed.client, committed.url
    return scene


async def pending(here, many=1):
    async with here.sessions.begin() as session:
        here.session = session
        made = []
        for _ in range(many):
            proposal = await make_sent(here, "decision_pending")
            await make_reviewed(here, proposal, here.reviewers[0])
            made.append(proposal)
    return made


async def signed(here, proposal, kind="approve"):
    made = (
        await here.desk.put(
            f"/proposals/{proposal.id}/decision", {"kind": kind, "letter": f"结论{kind}"}, 0
        )
    ).json()
    got = await here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
    assert got.status_code == 200, got.text
    return made["id"]


async def be_due(here, release):
    async with here.sessions.begin() as session:
        await session.execute(update(Release).where(Release.id == release).values(due_at=LONG_AGO))


async def run(here, release):
    async with here.sessions.begin() as session:
        await carry_out(session, release)


async def count(here, statement):
    async with here.sessions() as session:
        return await session.scalar(statement)


async def state(here, proposal):
    return await count(here, select(Proposal.state).where(Proposal.id == proposal.id))


async def test_c73_one_draft_of_two_and_one_signature_of_two(here):
    for proposal in await pending(here, ROUNDS):
        where = f"/proposals/{proposal.id}/decision"
        drafts = await asyncio.gather(
            here.desk.put(where, {"kind": "approve", "letter": "立项"}, 0),
            here.second.put(where, {"kind": "reject", "letter": "不予立项"}, 0),
        )
        assert sorted(d.status_code for d in drafts) == [200, 412]
        made = next(d.json() for d in drafts if d.status_code == 200)
        acts = await asyncio.gather(
            here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"]),
            here.bench_2.post(f"/decisions/{made['id']}/sign", rev=made["rev"]),
            here.bench_2.post(
                f"/decisions/{made['id']}/send_back", {"note": "请补充"}, rev=made["rev"]
            ),
        )
        won = [a for a in acts if a.status_code == 200]
        assert len(won) == 1
        assert {a.status_code for a in acts} <= {200, 409, 412}
        assert await count(here, select(func.count()).select_from(Decision).where(
            Decision.proposal_id == proposal.id)) == 1  # fmt: skip


async def test_c73_one_release_of_two_and_one_of_taking_back_and_carrying_out(here):
    for number, proposal in enumerate(await pending(here, ROUNDS)):
        decision = await signed(here, proposal, "reject" if number % 2 else "approve")
        orders = await asyncio.gather(
            here.desk.post("/release", {"decision_ids": [decision]}),
            here.second.post("/release", {"decision_ids": [decision]}),
        )
        assert sorted(o.status_code for o in orders) == [201, 409]
        release = UUID(next(o.json()["id"] for o in orders if o.status_code == 201))
        backs = await asyncio.gather(
            *(desk.post(f"/release/{release}/take_back") for desk in (here.desk, here.second))
        )
        assert sorted(b.status_code for b in backs) == [204, 409]
        again = UUID((await here.desk.post("/release", {"decision_ids": [decision]})).json()["id"])
        await be_due(here, again)
        _, _, back = await asyncio.gather(
            run(here, again), run(here, again), here.second.post(f"/release/{again}/take_back")
        )
        assert back.status_code == 409
        assert await state(here, proposal) == ("rejected" if number % 2 else "approved")
        mine = Message.proposal_id == proposal.id, Message.template.like("letter%")
        templates = select(func.array_agg(func.distinct(Message.template))).where(*mine)
        assert await count(here, templates) == [
            "letter_rejected" if number % 2 else "letter_approved"
        ]
        assert await count(here, select(func.count()).select_from(Message).where(*mine)) == 3
        moves = select(func.count()).select_from(Moved).where(Moved.proposal_id == proposal.id)
        assert await count(here, moves) == 1
    assert await count(here, select(func.count()).select_from(Project)) == ROUNDS // 2


async def test_c73_a_withdrawal_at_the_moment_of_the_release(here):
    """Either it is withdrawn and no letter leaves, or it is released and the withdrawal is refused."""
    seen: Counter[str] = Counter()
    for proposal in await pending(here, ROUNDS):
        decision = await signed(here, proposal)
        order = await here.desk.post("/release", {"decision_ids": [decision]})
        release = UUID(order.json()["id"])
        rev = await count(here, select(Proposal.rev).where(Proposal.id == proposal.id))
        await be_due(here, release)
        withdrawn, _ = await asyncio.gather(
            here.office.post(
                f"/proposals/{proposal.id}/withdraw_by_institution", {"reason": "合作终止"}, rev=rev
            ),
            run(here, release),
        )
        assert withdrawn.status_code in {200, 204, 409, 412}, withdrawn.text
        after = await state(here, proposal)
        letters = await count(
            here,
            select(func.count())
            .select_from(Message)
            .where(Message.proposal_id == proposal.id, Message.template.like("letter%")),
        )
        assert (after, letters) in {("approved", 3), ("withdrawn", 0)}
        assert (after == "withdrawn") == (withdrawn.status_code in {200, 204})
        seen[after] += 1
    assert sum(seen.values()) == ROUNDS


async def test_c73_a_withdrawal_during_the_hold_cancels_its_own_decision_only(here):
    first, second = await pending(here, 2)
    decisions = [await signed(here, first), await signed(here, second)]
    release = UUID((await here.desk.post("/release", {"decision_ids": decisions})).json()["id"])
    rev = await count(here, select(Proposal.rev).where(Proposal.id == first.id))
    got = await here.office.post(
        f"/proposals/{first.id}/withdraw_by_institution", {"reason": "合作终止"}, rev=rev
    )
    assert got.status_code in {200, 204}, got.text
    page = (await here.desk.get("/release")).json()
    assert (page["running"]["count"], page["running"]["letters"]) == (1, 3)
    await be_due(here, release)
    await run(here, release)
    assert (await state(here, first), await state(here, second)) == ("withdrawn", "approved")
    states = select(func.array_agg(Decision.state)).where(Decision.proposal_id == first.id)
    assert await count(here, states) == ["cancelled"]


async def test_c21_where_a_letter_cannot_be_queued_nothing_is_half_done(here, server):
    """The letters fail in the database itself: moves, record and letters are all undone, then done."""
    first, second = await pending(here, 2)
    decisions = [await signed(here, first), await signed(here, second, "reject")]
    release = UUID((await here.desk.post("/release", {"decision_ids": decisions})).json()["id"])
    await be_due(here, release)
    owner = await asyncpg.connect(server.of("admin", urlsplit(here.url).path[1:]))
    try:
        await owner.execute(
            "alter table messages add constraint no_letters check (template <> 'letter_rejected')"
        )
        with pytest.raises(IntegrityError):
            await run(here, release)
        assert (await state(here, first), await state(here, second)) == ("decision_pending",) * 2
        assert await count(here, select(func.count()).select_from(Project)) == 0
        letters = select(func.count()).select_from(Message).where(Message.template.like("letter%"))
        assert await count(here, letters) == 0
        await owner.execute("alter table messages drop constraint no_letters")
    finally:
        await owner.close()
    async with here.sessions.begin() as session:
        await session.execute(
            text("update jobs set run_at = now() where kind = 'release.carry_out'")
        )
    await run_due(here.sessions)
    assert (await state(here, first), await state(here, second)) == ("approved", "rejected")
    assert await count(here, letters) == 6
    await run_due(here.sessions)
    assert await count(here, letters) == 6


async def test_many_releases_and_writers_do_not_wait_for_each_other_for_ever(here):
    """Releases over the same institutions, their worker and writers to their proposals, all at once."""
    proposals = await pending(here, 8)
    decisions = [await signed(here, proposal) for proposal in proposals]
    releases = []
    for half in (decisions[::2], decisions[1::2]):
        order = await here.desk.post("/release", {"decision_ids": half})
        releases.append(UUID(order.json()["id"]))
    for release in releases:
        await be_due(here, release)
    writes = [
        here.second.put(
            f"/proposals/{proposal.id}/decision", {"kind": "reject", "letter": "太晚"}, 1
        )
        for proposal in proposals[::-1]
    ]
    done = await asyncio.gather(*(run(here, r) for r in releases), *writes)
    assert {d.status_code for d in done[2:]} == {409}
    assert {await state(here, p) for p in proposals} == {"approved"}
