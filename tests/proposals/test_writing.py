"""Writing a proposal: sections, revisions, what stops at the gate, what is counted."""

import msgspec
import pytest

from lianyan.proposals.schemas.detail import ProposalOut
from proposals.team_world import BASICS, SECTIONS


async def test_a_draft_is_read_by_its_lead_and_hidden_from_a_stranger(team):
    proposal = await team.draft()
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert detail["shown"] == "draft"
    assert detail["number"] is None
    assert [p["role"] for p in detail["participations"]] == ["lead"]
    assert [m["lead"] for m in detail["team"]] == [True]
    assert "proposal.submit" in detail["can"]
    got = await team.client.get(f"/api/proposals/{proposal}", headers=team.headers["stranger"])
    none = await team.client.get(f"/api/proposals/{team.call.id}", headers=team.headers["stranger"])
    assert got.status_code == none.status_code == 404
    assert got.content == none.content


async def test_the_detail_is_what_its_shape_says(team):
    proposal = await team.complete(team.b, team.c)
    await team.confirm("officer_b", proposal, team.b)
    await team.contribute(proposal, team.b, {"kind": "cash", "amount": "20", "unit": "万元"})
    await team.submit(proposal)
    for who in ("lead", "officer_b"):
        got = await team.client.get(f"/api/proposals/{proposal}", headers=team.headers[who])
        found = msgspec.json.decode(got.content, type=ProposalOut, strict=True)
        assert {f.name for f in msgspec.structs.fields(ProposalOut)} == set(got.json())
        assert len(found.sections) == 6
        assert found.participations[1].contributions[0].value_fen == 20_000_000


async def test_one_draft_per_person_and_call_unless_asked_again(team):
    first = await team.draft()
    body = {"call_id": str(team.call.id), "institution_id": str(team.a.id)}
    second = await team.make("lead", "/proposals", body)
    assert second.status_code == 409
    assert second.json()["code"] == "proposals.draft_exists"
    assert second.json()["params"]["id"] == first
    third = await team.make("lead", "/proposals", body | {"again": True})
    assert third.status_code == 201


async def test_a_draft_posted_twice_is_made_once(team):
    body = {"call_id": str(team.call.id), "institution_id": str(team.a.id)}
    keys = {"idempotency_key": "same"}
    first = await team.make("lead", "/proposals", body, **keys)
    second = await team.make("lead", "/proposals", body, **keys)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


async def test_nobody_leads_for_an_institution_that_has_not_confirmed_them(team):
    body = {"call_id": str(team.call.id), "institution_id": str(team.b.id)}
    got = await team.make("lead", "/proposals", body)
    assert got.status_code == 400
    assert got.json()["errors"][0]["field"] == "institution_id"


async def test_a_section_is_saved_with_its_revision(team):
    proposal = await team.draft()
    first = await team.save("lead", proposal, "basics", BASICS)
    assert first.status_code == 204
    assert first.headers["etag"] == '"1"'
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert detail["answers"] == BASICS
    assert detail["title"] == BASICS["title"]
    section = next(s for s in detail["sections"] if s["id"] == "basics")
    assert (section["rev"], section["complete"], section["missing"]) == (1, True, 0)
    assert section["saved_by"]["name"] == "示例用户甲"
    empty = next(s for s in detail["sections"] if s["id"] == "methods")
    assert (empty["rev"], empty["missing"]) == (0, 3)


async def test_a_stale_save_is_refused_with_what_is_stored_unless_it_is_equal(team):
    proposal = await team.draft()
    await team.save("lead", proposal, "aims", {"aims": "一"})
    await team.save("lead", proposal, "aims", {"aims": "二"}, rev=1)
    equal = await team.save("lead", proposal, "aims", {"aims": "二"}, rev=1)
    assert equal.status_code == 204
    assert equal.headers["etag"] == '"2"'
    stale = await team.save("lead", proposal, "aims", {"aims": "三"}, rev=1)
    assert stale.status_code == 412
    assert stale.json()["params"]["rev"] == 2
    assert stale.json()["params"]["stored"] == {"aims": "二"}
    assert stale.json()["params"]["saved_by"] == "示例用户甲"
    bare = await team.send("lead", "PUT", f"/proposals/{proposal}/sections/aims", {"answers": {}})
    assert bare.status_code == 428


async def test_only_the_sent_answers_change_and_null_empties(team):
    proposal = await team.draft()
    await team.save("lead", proposal, "basics", BASICS)
    await team.save("lead", proposal, "basics", {"title_en": None}, rev=1)
    answers = (await team.get("lead", f"/proposals/{proposal}"))["answers"]
    assert answers == {k: v for k, v in BASICS.items() if k != "title_en"}


