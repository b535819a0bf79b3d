"""Every date to the millisecond: one before it, at it, one after it, by the database's clock over HTTP."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from lianyan.core.clock import instant
from lianyan.decisions.models import Release
from lianyan.proposals.models import Invitation, Proposal
from makers import key
from proposals.team_world import STAFF, build, copy
from reviews.scenes import body, make_assigned, make_reviewed, make_scene, make_sent, sit

AROUND = (-1, 0, 1)
"""Milliseconds."""
CLOSES = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
FOREVER = "update sessions set idle_expires_at = '3000-01-01', absolute_expires_at = '3000-01-01'"
HOLD = timedelta(minutes=10)


@pytest.fixture
async def team(committed, stopped):
    """Give a world of three institutions whose call closes at `CLOSES`; it is a day before."""
    await stopped.put(CLOSES, days=-1)
    async with committed.sessions.begin() as session:
        made = await build(
            committed.client, session, opens_at=CLOSES - timedelta(days=30), closes_at=CLOSES,
            reviews_until=CLOSES + timedelta(days=30), decides_at=CLOSES + timedelta(days=60),
        )  # fmt: skip
    await stopped.run(FOREVER)
    return made


@pytest.fixture
async def scene(committed, stopped):
    """Give a consortium that reviews and decides, and browsers for those who do."""
    async with committed.sessions.begin() as session:
        made = await make_scene(session)
        made.desk = await sit(made, committed.client, made.coordinator)
        made.bench = await sit(made, committed.client, made.approver)
        made.reader = await sit(made, committed.client, made.reviewers[0])
        made.leading = await sit(made, committed.client, made.lead)
    await stopped.run(FOREVER)
    return made


async def copies(committed, team, number: int) -> list[str]:
    """Return as many proposals that miss nothing."""
    first = await team.complete(team.b)
    async with committed.sessions.begin() as session:
        return [first, *[await copy(session, first) for _ in range(number - 1)]]


async def hash_of(team, proposal: str) -> dict[str, str]:
    return {"rev_hash": (await team.get("lead", f"/proposals/{proposal}"))["content_hash"]}


async def coordinator(committed, stopped):
    """Give a coordinator of an institution that takes no part."""
    async with committed.sessions.begin() as session:
        made = await make_scene(session)
        desk = await sit(made, committed.client, made.coordinator)
    await stopped.run(FOREVER)
    return desk


async def test_a_submission_is_in_time_until_the_very_instant(committed, team, stopped):
    proposals = await copies(committed, team, 3)
    for proposal, offset in zip(proposals, AROUND, strict=True):
        sent = await hash_of(team, proposal)
        at = await stopped.put(CLOSES, milliseconds=offset)
        got = await team.send("lead", "POST", f"/proposals/{proposal}/submit", sent)
        if offset > 0:
            assert (got.status_code, got.json()["code"]) == (409, "proposals.call_closed")
            params = got.json()["params"]
            assert (params["at"], params["now"]) == (instant(CLOSES), instant(at))
            assert params["at_beijing"] == "2026-12-01 18:00:00"
        else:
            assert got.status_code == 200, got.text
            assert datetime.fromisoformat(got.json()["at"]) == at


async def test_a_submission_is_taken_back_until_the_very_instant(committed, team, stopped):
    for (proposal, _), offset in zip(await waiting(committed, team, 3), AROUND, strict=True):
        await stopped.put(CLOSES, milliseconds=offset)
        read = await team.get("lead", f"/proposals/{proposal}")
        assert ("proposal.take_back" in read["can"]) == (offset <= 0)
        path = f"/proposals/{proposal}/take_back"
        got = await team.send("lead", "POST", path, rev=read["rev"])
        assert got.status_code == (409 if offset > 0 else 200), got.text


async def test_a_draft_is_begun_until_the_very_instant(team, stopped):
    start = {"call_id": str(team.call.id), "institution_id": str(team.a.id), "again": True}
    for at, offset, status in [
        (team.call.opens_at, -1, 409), (team.call.opens_at, 0, 201),
        (CLOSES, -1, 201), (CLOSES, 0, 201), (CLOSES, 1, 409),
    ]:  # fmt: skip
        await stopped.put(at, milliseconds=offset)
        assert (await team.make("lead", "/proposals", start)).status_code == status, (at, offset)


async def test_no_clock_of_a_client_counts(committed, team, stopped):
    early, late = await copies(committed, team, 2)
    sent = await hash_of(team, early), await hash_of(team, late)
    for proposal, hashed, offset, wrong, status in [
        (early, sent[0], 0, "Wed, 09 Dec 2026 10:00:00 GMT", 200),
        (late, sent[1], 1, "Tue, 24 Nov 2026 10:00:00 GMT", 409),
    ]:
        await stopped.put(CLOSES, milliseconds=offset)
        path = f"/proposals/{proposal}/submit"
        got = await team.send("lead", "POST", path, hashed, date=wrong, x_client_time=wrong)
        assert got.status_code == status


async def test_more_time_for_one_proposal_is_for_that_one(committed, team, stopped):
    extended, other = await copies(committed, team, 2)
    sent = await hash_of(team, extended), await hash_of(team, other)
    until = CLOSES + timedelta(hours=3)
    async with committed.sessions.begin() as session:
        proposal = await session.get_one(Proposal, UUID(extended))
        proposal.due_at = until
    await stopped.put(CLOSES, milliseconds=1)
    got = await team.send("lead", "POST", f"/proposals/{other}/submit", sent[1])
    assert got.json()["code"] == "proposals.call_closed"
    shown = (await team.get("lead", f"/proposals/{extended}"))["deadline"]
    assert (shown["at"], shown["reason"]) == (instant(until), "proposals.deadline_extended")
    await stopped.put(until, milliseconds=1)
    late = await team.send("lead", "POST", f"/proposals/{extended}/submit", sent[0])
    assert late.json()["params"]["at"] == instant(until)
    await stopped.put(until)
    got = await team.send("lead", "POST", f"/proposals/{extended}/submit", sent[0])
    assert got.status_code == 200


async def waiting(committed, team, number: int) -> list[tuple[str, str]]:
    """Submit proposals a day before the close; return each with its partner's part."""
    found = []
    for proposal in await copies(committed, team, number):
        sent = await hash_of(team, proposal)
        got = await team.send("lead", "POST", f"/proposals/{proposal}/submit", sent)
        assert got.status_code == 200, got.text
        found.append((proposal, (await team.part(proposal, team.b))["id"]))
    return found


