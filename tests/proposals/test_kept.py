"""What lists keep of a proposal follows each act that changes it, in the act's own transaction."""

from datetime import timedelta

from sqlalchemy import text

from lianyan.proposals import access, kept
from lianyan.proposals.derived import Turn
from lianyan.proposals.states import State
from makers import now
from proposals.desk_world import make_at, sit
from reviews import scenes


async def turn_of(session, proposal):
    return await session.get(Turn, proposal.id, populate_existing=True)


async def counts_of(session, proposal):
    return [int(n) for n in (await turn_of(session, proposal)).counts.split(",")]


async def rev_of(session, proposal):
    await session.refresh(proposal)
    return proposal.rev


async def test_each_answer_of_the_check_counts(w, desk, session):
    proposal = await make_at(w, State.FORMAL_CHECK)
    for n, item in enumerate(
        ("in_scope", "no_duplicate", "ethics_answered", "no_secret_matter"), start=1
    ):
        got = await desk.act(
            "PUT", f"/api/proposals/{proposal.id}/check/{item}", 0, {"verdict": "ok"}
        )
        assert got.status_code == 200, got.text
        assert (await counts_of(session, proposal))[4] == 4 - n
        assert await access.differences(session) == []
    assert "check" not in (await turn_of(session, proposal)).codes


async def test_a_later_date_moves_the_row(w, desk, session):
    proposal = await make_at(w, State.CONSENT_PENDING)
    until = now() + timedelta(days=30)
    body = {"until": until.isoformat(), "reason": "节日"}
    got = await desk.act("POST", f"/api/proposals/{proposal.id}/extend", proposal.rev, body)
    assert got.status_code == 200, got.text
    assert (await turn_of(session, proposal)).due == until
    part = await session.scalar(text("select id from participations where proposal_id = :p and role <> 'lead'"), {"p": proposal.id})  # fmt: skip
    body = {
        "until": (until + timedelta(days=1)).isoformat(),
        "reason": "再等等",
        "participation_id": str(part),
    }
    rev = await rev_of(session, proposal)
    got = await desk.act("POST", f"/api/proposals/{proposal.id}/extend", rev, body)
    assert got.status_code == 200, got.text
    assert (await turn_of(session, proposal)).open_until == until + timedelta(days=1)
    assert await access.differences(session) == []


async def test_reviews_and_the_decision_pass_the_turn_on(client, session):
    scene = await scenes.make_scene(session)
    proposal = await scenes.make_sent(scene, "peer_review")
    desk, bench = [await scenes.sit(scene, client, p) for p in (scene.coordinator, scene.approver)]
    said = []

    async def look():
        assert await access.differences(session) == []
        row = await turn_of(session, proposal)
        said.append((row.who, row.act, (await counts_of(session, proposal))[5:7]))

    asked = []
    for reviewer in scene.reviewers[:2]:
        theirs = await scenes.sit(scene, client, reviewer)
        made = await scenes.make_assigned(scene, proposal, reviewer)
        await theirs.put(f"/reviews/{made.id}", scenes.body(), 0)
        asked.append((theirs, str(made.id)))
    await look()
    for theirs, id_ in asked:
        got = await theirs.post("/reviews/submit", {"assignment_ids": [id_]})
        assert got.status_code == 200, got.text
        await look()
    finished = await desk.post(
        f"/proposals/{proposal.id}/finish", {}, rev=await rev_of(session, proposal)
    )
    assert finished.status_code == 200, finished.text
    await look()
    url = f"/proposals/{proposal.id}/decision"
    draft = (await desk.put(url, {"kind": "approve", "letter": "可", "note": ""}, 0)).json()
    await look()
    back = (
        await bench.post(f"/decisions/{draft['id']}/send_back", {"note": "再写"}, rev=draft["rev"])
    ).json()
    await look()
    again = (
        await desk.put(url, {"kind": "approve", "letter": "可以", "note": ""}, back["rev"])
    ).json()
    await look()
    await bench.post(f"/decisions/{draft['id']}/sign", rev=again["rev"])
    await look()
    release = (await desk.post("/release", {"decision_ids": [draft["id"]]})).json()
    await look()
    taken = await desk.post(f"/release/{release['id']}/take_back")
    assert taken.status_code < 300, taken.text
    await look()
    assert said == [
        ("reviewers", None, [2, 0]), ("reviewers", None, [2, 1]), ("coordinator", "finish", [2, 2]),
        ("coordinator", "draft", [0, 0]), ("approver", None, [0, 0]), ("coordinator", "revise", [0, 0]), ("approver", None, [0, 0]),
        ("coordinator", "release", [0, 0]), ("release", None, [0, 0]), ("coordinator", "release", [0, 0]),
    ]  # fmt: skip


