"""Who has read what is confidential can be told, proposal by proposal and person by person."""

import pytest
from sqlalchemy import text

from lianyan.core.db import raw
from lianyan.core.disclosed import disclosed
from lianyan.reports.queries import what_saw, who_saw
from makers import make_person
from reviews.scenes import make_reviewed, make_scene, make_sent, sit

REJECT = {"kind": "reject", "letter": "结论文字", "note": "内部备注"}


@pytest.fixture
async def scene(client, session):
    scene = await make_scene(session)
    scene.desk = await sit(scene, client, scene.coordinator)
    scene.bench = await sit(scene, client, scene.approver)
    return scene


async def test_every_page_with_something_confidential_says_who_read_it(session, scene):
    one, other = [await make_sent(scene, "decision_pending") for _ in range(2)]
    for proposal in (one, other):
        for reviewer in scene.reviewers[:2]:
            await make_reviewed(scene, proposal, reviewer)
    made = (await scene.desk.put(f"/proposals/{one.id}/decision", REJECT, 0)).json()
    for browser, path, asked in (
        (scene.desk, f"/proposals/{one.id}/assignments", {}),
        (scene.desk, f"/proposals/{one.id}/decision", {}),
        (scene.bench, "/decide", {}),
        (scene.desk, "/release", {}),
        (scene.desk, "/release/letters", {"decision": made["id"]}),
        (scene.desk, f"/proposals/{other.id}/assignments", {}),
    ):
        assert (await browser.get(path, **asked)).status_code == 200, path
    connection = await raw(session)
    coordinator, approver = scene.coordinator.id, scene.approver.id
    found = await who_saw(connection, one.id)
    assert [(seen.actor_id, seen.kind) for seen in found] == [
        (coordinator, "decision.read"),
        (coordinator, "release.read"),
        (approver, "decisions.read"),
        (coordinator, "decision.read"),
        (coordinator, "assignment.read"),
    ]
    assert all(one.id in seen.proposals for seen in found)
    # The release names what is left out of it, too: that is an unreleased decision as well.
    assert [seen.kind for seen in await who_saw(connection, other.id)] == [
        "assignment.read",
        "release.read",
    ]
    read = await what_saw(connection, coordinator)
    assert [seen.kind for seen in read] == [
        "assignment.read", "decision.read", "release.read", "decision.read", "assignment.read",
    ]  # fmt: skip
    assert [seen.proposals for seen in await what_saw(connection, approver)] == [[one.id]]
    data = await session.scalar(
        text("select data from events where kind = 'assignment.read' and proposal_id = :p"),
        {"p": one.id},
    )
    assert data == {"people": sorted(str(r.id) for r in scene.reviewers[:2])}


async def test_pages_of_readings_meet_without_gap_or_double(session):
    reader = await make_person(session, roles=["coordinator"])
    ids = [(await make_person(session)).id for _ in range(3)]
    connection = await raw(session)
    for n in range(12):
        proposal, several = (ids[0], []) if n % 3 else (None, ids[:2])
        await disclosed(connection, reader, "decision.read", reader.id, proposal, proposals=several)
        await disclosed(connection, reader, "decision.read", reader.id, ids[2])
    for read, asked, count in (
        (who_saw, ids[0], 12),
        (who_saw, ids[1], 4),
        (what_saw, reader.id, 24),
    ):
        pages, before = [], {}
        while page := await read(connection, asked, most=5, **before):
            pages += page
            before = {"before": page[-1].id}
        assert [s.id for s in pages] == sorted({s.id for s in pages}, reverse=True)
        assert len(pages) == count, read


async def test_a_reading_that_would_not_be_found_is_refused(session):
    person = await make_person(session)
    with pytest.raises(ValueError, match=r"decision\.list"):
        await disclosed(await raw(session), person, "decision.list", person.id, None)
