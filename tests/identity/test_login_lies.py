"""A provider that lies, fails or hangs logs nobody in, and each time the cause is kept."""

import msgspec
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select, text

from idp.forger import Reply, reply
from idp.gate import count, refused
from idp.walk import query
from lianyan.identity import outbound
from lianyan.identity.models import (
    Identity,
    Person,
    ProviderMetadata,
)

OTHER = RSAKey.generate_key(2048, {"kid": "f1"})


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
