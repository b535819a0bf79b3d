"""Invitations by link: read without login, answered by a POST only, dead once used."""

import pytest
from sqlalchemy import select, update

from lianyan.core.events import Event
from lianyan.identity.models import Affiliation, Person
from lianyan.proposals.models import Invitation, Member, Taking
from makers import now

NAMES = [
    "李",
    "李 明",
    "欧阳明",
    "Sukma",
    "An-Qi Wu",
    "阿卜杜拉·买买提",
    "O’Neil",
    "Ⅳ",
    "长" * 60,
    "张三<b>",
]


async def link(team, proposal, institution=None, **body):
    part = await team.part(proposal, institution or team.b)
    made = await team.make("lead", f"/participations/{part['id']}/invitations", body)
    assert made.status_code == 201, made.text
    return made.json()["url"].partition("#")[2]


async def answer(team, token, act, body, *, who="nobody", key="key"):
    got = await team.send(
        who, "POST", f"/invitation/{act}", body, x_invitation=token, idempotency_key=key
    )
    team.client.cookies.clear()
    return got


async def read(team, token, who="nobody"):
    return await team.send(who, "GET", "/invitation", x_invitation=token)


async def test_a_link_is_read_without_login(team):
    proposal = await team.complete(team.b, team.c)
    token = await link(team, proposal, name="王工")
    got = await read(team, token)
    assert got.status_code == 200
    found = got.json()
    assert found["inviter"] == {
        "name": "示例用户甲",
        "institution": {"zh": "甲示例大学", "en": "Alpha University"},
    }
    assert found["institution"]["name"]["zh"] == "乙示例公司"
    assert found["proposal"]["title"] == "面向中小学科学课的沉浸式气象实验"
    assert (found["proposal"]["starts"], found["proposal"]["months"]) == ("2027-03", 24)
    assert (found["role"], found["task"]) == ("participating", "做事")
    assert found["contributions"] == [
        {"kind": "staff", "what": "", "amount": "6.00", "unit": "人月"}
    ]
    assert {o["role"] for o in found["others"]} == {"lead", "participating"}
    assert (found["state"], found["name_hint"], found["bound"]) == ("sent", "王工", False)
    assert found["proposal_id"] is None
    assert "lead_id" not in got.text


async def test_a_link_lives_in_the_fragment_and_only_its_hash_is_stored(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    made = await team.make("lead", f"/participations/{part['id']}/invitations", {})
    url = made.json()["url"]
    assert "/i#" in url
    token = url.partition("#")[2]
    assert len(token) >= 43
    rows = (await team.session.execute(select(Invitation))).scalars().all()
    assert token.encode() not in rows[0].token_hash
    assert token not in str((await team.get("lead", f"/proposals/{proposal}"))["invitations"])


async def test_c59_no_get_or_head_changes_anything(team):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)

    async def state():
        rows = await team.session.execute(
            select(Invitation, Taking.state).join(Taking, Taking.id == Invitation.participation_id)
        )
        events = await team.session.scalars(select(Event.id))
        return [(i.state, i.answered_at, s) for i, s in rows], len(events.all())

    before = await state()
    for method in ("HEAD", "GET", "GET", "OPTIONS"):
        for path in (
            "/invitation",
            "/invitation/accept",
            "/invitation/decline",
            "/invitation/report",
        ):
            got = await team.send("nobody", method, path, x_invitation=token)
            assert got.status_code in {200, 204, 405}
    assert await state() == before
    assert (await answer(team, token, "accept", {"name": "李"})).status_code == 200
    again = await answer(team, token, "accept", {"name": "李"})
    assert again.status_code == 200


@pytest.mark.parametrize("name", NAMES)
async def test_c69_any_name_takes_part_as_it_is_written(team, name):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    got = await answer(team, token, "accept", {"name": f" {name} "})
    assert got.status_code == 200, got.text
    detail = await team.get("lead", f"/proposals/{proposal}")
    joined = detail["team"][-1]
    assert joined["person"]["name"] == name
    assert joined["scope"] is True


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b", "长" * 61, "a\nb", "a\u202eb", "\ud800", "a\u0000b", None]
)
async def test_c69_no_name_is_refused_by_name(team, name):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    body = b'{"name": "\\ud800"}' if name == "\ud800" else None
    if body:
        headers = {"x-lianyan": "1", "x-invitation": token, "idempotency-key": "k"}
        headers |= {"content-type": "application/json"}
        got = await team.client.post("/api/invitation/accept", content=body, headers=headers)
    else:
        got = await answer(team, token, "accept", {"name": name})
    assert got.status_code == 400
    assert got.json()["errors"][0]["field"] in ({"name"} if not body else {"name", "body"})
    assert (await read(team, token)).json()["state"] == "sent"


