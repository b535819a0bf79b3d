"""Confirmations: to exact content, ended exactly by the edits that touch it, told before and after."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lianyan.core.canonical import digest
from lianyan.proposals.material import MATERIAL, Whose, scopes
from lianyan.proposals.models import Consent, Proposal, Taking, Version
from makers import now
from proposals.team_world import BASICS, STAFF

EVERYBODY = {"a": "officer_a", "b": "officer_b", "c": "officer_c"}


async def confirm_all(team, proposal, *letters):
    for letter in letters:
        got = await team.confirm(EVERYBODY[letter], proposal, getattr(team, letter))
        assert got.status_code == 200, got.text


def test_the_material_table_is_the_one_of_the_design():
    assert {f for f, whose in MATERIAL.items() if whose is Whose.OWN} == {
        "contributions",
        "special_terms",
    }
    assert len(MATERIAL) == 9


async def test_a_confirmation_keeps_the_hash_of_what_the_officer_read(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    read = await team.get("officer_b", f"/participations/{part['id']}")
    assert set(read["scope"]) == set(MATERIAL)
    assert read["scope"]["title"] == BASICS["title"]
    assert read["scope"]["contributions"][0]["amount"] == "6.00"
    assert read["scope_hash"].startswith(digest(read["scope"]).hex())
    body = {"scope_hash": read["scope_hash"]}
    got = await team.send("officer_b", "POST", f"/participations/{part['id']}/confirm", body)
    assert got.status_code == 200
    assert got.json() == {
        "participation_id": part["id"],
        "version": 1,
        "scope_hash": read["scope_hash"],
        "also_member": False,
    }
    consent = (await team.session.scalars(select(Consent))).one()
    assert consent.scope_hash.hex() == read["scope_hash"][:64]
    assert consent.scope == read["scope"]
    again = await team.send("officer_b", "POST", f"/participations/{part['id']}/confirm", body)
    assert again.json() == got.json()
    assert len((await team.session.scalars(select(Consent))).all()) == 1
    part = await team.part(proposal, team.b)
    assert (part["state"], part["version"], part["answered_by"]) == ("consented", 1, "管理员乙")
    assert part["scope_hash8"] == read["scope_hash"][:8]


@pytest.mark.parametrize(
    "section, answers, ended",
    [
        ("basics", {"title": "另一个题目"}, "abc"),
        ("basics", {"starts": "2027-04"}, "abc"),
        ("basics", {"months": 12}, "abc"),
        ("aims", {"aims": "别的目标。"}, "abc"),
        ("terms", {"data_terms": "共有。"}, "abc"),
        ("terms", {"ip_terms": "共有。"}, "abc"),
        ("basics", {"summary": "别的摘要。", "title_en": "Other", "sectors": ["MET"]}, ""),
        ("methods", {"methods": "别的方法。", "schedule": "别的进度。", "outputs": "别的。"}, ""),
        ("ethics", {"human_subjects": "survey"}, ""),
    ],
)
async def test_an_edit_ends_exactly_the_confirmations_it_touches(team, section, answers, ended):
    proposal = await team.complete(team.b, team.c)
    await confirm_all(team, proposal, "a", "b", "c")
    before = await team.get("lead", f"/proposals/{proposal}/effects")
    saved = await team.save("lead", proposal, section, answers, rev=1)
    assert saved.status_code == 204
    assert saved.headers.get("x-voided") == (str(len(ended)) if ended else None)
    states = await team.states(proposal)
    assert {x for x in "abc" if states[x] == "void"} == set(ended)
    assert {x for x in "abc" if states[x] == "consented"} == set("abc") - set(ended)
    told = before["sections"][section]
    material = bool(set(answers) & set(told["questions"]))
    assert material == bool(ended)
    if ended:
        assert len(told["voids"]) == len(ended)


@pytest.mark.parametrize(
    "change",
    [
        {"contributions": [STAFF | {"amount": "12"}]},
        {"special_terms": "场地须提前两周预约。"},
        {"contributions": [STAFF, {"kind": "venue", "amount": "1", "unit": "处"}]},
    ],
)
async def test_a_change_of_one_promise_ends_that_confirmation_only(team, change):
    proposal = await team.complete(team.b, team.c)
    await confirm_all(team, proposal, "a", "b", "c")
    part = await team.part(proposal, team.b)
    effects = await team.get("lead", f"/proposals/{proposal}/effects")
    assert [v["id"] for v in effects["participations"][part["id"]]["voids"]] == [str(team.b.id)]
    got = await team.send("lead", "PATCH", f"/participations/{part['id']}", change, rev=part["rev"])
    assert got.headers["x-voided"] == "1"
    assert await team.states(proposal) == {"a": "consented", "b": "void", "c": "consented"}
    void = (await team.part(proposal, team.b))["void"]
    assert void["fields"] == list(change)
    assert void["by"] == "示例用户甲"
    assert [c["field"] for c in void["changes"]] == list(change)
    card = (await team.get("officer_b", "/queue"))["items"][0]
    assert card["changes"] == void["changes"]
    assert card["changed_by"] == "示例用户甲"
    assert (await team.get("officer_c", "/queue"))["items"] == []


async def test_the_order_of_lines_and_the_task_are_not_material(team):
    proposal = await team.complete(team.b)
    venue = {"kind": "venue", "amount": "1", "unit": "处"}
    await team.contribute(proposal, team.b, STAFF, venue)
    await confirm_all(team, proposal, "b")
    await team.contribute(proposal, team.b, venue, STAFF)
    part = await team.part(proposal, team.b)
    body = {"task": "别的任务"}
    got = await team.send("lead", "PATCH", f"/participations/{part['id']}", body, rev=part["rev"])
    assert "x-voided" not in got.headers
    assert (await team.states(proposal))["b"] == "consented"


async def test_a_new_institution_and_another_role_touch_everybody(team):
    proposal = await team.complete(team.b)
    await confirm_all(team, proposal, "a", "b")
    body = {"institution_id": str(team.c.id), "role": "demonstration"}
    await team.make("lead", f"/proposals/{proposal}/participations", body)
    assert await team.states(proposal) == {"a": "void", "b": "void", "c": "invited"}
    fields = (await team.part(proposal, team.b))["void"]["changes"]
    assert [f["field"] for f in fields] == ["institutions"]
    assert [r["role"] for r in fields[0]["after"]] == [
        "lead",
        "participating",
        "demonstration",
    ] or (len(fields[0]["after"]) == 3)
    assert fields[0]["before"][0]["institution"]["name"]["zh"] == "甲示例大学"


async def test_setting_the_old_text_back_does_not_revive(team):
    proposal = await team.complete(team.b)
    await confirm_all(team, proposal, "b")
    await team.save("lead", proposal, "aims", {"aims": "改了。"}, rev=1)
    await team.save("lead", proposal, "aims", {"aims": "说明目标。"}, rev=2)
    part = await team.part(proposal, team.b)
    assert part["state"] == "void"
    assert part["void"]["changes"] == []
    await confirm_all(team, proposal, "b")
    assert (await team.part(proposal, team.b))["version"] == 1


async def test_a_confirmation_to_other_content_is_refused_and_names_what_changed(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    read = await team.get("officer_b", f"/participations/{part['id']}")
    await team.save("lead", proposal, "aims", {"aims": "改了。"}, rev=1)
    path, body = f"/participations/{part['id']}/confirm", {"scope_hash": read["scope_hash"]}
    got = await team.send("officer_b", "POST", path, body)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.scope_changed")
    assert [e["field"] for e in got.json()["errors"]] == ["aims"]
    assert (await team.states(proposal))["b"] == "invited"
    for sent in ("", "x", "0" * 64, "\u0000", read["scope_hash"][:-8]):
        assert (await team.send("officer_b", "POST", path, {"scope_hash": sent})).status_code == 409


async def test_only_an_officer_of_that_institution_confirms(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    path, body = f"/participations/{part['id']}/confirm", {"scope_hash": "x"}
    for who, status in (("lead", 403), ("officer_a", 403), ("officer_c", 404), ("stranger", 404)):
        assert (await team.send(who, "POST", path, body)).status_code == status
    own = await team.client.get(
        f"/api/participations/{part['id']}", headers=team.headers["officer_a"]
    )
    assert own.status_code == 403


async def test_a_view_is_a_post_and_no_read_is_one(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    await team.get("officer_b", f"/participations/{part['id']}")
    await team.get("officer_b", "/queue")
    assert (await team.states(proposal))["b"] == "invited"
    for _ in range(2):
        got = await team.send("officer_b", "POST", f"/participations/{part['id']}/view")
        assert got.status_code == 204
    assert (await team.states(proposal))["b"] == "viewed"
    assert (await team.part(proposal, team.b))["rev"] == part["rev"]


async def test_an_officer_in_the_team_is_recorded_as_both(team):
    proposal = await team.complete(team.b)
    body = {"person_id": str(team.people["officer_b"].id), "institution_id": str(team.b.id)}
    await team.make("lead", f"/proposals/{proposal}/members", body)
    assert (await team.confirm("officer_b", proposal, team.b)).json()["also_member"] is True
    assert (await team.part(proposal, team.b))["also_member"] is True


async def test_many_at_once_each_with_its_own_outcome(team):
    first, second = await team.complete(team.b), await team.complete(team.b)
    cards = (await team.get("officer_b", "/queue"))["items"]
    assert {card["proposal"]["id"] for card in cards} == {first, second}
    await team.save("lead", second, "aims", {"aims": "改了。"}, rev=1)
    items = [
        {"participation_id": c["participation_id"], "scope_hash": c["scope_hash"]} for c in cards
    ]
    items.append({"participation_id": second, "scope_hash": "x"})
    got = await team.send("officer_b", "POST", "/queue/confirm", {"items": items})
    assert got.status_code == 200
    outcomes = {
        cards[n]["proposal"]["id"] if n < 2 else "none": (item["outcome"], item["code"])
        for n, item in enumerate(got.json()["items"])
    }
    assert outcomes == {
        first: ("confirmed", None),
        second: ("refused", "proposals.scope_changed"),
        "none": ("refused", "problems.not_found"),
    }
    assert (await team.states(first))["b"] == "consented"
    assert (await team.states(second))["b"] == "invited"
    assert (
        await team.send("officer_b", "POST", "/queue/confirm", {"items": []})
    ).status_code == 400


async def test_the_last_confirmation_completes_the_submission(team):
    proposal = await team.complete(team.b)
    await confirm_all(team, proposal, "a")
    assert (await team.submit(proposal)).json()["state"] == "consent_pending"
    await confirm_all(team, proposal, "b")
    assert await team.shown(proposal) == "submitted"
    moves = (await team.get("lead", f"/proposals/{proposal}"))["moves"]
    assert [m["move"] for m in moves] == ["submit", "complete"]
    assert [bool(m["by"]) for m in moves] == [True, False]


async def test_where_nothing_is_missing_a_submission_completes_at_once(team):
    proposal = await team.complete(team.b)
    await confirm_all(team, proposal, "a", "b")
    assert (await team.submit(proposal)).json()["state"] == "submitted"


async def test_a_no_lets_the_lead_edit_freezes_versions_and_asks_again(team):
    proposal = await team.complete(team.b, team.c)
    await confirm_all(team, proposal, "a", "c")
    await team.submit(proposal)
    part = await team.part(proposal, team.b)
    body = {"comments": {"contributions": "我方只能出 3 人月。"}}
    path = f"/participations/{part['id']}/return"
    got = await team.send("officer_b", "POST", path, body, rev=part["rev"])
    assert got.status_code == 200
    assert (await team.states(proposal))["b"] == "returned"
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert "proposal.edit" in detail["can"]
    assert [t["code"] for t in detail["todo"] if t.get("participation")] == [
        "proposals.todo_part_returned"
    ]
    saved = await team.contribute(proposal, team.b, STAFF | {"amount": "3"})
    assert saved.status_code == 200
    assert await team.states(proposal) == {"a": "consented", "b": "invited", "c": "consented"}
    assert len((await team.get("lead", f"/proposals/{proposal}"))["versions"]) == 2
    part = await team.part(proposal, team.b)
    assert part["comments"] == body["comments"]
    again = await team.save("lead", proposal, "methods", {"methods": "又改。"}, rev=1)
    assert again.status_code == 204
    await confirm_all(team, proposal, "b")
    assert await team.shown(proposal) == "submitted"
    receipt = await team.get("lead", f"/proposals/{proposal}/receipt")
    assert receipt["version"] == 3
    assert (await team.save("lead", proposal, "aims", {"aims": "x"}, rev=1)).status_code == 409


async def test_partners_do_not_edit_while_confirmations_are_out(team):
    proposal = await team.complete(team.b)
    body = {"person_id": str(team.people["member"].id), "institution_id": str(team.b.id)}
    await team.make("lead", f"/proposals/{proposal}/members", body)
    await team.submit(proposal)
    part = await team.part(proposal, team.b)
    decline = {"reason": "本年度没有人手。"}
    path = f"/participations/{part['id']}/decline"
    assert (await team.send("officer_b", "POST", path, decline, rev=part["rev"])).status_code == 200
    got = await team.save("member", proposal, "aims", {"aims": "乙"}, rev=1)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.lead_only_now")
    assert (await team.save("lead", proposal, "aims", {"aims": "甲"}, rev=1)).status_code == 204


async def test_a_declined_institution_is_replaced_and_the_others_confirm_anew(team):
    proposal = await team.complete(team.b)
    await confirm_all(team, proposal, "a")
    await team.submit(proposal)
    part = await team.part(proposal, team.b)
    await team.send(
        "officer_b",
        "POST",
        f"/participations/{part['id']}/decline",
        {"reason": "不参加。"},
        rev=part["rev"],
    )
    removed = await team.send(
        "lead", "POST", f"/participations/{part['id']}/remove", {}, rev=part["rev"]
    )
    assert removed.status_code == 204
    body = {"institution_id": str(team.c.id), "role": "participating"}
    assert (
        await team.make("lead", f"/proposals/{proposal}/participations", body)
    ).status_code == 201
    await team.contribute(proposal, team.c, STAFF)
    assert await team.states(proposal) == {"a": "void", "c": "invited"}
    await confirm_all(team, proposal, "a", "c")
    assert await team.shown(proposal) == "submitted"
    gone = await team.client.get(f"/api/proposals/{proposal}", headers=team.headers["officer_b"])
    assert gone.status_code == 404


async def test_a_missed_date_is_derived_and_closes_the_door(team):
    proposal = await team.complete(team.b)
    await team.submit(proposal)
    part = await team.part(proposal, team.b)
    read = await team.get("officer_b", f"/participations/{part['id']}")
    late = now() - timedelta(seconds=1)
    await team.session.execute(
        update(Proposal).where(Proposal.id == proposal).values(consent_until=late)
    )
    assert (await team.states(proposal))["b"] == "expired"
    stored = await team.session.scalar(select(Taking.state).where(Taking.id == part["id"]))
    assert stored == "invited"
    body = {"scope_hash": read["scope_hash"]}
    got = await team.send("officer_b", "POST", f"/participations/{part['id']}/confirm", body)
    assert (got.status_code, got.json()["code"]) == (409, "proposals.consent_expired")
    assert (await team.get("officer_b", f"/participations/{part['id']}"))["can"] == []
    edit = await team.save("lead", proposal, "aims", {"aims": "甲"}, rev=1)
    assert (edit.status_code, edit.json()["code"]) == (409, "proposals.consent_date_over")
    await team.session.execute(
        update(Taking).where(Taking.id == part["id"]).values(until=now() + timedelta(days=1))
    )
    assert (await team.states(proposal))["b"] == "invited"
    assert (await team.confirm("officer_b", proposal, team.b)).status_code == 200
    expired = await team.part(proposal, team.a)
    assert expired["state"] == "expired"


async def test_an_expired_institution_can_still_be_removed(team):
    proposal = await team.complete(team.b, team.c)
    await confirm_all(team, proposal, "a", "b")
    await team.submit(proposal)
    await team.session.execute(
        update(Proposal).where(Proposal.id == proposal).values(consent_until=now())
    )
    part = await team.part(proposal, team.c)
    assert part["state"] == "expired"
    can = (await team.get("lead", f"/proposals/{proposal}"))["can"]
    assert ("proposal.arrange" in can, "proposal.edit" in can) == (True, False)
    got = await team.send(
        "lead", "POST", f"/participations/{part['id']}/remove", {}, rev=part["rev"]
    )
    assert got.status_code == 204
    assert await team.states(proposal) == {"a": "expired", "b": "expired"}


async def test_every_confirmation_state_has_a_way_on(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    path = f"/participations/{part['id']}"
    rev = part["rev"]
    await team.send("officer_b", "POST", f"{path}/return", {"comments": {"overall": "改"}}, rev=rev)
    again = await team.send(
        "officer_b", "POST", f"{path}/return", {"comments": {"overall": "改"}}, rev=rev
    )
    assert again.status_code == 200
    wrong = await team.send("officer_b", "POST", f"{path}/decline", {"reason": "不"}, rev=rev)
    assert wrong.status_code == 409
    assert wrong.json()["params"]["allowed"] == ["renew", "remove"]
    await team.submit(proposal)
    assert (await team.states(proposal))["b"] == "invited"


async def test_sql_and_python_speak_of_one_scope(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    read = await team.get("officer_b", f"/participations/{part['id']}")
    found = await scopes(team.session, proposal, "invited")
    assert {str(k): v for k, v in found.items()}[part["id"]] == read["scope"]


async def test_equal_content_is_the_same_version(team):
    proposal = await team.complete(team.b)
    await confirm_all(team, proposal, "a", "b")
    await team.submit(proposal)
    versions = (await team.session.scalars(select(Version))).all()
    assert [v.number for v in versions] == [1]
    assert versions[0].sha256 == digest(versions[0].document)
