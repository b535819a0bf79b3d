"""Failures of other portals at the login, and many logins at once."""

import asyncio
import time

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select, text

from idp.gate import Gate, cookies, count, reasons
from lianyan.app import create_app
from lianyan.core.events import Event
from lianyan.identity.models import (
    Affiliation,
    Identity,
    Person,
    Session,
)
from makers import ORIGIN, make_person


@pytest.mark.parametrize("verified", [False, "false", "true", True, 1, None, ...], ids=str)
async def test_c27_an_address_never_opens_an_account(forged, verified):
    dean = await make_person(
        forged.session, "院长", email="dean@nuist.example", email_verified=True
    )
    forged.forger.claims = {
        "sub": "zz9",
        "name": "生人",
        "email": "Dean@nuist.example",
        "email_verified": verified,
    }
    answer = await forged.forge()
    assert answer.status_code == 403
    assert "error=email_not_verified" in answer.text
    assert "lianyan_session" not in cookies(answer)
    assert await reasons(forged.session) == ["email_not_verified"]
    assert (await forged.session.scalars(select(Person.id))).all() == [dean.id]
    assert await count(forged.session, Identity) == 0
    assert await forged.who() is None


async def test_c27_an_institution_that_owns_the_domain_asks_for_the_former_login(forged):
    await make_person(forged.session, "院长", email="dean@nuist.example", email_verified=True)
    await forged.session.execute(
        text(
            "insert into institution_domains (domain, institution_id) values ('nuist.example', :id)"
        ),
        {"id": forged.institutions["forged"].id},
    )
    forged.forger.claims = {"email": "dean@nuist.example", "email_verified": True}
    answer = await forged.forge()
    assert answer.status_code == 403
    assert "error=link_first" in answer.text
    assert await count(forged.session, Person) == 1
    forged.forger.claims = {"email": "dean@nuist.example", "email_verified": "true"}
    assert "error=email_not_verified" in (await forged.forge()).text


async def test_an_address_somebody_only_typed_keeps_nobody_out(forged):
    await make_person(forged.session, "甲", email="dean@nuist.example")
    forged.forger.claims = {"name": "院长", "email": "dean@nuist.example", "email_verified": True}
    assert (await forged.forge()).status_code == 303
    assert (await forged.who())["name"] == "院长"


async def test_an_unchecked_address_is_not_kept(forged):
    forged.forger.claims = {"name": "甲", "email": "a@b.example"}
    await forged.forge()
    assert (await forged.session.scalar(select(Person.email))) is None


@pytest.mark.parametrize(
    "good, more",
    [
        (True, {"iat": 1}),
        (True, {"iat": 90}),
        (True, {"exp": -30, "iat": -300}),
        (True, {"nbf": 60}),
        (False, {"iat": 600}),
        (False, {"exp": -600, "iat": -600}),
    ],
    ids=str,
)
async def test_c29_a_clock_that_is_wrong_is_named(forged, good, more):
    forged.forger.claims = {name: time.time() + value for name, value in more.items()}
    answer = await forged.forge()
    if good:
        assert answer.status_code == 303
        return
    assert answer.status_code == 400
    assert "error=clock" in answer.text
    assert "时钟" in answer.text
    assert forged.forger.issuer in answer.text
    event = await forged.session.scalar(select(Event).where(Event.kind == "login.refused"))
    assert abs(abs(event.data["skew_s"]) - 600) < 5


async def test_c33_a_form_of_an_old_session_is_not_taken_in_the_new_one(gate):
    await gate.add("nuist")
    await gate.enter("nuist", "ji")
    tag = (await gate.client.get("/api/session")).json()["tag"]

    async def save(rev, locale, tag):
        return await gate.client.patch(
            "/api/settings",
            json={"locale": locale},
            headers={"if-match": f'"{rev}"', "x-session": tag},
        )

    assert (await save(1, "en", tag)).status_code == 200
    assert (await save(1, "zh", tag)).status_code == 412  # on its merits: somebody changed it
    assert (await save(2, "zh", tag)).status_code == 200
    before = gate.client.cookies["lianyan_session"]
    await gate.client.request("DELETE", "/api/session")
    assert (await save(3, "en", tag)).status_code == 401
    await gate.enter("nuist", "ji")
    assert gate.client.cookies["lianyan_session"] != before
    stale = await save(3, "en", tag)
    assert stale.status_code == 403
    assert stale.json()["code"] == "identity.stale_form"
    renewed = (await gate.client.get("/api/session")).json()["tag"]
    assert renewed != tag
    assert (await save(3, "en", renewed)).status_code == 200
    assert (await gate.client.get("/api/settings", headers={"x-session": tag})).status_code == 200


# ---- many at once ----


async def test_two_answers_at_once_open_one_session(committed, demo_login, forger):
    async with committed.sessions.begin() as session:
        gate = Gate(committed.client, session, committed.app.state.settings, demo_login, forger)
        await gate.add("nuist")
    back = await gate.at_provider("nuist", "wu")
    answers = await asyncio.gather(*(committed.client.get(back) for _ in range(5)))
    landed = [a.headers.get("location", "") for a in answers]
    assert sum(where.startswith("/welcome") for where in landed) == 1
    async with committed.sessions() as session:
        assert await count(session, Session) == 1
        assert await count(session, Person) == 1
    await gate.browser.aclose()


async def test_two_first_logins_at_once_make_one_person(committed, demo_login, forger):
    async with committed.sessions.begin() as session:
        gate = Gate(committed.client, session, committed.app.state.settings, demo_login, forger)
        await gate.add("nuist")
    backs = [await gate.at_provider("nuist", "ji") for _ in range(4)]
    answers = await asyncio.gather(*(committed.client.get(back) for back in backs))
    assert [a.status_code for a in answers] == [303] * 4
    async with committed.sessions() as session:
        assert await count(session, Person) == 1
        assert await count(session, Affiliation) == 1
    await gate.browser.aclose()


async def test_a_login_goes_on_after_the_portal_was_started_anew(committed, demo_login, forger):
    """Nothing of a login on its way is in the process: another one takes the answer."""
    state = committed.app.state
    async with committed.sessions.begin() as session:
        gate = Gate(committed.client, session, state.settings, demo_login, forger)
        await gate.add("nuist")
    back = await gate.at_provider("nuist", "ji")
    another = create_app(state.settings, committed.sessions, state.acquire)
    transport = ASGITransport(another, raise_app_exceptions=False)
    async with AsyncClient(
        transport=transport, base_url=ORIGIN, cookies=committed.client.cookies
    ) as client:
        assert (await client.get(back)).headers["location"].startswith("/welcome")
        assert (await gate.who(client))["name"] == "李𠮷"
    await gate.browser.aclose()
