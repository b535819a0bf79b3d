"""What providers publish is checked and kept, and codes are exchanged by the rules."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from idp.forger import Reply, reply
from lianyan.identity.oidc import (
    Client,
    Directory,
    Metadata,
    authorization_url,
    check_response_issuer,
    end_session_url,
    exchange,
    fetch_keys,
    fetch_metadata,
    parse,
    userinfo,
)
from lianyan.identity.outbound import Guard, ProviderFailed

DEMO = Guard(demo=True)
WELL_KNOWN = "/.well-known/openid-configuration"
ISSUER = "https://idp.example/realms/a"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "end_session_endpoint": f"{ISSUER}/out?x=1",
    "anything": ["else"],
}


def client_of(forger, **more):
    return Client(
        **{
            "issuer": forger.issuer,
            "client_id": "portal",
            "secret": "s3cret",
            "redirect_uri": "http://127.0.0.1:8000/auth/x/callback",
            **more,
        }
    )


def metadata_of(forger):
    return parse(forger.document(), forger.issuer, DEMO)


# ---- metadata ----


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"issuer": ISSUER + "/"}, "issuer"),
        ({"issuer": "https://IDP.example/realms/a"}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": 7}, "metadata"),
        ({"issuer": None}, "metadata"),
        ({"token_endpoint": None}, "metadata"),
        ({"jwks_uri": ["x"]}, "metadata"),
        ({"authorization_response_iss_parameter_supported": "true"}, "metadata"),
        ({"token_endpoint": "http://idp.example/token"}, "address"),
        ({"jwks_uri": "https://idp.example:8080/jwks"}, "address"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "address"),
        ({"userinfo_endpoint": "https://a@idp.example/"}, "address"),
        ({"end_session_endpoint": "https://idp.example/#x"}, "address"),
    ],
    ids=str,
)
def test_metadata_that_are_another_providers_or_of_no_use(change, reason):
    with pytest.raises(ProviderFailed, match=reason):
        parse({**DOCUMENT, **change}, ISSUER, Guard())


def test_metadata_that_are_right():
    assert parse(DOCUMENT, ISSUER, Guard()).userinfo_endpoint is None


async def test_the_document_must_name_the_issuer_it_was_fetched_from(forger):
    assert (await fetch_metadata(forger.issuer, DEMO))["issuer"] == forger.issuer
    with pytest.raises(ProviderFailed, match="issuer"):
        await fetch_metadata(forger.issuer + "/", DEMO)
    assert {path for path, _, _ in forger.asked} == {WELL_KNOWN}


@pytest.mark.parametrize(
    "answer",
    [
        Reply(b"<html>error</html>"),
        Reply(b"{}", 500),
        reply({}),
        reply({"keys": []}),
        reply({"keys": {}}),
        reply({"keys": [{}] * 1000}),
        reply({"error": "x"}),
        Reply(b'{"keys":["' + b"x" * 2_000_000 + b'"]}'),
    ],
    ids=lambda r: str(r.body[:30]),
)
async def test_an_error_page_is_never_taken_for_keys(forger, answer):
    forger.replies["/jwks"] = answer
    with pytest.raises(ProviderFailed):
        await fetch_keys(forger.issuer + "/jwks", DEMO)


class Shelf:
    """A place to keep what was published, and a clock."""

    def __init__(self, forger):
        self.kept, self.now, self.stores = None, 1000.0, 0
        self.directory = Directory(forger.issuer, DEMO, self.load, self.store, lambda: self.now)

    async def load(self):
        return self.kept

    async def store(self, published):
        self.kept = published
        self.stores += 1


def count(forger, path):
    return sum(1 for asked, _, _ in forger.asked if asked == path)


async def test_what_was_published_is_asked_for_once_an_hour(forger):
    shelf = Shelf(forger)
    for after, times in ((0, 1), (3599, 1), (3600, 2)):
        shelf.now = 1000.0 + after
        metadata, keys = await shelf.directory.published()
        assert metadata.token_endpoint == forger.issuer + "/token"
        assert keys["keys"][0]["kid"] == "f1"
        assert (count(forger, WELL_KNOWN), count(forger, "/jwks")) == (times, times)
        assert shelf.stores == times


async def test_a_silent_provider_is_remembered_for_a_day(forger):
    shelf = Shelf(forger)
    await shelf.directory.published()
    forger.replies[WELL_KNOWN] = Reply(b"<html>", 503)
    shelf.now += 23 * 3600
    metadata, _ = await shelf.directory.published()
    assert metadata.issuer == forger.issuer
    assert shelf.stores == 1
    shelf.now += 3600
    with pytest.raises(ProviderFailed):
        await shelf.directory.published()


async def test_a_failure_is_not_kept(forger):
    shelf = Shelf(forger)
    forger.replies["/jwks"] = Reply(b"<html>")
    with pytest.raises(ProviderFailed):
        await shelf.directory.published()
    assert shelf.kept is None
    del forger.replies["/jwks"]
    assert await shelf.directory.published()


async def test_a_clock_set_back_makes_nothing_younger(forger):
    shelf = Shelf(forger)
    await shelf.directory.published()
    shelf.now -= 50
    await shelf.directory.published()
    assert shelf.stores == 2


async def test_what_another_issuer_published_is_no_answer(forger):
    shelf = Shelf(forger)
    await shelf.directory.published()
    other = Directory("http://127.0.0.1:1", DEMO, shelf.load, shelf.store, lambda: shelf.now)
    with pytest.raises(ProviderFailed, match="unreachable"):
        await other.published()
    assert await other.fresh_keys() is None


async def test_keys_are_asked_for_anew_at_most_once_a_minute(forger):
    shelf = Shelf(forger)
    assert await shelf.directory.fresh_keys() is None
    await shelf.directory.published()
    assert (await shelf.directory.fresh_keys())["keys"]
    assert await shelf.directory.fresh_keys() is None
    shelf.now += 59
    assert await shelf.directory.fresh_keys() is None
    assert count(forger, "/jwks") == 2
    shelf.now += 1
    forger.replies["/jwks"] = reply({"keys": [{"kid": "new"}]})
    assert await shelf.directory.fresh_keys() == {"keys": [{"kid": "new"}]}
    assert shelf.kept.keys == {"keys": [{"kid": "new"}]}
    assert shelf.kept.fetched_at == 1000.0
    _, keys = await shelf.directory.published()
    assert keys == {"keys": [{"kid": "new"}]}


async def test_asking_anew_in_vain_counts_too(forger):
    shelf = Shelf(forger)
    await shelf.directory.published()
    forger.replies["/jwks"] = Reply(b"", 500)
    with pytest.raises(ProviderFailed):
        await shelf.directory.fresh_keys()
    assert await shelf.directory.fresh_keys() is None
    assert shelf.kept.keys["keys"][0]["kid"] == "f1"


# ---- the way there and back ----


def test_the_address_of_the_login_has_everything_that_binds_the_answer_to_us():
    client = Client(
        issuer=ISSUER, client_id="联研 &", secret="x", redirect_uri="https://p.example/c"
    )
    metadata = parse(DOCUMENT, ISSUER, Guard())
    url = authorization_url(
        client,
        metadata,
        Guard(),
        state="st",
        nonce="no",
        verifier="v" * 43,
        prompt="login",
        login_hint=None,
    )
    assert url.startswith(f"{ISSUER}/auth?")
    assert {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()} == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "联研 &",
        "redirect_uri": "https://p.example/c",
        "scope": "openid profile email",
        "state": "st",
        "nonce": "no",
        "code_challenge": create_s256_code_challenge("v" * 43),
        "code_challenge_method": "S256",
        "prompt": "login",
    }


@pytest.mark.parametrize(
    "announced, said, right",
    [
        (True, ISSUER, True),
        (False, ISSUER, True),
        (False, None, True),
        (True, None, False),
        (True, ISSUER + "/", False),
        (False, "https://evil.example", False),
        (True, "", False),
        (False, "", False),
    ],
)
def test_the_answer_must_come_from_the_one_who_was_asked(announced, said, right):
    metadata = Metadata(
        issuer=ISSUER,
        authorization_endpoint="",
        token_endpoint="",
        jwks_uri="",
        authorization_response_iss_parameter_supported=announced,
    )
    if right:
        check_response_issuer(metadata, said)
    else:
        with pytest.raises(ProviderFailed, match="response_issuer"):
            check_response_issuer(metadata, said)


async def test_a_code_is_exchanged_with_verifier_and_secret(forger):
    client = client_of(forger, client_id="po:rtal", secret="密 /+%")
    tokens = await exchange(client, metadata_of(forger), DEMO, code="c&1", verifier="v" * 43)
    assert tokens.access_token == "at"
    assert tokens.id_token.count(".") == 2
    _, headers, body = forger.asked[-1]
    assert parse_qs(body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["c&1"],
        "code_verifier": ["v" * 43],
        "redirect_uri": [client.redirect_uri],
    }
    said = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
    assert said == "po%3Artal:%E5%AF%86%20%2F%2B%25"


async def test_the_secret_may_travel_in_the_form(forger):
    client = client_of(forger, auth_method="client_secret_post")
    await exchange(client, metadata_of(forger), DEMO, code="c", verifier="v" * 43)
    _, headers, body = forger.asked[-1]
    assert "authorization" not in headers
    assert parse_qs(body.decode())["client_secret"] == ["s3cret"]


GOOD = {"access_token": "a", "id_token": "b", "token_type": "Bearer"}


@pytest.mark.parametrize(
    "answer, reason",
    [
        (reply({**GOOD, "id_token": None}), "id_token_missing"),
        (reply({"access_token": "a", "token_type": "Bearer"}), "id_token_missing"),
        (reply({**GOOD, "id_token": ["b"]}), "id_token_missing"),
        (reply({**GOOD, "access_token": ""}), "access_token_missing"),
        (reply({"accessToken": "a", "expireIn": 7200}), "access_token_missing"),
        (reply({"errcode": 40029, "errmsg": "invalid code"}), "access_token_missing"),
        (reply({"code": 20003, "msg": "x"}), "access_token_missing"),
        (reply({**GOOD, "error": "x"}), "token_error"),
        (reply({**GOOD, "token_type": "DPoP"}), "token_type"),
        (reply({**GOOD, "token_type": None}), "token_type"),
        (reply({"error": "invalid_grant"}, 400), "invalid_grant"),
        (reply({"error": ["x"]}, 401), "token_error"),
        (Reply(b"<html>", 400, {"content-type": "text/html"}), "status"),
        (Reply(b"<html>", 400), "not_json"),
        (Reply(b"", 307, {"location": "http://127.0.0.1:1/"}), "status"),
        (Reply(b"{}", 503), "status"),
        (Reply(b"access_token=a&id_token=b"), "not_json"),
        (Reply(b"<html>"), "not_json"),
        (Reply(b""), "not_json"),
        (Reply(b'{"access_token":"' + b"x" * 300_000 + b'"}'), "too_large"),
        (Reply(hang_up=True), "unreachable"),
    ],
    ids=lambda x: str(x)[:50],
)
async def test_an_answer_that_is_no_token(forger, answer, reason):
    forger.replies["/token"] = answer
    with pytest.raises(ProviderFailed, match=reason):
        await exchange(client_of(forger), metadata_of(forger), DEMO, code="c", verifier="v")
    assert len(forger.asked) == 1


async def test_a_token_without_a_type_is_taken_as_what_it_must_be(forger):
    forger.replies["/token"] = reply({"access_token": "a", "id_token": "b"})
    assert await exchange(client_of(forger), metadata_of(forger), DEMO, code="c", verifier="v")


async def test_what_else_is_said_must_be_about_the_same_person(forger):
    metadata = metadata_of(forger)
    forger.userinfo = {"name": "李𠮷"}
    said = await userinfo(metadata, DEMO, access_token="at", subject="zz9")
    assert said["name"] == "李𠮷"
    assert forger.asked[-1][1]["authorization"] == "Bearer at"
    with pytest.raises(ProviderFailed, match="userinfo_subject"):
        await userinfo(metadata, DEMO, access_token="at", subject="ZZ9")
    forger.replies["/me"] = Reply(b"eyJ.eyJ.x", 200, {"content-type": "application/jwt"})
    with pytest.raises(ProviderFailed, match="not_json"):
        await userinfo(metadata, DEMO, access_token="at", subject="zz9")
    forger.metadata["userinfo_endpoint"] = ...
    assert await userinfo(metadata_of(forger), DEMO, access_token="at", subject="zz9") == {}


def test_logging_out_at_the_institution_too():
    client = Client(issuer=ISSUER, client_id="p", secret="x", redirect_uri="https://p.example/c")
    metadata = parse(DOCUMENT, ISSUER, Guard())
    url = end_session_url(metadata, client, id_token="t", return_to="https://p.example/")
    assert parse_qs(urlsplit(url).query) == {
        "x": ["1"],
        "client_id": ["p"],
        "post_logout_redirect_uri": ["https://p.example/"],
        "id_token_hint": ["t"],
    }
    bare = end_session_url(metadata, client, id_token=None, return_to="https://p.example/")
    assert "id_token_hint" not in bare
    none = parse({**DOCUMENT, "end_session_endpoint": None}, ISSUER, Guard())
    assert end_session_url(none, client, id_token="t", return_to="/") is None
