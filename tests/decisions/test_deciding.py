"""A decision is drafted by one person and signed by another, on one content; it binds nobody before."""

import msgspec
import pytest
from sqlalchemy import func, select, text, update

from lianyan.decisions.commands import cancel
from lianyan.decisions.models import Decision
from lianyan.decisions.schemas import DecideList, DecisionPage
from lianyan.identity.models import PlatformRole
from lianyan.proposals import access
from lianyan.proposals.models import Member, Tie, Version
from reviews.scenes import make_reviewed, make_scene, make_sent, sit

APPROVE = {"kind": "approve", "letter": "请在任务书中写明样本。", "note": "内部备注MARK"}
REJECT = {"kind": "reject", "letter": "问题选取尚不明确。"}


@pytest.fixture
async def scene(session):
    return await make_scene(session)


@pytest.fixture
async def here(client, scene):
    """A proposal that waits for its decision, and the browsers of those who handle it."""
    scene.proposal = await make_sent(scene, "decision_pending")
    for reviewer in scene.reviewers[:2]:
        await make_reviewed(scene, scene.proposal, reviewer)
    scene.url = f"/proposals/{scene.proposal.id}/decision"
    scene.desk = await sit(scene, client, scene.coordinator)
    scene.bench = await sit(scene, client, scene.approver)
    return scene


async def drafted(here, body=APPROVE):
    got = await here.desk.put(here.url, body, 0)
    assert got.status_code == 200, got.text
    return got.json()


async def test_a_decision_goes_from_draft_to_signature(client, session, here):
    empty = (await here.desk.get(here.url)).json()
    assert (empty["decision"], empty["can"]) == (None, ["decision.draft"])
    assert empty["applied"] == {"months": 24, "fen": 80_000_000}
    made = await drafted(here)
    got = await here.bench.get(here.url)
    page = msgspec.json.decode(got.content, type=DecisionPage, strict=True)
    assert page.can == ["decision.sign", "decision.send_back"]
    assert [r.label for r in page.reviews] == ["A", "B"]
    assert (page.mean, page.review_count) == (20.0, 2)
    assert not any(name in got.text for name in ("专家0", "专家1"))
    approvers = {a.person.name: [c.rule for c in a.conflicts] for a in page.approvers}
    assert approvers == {"批准人": [], "批准人二": [], "甲批准人": ["employer"]}
    signed = await here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
    assert signed.status_code == 200, signed.text
    again = await here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
    assert (again.status_code, again.json()) == (200, signed.json())
    events = await session.scalars(
        text(
            "select kind from events where subject_id = :d and kind <> 'decision.read' order by id"
        ),
        {"d": made["id"]},
    )
    assert events.all() == ["decision.drafted", "decision.signed"]
    edit = await here.desk.put(here.url, REJECT, signed.json()["rev"])
    assert (edit.status_code, edit.json()["code"]) == (409, "decisions.signed_already")
    retry = await here.desk.put(here.url, APPROVE, 0)
    assert (retry.status_code, retry.json()) == (200, signed.json())


async def test_two_persons_and_never_any_author(client, session, here):
    """Whoever wrote any part of it does not sign, be they coordinator and approver at once."""
    session.add(PlatformRole(person_id=here.coordinator.id, role="approver"))
    session.add(PlatformRole(person_id=here.stand_in.id, role="approver"))
    await session.flush()
    made = await drafted(here)
    second = await sit(here, client, here.stand_in)
    changed = (await second.put(here.url, REJECT, made["rev"])).json()
    for author in (here.desk, second):
        got = await author.post(f"/decisions/{made['id']}/sign", rev=changed["rev"])
        assert (got.status_code, got.json()["code"]) == (403, "decisions.own_draft")
    listed = (await here.desk.get("/decide")).json()
    assert [i["why"] for i in listed["items"]] == ["decisions.own_draft"]
    assert (await here.bench.get("/decide")).json()["items"][0]["why"] is None
    got = await here.bench.post(f"/decisions/{made['id']}/sign", rev=changed["rev"])
    assert got.status_code == 200


