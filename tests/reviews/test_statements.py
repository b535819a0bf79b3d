"""What reading costs does not grow with what there is, and access is kept by every command."""

import asyncpg
import pytest

from lianyan.proposals import access
from reviews.scenes import body, make_assigned, make_reviewed, make_scene, make_sent, sit


@pytest.fixture
async def scene(session):
    return await make_scene(session)


@pytest.fixture
def counted(monkeypatch):
    """Count the statements that reads run on the driver's connection during one call."""
    seen = []

    def counting(name):
        plain = getattr(asyncpg.Connection, name)

        async def run(self, query, *args, **kwargs):
            seen.append(query)
            return await plain(self, query, *args, **kwargs)

        return run

    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        monkeypatch.setattr(asyncpg.Connection, name, counting(name))

    async def count(call):
        seen.clear()
        got = await call
        assert got.status_code == 200, got.text
        return len(seen)

    return count


async def test_c81_lists_and_pages_take_the_same_statements_for_one_and_for_many(
    client, scene, counted
):
    reviewer = scene.reviewers[0]
    theirs = await sit(scene, client, reviewer)
    desk = await sit(scene, client, scene.coordinator)
    bench = await sit(scene, client, scene.approver)

    async def costs(proposal):
        calls = (
            theirs.get("/reviews"),
            desk.get(f"/proposals/{proposal.id}/assignments"),
            desk.get(f"/proposals/{proposal.id}/decision"),
            desk.get("/release"),
            bench.get("/decide"),
            client.get("/api/projects"),
        )
        return [await counted(call) for call in calls]

    async def grow(many):
        for _ in range(many):
            await make_assigned(scene, await make_sent(scene), reviewer)
            waiting = await make_sent(scene, "decision_pending")
            await make_reviewed(scene, waiting, scene.reviewers[1])
            sent = {"kind": "approve", "letter": "立项"}
            made = await desk.put(f"/proposals/{waiting.id}/decision", sent, 0)
            assert made.status_code == 200, made.text
        return waiting

    few = await costs(await grow(1))
    many = await costs(await grow(5))
    assert few == many
    # The own list and the register: who asks, then the page (nobody asks for the register).
    assert (few[0], few[5]) == (2, 1)


async def test_every_command_keeps_access_as_it_must_be(client, session, scene):
    proposal = await make_sent(scene)
    desk = await sit(scene, client, scene.coordinator)
    theirs = [await sit(scene, client, reviewer) for reviewer in scene.reviewers[:3]]
    ids = []
    for reviewer in scene.reviewers[:3]:
        got = await desk.post(
            f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(reviewer.id)}
        )
        ids.append(got.json()["id"])
        assert await access.differences(session) == []
    done = [
        await theirs[0].post("/reviews/accept", {"assignment_ids": [ids[0]], "pledge": True}),
        await theirs[1].post(f"/assignments/{ids[1]}/decline", {"reason": "出差"}),
        await theirs[2].post(f"/assignments/{ids[2]}/conflict", {"note": "合作者"}),
        await theirs[0].put(f"/reviews/{ids[0]}", body(), 0),
        await theirs[0].post("/reviews/submit", {"assignment_ids": [ids[0]]}),
        await theirs[0].post(f"/assignments/{ids[0]}/conflict", {"note": "刚想起是同乡"}),
        await desk.post(
            f"/proposals/{proposal.id}/dismissals",
            {
                "person_id": str(scene.reviewers[0].id),
                "rule": "declared_tie",
                "reason": "同乡不构成冲突",
            },
        ),
    ]
    assert [d.status_code for d in done] == [200, 204, 204, 204, 200, 204, 201]
    assert await access.differences(session) == []
    assert (await theirs[0].get(f"/reviews/{ids[0]}")).status_code == 200
