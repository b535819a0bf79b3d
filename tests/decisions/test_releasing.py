"""A release: what the page shows is what happens, ten minutes later, once; until then nothing shows."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, select, text, update

from lianyan.core.events import Event
from lianyan.core.jobs import HANDLERS
from lianyan.core.jobs_schema import Job
from lianyan.core.messages import Message
from lianyan.decisions.models import Decision, Release
from lianyan.decisions.queries import released, signed
from lianyan.decisions.releases import carry_out
from lianyan.decisions.schemas import Letters, ReleasedDecision, ReleasePage
from lianyan.identity.models import Officer
from lianyan.projects.models import Project
from lianyan.proposals.models import Moved, Version
from lianyan.reviews import rubric
from makers import key, make_person
from reviews.scenes import make_reviewed, make_scene, make_sent, sit

LONG_AGO = text("timestamptz '2020-01-01 00:00+00'")


@pytest.fixture
async def scene(client, session):
    scene = await make_scene(session)
    scene.desk = await sit(scene, client, scene.coordinator)
    scene.bench = await sit(scene, client, scene.approver)
    return scene


async def decided(scene, kind="approve", *, sign=True, proposal=None, **values):
    """Make a proposal with two reviews and a decision, drafted and signed by the real commands."""
    proposal = proposal or await make_sent(scene, "decision_pending")
    for reviewer in scene.reviewers[:2]:
        await make_reviewed(scene, proposal, reviewer)
    body = {"kind": kind, "letter": f"结论文字{kind}", "note": "内部备注MARK", **values}
    made = (await scene.desk.put(f"/proposals/{proposal.id}/decision", body, 0)).json()
    if sign:
        got = await scene.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
        assert got.status_code == 200, got.text
    return proposal, made["id"]


async def ordered(scene, *ids):
    got = await scene.desk.post("/release", {"decision_ids": list(ids)})
    assert got.status_code == 201, got.text
    return UUID(got.json()["id"])


async def be_due(session, release_id):
    await session.execute(update(Release).where(Release.id == release_id).values(due_at=LONG_AGO))


async def letters_in(session):
    rows = await session.execute(
        select(Message.person_id, Message.template, Message.proposal_id).where(
            Message.template.in_(["letter_approved", "letter_rejected"])
        )
    )
    return sorted(tuple(str(v) for v in row) for row in rows)


async def test_the_preview_is_the_outcome(client, session, scene):
    """The letters listed before are the messages after, to the person; so are states and projects."""
    both = await make_person(session, "兼任", institution=scene.b)
    session.add(Officer(institution_id=scene.b.id, person_id=both.id, deputy=True))
    session.add(Officer(institution_id=scene.a.id, person_id=scene.lead.id))
    await session.flush()
    yes, yes_id = await decided(scene)
    no, no_id = await decided(scene, "reject")
    unsigned, _ = await decided(scene, sign=False)
    got = await scene.desk.get("/release")
    page = msgspec.json.decode(got.content, type=ReleasePage, strict=True)
    assert [str(r.decision_id) for r in page.ready] == [yes_id, no_id]
    assert [(o.proposal.id, o.why) for o in page.left_out] == [
        (unsigned.id, "decisions.why_not_signed")
    ]
    expected = sorted(
        (
            str(recipient.person.id),
            "letter_approved" if row.kind == "approve" else "letter_rejected",
            str(row.proposal.id),
        )
        for row in page.ready
        for recipient in row.recipients
    )
    assert page.effects.letters == len(expected) == 8
    assert (page.effects.states, page.effects.projects) == (2, 1)
    assert [r.as_ for r in page.ready[0].recipients] == ["lead", "officer", "officer", "officer"]
    shown = []
    for row in page.ready:
        got = await scene.desk.get("/release/letters", decision=str(row.decision_id))
        sent = msgspec.json.decode(got.content, type=Letters, strict=True)
        shown += [(str(x.person_id), x.template, str(row.proposal.id)) for x in sent.items]
    assert sorted(shown) == expected
    release = await ordered(scene, yes_id, no_id)
    assert await letters_in(session) == []
    assert (yes.state, no.state) == ("decision_pending", "decision_pending")
    await be_due(session, release)
    await carry_out(session, release)
    assert await letters_in(session) == expected
    assert (yes.state, no.state, unsigned.state) == ("approved", "rejected", "decision_pending")
    assert await session.scalar(select(func.count()).select_from(Project)) == 1
    await carry_out(session, release)
    assert await letters_in(session) == expected
    moves = await session.scalars(select(Moved.move).order_by(Moved.id))
    assert moves.all() == ["approve", "reject"]
    after = (await scene.desk.get("/release")).json()
    assert (after["ready"], after["running"]) == ([], None)
    assert [(r["count"], r["taken_back"]) for r in after["recent"]] == [(2, False)]


async def test_c21_a_signed_rejection_rejects_with_both_names_in_the_record(session, scene):
    proposal, decision = await decided(scene, "reject")
    release = await ordered(scene, decision)
    await be_due(session, release)
    await carry_out(session, release)
    assert proposal.state == "rejected"
    data = await session.scalar(select(Event.data).where(Event.kind == "decision.released"))
    assert data["drafted_by"] == str(scene.coordinator.id)
    assert data["signed_by"] == str(scene.approver.id)
    assert {template for _, template, _ in await letters_in(session)} == {"letter_rejected"}
    params = await session.scalar(select(Message.params).where(Message.person_id == scene.lead.id))
    assert "结论文字" not in str(params)


async def test_a_held_release_is_taken_back_whole(client, session, scene):
    first, second = [await decided(scene), await decided(scene, "reject")]
    release = await ordered(scene, first[1], second[1])
    page = (await scene.desk.get("/release")).json()
    assert (page["running"]["count"], page["running"]["letters"]) == (2, 6)
    assert page["can"] == ["release.take_back"]
    again = await scene.desk.post("/release", {"decision_ids": [first[1]]})
    assert again.json()["errors"][0]["code"] == "decisions.scheduled_already"
    back = await scene.bench.post(f"/release/{release}/take_back")
    assert back.status_code == 403
    other = await sit(scene, client, scene.stand_in)
    assert (await other.post(f"/release/{release}/take_back")).status_code == 204
    assert (await other.post(f"/release/{release}/take_back")).status_code == 204
    assert (await scene.desk.post(f"/release/{release}/take_back")).json()["code"] == (
        "decisions.release_over"
    )
    states = await session.scalars(select(Decision.state))
    assert states.all() == ["signed", "signed"]
    await be_due(session, release)
    await carry_out(session, release)
    assert first[0].state == "decision_pending"
    assert await letters_in(session) == []
    page = (await scene.desk.get("/release")).json()
    assert len(page["ready"]) == 2
    assert [(r["count"], r["taken_back"]) for r in page["recent"]] == [(2, True)]
    assert await ordered(scene, first[1]) != release


async def test_after_the_hold_nothing_is_taken_back(session, scene):
    _, decision = await decided(scene)
    release = await ordered(scene, decision)
    await be_due(session, release)
    got = await scene.desk.post(f"/release/{release}/take_back")
    assert (got.status_code, got.json()["code"]) == (409, "decisions.too_late_to_take_back")
    await carry_out(session, release)
    got = await scene.desk.post(f"/release/{release}/take_back")
    assert got.status_code in {404, 409}


async def test_the_job_carries_out_what_was_ordered(session, scene):
    proposal, decision = await decided(scene)
    release = await ordered(scene, decision)
    job = (await session.scalars(select(Job).where(Job.kind == "release.carry_out"))).one()
    due = await session.scalar(select(Release.due_at))
    assert (job.run_at, job.payload) == (due, {"release": str(release)})
    await HANDLERS[job.kind](session, job.payload)
    assert proposal.state == "decision_pending"
    await be_due(session, release)
    await HANDLERS[job.kind](session, job.payload)
    assert proposal.state == "approved"


async def test_the_next_write_carries_out_a_due_release(session, scene):
    """Without the worker, whoever next writes to one of its proposals finds all of them moved."""
    first, one = await decided(scene)
    second, two = await decided(scene, "reject")
    release = await ordered(scene, one, two)
    await be_due(session, release)
    assert second.state == "decision_pending"
    got = await scene.desk.put(
        f"/proposals/{first.id}/decision", {"kind": "reject", "letter": "太晚"}, 0
    )
    assert (got.status_code, got.json()["code"]) == (409, "decisions.not_pending")
    for proposal in (first, second):
        await session.refresh(proposal)
    assert (first.state, second.state) == ("approved", "rejected"), (
        "the refusal undoes nothing else"
    )


async def test_only_ready_decisions_of_ones_own_are_released(client, session, scene):
    _, ready = await decided(scene)
    _, unsigned = await decided(scene, sign=False)
    stale, old = await decided(scene)
    version = Version(
        proposal_id=stale.id, number=2, document={}, sha256=b"2", made_by=scene.lead.id
    )
    session.add(version)
    await session.flush()
    stale.version_id = version.id
    await session.flush()
    got = await scene.desk.post("/release", {"decision_ids": [ready, unsigned, old]})
    assert (got.status_code, got.json()["code"]) == (409, "decisions.not_ready")
    why = {e["field"].partition(".")[2]: e["code"] for e in got.json()["errors"]}
    assert why == {unsigned: "decisions.not_signed", old: "decisions.stale"}
    assert await session.scalar(select(func.count()).select_from(Release)) == 0
    page = (await scene.desk.get("/release")).json()
    assert {o["why"] for o in page["left_out"]} == {"decisions.why_not_signed", "decisions.stale"}
    theirs = await sit(scene, client, scene.desk_a)
    got = await theirs.post("/release", {"decision_ids": [ready]})
    assert (got.status_code, got.json()["code"]) == (403, "problems.coi_employer")
    nobody = await scene.desk.post("/release", {"decision_ids": [str(stale.id)]})
    assert nobody.status_code == 404
    empty = await scene.desk.post("/release", {"decision_ids": []})
    assert empty.json()["errors"][0]["field"] == "decision_ids"


async def test_what_is_not_yours_names_the_stand_in_and_nothing_else(client, session, scene):
    proposal, _ = await decided(scene)
    waiting = await make_sent(scene)
    theirs = await sit(scene, client, scene.desk_a)
    got = await theirs.get("/release")
    page = got.json()
    assert (page["ready"], page["left_out"]) == ([], [])
    # In review and awaiting its decision look alike to whoever may not handle it.
    assert {o["proposal"]["id"] for o in page["not_yours"]} == {str(proposal.id), str(waiting.id)}
    assert {o["stand_in"]["name"] for o in page["not_yours"]} == {"协调员"}
    assert "MARK" not in got.text
    assert "approve" not in got.text.replace('"letters_approve":0', "")


async def test_a_retried_order_is_one_release(client, session, scene):
    _, decision = await decided(scene)
    headers = scene.desk.headers | key()
    body = {"decision_ids": [decision]}
    answers = [await client.post("/api/release", json=body, headers=headers) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert await session.scalar(select(func.count()).select_from(Release)) == 1


async def test_c23_applicants_see_nothing_before_the_release(client, session, scene):
    """Each page, filter, list and register of an applicant: byte for byte as before the draft."""
    proposal = await make_sent(scene, "decision_pending")
    reading = await sit(scene, client, scene.lead)
    paths = [
        f"/proposals/{proposal.id}",
        f"/proposals/{proposal.id}/decision",
        "/proposals",
        "/proposals?shown=approved",
        "/projects",
        "/tasks",
        "/ledger",
    ]

    async def seen():
        got = [await client.get(f"/api{path}", headers=reading.headers) for path in paths]
        return [(g.status_code, settled(g), g.headers.get("etag")) for g in got]

    before = await seen()
    _, decision = await decided(scene, proposal=proposal)
    drafted = await seen()
    release = await ordered(scene, decision)
    held = await seen()
    assert before == drafted == held
    await be_due(session, release)
    await carry_out(session, release)
    after = await seen()
    assert after != held
    assert before[0][1]["decision"] is None
    assert after[0][1]["decision"]["kind"] == "approve"
    assert [r["label"] for r in after[0][1]["decision"]["reviews"]] == ["A", "B"]
    assert "MARK" not in str(after)
    register = (await client.get("/api/projects")).json()
    assert [p["number"] for p in register["items"]] == [proposal.number]


def settled(answer):
    """Return an answer's content without the time it was given at."""
    found = answer.json()
    if isinstance(found, dict):
        found.pop("now", None)
    return found


