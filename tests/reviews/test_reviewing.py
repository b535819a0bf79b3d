"""Writing and submitting reviews: nothing is lost, nothing is overwritten, nothing is told too early."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import func, select

from lianyan.proposals import access
from lianyan.proposals.models import Member, Tie
from lianyan.reviews import rubric
from lianyan.reviews.models import Assignment, Review
from lianyan.reviews.schemas import ReviewList, ReviewPage
from makers import login, make_call
from reviews.scenes import (
    FULL,
    Browser,
    body,
    make_assigned,
    make_reviewed,
    make_scene,
    make_sent,
    sit,
)

PARTS = dict.fromkeys(FULL)


@pytest.fixture
async def scene(session):
    return await make_scene(session)


@pytest.fixture
async def here(client, scene):
    """One proposal, one reviewer who has accepted, and their browser."""
    scene.proposal = await make_sent(scene)
    scene.reviewer = scene.reviewers[0]
    scene.assignment = await make_assigned(scene, scene.proposal, scene.reviewer)
    scene.url = f"/reviews/{scene.assignment.id}"
    scene.theirs = await sit(scene, client, scene.reviewer)
    return scene


async def test_a_review_is_saved_read_back_and_guarded_by_its_revision(here):
    first = await here.theirs.put(here.url, body(scores={"innovation": 0 + 1}), 0)
    assert (first.status_code, first.headers["etag"]) == (204, '"1"')
    page = (await here.theirs.get(here.url)).json()
    assert page["review"]["scores"] == {**PARTS, "innovation": 1}
    assert (page["review"]["rev"], page["review"]["total"]) == (1, None)
    stale = await here.theirs.put(here.url, body(), 0)
    assert stale.status_code == 412
    assert stale.json()["params"]["rev"] == 1
    assert stale.json()["params"]["stored"]["scores"]["innovation"] == 1
    equal = await here.theirs.put(here.url, body(scores={"innovation": 1}), 0)
    assert (equal.status_code, equal.headers["etag"]) == (204, '"1"')
    second = await here.theirs.put(here.url, body(), 1)
    assert (second.status_code, second.headers["etag"]) == (204, '"2"')
    assert (await here.theirs.get(here.url)).json()["review"]["total"] == 20


@pytest.mark.parametrize(
    "change, field, code",
    [
        ({"scores": {"innovation": 6}}, "scores.innovation", "reviews.score_out_of_range"),
        ({"scores": {"innovation": 10**30}}, None, None),
        ({"scores": {"innovation": True}}, None, None),
        ({"scores": {"innovation": "four"}}, None, None),
        ({"scores": {"innovation": 3.5}}, None, None),
        ({"scores": {"x" * 500: 4}}, "scores." + "x" * 80, "reviews.unknown_criterion"),
        ({"recommendation": "perhaps"}, None, None),
        ({"for_applicants": "字" * 1001}, "for_applicants", "text.too_long"),
        ({"for_applicants": "a\x00b"}, "for_applicants", "text.nul"),
        ({"for_coordinators": "a\x07b"}, "for_coordinators", "text.control"),
        ({"surplus": 1}, "surplus", "problems.unknown_field"),
    ],
)
async def test_what_may_not_be_stored_is_refused_by_name(session, here, change, field, code):
    got = await here.theirs.put(here.url, body(**change), 0)
    assert got.status_code == 400, got.text
    if field is not None:
        assert (got.json()["errors"][0]["field"], got.json()["errors"][0]["code"]) == (field, code)
    assert await session.scalar(select(func.count()).select_from(Review)) == 0


async def test_a_body_that_is_no_text_is_refused(client, here):
    for content in (
        b'{"scores":{},"recommendation":null,"for_applicants":"\\ud800"}',
        b"\xff{",
        b"[1]",
    ):
        more = {"if-match": '"0"', "content-type": "application/json"}
        got = await client.put(
            f"/api{here.url}", content=content, headers=here.theirs.headers | more
        )
        assert got.status_code == 400


async def test_texts_come_back_as_typed(here):
    odd = "𠮷 <b>\n\tﬁ e\u0301 \u202eabc 99% A_B \\"
    assert (await here.theirs.put(here.url, body(for_applicants=odd), 0)).status_code == 204
    read = (await here.theirs.get(here.url)).json()["review"]["for_applicants"]
    assert read == odd.replace("e\u0301", "é")


async def test_all_are_submitted_at_once_or_none(client, session, scene):
    reviewer = scene.reviewers[0]
    theirs = await sit(scene, client, reviewer)
    ids = []
    for number in range(3):
        assignment = await make_assigned(scene, await make_sent(scene), reviewer)
        ids.append(str(assignment.id))
        if number < 2:
            assert (await theirs.put(f"/reviews/{ids[-1]}", body(), 0)).status_code == 204
    await theirs.put(
        f"/reviews/{ids[2]}",
        body(scores={**FULL, "team": None}, recommendation=None, for_applicants=" "),
        0,
    )
    listed = (await theirs.get("/reviews")).json()
    assert listed["can_submit_all"] is False
    assert [(b["assignment_id"], b["code"]) for b in listed["blockers"]] == [
        (ids[2], "reviews.scores_missing"),
        (ids[2], "reviews.recommendation_missing"),
        (ids[2], "reviews.text_missing"),
    ]
    assert listed["blockers"][0]["params"] == {"count": 1, "criteria": ["team"]}
    got = await theirs.post("/reviews/submit", {"assignment_ids": ids})
    assert (got.status_code, got.json()["code"]) == (409, "reviews.incomplete")
    assert {e["field"] for e in got.json()["errors"]} == {f"assignment_ids.{ids[2]}"}
    done = select(func.count()).select_from(Review).where(Review.submitted_at.is_not(None))
    assert await session.scalar(done) == 0
    await theirs.put(f"/reviews/{ids[2]}", body(), 1)
    assert (await theirs.get("/reviews")).json()["can_submit_all"] is True
    got = await theirs.post("/reviews/submit", {"assignment_ids": ids})
    assert (got.status_code, got.json()["late"]) == (200, [])
    assert await session.scalar(done) == 3
    again = await theirs.post("/reviews/submit", {"assignment_ids": ids})
    assert (again.status_code, again.json()["at"]) == (200, got.json()["at"])
    edit = await theirs.put(f"/reviews/{ids[0]}", body(for_applicants="另写"), 2)
    assert (edit.status_code, edit.json()["code"]) == (409, "reviews.final")


@pytest.mark.parametrize("minutes, late", [(5, False), (-5, True)])
async def test_c65_after_the_date_a_review_is_taken_and_marked(
    client, session, scene, minutes, late
):
    reviewer = scene.reviewers[0]
    due = datetime.now(UTC) + timedelta(minutes=minutes)
    assignment = await make_assigned(scene, await make_sent(scene), reviewer, due_at=due)
    theirs = await sit(scene, client, reviewer)
    await theirs.put(f"/reviews/{assignment.id}", body(), 0)
    assert (await theirs.get(f"/reviews/{assignment.id}")).json()["late"] is late
    got = await theirs.post("/reviews/submit", {"assignment_ids": [str(assignment.id)]})
    assert got.json()["late"] == ([str(assignment.id)] if late else [])


async def test_own_six_stand_side_by_side_from_one_statement(client, scene):
    reviewer = scene.reviewers[0]
    for number in range(6):
        assignment = await make_assigned(
            scene, await make_sent(scene), reviewer, "accepted" if number else "asked"
        )
        if number > 3:
            scene.session.add(
                Review(
                    assignment_id=assignment.id,
                    scores={**FULL, "team": None if number == 5 else 4},
                    saved_at=datetime.now(UTC),
                )
            )
    await scene.session.flush()
    theirs = await sit(scene, client, reviewer)
    got = await theirs.get("/reviews")
    page = msgspec.json.decode(got.content, type=ReviewList, strict=True)
    assert len(page.items) == 6
    assert [i.mine_total for i in page.items] == [None, None, None, None, 20, None]
    assert [i.state for i in page.items] == ["asked"] + ["accepted"] * 5
    first = page.items[0].proposal
    assert (first.lead.name.zh, [p.name.zh for p in first.partners]) == (
        "甲示例大学",
        ["乙示例医院"],
    )
    assert (first.months, first.leader.name) == (24, "牵头人")
    assert page.call is not None
    assert page.due_at is not None
    assert page.pledge_needed
    keys = msgspec.json.decode(got.content)
    assert '"mean' not in got.text
    assert set(keys["items"][5]["review"]) == {
        "scores", "recommendation", "rev", "saved_at", "submitted_at", "late",
    }  # fmt: skip


async def test_c11_zero_is_a_score_and_nothing_is_none(client, session, scene):
    """Means of 0 and 0, of −1 and 1, and of nothing: 0.0, 0.0 and null."""
    document = {
        **scene.call.rubric,
        "min": -2,
        "max": 5,
        "criteria": scene.call.rubric["criteria"][:1],
    }
    call = await make_call(session)
    call.rubric = document
    await session.flush()
    desk = await sit(scene, client, scene.coordinator)
    means = []
    for scores in ((0, 0), (), (-1, 1)):
        proposal = await make_sent(scene, call=call)
        for reviewer, score in zip(scene.reviewers, scores, strict=False):
            await make_reviewed(scene, proposal, reviewer, {"innovation": score})
        page = (await desk.get(f"/proposals/{proposal.id}/assignments")).json()
        assert page["spread"]["review_count"] == len(scores)
        means.append(page["spread"]["mean_score"])
        assert sorted(i["total"] for i in page["items"]) == sorted(scores)
    assert means == [0.0, None, 0.0]
    theirs = await sit(scene, client, scene.reviewers[0])
    totals = [i["mine_total"] for i in (await theirs.get("/reviews")).json()["items"]]
    assert totals == [0, -1]


async def test_c13_the_own_total_is_the_own_and_leaves_independent_criteria_out(
    client, session, scene
):
    call = await make_call(session)
    criteria = [dict(c) for c in call.rubric["criteria"][:2]]
    criteria[1]["independent"] = True
    call.rubric = {**call.rubric, "criteria": criteria}
    await session.flush()
    proposal = await make_sent(scene, call=call)
    for reviewer, score in zip(scene.reviewers[1:3], (3, 5), strict=True):
        await make_reviewed(scene, proposal, reviewer, {"innovation": score, "feasibility": 1})
    mine = await make_assigned(scene, proposal, scene.reviewers[0])
    theirs = await sit(scene, client, scene.reviewers[0])
    item = (await theirs.get("/reviews")).json()["items"][0]
    assert (item["mine_total"], item["review"]) == (None, None)
    sent = body(scores={"innovation": 4, "feasibility": 1})
    assert (await theirs.put(f"/reviews/{mine.id}", sent, 0)).status_code == 204
    assert (await theirs.get("/reviews")).json()["items"][0]["mine_total"] == 4
    desk = await sit(scene, client, scene.coordinator)
    spread = (await desk.get(f"/proposals/{proposal.id}/assignments")).json()["spread"]
    assert (spread["mean_score"], spread["review_count"]) == (4.0, 2)


async def test_the_total_of_the_list_is_the_total_of_the_pages(session, scene):
    asked = rubric.read(scene.call.rubric)
    assert rubric.total(asked, FULL) == 20
    assert rubric.total(asked, {**FULL, "team": None}) is None
    assert rubric.total(asked, None) is None
    assert rubric.total(asked, dict.fromkeys(FULL, 0)) == 0


async def test_c77_nothing_of_others_shows_before_the_own_review(client, here):
    for number in (1, 2):
        await make_reviewed(
            here, here.proposal, here.reviewers[number], for_applicants=f"别人的意见{number}"
        )
    got = await here.theirs.get(here.url)
    page = msgspec.json.decode(got.content, type=ReviewPage, strict=True)
    assert page.others is None
    listed = await here.theirs.get("/reviews")
    for text in (got.text, listed.text):
        assert not any(w in text for w in ("别人的意见", "专家1", "专家2", '"mean', "review_count"))
    before = got.headers.get("etag")
    await here.theirs.put(here.url, body(), 0)
    await here.theirs.post("/reviews/submit", {"assignment_ids": [str(here.assignment.id)]})
    after = await here.theirs.get(here.url)
    others = after.json()["others"]
    assert sorted(o["for_applicants"] for o in others) == ["别人的意见1", "别人的意见2"]
    assert len({o["label"] for o in others}) == 2
    assert {o["label"] for o in others} < {"A", "B", "C"}
    assert [o["label"] for o in others] == sorted(o["label"] for o in others)
    assert "写给协调员" not in after.text
    assert not any(name in after.text for name in ("专家1", "专家2"))
    assert before is None or before != after.headers.get("etag")


async def test_c79_own_proposal_is_absent_and_explained(client, session, here):
    session.add(
        Member(proposal_id=here.proposal.id, person_id=here.reviewer.id, institution_id=here.a.id)
    )
    await session.flush()
    await access.refresh(session, here.proposal.id)
    listed = (await here.theirs.get("/reviews")).json()
    assert (listed["items"], listed["pledge_needed"], listed["due_at"]) == ([], False, None)
    for path in (here.url, f"/proposals/{here.proposal.id}/assignments"):
        got = await here.theirs.get(path)
        assert (got.status_code, got.json()["code"]) == (403, "reviews.coi_own_proposal")
        assert "参加了这份申报书" in got.json()["detail"]
    sent = await here.theirs.put(here.url, body(), 0)
    assert (sent.status_code, sent.json()["code"]) == (403, "reviews.coi_own_proposal")
    unknown = await here.theirs.get(f"/reviews/{here.proposal.id}")
    stranger = await sit(here, client, here.reviewers[1])
    other = await stranger.get(here.url)
    assert (unknown.status_code, other.status_code) == (404, 404)
    assert unknown.content == other.content
    hidden = await stranger.get(f"/proposals/{here.proposal.id}/assignments")
    assert hidden.status_code == 404


async def test_declining_and_declaring_close_the_proposal(client, session, scene):
    theirs = await sit(scene, client, scene.reviewers[0])
    first = await make_assigned(scene, await make_sent(scene), scene.reviewers[0], "asked")
    second = await make_assigned(scene, await make_sent(scene), scene.reviewers[0])
    third = await make_reviewed(scene, await make_sent(scene), scene.reviewers[0])
    got = await theirs.post(f"/assignments/{first.id}/decline", {"reason": ""})
    assert got.json()["errors"][0]["field"] == "reason"
    assert (
        await theirs.post(f"/assignments/{first.id}/decline", {"reason": "出差"})
    ).status_code == 204
    got = await theirs.post(
        f"/assignments/{second.id}/conflict", {"note": "与牵头人合作申请过项目"}
    )
    assert got.status_code == 204, got.text
    got = await theirs.post(f"/assignments/{third.id}/decline", {"reason": "出差"})
    assert (got.status_code, got.json()["code"]) == (409, "reviews.final")
    got = await theirs.post(f"/assignments/{third.id}/conflict", {"note": "与参与人是亲属"})
    assert got.status_code == 204
    assert (await theirs.get("/reviews")).json()["items"] == []
    assert (await theirs.get(f"/reviews/{second.id}")).status_code == 404
    assert (await theirs.get(f"/reviews/{third.id}")).json()["code"] == "reviews.suspended"
    assert await session.scalar(select(func.count()).select_from(Tie)) == 2
    desk = await sit(scene, client, scene.coordinator)
    page = (await desk.get(f"/proposals/{second.proposal_id}/assignments")).json()
    mine = next(c for c in page["candidates"] if c["person"]["name"] == "专家0")
    assert [c["rule"] for c in mine["conflicts"]] == ["declared_tie"]
    again = await desk.post(
        f"/proposals/{second.proposal_id}/assignments",
        {"reviewer_id": str(scene.reviewers[0].id)},
    )
    assert again.json()["code"] == "reviews.conflict_declared_tie"


async def test_one_page_accepts_all_with_one_pledge_or_none(client, session, scene):
    reviewer = scene.reviewers[0]
    theirs = await sit(scene, client, reviewer)
    asked = [
        await make_assigned(scene, await make_sent(scene), reviewer, "asked") for _ in range(3)
    ]
    session.add(Tie(proposal_id=asked[2].proposal_id, person_id=reviewer.id))
    await session.flush()
    ids = [str(a.id) for a in asked]
    got = await theirs.post("/reviews/accept", {"assignment_ids": ids, "pledge": True})
    assert (got.status_code, got.json()["code"]) == (409, "reviews.conflict_found")
    assert [e["field"] for e in got.json()["errors"]] == [f"assignment_ids.{ids[2]}"]
    accepted = select(func.count()).select_from(Assignment).where(Assignment.state == "accepted")
    assert await session.scalar(accepted) == 0
    for _ in range(2):
        got = await theirs.post("/reviews/accept", {"assignment_ids": ids[:2], "pledge": True})
        assert got.status_code == 200
    assert await session.scalar(accepted) == 2
    foreign = await make_assigned(scene, await make_sent(scene), scene.reviewers[1], "asked")
    got = await theirs.post(
        "/reviews/accept", {"assignment_ids": [str(foreign.id)], "pledge": True}
    )
    assert got.status_code == 404
    got = await theirs.post("/reviews/accept", {"assignment_ids": [], "pledge": True})
    assert got.json()["errors"][0]["field"] == "assignment_ids"


async def test_reviewers_read_what_the_form_shows_them_and_nothing_after_the_end(
    client, session, here
):
    page = (await here.theirs.get(here.url)).json()
    assert page["proposal"]["answers"]["summary"] == "摘要文字"
    assert page["proposal"]["version"] == 1
    assert page["proposal"]["people"][0]["person"]["name"] == "牵头人"
    assert page["proposal"]["participations"][0]["contributions"][0]["amount"] == "800000.00"
    assert "email" not in str(page["proposal"]["people"])
    assert set(page["can"]) == {"review.write", "review.submit", "assignment.answer"}
    here.proposal.state = "decision_pending"
    await session.flush()
    got = await here.theirs.get(here.url)
    assert (got.status_code, got.json()["code"]) == (403, "reviews.closed")
    assert (await here.theirs.get("/reviews")).json()["items"] == []


async def test_a_coordinator_who_reviews_sees_others_after_the_own_review(client, session, here):
    from lianyan.identity.models import PlatformRole  # noqa: PLC0415  for this test alone

    session.add(PlatformRole(person_id=here.reviewer.id, role="coordinator"))
    await session.flush()
    await make_reviewed(here, here.proposal, here.reviewers[1])
    for path in ("assignments", "decision"):
        got = await here.theirs.get(f"/proposals/{here.proposal.id}/{path}")
        assert (got.status_code, got.json()["code"]) == (403, "reviews.own_first")
    await here.theirs.put(here.url, body(), 0)
    await here.theirs.post("/reviews/submit", {"assignment_ids": [str(here.assignment.id)]})
    got = await here.theirs.get(f"/proposals/{here.proposal.id}/assignments")
    assert got.status_code == 200


async def test_an_invited_session_reviews_nothing(client, session, here):
    headers = await login(session, here.reviewer, scope=here.proposal.id)
    scoped = Browser(client, headers)
    assert (await scoped.get("/reviews")).json()["items"] == []
    assert (await scoped.get(here.url)).status_code == 404
    assert (await client.get("/api/reviews")).status_code == 401