@pytest.mark.parametrize("rev", ["*", 'W/"1"', '"1", "2"', "1", '"x"', '"-1"'])
async def test_if_match_of_another_shape_is_refused(team, rev):
    proposal = await team.draft()
    path = f"/proposals/{proposal}/sections/aims"
    got = await team.send("lead", "PUT", path, {"answers": {"aims": "一"}}, if_match=rev)
    assert got.status_code == 400
    assert got.json()["errors"][0]["field"] == "If-Match"


async def test_an_unknown_question_or_section_is_named_or_absent(team):
    proposal = await team.draft()
    got = await team.save("lead", proposal, "aims", {"titel": "x"})
    assert (got.status_code, got.json()["errors"][0]["field"]) == (400, "answers.titel")
    assert (await team.save("lead", proposal, "nothing", {})).status_code == 404


def _han(count: int) -> str:
    base = "元宇宙协同创新研究"
    return (base * (count // len(base) + 1))[:count]


@pytest.mark.parametrize(
    "text, units",
    [
        (_han(400), None),
        (_han(300), 300),
        ("基于元宇宙的远程手术训练平台 MR-Sim 2.0", 16),
        ("\u3000".join(_han(300)), 300),
    ],
)
async def test_c01_a_limit_counts_characters_not_blanks(team, text, units):
    proposal = await team.draft()
    got = await team.save("lead", proposal, "basics", {"summary": text})
    detail = await team.get("lead", f"/proposals/{proposal}")
    if units is None:
        assert got.status_code == 400
        error = got.json()["errors"][0]
        assert error["field"] == "answers.summary"
        assert error["params"] == {"count": 400, "limit": 300}
        assert "400" in error["detail"]
        assert detail["answers"] == {}
    else:
        assert got.status_code == 204
        assert detail["answers"]["summary"] == text


@pytest.mark.parametrize(
    "title, title_en",
    [("只有中文", None), (None, "English only"), ("中文题目", "English: a subtitle")],
)
async def test_c93_both_titles_travel_as_they_are_and_never_as_none(team, title, title_en):
    proposal = await team.draft()
    await team.save("lead", proposal, "basics", {"title": title, "title_en": title_en})
    detail = await team.get("lead", f"/proposals/{proposal}")
    row = (await team.get("lead", "/proposals"))["items"][0]
    for found in (detail, row):
        assert (found["title"], found["title_en"]) == (title or "", title_en or "")
        assert "None" not in (found["title"], found["title_en"])


async def test_partners_write_too_and_edits_keep_their_writer(team):
    proposal = await team.complete(team.b)
    body = {"person_id": str(team.people["member"].id), "institution_id": str(team.b.id)}
    assert (await team.make("lead", f"/proposals/{proposal}/members", body)).status_code == 201
    saved = await team.save("member", proposal, "aims", {"aims": "乙写的。"}, rev=1)
    assert saved.status_code == 204
    detail = await team.get("lead", f"/proposals/{proposal}")
    section = next(s for s in detail["sections"] if s["id"] == "aims")
    assert section["saved_by"]["name"] == "示例用户乙"


async def test_after_submission_nothing_is_editable(team):
    proposal = await team.complete(team.b)
    await team.submit(proposal)
    got = await team.save("lead", proposal, "aims", {"aims": "改"}, rev=1)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.not_reopened")
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert "proposal.edit" not in detail["can"]
    assert detail["answers"]["aims"] == SECTIONS["aims"]["aims"]


async def test_the_list_shows_own_proposals_and_finds_them(team):
    first = await team.complete(team.b)
    await team.submit(first)
    second = await team.draft()
    mine = await team.get("lead", "/proposals")
    assert [row["id"] for row in mine["items"]] == [second, first]
    assert mine["items"][1]["my_role"] == "lead"
    assert mine["items"][1]["waiting_for"]["who"] == "officer"
    assert mine["items"][1]["deadline"]["kind"] == "consent"
    page = await team.get("lead", "/proposals?limit=1")
    rest = await team.get("lead", f"/proposals?limit=1&after={page['next']}")
    assert [row["id"] for row in page["items"] + rest["items"]] == [second, first]
    assert rest["next"] is None
    assert [r["id"] for r in (await team.get("lead", "/proposals?q=气象"))["items"]] == [first]
    assert (await team.get("lead", "/proposals?q=%25"))["items"] == []
    assert len((await team.get("lead", "/proposals?shown=draft"))["items"]) == 1
    theirs = await team.get("officer_b", "/proposals?role=institution")
    assert [row["id"] for row in theirs["items"]] == [first]
    assert theirs["items"][0]["my_role"] == "officer"
    assert theirs["items"][0]["waiting_for"]["who"] == "you"
    assert (await team.get("stranger", "/proposals"))["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=WyJ4IiwgInkiXQ",
        "limit=0",
        "limit=1000000000",
        "shown=x",
        "role=x",
        "q=%00",
    ],
)
async def test_a_bad_query_names_itself(team, query):
    got = await team.client.get(f"/api/proposals?{query}", headers=team.headers["lead"])
    assert got.status_code == 400