async def test_applicants_read_the_letter_and_the_reviews_without_names(session, scene):
    proposal, decision = await decided(scene, granted_months=18, granted_fen=30_000_000)
    wanted = text(f"select {released('p')} from proposals p where p.id = '{proposal.id}'")
    assert await session.scalar(wanted) is None
    release = await ordered(scene, decision)
    assert await session.scalar(wanted) is None
    await be_due(session, release)
    await carry_out(session, release)
    found = msgspec.convert(await session.scalar(wanted), ReleasedDecision, strict=False)
    assert (found.applied_months, found.granted_months) == (24, 18)
    assert (found.applied_fen, found.granted_fen) == (80_000_000, 30_000_000)
    assert [r.label for r in found.reviews] == ["A", "B"]
    assert found.letter == "结论文字approve"
    assert "MARK" not in str(found)
    rows = await session.execute(
        text(
            "select a.id, r.for_applicants from assignments a join reviews r on r.assignment_id = a.id"
        )
    )
    ids = [row.id for row in rows]
    assert set(rubric.labels(proposal.id, ids).values()) == {"A", "B"}
    assert await signed(session, proposal.id)


async def test_labels_in_sql_are_labels_in_python(session, scene):
    proposal = await make_sent(scene, "decision_pending")
    texts = {}
    for number, reviewer in enumerate(scene.reviewers):
        made = await make_reviewed(scene, proposal, reviewer, for_applicants=f"意见{number}")
        texts[made.id] = f"意见{number}"
    desk, bench = scene.desk, scene.bench
    made = (
        await desk.put(f"/proposals/{proposal.id}/decision", {"kind": "reject", "letter": "x"}, 0)
    ).json()
    await bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
    release = await ordered(scene, made["id"])
    await be_due(session, release)
    await carry_out(session, release)
    wanted = text(f"select {released('p')} from proposals p where p.id = '{proposal.id}'")
    found = await session.scalar(wanted)
    labels = rubric.labels(proposal.id, list(texts))
    assert {r["label"]: r["for_applicants"] for r in found["reviews"]} == {
        labels[assignment]: said for assignment, said in texts.items()
    }
    # The order of asking does not show: over eight reviewers it is all but never the labels' own.
    assert [r["label"] for r in found["reviews"]] == list("ABCDEFGH")


