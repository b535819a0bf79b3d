"""The formal check and the coordinator's moves, over HTTP."""

import pytest
from sqlalchemy import select, update

from lianyan.calls.presets import light
from lianyan.proposals.models import CheckAnswer, Moved, Taking
from lianyan.proposals.moving import move
from lianyan.proposals.queries.checklist import COMPUTED
from lianyan.proposals.states import Move, State
from proposals.desk_world import fill, make_at, sit

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


def test_every_computed_item_of_the_preset_is_computed():
    assert {item.id for item in light().checklist if item.computed} == set(COMPUTED)


async def test_the_first_saved_answer_starts_the_check(w, desk, session):
    proposal = await make_at(w, State.SUBMITTED)
    url = f"/api/proposals/{proposal.id}/check/in_scope"
    got = await desk.act("PUT", url, 0, {"verdict": "ok"})
    assert (got.status_code, got.headers["etag"]) == (200, '"1"')
    assert (await reread(session, proposal)).state == State.FORMAL_CHECK
    assert got.json() == {"id": str(proposal.id), "rev": proposal.rev}
    started = await session.scalar(
        select(Moved).where(Moved.proposal_id == proposal.id, Moved.move == "start_check")
    )
    assert started.actor_id is None
    again = await desk.act("PUT", url, 0, {"verdict": "ok"})
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')
    stale = await desk.act("PUT", url, 0, {"verdict": "problem", "note": "超出范围"})
    assert (stale.status_code, stale.json()["params"]["rev"]) == (412, 1)
    changed = await desk.act(
        "PUT", url, 1, {"verdict": "problem", "note": "超出范围", "section": "aims"}
    )
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (await moves_of(session, proposal)).count("start_check") == 1


@pytest.mark.parametrize(
    "body, field",
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "problem"}, "note"),
        ({"verdict": "problem", "note": "长" * 301}, "note"),
        ({"verdict": "ok", "note": "a\x00"}, "note"),
        ({"verdict": "ok", "section": "nowhere"}, "section"),
        ({"verdict": "ok", "sectoin": "aims"}, "sectoin"),
        ({"note": "x"}, "verdict"),
    ],
)
async def test_an_answer_that_says_nothing_is_refused_by_name(w, desk, session, body, field):
    proposal = await make_at(w, State.SUBMITTED)
    got = await desk.act("PUT", f"/api/proposals/{proposal.id}/check/in_scope", 0, body)
    assert got.status_code == 400, got.text
    assert [e["field"] for e in got.json()["errors"]] == [field] or "\x00" in str(body)
    assert (await reread(session, proposal)).state == State.SUBMITTED
    assert await session.scalar(select(CheckAnswer)) is None


async def test_an_unknown_item_and_a_stranger_are_not_found(w, desk, client):
    proposal = await make_at(w, State.SUBMITTED)
    unknown = await desk.act("PUT", f"/api/proposals/{proposal.id}/check/x", 0, {"verdict": "ok"})
    assert unknown.status_code == 404
    stranger = await sit(w, client, w.outsider)
    url = f"/api/proposals/{proposal.id}/check/in_scope"
    assert (await stranger.act("PUT", url, 0, {"verdict": "ok"})).status_code == 404
    lead = await sit(w, client, w.lead)
    assert (await lead.act("PUT", url, 0, {"verdict": "ok"})).status_code == 403


async def test_computed_items_say_what_the_data_show(w, desk, session):
    proposal = await make_at(w, State.SUBMITTED, consented=False)
    found = (await desk.get(f"/api/desk/{proposal.id}")).json()["checklist"]
    computed = {i["item"]: i["computed"] for i in found if i["kind"] == "computed"}
    assert computed == {
        "institutions_at_least_two": "ok",
        "lead_is_member": "ok",
        "all_confirmed": "problem",
        "within_limits": "problem",
        "ids_valid": "ok",
        "dates_in_range": "problem",
        "sectors_chosen": "problem",
    }
    whose = next(i for i in found if i["item"] == "all_confirmed")
    assert whose["params"]["institutions"]["zh"] == "甲示例大学、乙示例医院"
    await fill(w, proposal)
    await session.execute(
        update(Taking).where(Taking.proposal_id == proposal.id).values(state="consented")
    )
    w.b.code = "12000000DEM000022X"
    await session.flush()
    found = (await desk.get(f"/api/desk/{proposal.id}")).json()["checklist"]
    problems = {i["item"] for i in found if i["computed"] == "problem"}
    assert problems == {"ids_valid"}


async def test_pass_needs_an_ok_for_every_item_and_names_what_lacks_one(w, desk, session):
    proposal = await make_at(w, State.SUBMITTED)
    await fill(w, proposal)
    rev = await judge(desk, proposal, JUDGED[:-1])
    early = await desk.act("POST", f"/api/proposals/{proposal.id}/pass", rev)
    assert (early.status_code, early.json()["code"]) == (409, "desk.check_unfinished")
    assert early.json()["params"]["items"] == [JUDGED[-1]]
    await judge(desk, proposal, JUDGED[-1:], "problem", note="含涉密内容")
    bad = await desk.act("POST", f"/api/proposals/{proposal.id}/pass", rev)
    assert bad.status_code == 409
    await desk.act("PUT", f"/api/proposals/{proposal.id}/check/{JUDGED[-1]}", 1, {"verdict": "ok"})
    page = (await desk.get(f"/api/desk/{proposal.id}")).json()
    assert page["check"] == {"can_pass": True, "blockers": []}
    good = await desk.act("POST", f"/api/proposals/{proposal.id}/pass", page["rev"])
    assert (good.status_code, good.json()["state"]) == (200, "peer_review")
    retry = await desk.act("POST", f"/api/proposals/{proposal.id}/pass", page["rev"])
    assert (retry.status_code, retry.json()) == (200, good.json())
    assert (await moves_of(session, proposal)).count("pass") == 1


async def test_a_person_may_answer_a_computed_item_otherwise(w, desk):
    proposal = await make_at(w, State.SUBMITTED)
    await judge(desk, proposal, [i.id for i in light().checklist])
    page = (await desk.get(f"/api/desk/{proposal.id}")).json()
    assert page["check"]["can_pass"] is True


async def test_after_a_correction_the_same_verdict_starts_the_check_anew(w, desk, session):
    proposal = await make_at(w, State.SUBMITTED)
    url = f"/api/proposals/{proposal.id}/check/in_scope"
    await desk.act("PUT", url, 0, {"verdict": "ok"})
    # Returned for something else, corrected, and as good as before where this item looks.
    await reread(session, proposal)
    for step in (Move.RETURN, Move.RESUBMIT, Move.COMPLETE):
        await move(session, None, proposal, step)
    got = await desk.act("PUT", url, 1, {"verdict": "ok"})
    assert (got.status_code, got.headers["etag"]) == (200, '"2"')
    assert (await reread(session, proposal)).state == State.FORMAL_CHECK
    assert (await moves_of(session, proposal)).count("start_check") == 2