async def test_a_confirmation_and_the_refusal_after_it_never_are_both_open(
    committed, team, stopped
):
    """The officer's door is open at the instant, the coordinator's from after it."""
    found = await waiting(committed, team, 3)
    desk = await coordinator(committed, stopped)
    async with committed.sessions() as session:
        proposal = await session.get_one(Proposal, UUID(found[0][0]))
        until, rev = proposal.consent_until, proposal.rev
    for (proposal, part), offset in zip(found, AROUND, strict=True):
        await stopped.put(until, milliseconds=offset)
        read = await team.get("officer_b", f"/participations/{part}")
        assert (read["part"]["state"] == "expired") == (offset > 0)
        page = (await desk.get(f"/desk/{proposal}")).json()
        assert ("proposal.refuse" in page["can"]) == (offset > 0)
        refusal = {"code": "R3", "reason": "过期"}
        refused = await desk.post(f"/proposals/{proposal}/refuse", refusal, rev=rev)
        agreed = {"scope_hash": read["scope_hash"]}
        got = await team.send("officer_b", "POST", f"/participations/{part}/confirm", agreed)
        if offset > 0:
            assert refused.status_code == 200, refused.text
            assert got.status_code == 409
        else:
            assert refused.json()["code"] == "desk.before_date"
            assert got.status_code == 200, got.text


async def test_an_expired_confirmation_is_open_again_with_a_later_date_for_it(
    committed, team, stopped
):
    ((proposal, part),) = await waiting(committed, team, 1)
    desk = await coordinator(committed, stopped)
    async with committed.sessions() as session:
        stored = await session.get_one(Proposal, UUID(proposal))
        until, rev = stored.consent_until, stored.rev
    later = until + timedelta(days=2)
    await stopped.put(until, milliseconds=1)
    agreed = {"scope_hash": (await team.get("officer_b", f"/participations/{part}"))["scope_hash"]}
    path = f"/participations/{part}/confirm"
    got = await team.send("officer_b", "POST", path, agreed)
    assert got.json()["code"] == "proposals.consent_expired"
    more = {"until": instant(later), "reason": "出差", "participation_id": part}
    assert (await desk.post(f"/proposals/{proposal}/extend", more, rev=rev)).status_code == 200
    await stopped.put(later, milliseconds=1)
    assert (await team.send("officer_b", "POST", path, agreed)).status_code == 409
    await stopped.put(later)
    assert (await team.send("officer_b", "POST", path, agreed)).status_code == 200


async def test_a_correction_is_in_time_until_the_very_instant(committed, team, stopped):
    proposals = await copies(committed, team, 3)
    until = CLOSES + timedelta(days=3)
    for proposal, offset in zip(proposals, AROUND, strict=True):
        sent = await hash_of(team, proposal)
        got = await team.send("lead", "POST", f"/proposals/{proposal}/submit", sent)
        assert got.status_code == 200, got.text
        returned = "update proposals set state = 'returned', returned_until = $1 where id = $2"
        await stopped.run(returned, until, UUID(proposal))
        await team.contribute(proposal, team.b, {**STAFF, "amount": "7"})
        sent = await hash_of(team, proposal)
        await stopped.put(until, milliseconds=offset)
        got = await team.send("lead", "POST", f"/proposals/{proposal}/resubmit", sent)
        assert got.status_code == (409 if offset > 0 else 200), got.text
        if offset > 0:
            assert got.json()["code"] == "proposals.correction_closed"
        await stopped.put(CLOSES, days=-1)