async def test_an_approver_sends_back_and_the_drafter_revises(here):
    made = await drafted(here)
    blank = await here.bench.post(
        f"/decisions/{made['id']}/send_back", {"note": "\u200b"}, rev=made["rev"]
    )
    assert blank.json()["errors"][0]["field"] == "note"
    back = await here.bench.post(
        f"/decisions/{made['id']}/send_back", {"note": "请补充理由"}, rev=made["rev"]
    )
    assert back.status_code == 200, back.text
    signed = await here.bench.post(f"/decisions/{made['id']}/sign", rev=back.json()["rev"])
    assert (signed.status_code, signed.json()["code"]) == (409, "decisions.sent_back")
    page = (await here.desk.get(here.url)).json()
    assert (page["decision"]["sent_back_note"], page["can"]) == ("请补充理由", ["decision.draft"])
    same = (await here.desk.put(here.url, APPROVE, back.json()["rev"])).json()
    signed = await here.bench.post(f"/decisions/{made['id']}/sign", rev=same["rev"])
    assert signed.status_code == 200
    again = await here.bench.post(
        f"/decisions/{made['id']}/send_back", {"note": "再想一想"}, rev=signed.json()["rev"]
    )
    assert again.status_code == 200
    record = (await here.desk.get(here.url)).json()["decision"]
    assert (record["state"], record["signed_by"]) == ("drafted", None)


async def test_nobody_overwrites_a_draft_unseen(client, here):
    made = await drafted(here)
    other = await sit(here, client, here.stand_in)
    got = await other.put(here.url, REJECT, 0)
    assert got.status_code == 412
    assert got.json()["params"]["rev"] == made["rev"]
    assert got.json()["params"]["stored"]["letter"] == APPROVE["letter"]
    stale = await here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"] + 1)
    assert stale.status_code == 412


@pytest.mark.parametrize(
    "change, field",
    [
        ({"letter": " "}, "letter"),
        ({"letter": "字" * 2001}, "letter"),
        ({"note": "a\x00"}, "note"),
        ({"granted_months": 0}, "granted_months"),
        ({"granted_months": 10**12}, "granted_months"),
        ({"granted_fen": -1}, "granted_fen"),
        ({"granted_fen": 10**18}, "granted_fen"),
        ({"kind": "reject", "granted_months": 12}, "granted_months"),
        ({"kind": "maybe"}, None),
        ({"granted_fen": 10**40}, None),
    ],
)
async def test_what_may_not_be_stored_is_refused_by_name(session, here, change, field):
    got = await here.desk.put(here.url, {**APPROVE, **change}, 0)
    assert got.status_code == 400, got.text
    if field:
        assert [e["field"] for e in got.json()["errors"]] == [field]
    assert await session.scalar(select(func.count()).select_from(Decision)) == 0


async def test_c25_without_an_approver_nothing_is_drafted(session, here):
    for person in (here.approver, here.approver_2):
        session.add(Tie(proposal_id=here.proposal.id, person_id=person.id))
    await session.flush()
    await access.refresh(session, here.proposal.id)
    got = await here.desk.put(here.url, APPROVE, 0)
    assert (got.status_code, got.json()["code"]) == (409, "decisions.no_approver")
    assert await session.scalar(select(func.count()).select_from(Decision)) == 0


async def test_c25_a_signature_is_for_one_version(client, session, here):
    """The content changes after the draft: it is saved anew on the present version, then signed."""
    made = await drafted(here)
    version = Version(
        proposal_id=here.proposal.id, number=2, document={}, sha256=b"2", made_by=here.lead.id
    )
    session.add(version)
    await session.flush()
    here.proposal.version_id = version.id
    await session.flush()
    got = await here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
    assert (got.status_code, got.json()["code"]) == (409, "decisions.stale")
    page = (await here.bench.get(here.url)).json()
    assert (page["decision"]["stale"], page["can"]) == (True, ["decision.send_back"])
    assert (await here.bench.get("/decide")).json()["items"][0]["why"] == "decisions.stale"
    again = (await here.desk.put(here.url, APPROVE, made["rev"])).json()
    assert again["rev"] == made["rev"] + 1
    got = await here.bench.post(f"/decisions/{made['id']}/sign", rev=again["rev"])
    assert got.status_code == 200
    assert await session.scalar(select(Decision.version_id)) == version.id


