"""Reviewers are asked by hand, free of conflicts, within quotas; a conflict that comes later stops them."""

import pytest
from sqlalchemy import func, select, text

from lianyan.core.events import Event
from lianyan.proposals import access
from lianyan.proposals.models import Member, Tie
from lianyan.reviews.commands import suspend_conflicted
from lianyan.reviews.models import Assignment
from reviews.scenes import make_assigned, make_reviewed, make_scene, make_sent, sit


@pytest.fixture
async def scene(session):
    return await make_scene(session)


async def test_a_coordinator_sees_who_could_be_asked_with_load_and_conflicts(client, scene):
    proposal = await make_sent(scene)
    other = await make_sent(scene, homes=[scene.c, scene.d], lead=scene.outsider)
    busy = scene.reviewers[0]
    await make_assigned(scene, other, busy)
    desk = await sit(scene, client, scene.coordinator)
    got = await desk.get(f"/proposals/{proposal.id}/assignments")
    assert got.status_code == 200, got.text
    page = got.json()
    found = {c["person"]["name"]: c for c in page["candidates"]}
    assert (found["专家0"]["load"], found["专家1"]["load"]) == (1, 0)
    conflict = found["甲专家"]["conflicts"][0]
    assert (conflict["rule"], conflict["hard"], conflict["dismissable"]) == (
        "employer",
        True,
        False,
    )
    assert conflict["words"]["params"]["institution"]["zh"] == "甲示例大学"
    assert found["专家1"]["conflicts"] == []
    assert (page["min"], page["max"], page["items"]) == (2, 5, [])
    assert page["blockers"] == [{"code": "reviews.too_few", "params": {"have": 0, "need": 2}}]
    assert set(page["can"]) == {"assignment.add", "assignment.remove", "conflict.dismiss"}


async def test_asking_accepting_and_the_events(client, session, scene):
    proposal = await make_sent(scene)
    desk = await sit(scene, client, scene.coordinator)
    reviewer = scene.reviewers[0]
    made = await desk.post(
        f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(reviewer.id)}
    )
    assert made.status_code == 201, made.text
    assert made.headers["location"].endswith("/assignments")
    again = await desk.post(
        f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(reviewer.id)}
    )
    assert (again.status_code, again.json()["code"]) == (409, "reviews.assigned_already")
    theirs = await sit(scene, client, reviewer)
    listed = (await theirs.get("/reviews")).json()
    assert [i["state"] for i in listed["items"]] == ["asked"]
    assert listed["pledge_needed"] is True
    early = await theirs.get(f"/reviews/{made.json()['id']}")
    assert (early.status_code, early.json()["code"]) == (403, "reviews.accept_first")
    refused = await theirs.post(
        "/reviews/accept", {"assignment_ids": [made.json()["id"]], "pledge": False}
    )
    assert refused.json()["errors"][0]["field"] == "pledge"
    taken = await theirs.post(
        "/reviews/accept", {"assignment_ids": [made.json()["id"]], "pledge": True}
    )
    assert taken.status_code == 200, taken.text
    assert (await theirs.get(f"/reviews/{made.json()['id']}")).status_code == 200
    kinds = (
        await session.scalars(
            select(Event.kind).where(Event.proposal_id == proposal.id).order_by(Event.id)
        )
    ).all()
    assert kinds == ["assignment.asked", "assignment.accepted"]


@pytest.mark.parametrize(
    "who, code",
    [("reviewer_a", "reviews.conflict_employer"), ("lead", "reviews.not_a_reviewer")],
)
async def test_who_may_not_review_is_refused_in_words(client, scene, who, code):
    proposal = await make_sent(scene)
    desk = await sit(scene, client, scene.coordinator)
    person = getattr(scene, who)
    got = await desk.post(f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(person.id)})
    assert got.status_code in {400, 409}
    said = got.json() if got.status_code == 409 else got.json()["errors"][0]
    assert said["code"] == code
    assert said["detail"]
    assert "{" not in said["detail"]