async def test_an_invitation_dies_after_its_instant(committed, team, stopped):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    tokens = []
    for n in range(3):
        path = f"/participations/{part['id']}/invitations"
        made = await team.make("lead", path, {"name": f"王工{n}"})
        tokens.append(made.json()["url"].partition("#")[2])
    async with committed.sessions() as session:
        (until,) = set(await session.scalars(select(Invitation.expires_at)))
    assert until == CLOSES, "a link dies with the submission, where that is sooner"
    for token, offset in zip(tokens, AROUND, strict=True):
        await stopped.put(until, milliseconds=offset)
        headers = {"x-invitation": token, "x-lianyan": "1", "origin": "http://127.0.0.1:8000"}
        read = await committed.client.get("/api/invitation", headers=headers)
        got = await committed.client.post(
            "/api/invitation/accept", json={"name": "王工"}, headers={**headers, **key()}
        )
        committed.client.cookies.clear()
        assert {read.status_code, got.status_code} == ({410} if offset > 0 else {200})


async def test_a_review_is_late_from_the_very_instant(committed, scene, stopped):
    due = CLOSES + timedelta(days=30)
    async with committed.sessions.begin() as session:
        scene.session = session
        mine = [
            await make_assigned(scene, await make_sent(scene), scene.reviewers[0], due_at=due)
            for _ in AROUND
        ]
    for assignment, offset in zip(mine, AROUND, strict=True):
        await stopped.put(due, milliseconds=offset)
        assert (await scene.reader.put(f"/reviews/{assignment.id}", body(), 0)).status_code == 204
        ids = {"assignment_ids": [str(assignment.id)]}
        got = await scene.reader.post("/reviews/submit", ids)
        assert got.status_code == 200, got.text
        assert got.json()["late"] == ([str(assignment.id)] if offset >= 0 else [])


async def ordered(committed, scene, number: int) -> list[tuple[str, UUID, datetime]]:
    """Order the releases of signed decisions; return each proposal with its release and its instant."""
    async with committed.sessions.begin() as session:
        scene.session = session
        proposals = [await make_sent(scene, "decision_pending") for _ in range(number)]
        for proposal in proposals:
            await make_reviewed(scene, proposal, scene.reviewers[0])
    found = []
    for proposal in proposals:
        letter = {"kind": "approve", "letter": "同意立项。"}
        made = await scene.desk.put(f"/proposals/{proposal.id}/decision", letter, 0)
        decision = made.json()["id"]
        await scene.bench.post(f"/decisions/{decision}/sign", rev=1)
        got = await scene.desk.post("/release", {"decision_ids": [decision]})
        assert got.status_code == 201, got.text
        async with committed.sessions() as session:
            release = await session.get_one(Release, UUID(got.json()["id"]))
        found.append((str(proposal.id), release.id, release.due_at))
    return found


async def test_a_release_is_taken_back_before_and_carried_out_from_the_very_instant(
    committed, scene, stopped
):
    began = await stopped.put(CLOSES)
    for (proposal, release, due), offset in zip(
        await ordered(committed, scene, 3), AROUND, strict=True
    ):
        assert due == began + HOLD
        await stopped.put(due, milliseconds=offset)
        back = await scene.desk.post(f"/release/{release}/take_back")
        letter = {"kind": "reject", "letter": "太晚"}
        await scene.desk.put(f"/proposals/{proposal}/decision", letter, 9)
        shown = (await scene.leading.get(f"/proposals/{proposal}")).json()["shown"]
        if offset < 0:
            assert (back.status_code, shown) == (204, "in_review")
        else:
            assert (back.status_code, back.json()["code"]) == (
                409, "decisions.too_late_to_take_back",
            )  # fmt: skip
            assert shown == "approved"


async def test_a_move_is_undone_as_long_as_its_messages_are_held(committed, scene, stopped):
    at = await stopped.put(CLOSES)
    async with committed.sessions.begin() as session:
        scene.session = session
        proposals = [await make_sent(scene, "formal_check") for _ in AROUND]
    for proposal, offset in zip(proposals, AROUND, strict=True):
        await stopped.put(at)
        got = await scene.desk.post(
            f"/proposals/{proposal.id}/return", {"reason": "请补"}, rev=proposal.rev
        )
        assert got.status_code == 200, got.text
        async with committed.sessions() as session:
            held = text("select distinct hold_until from messages where proposal_id = :p")
            assert list(await session.scalars(held, {"p": proposal.id})) == [at + HOLD]
        await stopped.put(at + HOLD, milliseconds=offset)
        told = (await scene.leading.get("/tasks")).json()["messages"]
        mine = [m for m in told if (m["proposal"] or {}).get("id") == str(proposal.id)]
        assert bool(mine) == (offset >= 0)
        rev = got.json()["rev"]
        got = await scene.desk.post(f"/proposals/{proposal.id}/undo", rev=rev)
        assert got.status_code == (409 if offset >= 0 else 200), got.text