async def test_c99_letter_and_project_show_what_is_granted_beside_what_was_applied_for(
    client, session, scene
):
    proposal, decision = await decided(scene, granted_months=18, granted_fen=30_000_001)
    got = (await scene.desk.get("/release/letters", decision=decision)).json()["items"][0]
    assert "申请 24 个月，批准 18 个月" in got["body"]["zh"]
    assert "申请 80 万元，批准 30.000001 万元" in got["body"]["zh"]
    assert "24 months applied for, 18 months granted" in got["body"]["en"]
    assert "CNY 800,000.00 applied for, CNY 300,000.01 granted" in got["body"]["en"]
    assert got["subject"]["zh"] == f"[{proposal.number}] 批准立项：示例题目"
    release = await ordered(scene, decision)
    await be_due(session, release)
    await carry_out(session, release)
    project = (await session.scalars(select(Project))).one()
    assert (project.granted_months, project.granted_fen) == (18, 30_000_001)
    assert (str(project.starts_on), str(project.ends_on)) == ("2027-03-01", "2028-08-31")
    params = await session.scalar(select(Message.params).where(Message.person_id == scene.lead.id))
    assert (params["applied_months"], params["granted_months"]) == (24, 18)


async def test_letters_are_only_for_those_who_may_release(client, session, scene):
    _, decision = await decided(scene)
    for person, status in (
        (scene.lead, 403),
        (scene.officer_b, 403),
        (scene.desk_a, 403),
        (scene.approver, 403),
    ):
        theirs = await sit(scene, client, person)
        got = await theirs.get("/release/letters", decision=decision)
        assert got.status_code == status
    assert (await scene.desk.get("/release/letters", decision="x")).status_code == 400


def test_the_worker_knows_the_job_and_who_is_told(tmp_path):
    """A process that loads no routes can carry a release out and tell people of it."""
    code = (
        "from lianyan.cli.work import know_jobs; know_jobs()\n"
        "from lianyan.core.events import FOLLOWERS\n"
        "from lianyan.core.jobs import HANDLERS\n"
        "assert 'release.carry_out' in HANDLERS\n"
        "assert FOLLOWERS['release.done']\n"
    )
    backend = str(Path(__file__).parents[2] / "backend")
    found = subprocess.run([sys.executable, "-c", code], cwd=backend, check=False, timeout=60)
    assert found.returncode == 0