async def test_who_accepts_opens_this_proposal_and_nothing_else(team):
    proposal = await team.complete(team.b)
    other = await team.complete(team.b)
    token = await link(team, proposal)
    got = await team.send(
        "nobody", "POST", "/invitation/accept", {"name": "王工", "contact": "13800000000"},
        x_invitation=token, idempotency_key="k",
    )  # fmt: skip
    assert got.json() == {"proposal_id": proposal}
    cookie = got.headers["set-cookie"]
    assert "HttpOnly" in cookie
    team.client.cookies.clear()
    headers = {
        "cookie": cookie.partition(";")[0],
        "x-lianyan": "1",
        "origin": "http://127.0.0.1:8000",
    }
    team.headers["invited"] = headers
    mine = await team.get("invited", "/proposals")
    assert [row["id"] for row in mine["items"]] == [proposal]
    assert (await team.client.get(f"/api/proposals/{other}", headers=headers)).status_code == 404
    body = {"call_id": str(team.call.id), "institution_id": str(team.b.id)}
    assert (await team.make("invited", "/proposals", body)).status_code == 403
    assert (
        await team.save("invited", proposal, "aims", {"aims": "写。"}, rev=1)
    ).status_code == 204
    own = await team.contribute(
        proposal, team.b, {"kind": "staff", "amount": "3", "unit": "人月"}, who="invited"
    )
    assert own.status_code == 200
    person = await team.session.scalar(select(Person).where(Person.name == "王工"))
    assert (person.status, person.phone, person.email) == ("active", "13800000000", None)
    place = await team.session.scalar(select(Affiliation).where(Affiliation.person_id == person.id))
    assert (place.institution_id, place.status, place.source) == (
        team.b.id,
        "pending",
        "invitation",
    )
    part = await team.part(proposal, team.b)
    confirm = await team.send(
        "invited", "POST", f"/participations/{part['id']}/confirm", {"scope_hash": "x"}
    )
    assert confirm.status_code == 403


async def test_the_link_dies_with_its_use_and_a_retry_succeeds(team):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    first = await answer(team, token, "accept", {"name": "王工"}, key="one")
    assert first.status_code == 200
    retry = await answer(team, token, "accept", {"name": "王工"}, key="one")
    assert retry.status_code == 200
    assert "set-cookie" in retry.headers
    people = (await team.session.scalars(select(Person).where(Person.name == "王工"))).all()
    assert len(people) == 1
    thief = await answer(team, token, "accept", {"name": "别人"}, key="two")
    assert (thief.status_code, thief.json()["code"]) == (410, "invitations.dead")
    assert (await read(team, token)).status_code == 410
    assert (await answer(team, token, "decline", {})).status_code == 410


async def test_somebody_logged_in_joins_as_themselves(team):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    got = await answer(team, token, "accept", {}, who="member")
    assert got.status_code == 200
    assert "set-cookie" not in got.headers
    members = await team.session.scalars(
        select(Member.person_id).where(Member.proposal_id == proposal, Member.removed_at.is_(None))
    )
    assert set(members.all()) == {team.people["lead"].id, team.people["member"].id}
    assert (await answer(team, token, "accept", {}, who="member", key="other")).status_code == 200
    mine = await read(team, token, who="member")
    assert (mine.json()["state"], mine.json()["proposal_id"]) == ("accepted", proposal)


async def test_a_person_pending_becomes_active_by_the_invitation(team):
    proposal = await team.complete(team.b)
    person = team.people["member"]
    await team.session.execute(
        update(Person).where(Person.id == person.id).values(status="pending")
    )
    token = await link(team, proposal)
    assert (await answer(team, token, "accept", {}, who="member")).status_code == 200
    await team.session.refresh(person)
    assert person.status == "active"


