"""Logging in and out through an institution, at the real provider."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from litestar.datastructures import State
from sqlalchemy import select, text

from idp.fixtures import settings_for
from idp.gate import cookies, count
from idp.walk import leave, query
from lianyan.core.events import Event
from lianyan.identity.commands import move_demo_issuers
from lianyan.identity.cookies import left_of, login_of, session_of
from lianyan.identity.models import (
    Affiliation,
    Identity,
    LoginTransaction,
    Person,
    Provider,
    Session,
)
from makers import ORIGIN, login, make_institution, make_person


async def test_a_first_login_makes_a_pending_person(gate):
    await gate.add("nuist")
    answer = await gate.enter("nuist", "wu", return_to="/proposals/12")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/welcome?next=%2Fproposals%2F12"
    assert answer.headers["cache-control"] == "no-store"
    me = await gate.who()
    assert (me["name"], me["status"], me["roles"]) == ("吴安琪", "pending", [])
    assert me["institutions"] == []
    assert [i["name"]["zh"] for i in me["waiting"]] == ["南京信息工程大学"]
    person = await gate.session.scalar(select(Person))
    assert (person.email, person.email_verified, person.demo) == ("wu@nuist.example", True, True)
    assert person.sort_key.startswith("1wu2")
    known = await gate.session.scalar(select(Identity))
    assert (known.issuer, known.subject) == (f"{gate.login.base}/nuist", "wu")
    asked = await gate.session.scalar(select(Affiliation))
    assert (asked.status, asked.source) == ("pending", "login")
    kinds = await gate.session.scalars(select(Event.kind).order_by(Event.id))
    assert list(kinds) == ["affiliation.asked", "login.done"]
    assert await count(gate.session, LoginTransaction) == 0


async def test_the_second_login_opens_the_same_account(gate):
    await gate.add("nuist")
    await gate.enter("nuist", "ji")
    first = await gate.who()
    answer = await gate.enter("nuist", "ji", return_to="/proposals/12")
    assert answer.headers["location"] == "/proposals/12"
    assert await gate.who() == first
    assert first["name"] == "李𠮷"
    assert await count(gate.session, Person) == 1


async def test_a_name_with_signs_of_markup_is_text(gate):
    await gate.add("nuist")
    await gate.enter("nuist", "bold")
    assert (await gate.who())["name"] == "张三<b>"


async def test_a_person_without_a_name_is_asked_for_it(gate):
    await gate.add("yungu")
    await gate.enter("yungu", "no-name")
    me = await gate.who()
    assert me["name_missing"]
    account = await gate.client.get("/api/settings")
    assert account.json()["name"] == ""
    blank = await gate.client.patch(
        "/api/settings", json={"name": "—"}, headers={"if-match": '"1"'}
    )
    assert blank.status_code == 400
    named = await gate.client.patch(
        "/api/settings", json={"name": "Sukma"}, headers={"if-match": '"1"'}
    )
    assert named.status_code == 200
    assert not (await gate.who())["name_missing"]


async def test_the_same_subject_at_two_institutions_is_two_people(gate):
    await gate.add("nuist")
    await gate.add("yungu")
    await gate.enter("nuist", "wu")
    one = await gate.who()
    answer = await gate.enter("yungu", "wu")
    assert answer.status_code == 403  # the same address, checked by the other institution
    assert "error=email_not_verified" in answer.text
    assert await gate.who() == one


async def test_each_login_has_a_new_session_and_ends_the_former(gate):
    await gate.add("nuist")
    await gate.enter("nuist", "wu")
    first = gate.client.cookies["lianyan_session"]
    await gate.enter("nuist", "wu")
    second = gate.client.cookies["lianyan_session"]
    assert first != second
    old = {"cookie": f"lianyan_session={first}"}
    async with httpx2.AsyncClient(transport=gate.client._transport, base_url=ORIGIN) as stranger:
        assert (await stranger.get("/api/session", headers=old)).json()["person"] is None
    kept = (await gate.session.scalars(select(Session.token_hash))).all()
    assert all(first.encode() not in h and second.encode() not in h for h in kept)


async def test_a_session_that_was_put_into_the_browser_is_not_used(gate):
    await gate.add("nuist")
    gate.client.cookies.set("lianyan_session", "a" * 43)
    answer = await gate.enter("nuist", "wu")
    token = cookies(answer)["lianyan_session"].split("=", 1)[1].split(";")[0]
    assert token != "a" * 43
    assert len(token) == 43


async def test_the_cookies_are_closed_to_scripts_and_to_other_sites(gate):
    await gate.add("nuist")
    set_ = cookies(await gate.enter("nuist", "wu"))
    session = set_["lianyan_session"].lower()
    assert "httponly" in session
    assert "samesite=lax" in session
    assert "path=/" in session
    assert "secure" not in session  # plain http on this machine
    assert "httponly" not in set_["lianyan_last"].lower()


async def test_over_https_the_cookies_cannot_be_set_by_anybody_else(tmp_path):
    for url, prefix, path in (
        ("https://p.example", "__Host-", "/"),
        ("https://p.example/portal", "__Secure-", "/portal"),
    ):
        settings = settings_for(tmp_path, public_url=url)
        for cookie in (
            session_of(State({"settings": settings}), "t"),
            login_of(settings, "b"),
            left_of(settings, left=True),
        ):
            assert cookie.key.startswith(prefix)
            assert (cookie.secure, cookie.httponly, cookie.path) == (True, True, path)
            assert cookie.samesite == "lax"
            assert cookie.domain is None


async def test_logging_out_is_here_at_once_and_then_at_the_institution(gate):
    await gate.add("nuist")
    await gate.enter("nuist", "wu")
    answer = await gate.client.request("DELETE", "/api/session")
    assert answer.status_code == 200
    assert answer.headers["clear-site-data"] == '"cache"'
    assert await gate.who() is None
    url = answer.json()["end_session_url"]
    assert query(url)["post_logout_redirect_uri"] == f"{ORIGIN}/"
    assert await leave(gate.browser, url, gate.login.base) == f"{ORIGIN}/"
    again = await gate.client.request("DELETE", "/api/session")
    assert (again.status_code, again.json()) == (200, {"end_session_url": None})


async def test_after_logging_out_the_institution_asks_anew(gate):
    await gate.add("nuist")
    assert "prompt" not in query(await gate.begin("nuist"))
    await gate.enter("nuist", "wu")
    await gate.client.request("DELETE", "/api/session")
    assert query(await gate.begin("nuist"))["prompt"] == "login"
    await gate.enter("nuist", "ji")
    assert "prompt" not in query(await gate.begin("nuist"))


async def test_the_institution_is_remembered_and_can_be_forgotten(gate):
    await gate.add("nuist")
    assert (await gate.client.get("/api/providers")).json()["last"] is None
    await gate.enter("nuist", "wu")
    assert (await gate.client.get("/api/providers")).json()["last"] == "nuist"
    gate.client.cookies.set("lianyan_last", "nobody", domain="127.0.0.1")
    gate.client.cookies.delete("lianyan_last", domain="127.0.0.1")
    assert (await gate.client.get("/api/providers")).json()["last"] is None


# ---- the transaction ----


async def test_a_login_is_answered_once(gate):
    await gate.add("nuist")
    back = await gate.at_provider("nuist", "wu")
    assert (await gate.client.get(back)).status_code == 303
    me = await gate.who()
    again = await gate.client.get(back)  # back button, double click, restored tab
    assert (again.status_code, again.headers["location"]) == (303, "/")
    assert await gate.who() == me
    await gate.client.request("DELETE", "/api/session")
    late = await gate.client.get(back)
    assert late.status_code == 400
    assert "error=expired" in late.text


async def test_an_answer_counts_only_in_the_browser_that_asked(gate):
    await gate.add("nuist")
    back = await gate.at_provider("nuist", "wu")
    async with httpx2.AsyncClient(transport=gate.client._transport, base_url=ORIGIN) as victim:
        answer = await victim.get(back)
        assert "error=expired" in answer.text
        assert await gate.who(victim) is None
        await gate.begin("nuist", client=_asking(victim))
        assert "error=expired" in (await victim.get(back)).text
    assert (await gate.client.get(back)).status_code == 303


def _asking(client):
    client.headers.update({"x-lianyan": "1", "origin": ORIGIN})
    return client


@pytest.mark.parametrize("hint", ["wu\n", "\x00", "𠮷", "a&client_id=x#"])
async def test_a_hint_of_any_letters_changes_nothing_else(gate, hint):
    await gate.add("nuist")
    asked = query(await gate.begin("nuist", hint=hint))
    assert asked["client_id"] == "lianyan-nuist"
    assert asked.get("login_hint") == (hint if hint.isprintable() else None)


@pytest.mark.parametrize("cookie", ["é" * 43, "a" * 42, '"' * 43, "a" * 5000])
async def test_a_browser_cookie_of_another_shape_is_made_anew(gate, cookie):
    await gate.add("nuist")
    headers = {"cookie": f"lianyan_login={cookie}".encode()}
    answer = await gate.client.post("/api/login/nuist", json={}, headers=headers)
    assert answer.status_code == 200
    assert cookie not in cookies(answer)["lianyan_login"]


async def test_two_tabs_both_arrive(gate):
    await gate.add("nuist")
    first = await gate.at_provider("nuist", "wu")
    second = await gate.at_provider("nuist", "wu")
    assert (await gate.client.get(first)).status_code == 303
    assert (await gate.client.get(second)).status_code == 303
    assert await count(gate.session, Person) == 1


async def test_a_state_of_one_institution_is_nothing_at_another(gate):
    await gate.add("nuist")
    await gate.add("yungu")
    back = await gate.at_provider("nuist", "wu")
    crossed = await gate.client.get(back.replace("/auth/nuist/", "/auth/yungu/"))
    assert crossed.status_code == 400
    assert await gate.who() is None


async def test_a_login_that_took_too_long_is_over(gate):
    await gate.add("nuist")
    back = await gate.at_provider("nuist", "wu")
    await gate.session.execute(
        text("update login_transactions set expires_at = now() - interval '1 second'")
    )
    answer = await gate.client.get(back)
    assert "error=expired" in answer.text
    await gate.begin("nuist")
    assert await count(gate.session, LoginTransaction) == 1  # the old one is swept away


async def test_what_is_stored_of_a_login_is_of_no_use_to_who_reads_it(gate):
    await gate.add("nuist")
    asked = query(await gate.begin("nuist"))
    row = await gate.session.scalar(select(LoginTransaction))
    assert asked["state"].encode() not in row.state_hash
    assert gate.client.cookies["lianyan_login"].encode() not in row.browser_hash
    assert len(row.verifier) > 80  # encrypted
    assert row.expires_at - row.created_at == timedelta(minutes=10)


async def test_a_login_never_begins_by_a_link_or_from_another_site(gate):
    await gate.add("nuist")
    assert (await gate.client.get("/api/login/nuist")).status_code == 405
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        sent = await gate.client.post("/api/login/nuist", json={"return_to": "/"}, headers=headers)
        assert sent.status_code == 403
    assert await count(gate.session, LoginTransaction) == 0


@pytest.mark.parametrize("slug", ["nobody", "%00", "..", "a%2Fb", "𠮷"])
async def test_an_unknown_institution(client, slug):
    answer = await client.post(f"/api/login/{slug}", json={"return_to": "/"})
    assert answer.status_code in {400, 404, 405}


@pytest.mark.parametrize(
    "body",
    [{"return_to": 7}, {"x": 1}, [], "x", {"hint": ["a"]}, {"hint": "h" * 256}, {"hint": "\ud800"}],
)
async def test_a_start_of_another_shape(client, body):
    answer = await client.post(
        "/api/login/nuist", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "asked",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "",
        "/" + "a" * 5000,
    ],
)
async def test_c31_after_the_login_a_person_stays_with_us(gate, asked):
    await gate.add("nuist")
    await gate.enter("nuist", "ji")
    answer = await gate.enter("nuist", "ji", return_to=asked)
    assert answer.headers["location"] == "/"


async def test_c31_the_value_is_checked_again_when_it_is_used(gate):
    await gate.add("nuist")
    await gate.enter("nuist", "ji")
    back = await gate.at_provider("nuist", "ji", return_to="/ok?x=//evil.example")
    assert (await gate.client.get(back)).headers["location"] == "/ok?x=//evil.example"
    back = await gate.at_provider("nuist", "ji")
    await gate.session.execute(text("update login_transactions set return_to = '//evil.example'"))
    assert (await gate.client.get(back)).headers["location"] == "/"


# ---- the demo's port ----


async def test_a_new_port_of_the_demo_login_changes_nobody(gate):
    await gate.add("nuist")
    await gate.add("forged", issuer="https://idp.example/x")
    await gate.enter("nuist", "wu")
    await move_demo_issuers(gate.session, "http://127.0.0.1:9")
    gate.session.expire_all()
    found = await gate.session.scalars(select(Provider.issuer).order_by(Provider.id))
    assert list(found) == ["http://127.0.0.1:9/nuist", "https://idp.example/x"]
    assert (await gate.session.scalar(select(Identity.issuer))) == "http://127.0.0.1:9/nuist"


async def test_the_session_ends_with_its_times(gate, session):
    person = await make_person(session, "甲")
    headers = await login(session, person)
    for column in ("idle_expires_at", "absolute_expires_at"):
        await session.execute(text(f"update sessions set {column} = now() + interval '1 minute'"))
        assert (await gate.client.get("/api/session", headers=headers)).json()["person"]
        await session.execute(text(f"update sessions set {column} = now() - interval '1 second'"))
        assert (await gate.client.get("/api/session", headers=headers)).json()["person"] is None
        await session.execute(text(f"update sessions set {column} = now() + interval '1 day'"))


async def test_renewing_moves_the_idle_end_and_never_the_last(gate, session):
    person = await make_person(session, "甲")
    headers = await login(session, person)
    await session.execute(text("update sessions set idle_expires_at = now() + interval '1 minute'"))
    assert (await gate.client.post("/api/session/renew", headers=headers)).status_code == 204
    ends = await session.scalar(select(Session.idle_expires_at))
    assert ends > datetime.now(UTC) + timedelta(hours=11)
    await session.execute(
        text("update sessions set absolute_expires_at = now() + interval '5 minutes'")
    )
    await gate.client.post("/api/session/renew", headers=headers)
    row = (
        await session.execute(text("select idle_expires_at, absolute_expires_at from sessions"))
    ).one()
    assert row[0] == row[1]
    assert (await gate.client.post("/api/session/renew")).status_code == 401


async def test_an_institution_without_people_of_its_own_is_no_matter(gate):
    other = await make_institution(gate.session, "另一大学")
    await gate.add("nuist", institution=other)
    await gate.enter("nuist", "wu")
    assert [i["name"]["zh"] for i in (await gate.who())["waiting"]] == ["另一大学"]
