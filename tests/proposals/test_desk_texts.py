"""Every text the desk takes is stored as typed or refused by name, never a 5xx; and days are counted once."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from lianyan.proposals.models import CheckAnswer, Extension, Moved
from lianyan.proposals.states import State
from lianyan.proposals.turn import days_between, days_left
from makers import now
from proposals.desk_world import assign, make_at
from proposals.hostile import TEXTS

CUTTING = ["a\x00b", "\ud800", "\uffff", "\x1b[31m", "x" * 7000, " ", "长" * 301]


async def send(desk, method, url, rev, body):
    """Send JSON whose strings may hold what no UTF-8 text can."""
    headers = {**desk.headers, "if-match": f'"{rev}"', "content-type": "application/json"}
    return await desk.client.request(
        method, url, content=json.dumps(body).encode(), headers=headers
    )


def refused(got, *fields):
    assert got.status_code == 400, got.text
    assert {e["field"] for e in got.json()["errors"]} <= {*fields, "body"}
    return True


def typed(sent):
    return unicodedata.normalize("NFC", sent.replace("\r\n", "\n"))


async def test_the_checkers_note_is_stored_as_typed(w, desk, session):
    proposal = await make_at(w, State.FORMAL_CHECK)
    rev = 0
    for sent in TEXTS:
        body = {"verdict": "ok", "note": sent}
        got = await send(desk, "PUT", f"/api/proposals/{proposal.id}/check/in_scope", rev, body)
        if got.status_code == 200:
            rev = int(got.headers["etag"].strip('"'))
            stored = await session.scalar(select(CheckAnswer.note))
            assert stored == typed(sent), sent[:40]
        else:
            refused(got, "note")


async def test_a_reason_is_stored_as_typed(w, desk, session):
    proposal = await make_at(w, State.RETURNED)
    rev, until = proposal.rev, now() + timedelta(days=20)
    for sent in TEXTS:
        until += timedelta(hours=1)
        body = {"until": until.isoformat(), "reason": sent}
        got = await send(desk, "POST", f"/api/proposals/{proposal.id}/extend", rev, body)
        if got.status_code == 200:
            rev = got.json()["rev"]
            stored = await session.scalar(select(Extension.reason).order_by(Extension.id.desc()))
            assert stored == typed(sent), sent[:40]
        else:
            refused(got, "reason")


@pytest.mark.parametrize(
    "state, path, field, more",
    [
        (State.FORMAL_CHECK, "return", "reason", {}),
        (State.FORMAL_CHECK, "refuse", "reason", {"code": "R1"}),
        (State.PEER_REVIEW, "finish", "waiver", {}),
        (State.DECISION_PENDING, "reopen", "reason", {}),
    ],
)
async def test_a_text_that_may_not_be_stored_moves_nothing(
    w, session, desk, *, state, path, field, more
):
    proposal = await make_at(w, state)
    await assign(w, proposal, w.reviewers[0])
    for sent in CUTTING:
        body = {field: sent, **more}
        got = await send(desk, "POST", f"/api/proposals/{proposal.id}/{path}", proposal.rev, body)
        assert got.status_code == 409 if field == "waiver" and sent == " " else refused(got, field)
    await session.refresh(proposal)
    assert proposal.state == state
    body = {field: "=1+1 <b>𠮷</b>\r\n{0}", **more}
    got = await send(desk, "POST", f"/api/proposals/{proposal.id}/{path}", proposal.rev, body)
    assert got.status_code == 200, got.text
    last = await session.scalar(select(Moved).order_by(Moved.id.desc()))
    assert last.reason == "=1+1 <b>𠮷</b>\n{0}"


async def test_whatever_is_looked_for_is_no_defect(w, desk):
    await make_at(w, State.SUBMITTED)
    for number, sent in enumerate(TEXTS):
        others = ("state", "sector", "missing", "whose", "within", "call", "after")
        for field in ("q", others[number % len(others)]):
            value = sent.encode("utf-8", "replace").decode()[:1500]
            got = await desk.get("/api/desk", **{field: value})
            assert got.status_code in {200, 400}, (field, sent[:40], got.text)


ZONES = ["Asia/Shanghai", "UTC", "Pacific/Kiritimati", "America/Anchorage"]


@pytest.mark.parametrize("zone", ZONES)
async def test_c65_the_database_and_the_server_count_days_alike(session, zone):
    moment = datetime(2026, 3, 26, 10, tzinfo=UTC)
    dues = [moment + timedelta(hours=n, microseconds=m) for n in range(-50, 60, 2) for m in (0, 1)]
    sql = f"""
      with t as (select cast(:now as timestamptz) as now)
      select {days_left("d.due", "cast(:zone as text)")}
      from unnest(cast(:dues as timestamptz[])) with ordinality d(due, n) order by d.n
    """
    found = await session.scalars(text(sql), {"now": moment, "zone": zone, "dues": dues})
    assert list(found) == [days_between(due, moment, ZoneInfo(zone)) for due in dues]


def test_c65_due_on_a_day_means_until_the_end_of_that_day():
    end = datetime(2026, 3, 26, 16, tzinfo=UTC)
    assert days_between(end, datetime(2026, 3, 26, 10, tzinfo=UTC)) == 0
    assert days_between(end, datetime(2026, 3, 25, 15, 59, tzinfo=UTC)) == 1
    assert days_between(end, datetime(2026, 3, 26, 16, 1, tzinfo=UTC)) == -1
