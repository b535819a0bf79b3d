"""C-15: quotas hold when several coordinators ask at the same instant; commits are real here."""

import asyncio
from collections import Counter

from sqlalchemy import func, select, update

from lianyan.reviews.models import Assignment, Review
from makers import make_call
from reviews.scenes import body, make_assigned, make_scene, make_sent, sit

WORKERS = 8
ROUNDS = 12


async def codes(answers):
    return Counter(
        "201" if a.status_code == 201 else a.json()["code"] for a in await asyncio.gather(*answers)
    )


async def test_c15_the_last_place_of_a_proposal_is_given_once(committed):
    async with committed.sessions.begin() as session:
        scene = await make_scene(session)
        call = await make_call(session)
        call.max_reviews = 3
        desks = [await sit(scene, committed.client, scene.coordinator) for _ in range(WORKERS)]
    for _ in range(ROUNDS):
        async with committed.sessions.begin() as session:
            scene.session = session
            proposal = await make_sent(scene, call=call)
            for reviewer in scene.reviewers[:2]:
                await make_assigned(scene, proposal, reviewer, "declined")
                await make_assigned(scene, proposal, reviewer, "accepted")
                await session.flush()
        found = await codes(
            desk.post(
                f"/proposals/{proposal.id}/assignments",
                {"reviewer_id": str(reviewer.id)},
            )
            for desk, reviewer in zip(desks[:6], scene.reviewers[2:], strict=True)
        )
        assert found == {"201": 1, "reviews.quota_reached": 5}
        async with committed.sessions.begin() as session:
            count = await session.scalar(
                select(func.count())
                .select_from(Assignment)
                .where(
                    Assignment.proposal_id == proposal.id,
                    Assignment.state.in_(["asked", "accepted"]),
                )
            )
            assert count == 3
            await session.execute(update(Assignment).values(state="removed"))


async def test_c15_the_sixth_place_of_a_reviewer_is_given_once(committed):
    async with committed.sessions.begin() as session:
        scene = await make_scene(session)
        desks = [await sit(scene, committed.client, scene.coordinator) for _ in range(WORKERS)]
    for number in range(ROUNDS // 2):
        async with committed.sessions.begin() as session:
            scene.session = session
            reviewer = scene.reviewers[number]
            for _ in range(5):
                await make_assigned(scene, await make_sent(scene), reviewer)
            waiting = [await make_sent(scene) for _ in range(WORKERS)]
        found = await codes(
            desk.post(f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(reviewer.id)})
            for desk, proposal in zip(desks, waiting, strict=True)
        )
        assert found == {"201": 1, "reviews.quota_reached": WORKERS - 1}


async def test_one_reviewer_is_asked_once_for_a_proposal(committed):
    async with committed.sessions.begin() as session:
        scene = await make_scene(session)
        proposal = await make_sent(scene)
        desks = [await sit(scene, committed.client, scene.coordinator) for _ in range(WORKERS)]
    found = await codes(
        desk.post(
            f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(scene.reviewers[0].id)}
        )
        for desk in desks
    )
    assert found == {"201": 1, "reviews.assigned_already": WORKERS - 1}


async def test_nobody_overwrites_a_review_unseen(committed):
    """Two tabs of one reviewer save at once, again and again: each revision has one author."""
    async with committed.sessions.begin() as session:
        scene = await make_scene(session)
        proposal = await make_sent(scene)
        mine = await make_assigned(scene, proposal, scene.reviewers[0])
        tabs = [await sit(scene, committed.client, scene.reviewers[0]) for _ in range(4)]
    for rev in range(5):
        answers = await asyncio.gather(
            *(
                tab.put(f"/reviews/{mine.id}", body(for_applicants=f"第 {rev} 版，页 {n}"), rev)
                for n, tab in enumerate(tabs)
            )
        )
        assert sorted(a.status_code for a in answers) == [204, 412, 412, 412]
        won = next(n for n, a in enumerate(answers) if a.status_code == 204)
        stored = {
            a.json()["params"]["stored"]["for_applicants"] for a in answers if a.status_code == 412
        }
        assert stored == {f"第 {rev} 版，页 {won}"}
    async with committed.sessions() as session:
        assert (await session.scalars(select(Review.rev))).all() == [5]


async def test_submitting_twice_at_once_is_one_submission(committed):
    async with committed.sessions.begin() as session:
        scene = await make_scene(session)
        proposal = await make_sent(scene)
        mine = await make_assigned(scene, proposal, scene.reviewers[0])
        tabs = [await sit(scene, committed.client, scene.reviewers[0]) for _ in range(4)]
    await tabs[0].put(f"/reviews/{mine.id}", body(), 0)
    answers = await asyncio.gather(
        *(tab.post("/reviews/submit", {"assignment_ids": [str(mine.id)]}) for tab in tabs)
    )
    assert {a.status_code for a in answers} == {200}
    assert len({a.json()["at"] for a in answers}) == 1
