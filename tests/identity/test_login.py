"""Logging in through an institution, with the real provider and with one that lies."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import pytest
from joserfc.jwk import RSAKey
from litestar.datastructures import State
from sqlalchemy import func, select, text

from idp.fixtures import settings_for
from idp.forger import Reply, reply
from idp.gate import Gate
from idp.walk import leave, query
from lianyan.core.events import Event
from lianyan.identity import outbound
from lianyan.identity.commands import move_demo_issuers
from lianyan.identity.cookies import left_of, login_of, session_of
from lianyan.identity.models import (
    Affiliation,
    Identity,
    LoginTransaction,
    Person,
    Provider,
    ProviderMetadata,
    Session,
)
from makers import ORIGIN, login, make_institution, make_person

OTHER = RSAKey.generate_key(2048, {"kid": "f1"})


async def count(session, table):
    return await session.scalar(select(func.count()).select_from(table))


async def reasons(session):
    found = await session.scalars(
        select(Event).where(Event.kind == "login.refused").order_by(Event.id)
    )
    return [event.data["reason"] for event in found]


def cookies(answer):
    return {line.split("=", 1)[0]: line for line in answer.headers.get_list("set-cookie")}


async def refused(gate, answer, code, status=400, *, reason=None):
    """Check a login that failed: the page, the cause, no session, no person, one entry."""
    assert answer.status_code == status, answer.text
    assert f"error={code}" in answer.text
    assert "lianyan_session" not in cookies(answer)
    assert await gate.who() is None
    assert await count(gate.session, Person) == 0
    assert await count(gate.session, Session) == 0
    assert await reasons(gate.session) == ([reason] if reason else [])


# ---- the real provider ----


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


@pytest.mark.parametrize("body", [{"return_to": 7}, {"x": 1}, [], "x", {"hint": ["a"]}])
async def test_a_start_of_another_shape(client, body):
    assert (await client.post("/api/login/nuist", json=body)).status_code == 400


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


# ---- answers that lie ----


async def test_the_forging_provider_can_also_tell_the_truth(forged):
    forged.forger.claims = {"name": "吴安琪"}
    answer = await forged.forge()
    assert answer.status_code == 303
    assert (await forged.who())["name"] == "吴安琪"


@pytest.mark.parametrize(
    "said, code, reason",
    [
        ({"iss": "https://evil.example"}, "failed", "response_issuer"),
        ({"iss": ...}, "failed", "response_issuer"),
        ({"iss": ""}, "failed", "response_issuer"),
        ({"iss": "https://evil.example", "error": "access_denied"}, "failed", "response_issuer"),
        ({"code": ...}, "failed", "code_missing"),
        ({"code": ""}, "failed", "code_missing"),
        ({"code": "é"}, "failed", "code_missing"),
        ({"error": "server_error", "code": ...}, "unavailable", "answer_server_error"),
        ({"error": "<script>", "code": ...}, "failed", "answer_other"),
        ({"error": "", "code": ...}, "failed", "answer_other"),
    ],
    ids=str,
)
async def test_an_answer_of_another_shape(forged, said, code, reason):
    answer = await forged.forge(**said)
    await refused(forged, answer, code, 503 if code == "unavailable" else 400, reason=reason)
    assert "/token" not in [path for path, _, _ in forged.forger.asked]


async def test_a_person_who_cancels_is_told_so_and_no_word_of_the_answer_is_shown(forged):
    answer = await forged.forge(
        error="access_denied", code=..., error_description="<script>alert(1)</script>"
    )
    await refused(forged, answer, "refused", 403, reason="answer_access_denied")
    assert "script" not in answer.text
    assert "伪造研究院" in answer.text


@pytest.mark.parametrize(
    "params",
    [
        "code=c&state=s&state=s",
        "code=c",
        "state=" + "s" * 129,
        "state=s&code=" + "c" * 50_000,
        "state=s&iss=" + "i" * 1025,
        "&".join(f"a{i}=1" for i in range(50)),
        "",
        "state=%ff&code=c",
    ],
    ids=lambda p: p[:20],
)
async def test_an_answer_to_nothing(forged, params):
    await forged.begin("forged")
    answer = await forged.client.get(f"/auth/forged/callback?{params}")
    assert answer.status_code == 400
    assert await forged.who() is None


async def test_an_error_without_a_login_is_answered_like_any_other_stranger(forged):
    answer = await forged.client.get("/auth/forged/callback?error=access_denied&state=x")
    await refused(forged, answer, "expired")


@pytest.mark.parametrize(
    "forgery, reason",
    [
        ({"header": {"alg": "none"}}, "token_unsigned"),
        ({"claims": {"nonce": "other"}}, "token_nonce"),
        ({"claims": {"nonce": ...}}, "token_nonce"),
        ({"claims": {"iss": "https://evil.example"}}, "token_issuer"),
        ({"claims": {"aud": "other"}}, "token_audience"),
        ({"claims": {"sub": ""}}, "token_subject"),
        ({"claims": {"at_hash": "AAAA"}}, "token_access_token_hash"),
        ({"header": {"typ": "at+jwt"}}, "token_kind"),
        ({"key": OTHER}, "token_signature"),
        ({"header": {"kid": "zzz"}}, "token_unknown_key"),
        (
            {"replies": {"/token": reply({"access_token": "a", "token_type": "Bearer"})}},
            "id_token_missing",
        ),
        ({"replies": {"/token": reply({"error": "invalid_grant"}, 400)}}, "token_error"),
        ({"replies": {"/me": reply({"sub": "somebody else"})}}, "userinfo_subject"),
    ],
    ids=str,
)
async def test_a_token_that_proves_nothing(forged, forgery, reason):
    if forgery.get("key"):
        forged.forger.replies["/jwks"] = reply({"keys": [forged.forger.key.as_dict(private=False)]})
    for name, value in forgery.items():
        setattr(
            forged.forger,
            name,
            {**getattr(forged.forger, name), **value} if name != "key" else value,
        )
    await refused(forged, await forged.forge(), "failed", reason=reason)


@pytest.mark.parametrize(
    "answer", [Reply(b"<html>", 503), Reply(hang_up=True), Reply(b"{}", 307)], ids=str
)
async def test_an_institution_that_does_not_answer_is_named(forged, answer):
    forged.forger.replies["/token"] = answer
    page = await forged.forge()
    assert page.status_code == 503
    assert "伪造研究院" in page.text


async def test_an_institution_that_is_down_refuses_the_start_and_no_other(forged, monkeypatch):
    await forged.add("nuist")
    monkeypatch.setattr(outbound, "TOTAL_S", 0.3)
    forged.forger.replies["/.well-known/openid-configuration"] = Reply(b"{}", delay=2)
    slow = await forged.client.post("/api/login/forged", json={"return_to": "/"})
    assert slow.status_code == 503
    assert slow.json()["code"] == "identity.login_unavailable"
    assert "伪造研究院" in slow.json()["detail"]
    assert (await forged.enter("nuist", "wu")).status_code == 303


async def test_changed_keys_are_fetched_once(forged):
    assert (await forged.forge()).status_code == 303
    forged.forger.key = OTHER
    assert (await forged.forge()).status_code == 303
    asked = [path for path, _, _ in forged.forger.asked]
    assert asked.count("/jwks") == 2
    forged.forger.header = {"kid": "zzz"}
    for _ in range(3):
        assert (await forged.forge()).status_code == 400
    asked = [path for path, _, _ in forged.forger.asked]
    assert asked.count("/jwks") == 2  # at most one a minute
    assert (await forged.session.scalar(select(ProviderMetadata.forced_at))) is not None


async def test_a_provider_that_was_changed_on_the_way_begins_anew(forged):
    asked = query(await forged.begin("forged"))
    await forged.session.execute(text("update providers set config_version = 2"))
    answer = await forged.client.get(
        "/auth/forged/callback",
        params={"code": "c", "state": asked["state"], "iss": forged.forger.issuer},
    )
    await refused(forged, answer, "changed", reason="config_changed")


async def test_the_hint_reaches_the_provider_in_the_demo_only(forged, app):
    assert query(await forged.begin("forged", hint="wu"))["login_hint"] == "wu"
    app.state.settings = msgspec.structs.replace(app.state.settings, demo=False)
    answer = await forged.client.post("/api/login/forged", json={"return_to": "/", "hint": "wu"})
    assert answer.status_code == 503  # and plain http is not asked at all


async def test_a_subject_that_differs_in_case_is_somebody_else(forged):
    for subject in ("zz9", "ZZ9", "zz9 "):
        forged.forger.claims = {"sub": subject, "name": "甲"}
        await forged.forge()
    found = await forged.session.scalars(select(Identity.subject).order_by(Identity.id))
    assert list(found) == ["zz9", "ZZ9", "zz9 "]
    assert await count(forged.session, Person) == 3


@pytest.mark.parametrize(
    "claims, name",
    [
        ({"name": "李𠮷"}, "李𠮷"),
        ({"name": " 阿卜杜拉·买买提 "}, "阿卜杜拉·买买提"),
        ({"name": "\u202e\u200b李四\u0007"}, "李四"),
        ({"name": "", "family_name": "欧阳", "given_name": "明"}, "欧阳明"),
        ({"name": ["x"], "family_name": "Wu", "given_name": "An-Qi"}, "An-Qi Wu"),
        ({"name": "长" * 61, "nickname": "长长"}, "长长"),
        ({"name": "\u200b"}, "—"),
        ({"name": None}, "—"),
        ({"name": "\ud800"}, "—"),
    ],
    ids=ascii,
)
async def test_the_name_is_what_the_institution_says_cleaned_and_never_cut(forged, claims, name):
    forged.forger.claims = claims
    assert (await forged.forge()).status_code == 303
    assert (await forged.who())["name"] == name


async def test_sixty_groups_do_not_fill_the_cookie(forged):
    forged.forger.claims = {"groups": [f"group-{i}" * 5 for i in range(60)]}
    answer = await forged.forge()
    assert answer.status_code == 303
    assert sum(len(line) for line in answer.headers.get_list("set-cookie")) < 1000


# ---- cases from the field ----


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
