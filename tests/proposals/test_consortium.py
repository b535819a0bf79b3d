"""Institutions' parts and the team: who arranges, who fills in, who is removed and what stays."""

from uuid import UUID

import pytest
from sqlalchemy import select

from lianyan.core.events import Event
from lianyan.proposals.models import Taking
from proposals.team_world import STAFF


async def member(team, proposal, who, institution):
    body = {"person_id": str(team.people[who].id), "institution_id": str(institution.id)}
    return await team.make("lead", f"/proposals/{proposal}/members", body)


async def place(team, proposal, who):
    detail = await team.get("lead", f"/proposals/{proposal}")
    return next(m["id"] for m in detail["team"] if m["person"]["id"] == str(team.people[who].id))


async def test_c91_left_out_fields_stay_and_nothing_else_moves(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    path = f"/participations/{part['id']}"
    got = await team.send("lead", "PATCH", path, {"task": "新任务"}, rev=part["rev"])
    assert got.json() == {"id": part["id"], "rev": part["rev"] + 1}
    now = await team.part(proposal, team.b)
    moved = {"task", "rev"}
    assert {k: v for k, v in now.items() if k not in moved} == {
        k: v for k, v in part.items() if k not in moved
    }
    empty = await team.send("lead", "PATCH", path, {}, rev=now["rev"])
    assert (empty.status_code, empty.json()["rev"]) == (200, now["rev"])
    cleared = await team.send("lead", "PATCH", path, {"task": ""}, rev=now["rev"])
    assert cleared.json()["rev"] == now["rev"] + 1
    for body, field in (
        ({"task": None}, "task"),
        ({"role": None}, "role"),
        ({"contributions": None}, "contributions"),
        ({"state": "consented"}, "state"),
        ({"titel": "x"}, "titel"),
        ({"role": "lead"}, "role"),
    ):
        got = await team.send("lead", "PATCH", path, body, rev=now["rev"] + 1)
        assert got.status_code == 400, body
        assert got.json()["errors"][0]["field"] == field
    assert (await team.part(proposal, team.b))["rev"] == now["rev"] + 1


async def test_a_stale_change_shows_what_is_stored_unless_it_is_equal(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    path = f"/participations/{part['id']}"
    lines = {"contributions": [STAFF | {"amount": "9.5"}]}
    await team.send("lead", "PATCH", path, lines, rev=part["rev"])
    equal = await team.send("lead", "PATCH", path, lines, rev=part["rev"])
    assert equal.status_code == 200
    stale = await team.send(
        "lead", "PATCH", path, {"contributions": [STAFF | {"amount": "7"}]}, rev=part["rev"]
    )
    assert stale.status_code == 412
    assert stale.json()["params"]["stored"]["contributions"][0]["amount"] == "9.50"
    assert stale.json()["params"]["rev"] == part["rev"] + 1


@pytest.mark.parametrize(
    "amount",
    ["", "-0", "-1", "1e308", "NaN", "9007199254740993.001", "1" * 13, "１２", "1,000", "一百万", "0.001",
     " 6", "6 ", "+6", "0x10", "٣", "1.", ".5", "6\n"],
)  # fmt: skip
async def test_an_amount_that_is_none_names_itself(team, amount):
    proposal = await team.complete(team.b)
    got = await team.contribute(proposal, team.b, STAFF, STAFF | {"amount": amount})
    assert got.status_code == 400
    assert [e["field"] for e in got.json()["errors"]] == ["contributions.1.amount"]


@pytest.mark.parametrize(
    "amount, shown", [("0", "0.00"), ("0.5", "0.50"), ("999999999999.99", "999999999999.99")]
)
async def test_an_amount_is_kept_to_the_last_digit(team, amount, shown):
    proposal = await team.complete(team.b)
    assert (await team.contribute(proposal, team.b, STAFF | {"amount": amount})).status_code == 200
    assert (await team.part(proposal, team.b))["contributions"][0]["amount"] == shown


@pytest.mark.parametrize("value", [-1, 2**53 + 1, 2**63, 10**40, 1.5, True, "一", float("1e308")])
async def test_a_value_out_of_range_names_itself(team, value):
    proposal = await team.complete(team.b)
    got = await team.contribute(proposal, team.b, STAFF | {"value_fen": value})
    assert got.status_code == 400
    assert "value_fen" in got.json()["errors"][0]["field"]


async def test_cash_is_worth_its_amount(team):
    proposal = await team.complete(team.b)
    cash = {"kind": "cash", "amount": "20.5", "unit": "万元", "value_fen": 1}
    await team.contribute(proposal, team.b, cash)
    assert (await team.part(proposal, team.b))["contributions"][0]["value_fen"] == 20_500_000
    got = await team.contribute(proposal, team.b, cash | {"unit": "欧元"})
    assert [e["field"] for e in got.json()["errors"]] == ["contributions.0.unit"]


async def test_people_of_an_institution_fill_in_its_own_part_only(team):
    proposal = await team.complete(team.b, team.c)
    await member(team, proposal, "member", team.b)
    own = await team.contribute(proposal, team.b, STAFF | {"amount": "7"}, who="member")
    assert own.status_code == 200
    other = await team.contribute(proposal, team.c, STAFF | {"amount": "7"}, who="member")
    assert (other.status_code, other.json()["code"]) == (403, "proposals.not_your_part")
    part = await team.part(proposal, team.b)
    role = await team.send(
        "member", "PATCH", f"/participations/{part['id']}", {"role": "resources"}, rev=part["rev"]
    )
    assert (role.status_code, role.json()["code"]) == (403, "proposals.lead_arranges")
    add = await team.make(
        "member",
        f"/proposals/{proposal}/participations",
        {"institution_id": str(team.c.id), "role": "resources"},
    )
    assert add.status_code == 403


async def test_an_institution_takes_part_once_and_the_lead_stays(team):
    proposal = await team.complete(team.b)
    body = {"institution_id": str(team.b.id), "role": "participating"}
    again = await team.make("lead", f"/proposals/{proposal}/participations", body)
    assert (again.status_code, again.json()["code"]) == (409, "proposals.institution_twice")
    body["institution_id"] = proposal
    none = await team.make("lead", f"/proposals/{proposal}/participations", body)
    assert (none.status_code, none.json()["errors"][0]["field"]) == (400, "institution_id")
    lead = await team.part(proposal, team.a)
    path = f"/participations/{lead['id']}"
    got = await team.send("lead", "POST", f"{path}/remove", {}, rev=lead["rev"])
    assert (got.status_code, got.json()["code"]) == (409, "proposals.lead_institution_stays")
    got = await team.send("lead", "PATCH", path, {"role": "resources"}, rev=lead["rev"])
    assert (got.status_code, got.json()["code"]) == (409, "proposals.lead_institution_stays")


async def test_a_removed_institution_may_come_back(team):
    proposal = await team.complete(team.b)
    await member(team, proposal, "member", team.b)
    part = await team.part(proposal, team.b)
    await team.send("lead", "POST", f"/participations/{part['id']}/remove", {}, rev=part["rev"])
    assert await team.states(proposal) == {"a": "invited"}
    gone = await team.client.get(f"/api/proposals/{proposal}", headers=team.headers["member"])
    assert gone.status_code == 404
    body = {"institution_id": str(team.b.id), "role": "resources"}
    assert (
        await team.make("lead", f"/proposals/{proposal}/participations", body)
    ).status_code == 201
    rows = (
        await team.session.scalars(select(Taking.state).where(Taking.institution_id == team.b.id))
    ).all()
    assert sorted(rows) == ["invited", "removed"]


async def test_an_institution_is_taken_out_once(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    path = f"/participations/{part['id']}/remove"
    for _ in range(2):
        got = await team.send("lead", "POST", path, {}, rev=part["rev"])
        assert got.status_code == 204, got.text
    stored = await team.session.get_one(Taking, UUID(part["id"]), populate_existing=True)
    assert (stored.state, stored.rev) == ("removed", part["rev"] + 1)
    assert (await team.send("stranger", "POST", path, {}, rev=part["rev"])).status_code == 404


async def test_only_confirmed_people_of_a_participating_institution_join(team):
    proposal = await team.complete(team.b)
    assert (await member(team, proposal, "member", team.b)).status_code == 201
    for who, institution, field in (
        ("member", team.c, "institution_id"),
        ("stranger", team.b, "person_id"),
        ("member", team.a, "person_id"),
    ):
        got = await member(team, proposal, who, institution)
        assert (got.status_code, got.json()["errors"][0]["field"]) == (400, field)
    twice = await member(team, proposal, "member", team.b)
    assert (twice.status_code, twice.json()["code"]) == (409, "proposals.member_twice")


async def test_c09_who_is_removed_finds_every_door_closed(team):
    proposal = await team.complete(team.b)
    person = team.people["member"]
    person.email, person.email_verified = "p@beta.example", True
    team.people["mate"].email, team.people["mate"].email_verified = "m@alpha.example", True
    await team.session.flush()
    await member(team, proposal, "member", team.b)
    await member(team, proposal, "officer_b", team.b)
    await team.save("member", proposal, "aims", {"aims": "乙写的。"}, rev=1)
    part = await team.part(proposal, team.b)
    link = await team.make(
        "lead", f"/participations/{part['id']}/invitations", {"email": "P@beta.example"}
    )
    token = link.json()["url"].partition("#")[2]
    other = await team.send("mate", "GET", "/invitation", x_invitation=token)
    assert (other.status_code, other.json()["code"]) == (403, "invitations.other_address")
    other = await team.send(
        "mate", "POST", "/invitation/accept", {"name": "x"}, x_invitation=token, idempotency_key="k"
    )
    assert other.status_code == 403

    place_id = await place(team, proposal, "member")
    removed = await team.send("lead", "DELETE", f"/members/{place_id}")
    assert removed.status_code == 204
    path = f"/api/proposals/{proposal}"
    assert (await team.client.get(path, headers=team.headers["member"])).status_code == 404
    pending = await team.save("member", proposal, "aims", {"aims": "还在改。"}, rev=2)
    assert pending.status_code == 404
    assert (await team.send("member", "GET", "/invitation", x_invitation=token)).status_code == 410
    dead = await team.send(
        "member",
        "POST",
        "/invitation/accept",
        {"name": "x"},
        x_invitation=token,
        idempotency_key="k",
    )
    assert dead.status_code == 410
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert detail["answers"]["aims"] == "乙写的。"
    section = next(s for s in detail["sections"] if s["id"] == "aims")
    assert section["saved_by"]["name"] == person.name
    saved = await team.session.scalars(
        select(Event.actor_id).where(Event.kind == "section.saved", Event.actor_id == person.id)
    )
    assert len(saved.all()) == 1
    last = await team.send("lead", "DELETE", f"/members/{await place(team, proposal, 'officer_b')}")
    assert last.status_code == 409
    assert last.json()["code"] == "proposals.last_contact_of_institution"
    assert "乙示例公司" in last.json()["detail"]


async def test_the_lead_stays_and_a_member_is_removed_once(team):
    proposal = await team.complete(team.b)
    lead = await place(team, proposal, "lead")
    got = await team.send("lead", "DELETE", f"/members/{lead}")
    assert (got.status_code, got.json()["code"]) == (409, "proposals.lead_stays")
    await member(team, proposal, "mate", team.a)
    mate = await place(team, proposal, "mate")
    for _ in range(2):
        assert (await team.send("lead", "DELETE", f"/members/{mate}")).status_code == 204
    assert (await team.send("lead", "DELETE", f"/members/{proposal}")).status_code == 404
    assert (await team.send("stranger", "DELETE", f"/members/{lead}")).status_code == 404
