"""Institutions' login services: written down, checked, tried, activated by a second person, stopped."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select

from idp.gate import cookies, count
from idp.walk import query
from lianyan.core.events import Event
from lianyan.core.messages import Message
from lianyan.core.problems import Conflict
from lianyan.identity import provider_admin
from lianyan.identity.models import Identity, Person, Provider, Session
from lianyan.institutions.models import Domain
from makers import key, login, make_institution, make_person

BASE = "/api/admin/providers"


@pytest.fixture
async def desk(gate, forger):
    """Give two administrators, a security administrator and an institution without a login."""
    session = gate.session
    home = await make_institution(session, "主办大学")
    ours = await make_institution(session, "新来大学")
    session.add(Domain(institution_id=ours.id, domain="new.example"))
    people = {
        name: await make_person(session, name, institution=home, roles=[role])
        for name, role in (
            ("甲", "administrator"), ("乙", "administrator"), ("安", "security_administrator"),
        )
    }  # fmt: skip
    headers = {name: await login(session, person) for name, person in people.items()}
    return SimpleNamespace(
        gate=gate, home=home, ours=ours, people=people, as_=headers, forger=forger
    )


async def call(desk, who, method, path="", rev=None, **sent):
    headers = dict(desk.as_[who])
    if method == "POST" and rev is None and not path:
        headers |= key()
    if rev is not None:
        headers["if-match"] = f'"{rev}"'
    return await desk.gate.client.request(
        method, f"{BASE}{path}", headers=headers, **({"json": sent} if sent else {})
    )


async def added(desk, who="甲", **more):
    sent = {
        "institution_id": str(desk.ours.id), "slug": "new", "name_zh": "新来大学", "name_en": "New",
        "issuer": desk.forger.issuer, "client_id": "portal", "secret": "s3cret", **more,
    }  # fmt: skip
    made = await call(desk, who, "POST", **sent)
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def page(desk, id_, who="甲"):
    got = await call(desk, who, "GET", f"/{id_}")
    assert got.status_code == 200, got.text
    return got.json()


async def step(desk, id_, what, who="甲", status=200):
    rev = (await page(desk, id_))["rev"]
    got = await call(desk, who, "POST", f"/{id_}/{what}", rev=rev)
    assert got.status_code == status, got.text
    return got.json()


async def tried(desk, id_, who="甲", **claims):
    """Log in for trial as `who`; return the page afterwards."""
    desk.forger.claims = {"name": "试用者", **claims}
    began = await call(desk, who, "POST", f"/{id_}/try")
    assert began.status_code == 200, began.text
    asked = query(began.json()["url"])
    desk.forger.nonce = asked["nonce"]
    answer = await desk.gate.client.get(
        "/auth/new/callback",
        params={"code": "c", "state": asked["state"], "iss": desk.forger.issuer},
        headers={"cookie": f"{_cookie(began)}; {desk.as_[who]['cookie']}"},
    )
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].endswith(f"/admin/logins/{id_}?tried=1")
    assert "lianyan_session" not in cookies(answer)
    return await page(desk, id_, who)


def _cookie(answer):
    return next(line.partition(";")[0] for name, line in cookies(answer).items() if "login" in name)


async def active(desk):
    id_ = await added(desk)
    await step(desk, id_, "check")
    await tried(desk, id_)
    await step(desk, id_, "activate", "乙")
    return id_


async def test_from_an_address_to_a_member_who_logs_in(desk):
    gate = desk.gate
    id_ = await added(desk)
    found = await page(desk, id_)
    assert (found["status"], found["secret"], found["lacking"]) == ("draft", True, [])
    assert found["callback"].endswith("/auth/new/callback")
    assert "s3cret" not in str(found)
    assert "provider.try" not in found["can"]
    await step(desk, id_, "check")
    found = await page(desk, id_)
    assert (found["status"], found["algorithms"]) == ("testing", ["RS256"])
    assert found["lacking"] == ["logins.not_tried"]
    before = await count(gate.session, Person)
    found = await tried(
        desk, id_, email="t@new.example", email_verified=True, groups=["g"] * 60, sub="t-1"
    )
    trial = found["trial"]
    assert (trial["ok"], trial["subject"], trial["name"]) == (True, "t-1", "试用者")
    assert (trial["email"], trial["email_checked"], trial["email_own"]) == (
        "t@new.example",
        True,
        True,
    )
    said = {claim["name"]: claim["value"] for claim in trial["claims"]}
    assert (said["sub"], said["groups"]) == ("t-1", None)
    assert (await count(gate.session, Person), await count(gate.session, Identity)) == (before, 0)
    # Not the one who wrote it down; nor does anybody get in meanwhile, or see that it is there.
    assert found["lacking"] == ["logins.another_activates"]
    assert (await step(desk, id_, "activate", status=409))["code"] == "logins.another_activates"
    closed = await gate.client.post("/api/login/new", json={"return_to": "/home"})
    assert closed.status_code == 404
    assert "新来大学" not in (await gate.client.get("/api/providers")).text
    await step(desk, id_, "activate", "安")
    assert "新来大学" in (await gate.client.get("/api/providers")).text
    rev = (await page(desk, id_))["rev"]
    named = await call(desk, "甲", "PATCH", f"/{id_}", rev=rev, name_zh="教工统一登录")
    assert named.status_code == 200
    for asked in ("教工统一", "jiaogong", "新来"):
        listed = (await gate.client.get("/api/providers", params={"q": asked})).json()["items"]
        assert [row["slug"] for row in listed] == ["new"], asked
    desk.forger.claims = {"name": "新成员", "sub": "m-1"}
    answer = await gate.forge("new")
    assert answer.headers["location"].startswith("/welcome"), answer.text
    assert (await gate.who())["name"] == "新成员"


async def test_a_trial_in_another_session_shows_nothing(desk):
    id_ = await added(desk)
    await step(desk, id_, "check")
    began = await call(desk, "甲", "POST", f"/{id_}/try")
    asked = query(began.json()["url"])
    desk.forger.nonce = asked["nonce"]
    sent = {"code": "c", "state": asked["state"], "iss": desk.forger.issuer}
    for other in (f"; {desk.as_['乙']['cookie']}", ""):
        answer = await desk.gate.client.get(
            "/auth/new/callback", params=sent, headers={"cookie": f"{_cookie(began)}{other}"}
        )
        assert "location" not in answer.headers or "tried" not in answer.headers["location"]
    assert (await page(desk, id_))["trial"] is None
    assert await count(desk.gate.session, Identity) == 0


async def test_a_trial_that_fails_says_why_and_does_not_count(desk):
    id_ = await added(desk)
    await step(desk, id_, "check")
    found = await tried(desk, id_, aud="another")
    assert (found["trial"]["ok"], found["trial"]["code"]) == (False, "failed")
    assert found["trial"]["reason"].startswith("token_")
    assert (await step(desk, id_, "activate", "乙", 409))["code"] == "logins.trial_failed"
    await tried(desk, id_)
    rev = (await page(desk, id_))["rev"]
    changed = await call(desk, "甲", "PATCH", f"/{id_}", rev=rev, secret="another")
    assert changed.status_code == 200
    assert (await step(desk, id_, "activate", "乙", 409))["code"] == "logins.tried_before"
    # Whoever changes it last is not the one to activate it either.
    await tried(desk, id_)
    rev = (await page(desk, id_))["rev"]
    assert (
        await call(desk, "乙", "PATCH", f"/{id_}", rev=rev, client_id="portal2")
    ).status_code == 200
    assert (await page(desk, id_))["status"] == "draft"


@pytest.mark.parametrize(
    "issuer, code",
    [
        ("{issuer}/", "logins.issuer_differs"),
        ("http://127.0.0.1:9", "logins.no_answer"),
        ("https://10.0.0.1", "logins.no_answer"),
        ("https://169.254.169.254", "logins.no_answer"),
    ],
)
async def test_what_does_not_answer_as_written_stays_a_draft(desk, issuer, code):
    id_ = await added(desk, issuer=issuer.format(issuer=desk.forger.issuer))
    got = await step(desk, id_, "check", status=400)
    (error,) = got["errors"]
    assert (error["field"], error["code"]) == ("issuer", code)
    if code == "logins.issuer_differs":
        assert error["params"] == {"said": desk.forger.issuer}
    assert (await page(desk, id_))["status"] == "draft"


async def test_algorithms_without_a_pair_of_keys_are_none(desk):
    desk.forger.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    id_ = await added(desk)
    got = await step(desk, id_, "check", status=400)
    assert got["errors"][0]["code"] == "logins.no_algorithm"


async def test_what_is_missing_is_asked_for_by_name(desk):
    id_ = await added(desk, issuer="", client_id="", secret="")
    got = await step(desk, id_, "check", status=400)
    assert [error["field"] for error in got["errors"]] == ["issuer", "client_id"]
    rev = (await page(desk, id_))["rev"]
    sent = {"issuer": desk.forger.issuer, "client_id": "portal"}
    assert (await call(desk, "甲", "PATCH", f"/{id_}", rev=rev, **sent)).status_code == 200
    got = await step(desk, id_, "check", status=400)
    assert [error["field"] for error in got["errors"]] == ["secret"]


async def test_used_once_its_issuer_stays(desk):
    id_ = await active(desk)
    desk.forger.claims = {"name": "新成员", "sub": "m-1"}
    await desk.gate.forge("new")
    await step(desk, id_, "disable")
    for status in ("disabled",):
        found = await page(desk, id_)
        assert (found["status"], found["fixed"], found["people"]) == (status, True, 1)
        got = await call(
            desk, "甲", "PATCH", f"/{id_}", rev=found["rev"], issuer="https://evil.example"
        )
        assert got.json()["errors"][0]["code"] == "logins.fixed"
    renamed = await call(
        desk, "甲", "PATCH", f"/{id_}", rev=found["rev"], name_zh="新来大学（教工）"
    )
    assert renamed.status_code == 200
    # A name alone needs no new trial.
    await step(desk, id_, "activate", "乙")


async def test_disabled_it_lets_nobody_in_and_retired_it_lets_nobody_stay(desk):
    gate = desk.gate
    id_ = await active(desk)
    desk.forger.claims = {"name": "新成员", "sub": "m-1"}
    await gate.forge("new")
    begun = query(await gate.begin("new"))
    await step(desk, id_, "disable")
    assert (await gate.who())["name"] == "新成员"
    refused = await gate.client.post("/api/login/new", json={"return_to": "/home"})
    assert (refused.status_code, refused.json()["code"]) == (409, "identity.login_closed")
    desk.forger.nonce = begun["nonce"]
    late = await gate.client.get(
        "/auth/new/callback",
        params={"code": "c", "state": begun["state"], "iss": desk.forger.issuer},
    )
    assert late.status_code in {303, 400}
    assert await count(gate.session, Session) == 4
    await step(desk, id_, "retire", "安")
    assert await gate.who() is None
    got = await call(
        desk, "甲", "PATCH", f"/{id_}", rev=(await page(desk, id_))["rev"], name_zh="又来"
    )
    assert got.json()["code"] == "logins.retired"
    assert (await step(desk, id_, "activate", "乙", 409))["code"] == "logins.not_now"
    # Its issuer is free for another one then, and that one opens none of its accounts.
    again = await added(desk, slug="new2")
    assert (await page(desk, again))["people"] == 0


async def test_two_with_one_issuer_and_client_are_not(desk):
    await added(desk)
    sent = {
        "institution_id": str(desk.home.id), "slug": "other", "name_zh": "甲", "name_en": "A",
        "issuer": desk.forger.issuer, "client_id": "portal",
    }  # fmt: skip
    got = await call(desk, "甲", "POST", **sent)
    assert got.json()["errors"][0] | {"detail": ""} == {
        "field": "client_id", "code": "logins.taken", "params": {}, "detail": "",
    }  # fmt: skip
    got = await call(desk, "甲", "POST", **{**sent, "slug": "new", "client_id": "c"})
    assert got.json()["errors"][0]["code"] == "logins.slug_taken"


async def test_who_sees_and_who_may(desk):
    id_ = await added(desk)
    gate = desk.gate
    stranger = await login(
        gate.session, await make_person(gate.session, institution=desk.home, roles=["coordinator"])
    )
    assert (await gate.client.get(BASE, headers=stranger)).status_code == 403
    assert (await gate.client.get(BASE)).status_code == 401
    seen = (await call(desk, "安", "GET")).json()
    assert (len(seen["items"]), seen["can"]) == (1, [])
    assert (await page(desk, id_, "安"))["can"] == ["provider.retire"]
    for method, path, body in (
        ("PATCH", f"/{id_}", {"name_zh": "改"}), ("POST", f"/{id_}/check", {}), ("POST", f"/{id_}/try", {}),
    ):  # fmt: skip
        got = await call(desk, "安", method, path, rev=1, **body)
        assert got.status_code == 403, path


async def test_the_other_administrators_hear_of_it_and_the_record_names_no_secret(desk):
    id_ = await active(desk)
    rev = (await page(desk, id_))["rev"]
    assert (
        await call(desk, "甲", "PATCH", f"/{id_}", rev=rev, secret="t0psecret")
    ).status_code == 200
    session = desk.gate.session
    rows = await session.execute(select(Message.template, Message.person_id))
    told = {tuple(row) for row in rows}
    ids = {name: person.id for name, person in desk.people.items()}
    assert ("provider_activated", ids["甲"]) in told
    assert ("provider_activated", ids["乙"]) not in told
    assert {("provider_changed", ids["乙"]), ("provider_changed", ids["安"])} <= told
    events = (
        await session.scalars(select(Event).where(Event.subject_id == id_).order_by(Event.id))
    ).all()
    assert [event.kind.partition(".")[2] for event in events] == [
        "added", "checked", "tried", "activated", "changed",
    ]  # fmt: skip
    assert events[-1].data["fields"] == ["secret"]
    assert "t0psecret" not in str([event.data for event in events])


async def test_the_first_is_activated_on_the_server(desk):
    id_ = await added(desk)
    await step(desk, id_, "check")
    session = desk.gate.session
    found = await provider_admin.provider_named(session, "new")
    assert str(found) == id_
    with pytest.raises(Conflict, match="not_tried"):
        await provider_admin.activate(session, None, found)
    await tried(desk, id_)
    await provider_admin.activate(session, None, found)
    row = await session.get(Provider, found, populate_existing=True)
    assert (row.status, row.activated_by) == ("active", None)
    assert (await page(desk, id_))["activated_at"] is not None
