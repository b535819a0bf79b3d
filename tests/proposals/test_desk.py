"""The coordinator's table: whose turn it is, what is missing, and nothing a conflict hides."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import update

from lianyan.core.names import search_keys
from lianyan.core.words import catalogue
from lianyan.proposals import access
from lianyan.proposals.models import Taking
from lianyan.proposals.schemas.desk import DeskOverview, DeskPage, DeskProposal
from lianyan.proposals.states import State
from lianyan.proposals.turn import CODES
from makers import make_call, make_institution, make_person, make_proposal, now
from proposals.desk_world import assign, decide, make_at, sit, statements_of


async def rows(desk, **asked):
    got = await desk.get("/api/desk", **asked)
    assert got.status_code == 200, got.text
    return {row["id"]: row for row in got.json()["items"]}


async def overview(desk, **asked):
    got = await desk.get("/api/desk/overview", **asked)
    assert got.status_code == 200, got.text
    return msgspec.json.decode(got.content, type=DeskOverview, strict=True)


async def test_each_state_says_whose_turn_it_is_and_what_is_missing(w, desk):
    expected = {}
    for state, you, who, act, codes in [
        (State.CONSENT_PENDING, False, "officer", None, ["consent"]),
        (State.SUBMITTED, True, "coordinator", "check", ["check"]),
        (State.FORMAL_CHECK, True, "coordinator", "check", ["check"]),
        (State.RETURNED, False, "lead", None, ["correction"]),
        (State.PEER_REVIEW, True, "coordinator", "assign", ["reviewers", "reviews"]),
        (State.DECISION_PENDING, True, "coordinator", "draft", ["decision"]),
    ]:
        proposal = await make_at(w, state)
        expected[str(proposal.id)] = (state.value, you, who, act, codes)
    got = await desk.get("/api/desk")
    page = msgspec.json.decode(got.content, type=DeskPage, strict=True)
    found = {
        str(r.id): (r.state, r.whose.you, r.whose.who, r.act, [m.code for m in r.missing])
        for r in page.items
    }
    assert found == expected
    counts = await overview(desk)
    assert (counts.counts.mine, counts.counts.others) == (4, 2)
    assert counts.counts.missing == {
        "consent": 1, "check": 2, "correction": 1, "reviewers": 1, "reviews": 1, "decision": 1
    }  # fmt: skip
    assert [r.whose.you for r in page.items] == [True] * 4 + [False] * 2


async def test_reviews_and_decisions_pass_the_turn_on(w, desk):
    asked = await make_at(w, State.PEER_REVIEW)
    enough = await make_at(w, State.PEER_REVIEW)
    for person in w.reviewers[:2]:
        await assign(w, asked, person)
        await assign(w, enough, person, done=True)
    drafted, sent_back, signed, scheduled = [
        await make_at(w, State.DECISION_PENDING) for _ in range(4)
    ]
    await decide(w, drafted)
    await decide(w, sent_back, sent_back_note="请改")
    await decide(w, signed, "signed")
    await decide(w, scheduled, "scheduled")
    found = await rows(desk)
    turns = {
        str(k.id): (found[str(k.id)]["whose"]["who"], found[str(k.id)]["act"])
        for k in (asked, enough, drafted, sent_back, signed, scheduled)
    }
    assert list(turns.values()) == [
        ("reviewers", None),
        ("coordinator", "finish"),
        ("approver", None),
        ("coordinator", "revise"),
        ("coordinator", "release"),
        ("release", None),
    ]
    assert found[str(asked.id)]["whose"]["names"] == []
    assert found[str(drafted.id)]["whose"]["names"] == [{"zh": "批准人", "en": "批准人"}]


async def test_a_declined_or_expired_confirmation_is_the_leads_or_the_coordinators(
    w, desk, session
):
    declined, expired = [await make_at(w, State.CONSENT_PENDING) for _ in range(2)]
    at = (Taking.institution_id == w.b.id, Taking.proposal_id == declined.id)
    await session.execute(update(Taking).where(*at).values(state="declined"))
    expired.consent_until = now() - timedelta(hours=1)
    await session.flush()
    await access.refresh_many(session, [declined.id, expired.id])
    found = await rows(desk)
    assert found[str(declined.id)]["whose"]["who"] == "lead"
    assert {m["code"] for m in found[str(declined.id)]["missing"]} == {"consent", "declined"}
    assert found[str(expired.id)]["act"] == "extend"
    assert [m["code"] for m in found[str(expired.id)]["missing"]] == ["expired"]


async def test_never_submitted_drafts_are_a_number_and_finished_ones_come_when_asked(w, desk):
    draft = await make_at(w, State.DRAFT, title="秘密草稿")
    done = await make_at(w, State.APPROVED, title="批准的项目")
    got = await desk.get("/api/desk")
    assert got.json()["items"] == []
    assert "秘密草稿" not in got.text
    counted = await desk.get("/api/desk/overview")
    assert counted.json()["drafts"] == 1
    assert "秘密草稿" not in counted.text
    assert set(await rows(desk, state="approved")) == {str(done.id)}
    assert set(await rows(desk, q="批准的")) == {str(done.id)}
    assert await rows(desk, q="秘密") == {}
    assert (await desk.get(f"/api/desk/{draft.id}")).status_code == 404


async def test_an_employer_conflict_leaves_dates_and_a_personal_one_leaves_nothing(
    w, desk, session
):
    near = await make_at(w, State.DECISION_PENDING, institutions=[w.a, w.c])
    await decide(w, near, "signed")
    friend = await make_person(session, "同事", institution=w.a)
    mine = await make_at(w, State.PEER_REVIEW, lead=friend, team=[(w.coordinator, w.c)])
    other = await make_at(w, State.PEER_REVIEW)
    found = await rows(desk)
    assert set(found) == {str(near.id), str(other.id)}
    row = found[str(near.id)]
    assert row["progress_only"] is True
    assert (row["state"], row["act"], row["missing"]) == ("in_review", None, [])
    assert (row["whose"]["you"], row["whose"]["who"]) == (False, "stand_in")
    assert {n["zh"] for n in row["whose"]["names"]} == {"代理"}
    # What is unknown is unknown to filters too.
    assert str(near.id) not in await rows(desk, state="decision_pending")
    assert str(near.id) not in await rows(desk, missing="release")
    assert set(await rows(desk, state="in_review")) == {str(near.id)}
    page = (await desk.get(f"/api/desk/{near.id}")).json()
    assert (page["progress_only"], page["state"], page["checklist"], page["moves"]) == (
        True, "in_review", [], []
    )  # fmt: skip
    assert (page["answers"], page["form"], page["can"]) == ({}, {}, [])
    assert (await desk.get(f"/api/desk/{mine.id}")).status_code in {403, 404}


@pytest.mark.parametrize("state", [State.PEER_REVIEW, State.DECISION_PENDING])
async def test_a_progress_row_does_not_change_with_the_handling(w, desk, state):
    near = await make_at(w, state, institutions=[w.a, w.c])
    row = (await rows(desk))[str(near.id)]
    assert row["state"] == "in_review"
    assert row["due_at"][:19] == w.call.decides_at.strftime("%Y-%m-%dT%H:%M:%S")


async def test_nobody_but_the_desk_reads_it(w, client):
    proposal = await make_at(w, State.SUBMITTED)
    for person in (w.lead, w.officer_a, w.approver, w.reviewers[0], w.outsider, w.administrator):
        other = await sit(w, client, person)
        assert (await other.get("/api/desk")).status_code == 403
        assert (await other.get(f"/api/desk/{proposal.id}")).status_code in {403, 404}
    assert (await client.get("/api/desk")).status_code == 401


async def test_filters_leave_what_they_name(w, desk, session):
    call = await make_call(session)
    here = await make_at(w, State.SUBMITTED, sectors=["HLT"], title="手术培训")
    there = await make_at(w, State.RETURNED, call=call, title="城市内涝")
    assert set(await rows(desk, call=str(call.id))) == {str(there.id)}
    assert set(await rows(desk, sector="HLT")) == {str(here.id)}
    assert set(await rows(desk, whose="me")) == {str(here.id)}
    assert set(await rows(desk, whose="others")) == {str(there.id)}
    assert set(await rows(desk, missing="correction")) == {str(there.id)}
    assert set(await rows(desk, q="内涝")) == {str(there.id)}
    assert set(await rows(desk, q=str(here.number).lower())) == {str(here.id)}
    assert set(await rows(desk, q=" ")) == {str(here.id), str(there.id)}
    for q in ("甲示例", "jsldx", "jiashili", "alpha uni", "jsl"):
        assert set(await rows(desk, q=q)) == {str(here.id), str(there.id)}, q
    assert await rows(desk, within="0") == {}
    assert set(await rows(desk, within="7")) == {str(here.id), str(there.id)}


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "accepted"}, {"whose": "him"}, {"missing": "nothing"}, {"within": "-1"},
        {"within": "9999"}, {"within": "1e2"}, {"call": "x"}, {"sector": "A'B"}, {"limit": "0"},
        {"limit": "101"}, {"limit": "1e3"}, {"after": "x"}, {"after": "WzEsIiIsIngiXQ"},
        {"q": "x" * 2000}, {"after": "WzIsIiIsIngiXQ"}, {"q": "a\u202eb"}, {"sector": "医疗"},
    ],
)  # fmt: skip
async def test_a_filter_that_names_nothing_is_refused_by_name(desk, asked):
    got = await desk.get("/api/desk", **asked)
    assert got.status_code == 400, got.text
    assert got.json()["errors"][0]["field"] == next(iter(asked))


async def test_c35_percent_and_underscore_are_letters(w, desk):
    titles = ["良率提升至99%的封装工艺", "A_B 测试平台", "AXB 平台", "路径 C:\\data"]
    made = {title: str((await make_at(w, State.SUBMITTED, title=title)).id) for title in titles}
    for query, title in [("%", 0), ("99%", 0), ("_", 1), ("A_B", 1), ("\\", 3), ("ａ_ｂ", 1)]:
        assert set(await rows(desk, q=query)) == {made[titles[title]]}, query


async def test_pages_end_with_the_id_and_show_each_row_once(w, desk):
    made = {str((await make_at(w, State.SUBMITTED)).id) for _ in range(7)}
    seen, after = [], None
    while True:
        got = (await desk.get("/api/desk", limit=3, **({"after": after} if after else {}))).json()
        seen += [row["id"] for row in got["items"]]
        after = got["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(made)
    assert len(seen) == 7


async def test_the_reminder_names_who_is_to_act_and_nothing_confidential(w, desk, session):
    await make_at(
        w,
        State.CONSENT_PENDING,
        title="适老{date}设计",
        consent_until=now().replace(year=2026, month=12, day=2, hour=8, minute=0)
        + timedelta(days=730),
    )
    (row,) = (await rows(desk)).values()
    zh, en = row["remind"]["text"]["zh"], row["remind"]["text"]["en"]
    assert zh.startswith(
        "《适老{date}设计》还差 2 家单位确认：甲示例大学（甲管理员）、乙示例医院（乙管理员）。截止 "
    )
    assert zh.endswith("登录后办理：http://127.0.0.1:8000/home")
    assert "Alpha University (甲管理员), Beta Hospital (乙管理员)" in en
    assert "Beijing time" in en
    await make_at(w, State.PEER_REVIEW)
    reminded = [r["remind"] for r in (await rows(desk)).values() if r["state"] == "peer_review"]
    assert reminded == [None]


async def test_c65_due_today_is_zero_days_and_midnight_belongs_to_the_day_before(w, desk, session):
    here = (now() + timedelta(hours=8)).date()  # Beijing's day
    end = now().replace(hour=16, minute=0, second=0, microsecond=0)
    end += timedelta(days=(here - (end + timedelta(hours=8)).date()).days + 1)
    tonight = await make_at(w, State.RETURNED, returned_until=end)
    tomorrow = await make_at(w, State.RETURNED, returned_until=end + timedelta(minutes=1))
    found = await rows(desk)
    assert found[str(tonight.id)]["days_left"] == 0
    assert found[str(tomorrow.id)]["days_left"] == 1
    assert found[str(tonight.id)]["whose"]["you"] is False


async def test_c81_as_many_statements_for_200_rows_as_for_10(w, desk, session, monkeypatch):
    seen = statements_of(monkeypatch)
    counted = []
    for size in (10, 190):
        for _ in range(size):
            w.count += 1
            await make_proposal(
                session, w.lead, w.call, [w.a, w.b],
                number=f"X-{w.count:04d}", state="consent_pending", consent_until=now() + timedelta(days=3),
            )  # fmt: skip
        seen.clear()
        got = await desk.get("/api/desk", limit=100)
        counted.append((len(seen), len(got.json()["items"])))
    assert counted == [(2, 10), (2, 100)]


async def test_the_page_of_one_proposal_shows_the_next_act_and_the_form(w, desk):
    proposal = await make_at(w, State.SUBMITTED)
    got = await desk.get(f"/api/desk/{proposal.id}")
    page = msgspec.json.decode(got.content, type=DeskProposal, strict=True)
    assert (page.act, page.whose.you, page.state) == ("check", True, "submitted")
    assert len(page.checklist) == 11
    assert {item.kind for item in page.checklist} == {"computed", "judged"}
    assert page.check.can_pass is False
    assert [part.state for part in page.participations] == ["consented", "consented"]
    assert [o.name for part in page.participations for o in part.officers] == [
        "甲管理员",
        "乙管理员",
    ]
    assert "proposal.check" in page.can
    assert page.form["sections"]


def test_every_code_of_the_desk_has_its_words():
    for locale in ("zh", "en"):
        known = catalogue(locale)
        for code in CODES:
            assert f"desk.missing.{code}" in known


async def test_a_stranger_institution_is_not_found_by_its_neighbours_name(w, desk, session):
    other = await make_institution(session, "戊示例学院", name_en="Epsilon College")
    other.search_keys = search_keys("戊示例学院", "Epsilon College")
    lead = await make_person(session, "别人", institution=other)
    made = await make_at(w, State.SUBMITTED, lead=lead, institutions=[other, w.b])
    assert set(await rows(desk, q="epsilon")) == {str(made.id)}
