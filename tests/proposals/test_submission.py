"""Submitting, taking back, withdrawing: by whom, until when, and what a retry gets."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from lianyan.calls.models import Call
from lianyan.proposals.commands.editing import complete
from lianyan.proposals.models import CheckAnswer, Consent, Moved, Proposal, Taking, Version
from lianyan.proposals.moving import move
from lianyan.proposals.states import MOVES, SHOWN, Move, State
from makers import now
from proposals.team_world import build


async def returned(team, *partners):
    """Bring a complete proposal to `returned`, with a note to its aims."""
    proposal_id = await team.complete(*partners)
    for who, institution in (("officer_a", team.a), ("officer_b", team.b), ("officer_c", team.c)):
        if institution in (team.a, *partners):
            await team.confirm(who, proposal_id, institution)
    await team.submit(proposal_id)
    proposal = await team.session.get_one(Proposal, proposal_id, populate_existing=True)
    team.session.add(
        CheckAnswer(
            proposal_id=proposal.id, item="scope", verdict="problem", note="请写清目标。",
            section="aims", answered_by=team.people["stranger"].id, answered_at=now(),
        )
    )  # fmt: skip
    await move(team.session, None, proposal, Move.START_CHECK)
    proposal.returned_until = now() + timedelta(days=5)
    await move(team.session, None, proposal, Move.RETURN, reason="请补正。")
    return proposal_id


async def test_a_submission_gets_number_time_and_version(team):
    proposal = await team.complete(team.b)
    got = await team.submit(proposal)
    assert got.status_code == 200
    found = got.json()
    assert found["number"] == f"{team.call.prefix}-0001"
    assert (found["version"], found["state"]) == (1, "consent_pending")
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert detail["number"] == found["number"]
    assert detail["deadline"]["kind"] == "consent"
    assert detail["progress"]["step"] == 2
    assert [s["stage"] for s in detail["progress"]["steps"]] == [
        "submit", "consent", "check", "review", "approval",
    ]  # fmt: skip
    stored = await team.session.get_one(Proposal, proposal, populate_existing=True)
    assert stored.stages == list(team.call.stages)
    closing = team.call.closes_at.replace(microsecond=0).time()
    assert stored.consent_until.replace(microsecond=0).time() == closing


async def test_a_retry_of_what_has_happened_is_a_success(team):
    proposal = await team.complete(team.b)
    detail = await team.get("lead", f"/proposals/{proposal}")
    body = {"rev_hash": detail["content_hash"]}
    first = await team.send("lead", "POST", f"/proposals/{proposal}/submit", body)
    second = await team.send("lead", "POST", f"/proposals/{proposal}/submit", body)
    assert first.json() == second.json()
    assert (second.status_code, first.status_code) == (200, 200)
    moves = await team.session.scalar(select(func.count()).select_from(Moved))
    assert moves == 1
    other = await team.send("lead", "POST", f"/proposals/{proposal}/submit", {"rev_hash": "x"})
    assert other.status_code == 409


async def test_a_content_that_changed_since_it_was_shown_is_not_submitted(team):
    proposal = await team.complete(team.b)
    detail = await team.get("lead", f"/proposals/{proposal}")
    await team.save("lead", proposal, "methods", {"methods": "改。"}, rev=1)
    body = {"rev_hash": detail["content_hash"]}
    got = await team.send("lead", "POST", f"/proposals/{proposal}/submit", body)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.content_changed")
    assert await team.shown(proposal) == "draft"


async def test_a_confirmation_does_not_change_the_content(team):
    proposal = await team.complete(team.b)
    detail = await team.get("lead", f"/proposals/{proposal}")
    await team.confirm("officer_b", proposal, team.b)
    body = {"rev_hash": detail["content_hash"]}
    assert (
        await team.send("lead", "POST", f"/proposals/{proposal}/submit", body)
    ).status_code == 200


async def test_what_is_missing_is_named_field_by_field(team):
    proposal = await team.draft()
    gaps = await team.get("lead", f"/proposals/{proposal}/gaps")
    got = await team.submit(proposal)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.incomplete")
    fields = {e["field"] for e in got.json()["errors"]}
    assert {"answers.title", "answers.months", "answers.methods"} <= fields
    assert len(got.json()["errors"]) == len(gaps["blocking"])
    codes = {g["code"] for g in gaps["blocking"]}
    assert {
        "form.required",
        "proposals.gap_no_contribution",
        "proposals.gap_too_few_institutions",
    } <= codes
    assert all(e["detail"] for e in got.json()["errors"])
    complete_one = await team.complete(team.b)
    gaps = await team.get("lead", f"/proposals/{complete_one}/gaps")
    assert gaps["blocking"] == []
    assert {g["code"] for g in gaps["advisory"]} == {
        "proposals.gap_nobody", "proposals.gap_unconfirmed",
    }  # fmt: skip


async def test_the_deadline_is_one_instant_of_the_databases_clock(team):
    proposal = await team.complete(team.b)
    await team.session.execute(
        update(Call).where(Call.id == team.call.id).values(closes_at=now() - timedelta(seconds=1))
    )
    got = await team.submit(proposal)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.call_closed")
    params = got.json()["params"]
    assert params["at"] < params["now"]
    assert params["now_beijing"] in got.json()["detail"]
    assert "proposal.submit" not in (await team.get("lead", f"/proposals/{proposal}"))["can"]
    await team.session.execute(
        update(Proposal).where(Proposal.id == proposal).values(due_at=now() + timedelta(hours=1))
    )
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert detail["deadline"]["reason"] == "proposals.deadline_extended"
    assert (await team.submit(proposal)).status_code == 200


async def test_time_spent_waiting_here_costs_nobody_the_deadline(team):
    from lianyan.core.clock import Arrival  # noqa: PLC0415
    from lianyan.proposals.acts import in_time, moment  # noqa: PLC0415

    proposal = await team.complete(team.b)
    await team.session.execute(
        update(Call).where(Call.id == team.call.id).values(closes_at=now() - timedelta(seconds=1))
    )
    arrival = Arrival()
    arrival.at -= 30
    assert in_time(Move.SUBMIT, await moment(team.session, proposal, arrival))
    assert not in_time(Move.SUBMIT, await moment(team.session, proposal))


async def test_a_closed_call_takes_no_draft(team):
    await team.session.execute(
        update(Call).where(Call.id == team.call.id).values(closes_at=now() - timedelta(seconds=1))
    )
    body = {"call_id": str(team.call.id), "institution_id": str(team.a.id)}
    got = await team.make("lead", "/proposals", body)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.call_closed")
    body["call_id"] = str(team.a.id)
    assert (await team.make("lead", "/proposals", body)).json()["errors"][0]["field"] == "call_id"


async def test_only_the_lead_submits(team):
    proposal = await team.complete(team.b)
    body = {"person_id": str(team.people["member"].id), "institution_id": str(team.b.id)}
    await team.make("lead", f"/proposals/{proposal}/members", body)
    for who, status in (("member", 403), ("officer_a", 403), ("stranger", 404)):
        got = await team.send(who, "POST", f"/proposals/{proposal}/submit", {"rev_hash": "x"})
        assert got.status_code == status


async def test_taken_back_it_is_a_draft_again_and_keeps_its_number(team):
    proposal = await team.complete(team.b)
    number = (await team.submit(proposal)).json()["number"]
    detail = await team.get("lead", f"/proposals/{proposal}")
    path = f"/proposals/{proposal}/take_back"
    got = await team.send("lead", "POST", path, rev=detail["rev"])
    assert got.status_code == 200
    retry = await team.send("lead", "POST", path, rev=detail["rev"])
    assert retry.json() == got.json()
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert (detail["shown"], detail["number"]) == ("draft", number)
    assert detail["unsubmitted_changes"] is False
    await team.save("lead", proposal, "methods", {"methods": "改。"}, rev=1)
    assert (await team.get("lead", f"/proposals/{proposal}"))["unsubmitted_changes"] is True
    again = await team.submit(proposal)
    assert (again.json()["number"], again.json()["version"]) == (number, 2)


async def test_not_taken_back_once_it_is_checked_or_late(team):
    proposal = await team.complete(team.b)
    await team.submit(proposal)
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert "proposal.take_back" in detail["can"]
    await team.session.execute(
        update(Call).where(Call.id == team.call.id).values(closes_at=now() - timedelta(seconds=1))
    )
    late = await team.send("lead", "POST", f"/proposals/{proposal}/take_back", rev=detail["rev"])
    assert (late.status_code, late.json()["code"]) == (409, "proposals.call_closed")
    team.session.add(
        CheckAnswer(
            proposal_id=proposal, item="x", verdict="ok", answered_by=team.people["lead"].id,
            answered_at=now(),
        )
    )  # fmt: skip
    await team.session.flush()
    checked = await team.send("lead", "POST", f"/proposals/{proposal}/take_back", rev=detail["rev"])
    assert (checked.status_code, checked.json()["code"]) == (409, "proposals.checked_already")


async def test_c03_returned_work_goes_on_and_comes_back(team):
    proposal = await returned(team, team.b)
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert detail["shown"] == "returned"
    assert detail["check_notes"] == [{"item": "scope", "note": "请写清目标。", "section": "aims"}]
    assert next(s for s in detail["sections"] if s["id"] == "aims")["flagged"] == "请写清目标。"
    assert {t["code"] for t in detail["todo"]} == {
        "proposals.todo_flagged",
        "proposals.todo_resubmit",
    }
    assert detail["moves"][-1]["reason"] == "请补正。"
    before = (detail["number"], detail["submitted_at"])
    assert (
        await team.save("lead", proposal, "aims", {"aims": "写清了。"}, rev=1)
    ).status_code == 204
    assert await team.states(proposal) == {"a": "void", "b": "void"}
    assert (await team.confirm("officer_a", proposal, team.a)).status_code == 200
    got = await team.submit(proposal, "resubmit")
    assert got.json()["state"] == "consent_pending"
    assert (await team.confirm("officer_b", proposal, team.b)).status_code == 200
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert detail["shown"] == "submitted"
    assert (detail["number"], detail["submitted_at"]) == before
    assert len(detail["versions"]) == 2
    assert (await team.session.scalar(select(func.count()).select_from(Version))) == 2


async def test_c03_every_state_has_a_way_out_for_whom_it_waits_on():
    final = {State.APPROVED, State.REJECTED}
    for state in set(State) - final:
        assert any(source == state for source, _ in MOVES), state
    for state in (State.DRAFT, State.CONSENT_PENDING, State.RETURNED):
        own = {Move.SUBMIT, Move.RESUBMIT, Move.TAKE_BACK, Move.WITHDRAW}
        assert any(source == state and asked in own for source, asked in MOVES)


@pytest.mark.parametrize(
    "act", ["submit", "resubmit", "take_back", "withdraw", "withdraw_by_institution"]
)
async def test_c03_a_refused_move_says_what_is_allowed(team, act):
    proposal = await team.complete(team.b)
    stored = await team.session.get_one(Proposal, proposal)
    stored.number, stored.submitted_at, stored.stages = "T-1", now(), list(team.call.stages)
    for state in State:
        asked = Move(act)
        if (state, asked) in MOVES:
            continue
        stored.state = state.value
        await team.session.flush()
        who = "officer_a" if act == "withdraw_by_institution" else "lead"
        body = (
            {"rev_hash": "x"}
            if "submit" in act
            else None
            if act == "take_back"
            else {"reason": "x"}
        )
        got = await team.send(who, "POST", f"/proposals/{proposal}/{act}", body, rev=stored.rev)
        assert got.status_code == 409, (state, got.text)
        assert got.json()["code"] == "proposals.wrong_state"
        assert got.json()["params"]["state"] == SHOWN[state]
        assert isinstance(got.json()["params"]["allowed"], list)


async def test_late_corrections_are_refused_with_both_times(team):
    proposal = await returned(team, team.b)
    await team.session.execute(
        update(Proposal).where(Proposal.id == proposal).values(returned_until=now())
    )
    got = await team.submit(proposal, "resubmit")
    assert (got.status_code, got.json()["code"]) == (409, "proposals.correction_closed")
    assert got.json()["params"]["at_beijing"] in got.json()["detail"]


async def test_withdrawn_with_a_reason_and_once(team):
    proposal = await team.complete(team.b)
    await team.submit(proposal)
    rev = (await team.get("lead", f"/proposals/{proposal}"))["rev"]
    path = f"/proposals/{proposal}/withdraw"
    blank = await team.send("lead", "POST", path, {"reason": " "}, rev=rev)
    assert (blank.status_code, blank.json()["errors"][0]["field"]) == (400, "reason")
    stale = await team.send("lead", "POST", path, {"reason": "不做了。"}, rev=rev - 1)
    assert stale.status_code == 412
    first = await team.send("lead", "POST", path, {"reason": "不做了。"}, rev=rev)
    second = await team.send("lead", "POST", path, {"reason": "不做了。"}, rev=rev)
    assert first.json() == second.json()
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert (detail["shown"], detail["moves"][-1]["reason"]) == ("withdrawn", "不做了。")
    assert detail["can"] == []


async def test_in_review_the_lead_institution_withdraws(team):
    proposal = await team.complete(team.b)
    stored = await team.session.get_one(Proposal, proposal)
    stored.number, stored.submitted_at, stored.state = "T-1", now(), State.PEER_REVIEW.value
    await team.session.flush()
    path, body = f"/proposals/{proposal}/withdraw_by_institution", {"reason": "单位决定。"}
    for who, status in (("lead", 403), ("officer_b", 403), ("stranger", 404)):
        assert (await team.send(who, "POST", path, body, rev=stored.rev)).status_code == status
    assert (
        "proposal.withdraw_by_institution"
        in (await team.get("officer_a", f"/proposals/{proposal}"))["can"]
    )
    got = await team.send("officer_a", "POST", path, body, rev=stored.rev)
    assert got.status_code == 200
    assert await team.shown(proposal) == "withdrawn"


async def test_a_draft_is_deleted_with_all_that_is_in_it(team):
    proposal = await team.complete(team.b)
    await team.confirm("officer_b", proposal, team.b)
    rev = (await team.get("lead", f"/proposals/{proposal}"))["rev"]
    assert (await team.send("lead", "DELETE", f"/proposals/{proposal}", rev=rev)).status_code == 204
    assert (await team.send("lead", "DELETE", f"/proposals/{proposal}", rev=rev)).status_code == 404
    for table in (Taking, Version, Consent):
        assert (await team.session.scalar(select(func.count()).select_from(table))) == 0
    assert (await team.get("lead", "/proposals"))["items"] == []


async def test_what_was_once_submitted_is_never_deleted(team):
    proposal = await team.complete(team.b)
    await team.submit(proposal)
    rev = (await team.get("lead", f"/proposals/{proposal}"))["rev"]
    got = await team.send("lead", "POST", f"/proposals/{proposal}/take_back", rev=rev)
    got = await team.send("lead", "DELETE", f"/proposals/{proposal}", rev=got.json()["rev"])
    assert (got.status_code, got.json()["code"]) == (409, "proposals.wrong_state")


async def test_a_call_for_one_institution_asks_nobody_to_confirm(client, session):
    team = await build(
        client, session, stages=["check", "review", "approval"], consent=None, min_institutions=1
    )
    proposal = await team.complete()
    assert (await team.submit(proposal)).json()["state"] == "submitted"
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert [s["stage"] for s in detail["progress"]["steps"]] == [
        "submit",
        "check",
        "review",
        "approval",
    ]
    stored = await team.session.get_one(Proposal, proposal, populate_existing=True)
    assert stored.consent_until is None
    assert not await complete(team.session, stored)


async def test_the_receipt_proves_the_submission(team):
    proposal = await team.complete(team.b)
    none = await team.client.get(f"/api/proposals/{proposal}/receipt", headers=team.headers["lead"])
    assert none.status_code == 404
    number = (await team.submit(proposal)).json()["number"]
    receipt = await team.get("lead", f"/proposals/{proposal}/receipt")
    assert receipt["number"] == number
    assert len(receipt["sha256"]) == 64
    assert [n["stage"] for n in receipt["next"]] == ["consent", "check", "review", "approval"]
    assert receipt["next"][0]["until"] == receipt["deadline"]["at"]
    assert [p["state"] for p in receipt["institutions"]] == ["invited", "invited"]


async def test_review_leaves_no_trace_that_it_is_over(team):
    proposal = await team.complete(team.b)
    await team.submit(proposal)
    stored = await team.session.get_one(Proposal, proposal, populate_existing=True)

    async def seen():
        detail = await team.get("lead", f"/proposals/{proposal}")
        row = (await team.get("lead", "/proposals"))["items"][0]
        return {k: v for k, v in detail.items() if k != "now"}, row

    for asked in (Move.COMPLETE, Move.START_CHECK, Move.PASS):
        await move(team.session, None, stored, asked)
    before = await seen()
    await move(team.session, None, stored, Move.FINISH)
    assert await seen() == before
    assert before[0]["state"] is None
