"""Who has read what is confidential can be told, proposal by proposal and person by person."""

import pytest
from sqlalchemy import text

from lianyan.core.db import raw
from lianyan.core.disclosed import disclosed
from makers import login, make_call, make_institution, make_person, make_proposal
from reviews.scenes import make_reviewed, make_scene, make_sent, sit

REJECT = {"kind": "reject", "letter": "结论文字", "note": "内部备注"}


@pytest.fixture
async def scene(client, session):
    scene = await make_scene(session)
    scene.desk = await sit(scene, client, scene.coordinator)
    scene.bench = await sit(scene, client, scene.approver)
    return scene


@pytest.fixture
async def watcher(session):
    """Give the headers of an audit administrator from an institution of their own."""
    home = await make_institution(session)
    return await login(
        session, await make_person(session, institution=home, roles=["audit_administrator"])
    )


async def seen(client, watcher, path, **asked):
    """Return every row of a list of readings, page by page, without the lookings at it."""
    rows, after = [], {}
    while True:
        page = await client.get(f"/api/{path}", params={**asked, **after}, headers=watcher)
        assert page.status_code == 200, page.text
        rows += [row for row in page.json()["items"] if row["kind"] != "record.read"]
        if page.json()["next"] is None:
            return rows
        after = {"after": page.json()["next"]}


async def test_every_page_with_something_confidential_says_who_read_it(
    client, session, watcher, scene
):
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
    coordinator, approver = scene.coordinator.id, scene.approver.id
    found = await seen(client, watcher, f"proposals/{one.id}/seen")
    assert [(row["actor"]["id"], row["kind"]) for row in found] == [
        (str(coordinator), "decision.read"),
        (str(coordinator), "release.read"),
        (str(approver), "decisions.read"),
        (str(coordinator), "decision.read"),
        (str(coordinator), "assignment.read"),
    ]
    assert all(str(one.id) in [p["id"] for p in row["proposals"]] for row in found)
    # The release names what is left out of it, too: that is an unreleased decision as well.
    found = await seen(client, watcher, f"proposals/{other.id}/seen")
    assert [row["kind"] for row in found] == ["assignment.read", "release.read"]
    read = await seen(client, watcher, "record/seen", person_id=str(coordinator))
    assert [row["kind"] for row in read] == [
        "assignment.read", "decision.read", "release.read", "decision.read", "assignment.read",
    ]  # fmt: skip
    read = await seen(client, watcher, "record/seen", person_id=str(approver))
    assert [[p["id"] for p in row["proposals"]] for row in read] == [[str(one.id)]]
    data = await session.scalar(
        text("select data from events where kind = 'assignment.read' and proposal_id = :p"),
        {"p": one.id},
    )
    assert data == {"people": sorted(str(r.id) for r in scene.reviewers[:2])}


async def test_pages_of_readings_meet_without_gap_or_double(client, session, watcher):
    home = await make_institution(session)
    lead = await make_person(session, institution=home)
    reader = await make_person(session, roles=["coordinator"])
    call = await make_call(session)
    ids = [
        (await make_proposal(session, lead, call, [home], state="peer_review", number=f"T-{n}")).id
        for n in range(3)
    ]
    connection = await raw(session)
    for n in range(12):
        proposal, several = (ids[0], []) if n % 3 else (None, ids[:2])
        await disclosed(connection, reader, "decision.read", reader.id, proposal, proposals=several)
        await disclosed(connection, reader, "decision.read", reader.id, ids[2])
    for path, asked, count in (
        (f"proposals/{ids[0]}/seen", {}, 12),
        (f"proposals/{ids[1]}/seen", {}, 4),
        ("record/seen", {"person_id": str(reader.id)}, 24),
    ):
        rows = await seen(client, watcher, path, limit="5", **asked)
        assert [row["id"] for row in rows] == sorted({row["id"] for row in rows}, reverse=True)
        assert len(rows) == count, path


async def test_a_reading_that_would_not_be_found_is_refused(session):
    person = await make_person(session)
    with pytest.raises(ValueError, match=r"decision\.list"):
        await disclosed(await raw(session), person, "decision.list", person.id, None)