async def test_a_bound_link_opens_for_its_address_only(team):
    proposal = await team.complete(team.b)
    person = team.people["member"]
    person.email, person.email_verified = "wang@Beta.example", True
    await team.session.flush()
    token = await link(team, proposal, email="WANG@beta.example")
    assert (await read(team, token, who="mate")).status_code == 403
    assert (await read(team, token, who="member")).status_code == 200
    assert (await read(team, token)).json()["bound"] is True
    person.email_verified = False
    await team.session.flush()
    got = await answer(team, token, "accept", {}, who="member")
    assert (got.status_code, got.json()["code"]) == (403, "invitations.other_address")


@pytest.mark.parametrize(
    "contact", ["x", "a@b,c@d", "１", "@", "a b@c", "1" * 40, "a\nb@c.d", "\u0000"]
)
async def test_a_contact_that_is_none_names_itself(team, contact):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    got = await answer(team, token, "accept", {"name": "王工", "contact": contact})
    assert got.status_code == 400
    assert [e["field"] for e in got.json()["errors"]] == ["contact"]


async def test_a_no_and_a_wish_reach_the_lead(team):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    wish = await answer(team, token, "changes", {"comment": "我方只出 2 人月。"})
    assert wish.status_code == 204
    assert (await read(team, token)).json()["state"] == "sent"
    assert (await answer(team, token, "decline", {"reason": "没有时间"})).status_code == 204
    assert (await read(team, token)).status_code == 410
    shown = (await team.get("lead", f"/proposals/{proposal}"))["invitations"][0]
    assert (shown["state"], shown["comment"]) == ("declined", "没有时间")
    assert (await team.states(proposal))["b"] == "invited"
    kinds = (
        await team.session.scalars(select(Event.kind).where(Event.kind.like("invitation.%")))
    ).all()
    assert kinds == ["invitation.sent", "invitation.changes", "invitation.declined"]
    texts = (
        await team.session.scalars(select(Event.data).where(Event.kind.like("invitation.%")))
    ).all()
    assert "没有时间" not in str(texts)


async def test_a_link_gone_astray_is_reported_and_dead(team):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    assert (await answer(team, token, "report", None)).status_code == 204
    assert (await read(team, token)).status_code == 410
    assert (await answer(team, token, "report", None)).status_code == 410


async def test_a_new_link_kills_the_old_one_and_revoked_stays_dead(team):
    proposal = await team.complete(team.b)
    old = await link(team, proposal)
    row = (await team.get("lead", f"/proposals/{proposal}"))["invitations"][0]
    got = await team.send("lead", "POST", f"/invitations/{row['id']}/resend")
    new = got.json()["url"].partition("#")[2]
    assert (await read(team, old)).status_code == 410
    assert (await read(team, new)).status_code == 200
    assert (
        await team.send("member", "POST", f"/invitations/{row['id']}/revoke")
    ).status_code == 404
    for _ in range(2):
        assert (
            await team.send("lead", "POST", f"/invitations/{row['id']}/revoke")
        ).status_code == 204
    assert (await read(team, new)).status_code == 410
    assert (await team.send("lead", "POST", f"/invitations/{row['id']}/resend")).status_code == 409


async def test_a_replayed_invitation_gives_a_link_that_works(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    path, keys = f"/participations/{part['id']}/invitations", {"idempotency_key": "same"}
    first = (await team.make("lead", path, {}, **keys)).json()
    second = (await team.make("lead", path, {}, **keys)).json()
    assert first["id"] == second["id"]
    assert (await read(team, second["url"].partition("#")[2])).status_code == 200
    assert (await read(team, first["url"].partition("#")[2])).status_code == 410


async def test_an_old_link_is_dead_and_an_unknown_one_looks_the_same(team):
    proposal = await team.complete(team.b)
    token = await link(team, proposal)
    await team.session.execute(update(Invitation).values(expires_at=now()))
    dead = await read(team, token)
    for unknown in ("", "x", "x" * 5000, "%00"):
        got = await read(team, unknown)
        assert (got.status_code, got.content) == (410, dead.content)
    assert (await team.get("lead", f"/proposals/{proposal}"))["invitations"][0][
        "state"
    ] == "expired"


async def test_only_the_lead_sees_the_links(team):
    proposal = await team.complete(team.b)
    await link(team, proposal, name="王工", email="w@beta.example")
    assert len((await team.get("lead", f"/proposals/{proposal}"))["invitations"]) == 1
    assert (await team.get("officer_b", f"/proposals/{proposal}"))["invitations"] == []