async def test_c25_an_approver_who_takes_part_is_refused_in_words(client, session, here):
    made = await drafted(here)
    session.add(
        Member(proposal_id=here.proposal.id, person_id=here.approver.id, institution_id=here.b.id)
    )
    await session.flush()
    await access.refresh(session, here.proposal.id)
    answers = [
        await here.bench.get(here.url),
        await here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"]),
        await here.bench.post(f"/decisions/{made['id']}/send_back", {"note": "x"}, rev=made["rev"]),
    ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {
        (403, "decisions.coi_own_proposal")
    }
    assert (await here.bench.get("/decide")).json()["items"] == []
    employed = await sit(here, client, here.approver_a)
    assert (await employed.get(here.url)).status_code == 404
    assert (await employed.post(f"/decisions/{made['id']}/sign", rev=1)).status_code == 404
    assert (await employed.get("/decide")).json()["items"] == []


async def test_who_does_not_handle_learns_nothing(client, here):
    made = await drafted(here)
    for person in (here.lead, here.officer_a, here.outsider, here.reviewers[0], here.desk_a):
        browser = await sit(here, client, person)
        for got in (
            await browser.get(here.url),
            await browser.put(here.url, REJECT, 1),
            await browser.post(f"/decisions/{made['id']}/sign", rev=1),
        ):
            assert got.status_code in {403, 404}
            assert "MARK" not in got.text
        for path in ("/decide", "/release"):
            assert (await browser.get(path)).status_code in {200, 403}
            assert "MARK" not in (await browser.get(path)).text


async def test_only_what_waits_for_a_decision_is_decided(client, here):
    proposal = await make_sent(here)
    got = await here.desk.put(f"/proposals/{proposal.id}/decision", APPROVE, 0)
    assert (got.status_code, got.json()["code"]) == (409, "decisions.not_pending")
    read = await here.desk.get(f"/proposals/{proposal.id}/decision")
    assert read.json()["can"] == []
    assert (await here.bench.get(f"/proposals/{proposal.id}/decision")).status_code == 404


async def test_a_withdrawal_cancels_what_is_not_released(session, here):
    made = await drafted(here)
    await cancel(session, None, here.proposal.id)
    assert await session.scalar(select(Decision.state)) == "cancelled"
    got = await here.bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
    assert (got.status_code, got.json()["code"]) == (409, "decisions.wrong_state")
    again = await here.desk.put(here.url, REJECT, 0)
    assert again.status_code == 200
    assert again.json()["id"] != made["id"]


async def test_the_approvers_list_pages_through_everything_once(client, session, here):
    made = [(await drafted(here))["id"]]
    for _ in range(4):
        proposal = await make_sent(here, "decision_pending")
        got = await here.desk.put(f"/proposals/{proposal.id}/decision", APPROVE, 0)
        made.append(got.json()["id"])
    await session.execute(
        update(Decision).where(Decision.id == made[1]).values(sent_back_note="改")
    )
    found, after = [], ""
    while True:
        got = await here.bench.get("/decide", limit=2, after=after)
        page = msgspec.json.decode(got.content, type=DecideList, strict=True)
        found += [str(i.decision.id) for i in page.items]
        after = page.next or ""
        if not after:
            break
    assert found == [made[0], *made[2:], made[1]]
    for bad in ("x", "W10", "WzEsMiwzXQ"):
        assert (await here.bench.get("/decide", after=bad)).status_code == 400
    assert (await here.bench.get("/decide", limit=0)).status_code == 400


async def test_reading_a_decision_is_written_down(session, here):
    await here.bench.get(here.url)
    found = await session.scalars(
        text("select actor_id from events where kind = 'decision.read' and proposal_id = :p"),
        {"p": here.proposal.id},
    )
    assert found.all() == [here.approver.id]
