"""The coordinator's moves, over HTTP: return, refuse, finish, reopen, undo, restore, extend."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from lianyan.calls.presets import light
from lianyan.core.messages import Message
from lianyan.core.policy import ALLOWED, Role
from lianyan.identity.models import Officer
from lianyan.proposals.models import Extension, Moved, Taking
from lianyan.proposals.states import MOVES, Move, State, moves_from
from makers import make_person, now
from proposals.desk_world import assign, decide, make_at, make_world, sit

JUDGED = [item.id for item in light().checklist if not item.computed]


async def judge(desk, proposal, items=JUDGED, verdict="ok", **more):
    for item in items:
        got = await desk.act(
            "PUT", f"/api/proposals/{proposal.id}/check/{item}", 0, {"verdict": verdict, **more}
        )
        assert got.status_code == 200, got.text
    return got.json()["rev"]


async def moves_of(session, proposal):
    found = await session.scalars(
        select(Moved.move).where(Moved.proposal_id == proposal.id).order_by(Moved.id)
    )
    return list(found)


async def reread(session, proposal):
    await session.refresh(proposal)
    return proposal


async def test_a_return_has_a_reason_and_five_working_days_unless_another_date(w, desk, session):
    proposal = await make_at(w, State.FORMAL_CHECK)
    url = f"/api/proposals/{proposal.id}/return"
    assert (await desk.act("POST", url, proposal.rev, {"reason": " "})).status_code == 400
    page = (await desk.get(f"/api/desk/{proposal.id}")).json()
    got = await desk.act("POST", url, proposal.rev, {"reason": "请补伦理凭证"})
    assert (got.status_code, got.json()["state"]) == (200, "returned")
    found = await reread(session, proposal)
    assert found.returned_until.isoformat()[:16] == page["return_until"][:16]
    assert timedelta(days=5) < found.returned_until - now() < timedelta(days=14)


@pytest.mark.parametrize(
    "until, code",
    [
        ("2020-01-01T00:00:00Z", "desk.in_the_past"),
        ("2026-12-01T18:00", "desk.zone_missing"),
        ("2026-12-01", "desk.not_an_instant"),
        ("1764583200", "desk.not_an_instant"),
        ("9999-12-31T23:59:59-12:00", "desk.too_far"),
        ("0001-01-01T00:00:00+14:00", "desk.not_an_instant"),
        ("tomorrow at noon", "desk.not_an_instant"),
    ],
)
async def test_c67_an_instant_has_a_zone(w, desk, session, until, code):
    proposal = await make_at(w, State.FORMAL_CHECK)
    url = f"/api/proposals/{proposal.id}/return"
    got = await desk.act("POST", url, proposal.rev, {"reason": "x", "until": until})
    assert got.status_code == 400, got.text
    error = got.json()["errors"][0]
    assert error["field"] == "until"
    assert error["code"] == code or until.startswith("9999")
    assert (await reread(session, proposal)).state == State.FORMAL_CHECK


async def test_refusing_takes_a_reason_code_and_waits_for_the_date(w, desk, session):
    checked = await make_at(w, State.FORMAL_CHECK)
    url = "/api/proposals/{}/refuse"
    bad = await desk.act("POST", url.format(checked.id), checked.rev, {"code": "R0", "reason": "x"})
    assert bad.status_code == 400
    body = {"code": "R3", "reason": "超出范围"}
    got = await desk.act("POST", url.format(checked.id), checked.rev, body)
    assert (got.status_code, got.json()["state"]) == (200, "not_accepted")
    last = await session.scalar(select(Moved).where(Moved.move == "refuse"))
    assert (last.reason_code, last.reason) == ("R3", "超出范围")
    for state, column in [
        (State.CONSENT_PENDING, "consent_until"),
        (State.RETURNED, "returned_until"),
    ]:
        waiting = await make_at(w, state)
        early = await desk.act("POST", url.format(waiting.id), waiting.rev, body)
        assert (early.status_code, early.json()["code"]) == (409, "desk.before_date")
        assert "refuse" not in early.json()["params"]["allowed"]
        assert "proposal.refuse" not in (await desk.get(f"/api/desk/{waiting.id}")).json()["can"]
        setattr(waiting, column, now() - timedelta(minutes=1))
        await session.flush()
        assert "proposal.refuse" in (await desk.get(f"/api/desk/{waiting.id}")).json()["can"]
        late = await desk.act("POST", url.format(waiting.id), waiting.rev, body)
        assert (late.status_code, late.json()["state"]) == (200, "not_accepted")


async def test_reviews_are_finished_when_enough_or_with_a_waiver(w, desk, session):
    proposal = await make_at(w, State.PEER_REVIEW)
    url = f"/api/proposals/{proposal.id}/finish"
    await assign(w, proposal, w.reviewers[0], done=True)
    early = await desk.act("POST", url, proposal.rev, {})
    assert (early.status_code, early.json()["code"]) == (409, "desk.reviews_unfinished")
    assert early.json()["params"]["blockers"]
    blank = await desk.act("POST", url, proposal.rev, {"waiver": "  "})
    assert blank.status_code == 409
    got = await desk.act("POST", url, proposal.rev, {"waiver": "仅一位专家可评"})
    assert (got.status_code, got.json()["state"]) == (200, "decision_pending")
    last = await session.scalar(select(Moved).where(Moved.move == "finish"))
    assert (last.reason_code, last.reason) == ("waiver", "仅一位专家可评")
    other = await make_at(w, State.PEER_REVIEW)
    for person in w.reviewers[:2]:
        await assign(w, other, person, done=True)
    done = await desk.act("POST", f"/api/proposals/{other.id}/finish", other.rev, {})
    assert done.status_code == 200, done.text


async def test_reviews_are_reopened_while_nothing_is_signed(w, desk, session):
    drafted, signed = [await make_at(w, State.DECISION_PENDING) for _ in range(2)]
    draft = await decide(w, drafted)
    await decide(w, signed, "signed")
    body = {"reason": "补一份评审"}
    bad = await desk.act("POST", f"/api/proposals/{signed.id}/reopen", signed.rev, body)
    assert (bad.status_code, bad.json()["code"]) == (409, "desk.decision_signed")
    got = await desk.act("POST", f"/api/proposals/{drafted.id}/reopen", drafted.rev, body)
    assert (got.status_code, got.json()["state"]) == (200, "peer_review")
    await session.refresh(draft)
    assert draft.state == "cancelled"


async def test_a_withdrawn_proposal_is_restored_to_where_it_was(w, desk, session):
    proposal = await make_at(w, State.WITHDRAWN)
    got = await desk.act("POST", f"/api/proposals/{proposal.id}/restore", proposal.rev)
    assert (got.status_code, got.json()["state"]) == (200, "submitted")


@pytest.mark.parametrize(
    "state, path, body",
    [
        (State.FORMAL_CHECK, "return", {"reason": "请补"}),
        (State.FORMAL_CHECK, "refuse", {"code": "R1", "reason": "不符"}),
        (State.PEER_REVIEW, "finish", {"waiver": "豁免"}),
    ],
)
async def test_a_move_is_undone_by_its_maker_and_its_messages_are_not_sent(
    w, client, session, *, state, path, body
):
    desk = await sit(w, client, w.coordinator)
    proposal = await make_at(w, state)
    await assign(w, proposal, w.reviewers[0])
    await session.execute(delete(Message))
    made = await desk.act("POST", f"/api/proposals/{proposal.id}/{path}", proposal.rev, body)
    assert made.status_code == 200, made.text
    held = (await session.scalars(select(Message).where(Message.hold_until.is_not(None)))).all()
    assert held
    assert all(timedelta(minutes=9) < m.hold_until - now() < timedelta(minutes=11) for m in held)
    page = (await desk.get(f"/api/desk/{proposal.id}")).json()
    assert page["undo"]["move"] == path
    assert "proposal.undo" in page["can"]
    other = await sit(
        w, client, await make_person(session, "另一位", institution=w.d, roles=["coordinator"])
    )
    url = f"/api/proposals/{proposal.id}/undo"
    refused = await other.act("POST", url, page["rev"])
    assert (refused.status_code, refused.json()["code"]) == (409, "desk.undo_other_person")
    got = await desk.act("POST", url, page["rev"])
    assert (got.status_code, got.json()["state"]) == (200, state.value)
    left = await session.scalars(select(Message.template).where(Message.hold_until.is_not(None)))
    assert list(left) == []
    retry = await desk.act("POST", url, page["rev"])
    assert (retry.status_code, retry.json()) == (200, got.json())
    if path != "finish":
        assert (await desk.act("POST", url, got.json()["rev"])).status_code == 409
    assert (await reread(session, proposal)).returned_until is None


async def test_a_move_that_somebody_built_on_or_that_is_old_stays(w, desk, session):
    proposal = await make_at(w, State.SUBMITTED)
    await judge(desk, proposal, [i.id for i in light().checklist])
    rev = (await reread(session, proposal)).rev
    await desk.act("POST", f"/api/proposals/{proposal.id}/pass", rev)
    url = f"/api/proposals/{proposal.id}/undo"
    await session.execute(
        text("insert into events (kind, actor_id, subject_id, proposal_id, data) "
             "values ('assignment.asked', :a, :p, :p, '{}')"),
        {"a": w.coordinator.id, "p": proposal.id},
    )  # fmt: skip
    built = await desk.act("POST", url, rev + 1)
    assert (built.status_code, built.json()["code"]) == (409, "desk.undo_work_since")
    old = await make_at(w, State.FORMAL_CHECK)
    await desk.act("POST", f"/api/proposals/{old.id}/return", old.rev, {"reason": "x"})
    await session.execute(
        update(Moved).where(Moved.proposal_id == old.id).values(at=now() - timedelta(minutes=11))
    )
    late = await desk.act("POST", f"/api/proposals/{old.id}/undo", (await reread(session, old)).rev)
    assert (late.status_code, late.json()["code"]) == (409, "desk.undo_too_late")
    assert (await desk.get(f"/api/desk/{old.id}")).json()["undo"] is None


async def test_dates_are_extended_with_a_reason_that_is_kept(w, desk, session):
    waiting, returned, done = [
        await make_at(w, s) for s in (State.CONSENT_PENDING, State.RETURNED, State.PEER_REVIEW)
    ]
    until = (now() + timedelta(days=20)).replace(microsecond=0)
    body = {"until": until.isoformat(), "reason": "对方出差"}
    part = await session.scalar(
        select(Taking).where(Taking.proposal_id == waiting.id, Taking.institution_id == w.b.id)
    )
    url = f"/api/proposals/{waiting.id}/extend"
    one = await desk.act("POST", url, waiting.rev, {**body, "participation_id": str(part.id)})
    assert one.status_code == 200, one.text
    await session.refresh(part)
    assert part.until == until
    shorter = {**body, "until": (now() + timedelta(days=1)).isoformat()}
    short = await desk.act("POST", url, one.json()["rev"], shorter)
    assert (short.status_code, short.json()["errors"][0]["code"]) == (400, "desk.not_later")
    both = await desk.act("POST", url, one.json()["rev"], body)
    assert both.status_code == 200, both.text
    await session.refresh(part)
    assert (await reread(session, waiting)).consent_until == until
    again = await desk.act("POST", f"/api/proposals/{returned.id}/extend", returned.rev, body)
    assert again.status_code == 200
    assert (await reread(session, returned)).returned_until == until
    wrong = await desk.act("POST", f"/api/proposals/{done.id}/extend", done.rev, body)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "proposals.wrong_state")
    kept = (await session.scalars(select(Extension.reason))).all()
    assert kept == ["对方出差"] * 3
    shown = (await desk.get(f"/api/desk/{waiting.id}")).json()["extensions"]
    assert [e["institution"] is None for e in shown] == [False, True]


async def test_a_change_without_or_with_a_stale_revision_is_refused(w, desk):
    proposal = await make_at(w, State.FORMAL_CHECK)
    url = f"/api/proposals/{proposal.id}/return"
    assert (await desk.act("POST", url, None, {"reason": "x"})).status_code == 428
    assert (await desk.act("POST", url, proposal.rev - 1, {"reason": "x"})).status_code == 412


STAFF = {
    "pass": {}, "return": {"reason": "x"}, "refuse": {"code": "R1", "reason": "x"},
    "finish": {"waiver": "x"}, "reopen": {"reason": "x"}, "restore": {}, "undo": {},
}  # fmt: skip


@pytest.mark.parametrize("state", [s for s in State if s != State.DRAFT])
async def test_c03_a_refused_move_says_the_state_and_what_is_allowed(w, desk, state):
    proposal = await make_at(w, state)
    for name, body in STAFF.items():
        if (state, Move(name)) in MOVES:
            continue
        got = await desk.act("POST", f"/api/proposals/{proposal.id}/{name}", proposal.rev, body or None)  # fmt: skip
        assert got.status_code == 409, (name, got.text)
        params = got.json()["params"]
        assert params["state"] == state.value
        assert set(params["allowed"]) <= {m.value for m in moves_from(state)}


APPLICANTS = Role.LEAD | Role.TEAM | Role.OFFICER | Role.LEAD_OFFICER
DESK = Role.COORDINATOR | Role.APPROVER
BY_DECISION = {Move.APPROVE, Move.REJECT}
"""Moves of staff that a released decision makes."""
ENDS = {State.APPROVED, State.REJECTED, State.NOT_ACCEPTED}
WAITS_FOR_APPLICANTS = {State.DRAFT, State.CONSENT_PENDING, State.RETURNED}


@pytest.mark.parametrize("state", [s for s in State if s not in ENDS])
def test_c03_every_state_has_a_way_on(state):
    moves = moves_from(state)
    staff = [m for m in moves if m in BY_DECISION or m == Move.START_CHECK
             or ALLOWED.get(f"proposal.{m}", Role(0)) & DESK]  # fmt: skip
    applicants = [m for m in moves if ALLOWED.get(f"proposal.{m}", Role(0)) & APPLICANTS]
    # A draft is its team's alone: nobody else may so much as know of it.
    assert staff or state == State.DRAFT
    assert applicants or state not in WAITS_FOR_APPLICANTS


async def test_a_coordinator_whose_employer_takes_part_moves_nothing(w, desk):
    proposal = await make_at(w, State.FORMAL_CHECK, institutions=[w.a, w.c])
    got = await desk.act("POST", f"/api/proposals/{proposal.id}/return", proposal.rev, {"reason": "x"})  # fmt: skip
    assert (got.status_code, got.json()["code"]) == (403, "problems.coi_employer")


async def test_two_coordinators_at_once_make_one_move(committed):
    async with committed.sessions.begin() as session:
        w = await make_world(session)
        other = await make_person(session, "另一位", institution=w.d, roles=["coordinator"])
        proposals = [await make_at(w, State.FORMAL_CHECK) for _ in range(5)]
        one, two = [await sit(w, committed.client, who) for who in (w.coordinator, other)]
    for proposal in proposals:
        url = f"/api/proposals/{proposal.id}"
        refusal = {"code": "R1", "reason": "不符"}
        got = await asyncio.gather(
            one.act("POST", f"{url}/return", proposal.rev, {"reason": "请补"}),
            two.act("POST", f"{url}/refuse", proposal.rev, refusal),
        )
        won, lost = sorted(got, key=lambda answer: answer.status_code)
        # A returned proposal could be refused, so the loser of that race learns of a change: 412.
        assert (won.status_code, lost.status_code in {409, 412}) == (200, True), lost.text
        assert lost.json()["params"]["state"] == won.json()["state"]
    async with committed.sessions() as session:
        made = await session.scalars(select(Moved.move).where(Moved.move.in_(["return", "refuse"])))
        assert len(list(made)) == len(proposals)


async def test_the_withdrawal_for_an_institution_is_offered_to_the_desk_only_without_an_officer(
    w, desk, session
):
    proposal = await make_at(w, State.PEER_REVIEW)
    url = f"/api/proposals/{proposal.id}"
    act = "proposal.withdraw_by_institution"
    assert act not in (await desk.get(url)).json()["can"]
    got = await desk.act(
        "POST", f"{url}/withdraw_by_institution", proposal.rev, {"reason": "单位撤回"}
    )
    assert (got.status_code, got.json()["code"]) == (403, "proposals.officer_withdraws")
    await session.execute(
        update(Officer).where(Officer.institution_id == w.a.id).values(ended_at=now())
    )
    assert act in (await desk.get(url)).json()["can"]
    got = await desk.act(
        "POST", f"{url}/withdraw_by_institution", proposal.rev, {"reason": "单位撤回"}
    )
    assert got.status_code == 200, got.text