async def test_c17_a_shared_project_is_a_conflict_by_rule_and_not_by_name(client, session, scene):
    """R takes part in X with S, and Y names S: R is refused for Y, and the rule is named, not S."""
    reviewer = scene.reviewers[0]
    await make_sent(
        scene,
        "submitted",
        homes=[scene.c, scene.e],
        lead=scene.partner,
        team=[(scene.partner, scene.c), (reviewer, scene.e)],
    )
    proposal = await make_sent(scene, team=[(scene.lead, scene.a), (scene.partner, scene.b)])
    desk = await sit(scene, client, scene.coordinator)
    got = await desk.post(
        f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(reviewer.id)}
    )
    assert (got.status_code, got.json()["code"]) == (409, "reviews.conflict_shared_project")
    assert scene.partner.name not in got.text
    assert got.json()["params"]["dismissable"] is True
    assert await session.scalar(select(func.count()).select_from(Assignment)) == 0
    set_aside = {"person_id": str(reviewer.id), "rule": "shared_project"}
    blank = await desk.post(f"/proposals/{proposal.id}/dismissals", {**set_aside, "reason": " "})
    assert blank.json()["errors"][0]["field"] == "reason"
    done = await desk.post(
        f"/proposals/{proposal.id}/dismissals", {**set_aside, "reason": "只共同署名一次"}
    )
    assert done.status_code == 201, done.text
    asked = await desk.post(
        f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(reviewer.id)}
    )
    assert asked.status_code == 201
    theirs = await sit(scene, client, reviewer)
    listed = (await theirs.get("/reviews")).json()
    assert [i["conflicts"] for i in listed["items"]] == [["shared_project"]]


async def test_c17_a_conflict_that_comes_later_suspends_at_once(client, session, scene):
    reviewer = scene.reviewers[0]
    shared = await make_sent(
        scene,
        "submitted",
        homes=[scene.c, scene.e],
        lead=scene.partner,
        team=[(scene.partner, scene.c), (reviewer, scene.e)],
    )
    assert shared.number
    proposal = await make_sent(scene)
    assignment = await make_assigned(scene, proposal, reviewer)
    theirs = await sit(scene, client, reviewer)
    assert (await theirs.get(f"/reviews/{assignment.id}")).status_code == 200
    session.add(
        Member(proposal_id=proposal.id, person_id=scene.partner.id, institution_id=scene.b.id)
    )
    await access.refresh(session, proposal.id)
    await suspend_conflicted(session, proposal.id)
    got = await theirs.get(f"/reviews/{assignment.id}")
    assert (got.status_code, got.json()["code"]) == (403, "reviews.suspended")
    assert (await theirs.get("/reviews")).json()["items"] == []
    saved = await theirs.put(f"/reviews/{assignment.id}", {}, 0)
    assert saved.status_code in {400, 403}
    desk = await sit(scene, client, scene.coordinator)
    page = (await desk.get(f"/proposals/{proposal.id}/assignments")).json()
    assert page["items"][0]["suspended"] is True
    assert page["items"][0]["conflicts"][0]["rule"] == "shared_project"
    assert "reviews.open_conflict" in {b["code"] for b in page["blockers"]}
    notes = await session.scalar(
        select(func.count()).select_from(Event).where(Event.kind == "assignment.suspended")
    )
    assert notes == 1
    await suspend_conflicted(session, proposal.id)
    again = select(func.count()).select_from(Event).where(Event.kind == "assignment.suspended")
    assert await session.scalar(again) == 1
    done = await desk.post(
        f"/proposals/{proposal.id}/dismissals",
        {"person_id": str(reviewer.id), "rule": "shared_project", "reason": "不涉及此项"},
    )
    assert done.status_code == 201
    assert (await theirs.get(f"/reviews/{assignment.id}")).status_code == 200


async def test_hard_conflicts_are_never_set_aside(client, scene):
    proposal = await make_sent(scene)
    desk = await sit(scene, client, scene.coordinator)
    got = await desk.post(
        f"/proposals/{proposal.id}/dismissals",
        {"person_id": str(scene.reviewer_a.id), "rule": "employer", "reason": "没关系"},
    )
    assert (got.status_code, got.json()["code"]) == (409, "reviews.conflict_hard")
    none = await desk.post(
        f"/proposals/{proposal.id}/dismissals",
        {"person_id": str(scene.reviewers[0].id), "rule": "team", "reason": "没关系"},
    )
    assert (none.status_code, none.json()["code"]) == (409, "reviews.no_such_conflict")