async def test_an_officers_answers_pass_the_turn_on(w, client, session):
    proposal = await make_at(w, State.CONSENT_PENDING)
    officers = {
        w.a.id: await sit(w, client, w.officer_a),
        w.b.id: await sit(w, client, w.officer_b),
    }
    rows = await session.execute(
        text(
            "select id, rev, institution_id, role from participations where proposal_id = :p order by position"
        ),
        {"p": proposal.id},
    )
    parts = {row.role: row for row in rows}
    partner, lead = parts["participating"], parts["lead"]
    seen = [(await counts_of(session, proposal))[:4]]
    got = await officers[w.b.id].act(
        "POST",
        f"/api/participations/{partner.id}/return",
        partner.rev,
        {"comments": {"overall": "改"}},
    )
    assert got.status_code == 200, got.text
    seen.append((await counts_of(session, proposal))[:4])
    assert (await turn_of(session, proposal)).who == "lead"
    assert await access.differences(session) == []
    scope = (await officers[w.a.id].get(f"/api/participations/{lead.id}")).json()["scope_hash"]
    got = await officers[w.a.id].client.post(
        f"/api/participations/{lead.id}/confirm",
        json={"scope_hash": scope},
        headers=officers[w.a.id].headers,
    )
    assert got.status_code == 200, got.text
    seen.append((await counts_of(session, proposal))[:4])
    assert await access.differences(session) == []
    assert seen == [[2, 0, 0, 2], [1, 1, 0, 2], [0, 1, 0, 2]]


async def test_a_renamed_institution_has_its_new_name_in_every_list(w, desk, client, session):
    proposal = await make_at(w, State.SUBMITTED)
    got = await desk.act(
        "PATCH", f"/api/institutions/{w.b.id}", w.b.rev, {"name_zh": "改名示例医院"}
    )
    assert got.status_code == 200, got.text
    row = (await desk.get("/api/desk")).json()["items"][0]
    assert row["partners"][0]["name"]["zh"] == "改名示例医院"
    mine = await sit(w, client, w.lead)
    assert "改名示例医院" in (await mine.get("/api/proposals")).text
    assert await access.differences(session) == []
    assert str(proposal.id) == row["id"]


async def test_what_is_kept_wrong_is_found_and_put_right(w, session):
    proposal = await make_at(w, State.SUBMITTED)
    for wrong in (
        "update turns set waits = 'others'", "update turns set counts = '9'", "update turns set barred = '{}'", "delete from turns",
        "update proposals set parties = '{}'", "update access set due = null",
    ):  # fmt: skip
        await session.execute(text(wrong))
        found = await access.differences(session)
        assert {of for of, _ in found} == {proposal.id}, wrong
        await access.refresh(session, proposal.id)
        assert await access.differences(session) == []


async def test_proposals_of_before_are_filled_in(w, session):
    await make_at(w, State.SUBMITTED)
    await make_at(w, State.DRAFT)
    for column in ("proposals set parties = default", "access set due = null"):
        await session.execute(text(f"update {column}"))
    await session.execute(text("delete from turns"))
    await kept.complete(session)
    assert await access.differences(session) == []