async def test_c15_quotas_are_named_and_passed_only_with_a_reason(client, session, scene):
    proposal = await make_sent(scene)
    for reviewer in scene.reviewers[:5]:
        await make_assigned(scene, proposal, reviewer, "asked")
    desk = await sit(scene, client, scene.coordinator)
    where = f"/proposals/{proposal.id}/assignments"
    last = {"reviewer_id": str(scene.reviewers[5].id)}
    got = await desk.post(where, last)
    assert (got.status_code, got.json()["code"]) == (409, "reviews.quota_reached")
    assert got.json()["params"] == {"of": "proposal", "count": 5, "limit": 5}
    assert "5 / 5" in got.json()["detail"]
    over = await desk.post(where, {**last, "override_reason": "需要方法学专家"})
    assert over.status_code == 201, over.text
    event = await session.scalar(
        select(Event.data).where(Event.kind == "assignment.asked").order_by(Event.id.desc())
    )
    assert event["override"] is True
    page = (await desk.get(where)).json()
    assert len(page["items"]) == 6
    # A reviewer who has six is full too.
    reviewer = scene.reviewers[6]
    for _ in range(6):
        await make_assigned(scene, await make_sent(scene), reviewer, "asked")
    fresh = await make_sent(scene)
    got = await desk.post(f"/proposals/{fresh.id}/assignments", {"reviewer_id": str(reviewer.id)})
    assert got.json()["params"] == {"of": "reviewer", "count": 6, "limit": 6}


async def test_a_conflicted_coordinator_learns_nothing(client, session, scene):
    proposal = await make_sent(scene)
    await make_reviewed(scene, proposal, scene.reviewers[0])
    where = f"/proposals/{proposal.id}/assignments"
    employed = await sit(scene, client, scene.desk_a)
    got = await employed.get(where)
    assert (got.status_code, got.json()["code"]) == (403, "problems.coi_employer")
    got = await employed.post(where, {"reviewer_id": str(scene.reviewers[1].id)})
    assert got.status_code == 403
    session.add(Tie(proposal_id=proposal.id, person_id=scene.stand_in.id))
    await session.flush()
    await access.refresh(session, proposal.id)
    tied = await sit(scene, client, scene.stand_in)
    assert (await tied.get(where)).status_code == 404
    for person in (scene.officer_a, scene.outsider, scene.reviewers[0]):
        other = await sit(scene, client, person)
        assert (await other.get(where)).status_code in {403, 404}


async def test_removing_needs_a_reason_and_spares_what_is_submitted(client, session, scene):
    proposal = await make_sent(scene)
    waiting = await make_assigned(scene, proposal, scene.reviewers[0])
    done = await make_reviewed(scene, proposal, scene.reviewers[1])
    desk = await sit(scene, client, scene.coordinator)
    got = await desk.post(f"/assignments/{waiting.id}/remove", {"reason": ""})
    assert got.json()["errors"][0]["field"] == "reason"
    got = await desk.post(f"/assignments/{waiting.id}/remove", {"reason": "已另请专家"})
    assert got.status_code == 204, got.text
    got = await desk.post(f"/assignments/{waiting.id}/remove", {"reason": "已另请专家"})
    assert (got.status_code, got.json()["code"]) == (409, "reviews.assignment_over")
    got = await desk.post(f"/assignments/{done.id}/remove", {"reason": "已另请专家"})
    assert (got.status_code, got.json()["code"]) == (409, "reviews.final")
    theirs = await sit(scene, client, scene.reviewers[0])
    assert (await theirs.get(f"/reviews/{waiting.id}")).status_code == 404
    page = (await desk.get(f"/proposals/{proposal.id}/assignments")).json()
    assert {i["reviewer"]["name"]: i["reason"] for i in page["items"]}["专家0"] == "已另请专家"


async def test_nothing_changes_outside_the_review(client, scene):
    proposal = await make_sent(scene, "decision_pending")
    assignment = await make_assigned(scene, proposal, scene.reviewers[0])
    desk = await sit(scene, client, scene.coordinator)
    theirs = await sit(scene, client, scene.reviewers[0])
    answers = [
        await desk.post(
            f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(scene.reviewers[1].id)}
        ),
        await desk.post(f"/assignments/{assignment.id}/remove", {"reason": "x"}),
        await theirs.post("/reviews/submit", {"assignment_ids": [str(assignment.id)]}),
    ]
    assert [a.json()["code"] for a in answers] == ["reviews.not_in_review"] * 3
    assert "decision_pending" not in answers[2].text


async def test_reading_the_reviewers_is_written_down(client, session, scene):
    proposal = await make_sent(scene)
    desk = await sit(scene, client, scene.coordinator)
    await desk.get(f"/proposals/{proposal.id}/assignments")
    row = (
        await session.execute(
            text(
                "select kind, actor_id from events where subject_id = :p order by id desc limit 1"
            ),
            {"p": proposal.id},
        )
    ).one()
    assert tuple(row) == ("assignment.read", scene.coordinator.id)
