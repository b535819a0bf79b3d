"""A logout at the institution: its notice ends the sessions it opened, and nothing else does."""

import base64
import json
import time
from uuid import uuid4

import pytest
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from sqlalchemy import select

from idp.forger import KEY, segment
from lianyan.core.events import Event
from lianyan.identity.models import LogoutHeard, Session
from lianyan.identity.tokens import LOGOUT

FORM = "application/x-www-form-urlencoded"
OTHER = RSAKey.generate_key(2048, {"kid": "f1"})


def notice(gate, header=None, key=KEY, **claims):
    """Return a logout token; `...` leaves a claim out."""
    now = time.time()
    said = {
        "iss": gate.forger.issuer, "aud": "portal", "iat": now, "exp": now + 120, "jti": str(uuid4()),
        "sub": "m-1", "events": {LOGOUT: {}}, **claims,
    }  # fmt: skip
    head = {"alg": "RS256", "kid": "f1", "typ": "logout+jwt", **(header or {})}
    text = f"{segment(head)}.{segment({k: v for k, v in said.items() if v is not ...})}"
    if head["alg"] == "none":
        return f"{text}."
    signature = JWSRegistry.algorithms["RS256"].sign(text.encode(), key)
    return f"{text}.{segment(signature)}"


async def heard(gate, token, slug="forged", **more):
    headers = {"content-type": FORM, "x-lianyan": "", "origin": "https://idp.example", **more}
    return await gate.client.post(
        f"/auth/{slug}/backchannel", content=f"logout_token={token}", headers=headers
    )


@pytest.fixture
async def inside(forged):
    """Give the gate with one person inside, in a session that the institution calls s-1."""
    forged.forger.claims = {"name": "成员", "sub": "m-1", "sid": "s-1"}
    await forged.forge()
    assert await forged.who() is not None
    return forged


@pytest.mark.parametrize(
    "claims",
    [{}, {"sid": "s-1"}, {"sub": ..., "sid": "s-1"}, {"exp": ...}, {"aud": ["portal"]}],
)
async def test_its_own_notice_ends_the_session(inside, claims):
    answer = await heard(inside, notice(inside, **claims))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    assert await inside.who() is None
    kinds = list(await inside.session.scalars(select(Event.kind).order_by(Event.id)))
    assert kinds[-1] == "logout.at_provider"


@pytest.mark.parametrize(
    "claims",
    [{"sub": "m-2"}, {"sid": "s-2"}, {"sub": ..., "sid": "s-2"}, {"sub": "M-1"}],
)
async def test_somebody_elses_or_another_session_stays(inside, claims):
    assert (await heard(inside, notice(inside, **claims))).status_code == 200
    assert await inside.who() is not None


FORGED = {
    "a nonce": {"nonce": "n"},
    "no events": {"events": ...},
    "other events": {"events": {"http://other.example": {}}},
    "events as a list": {"events": [LOGOUT]},
    "an event that is no object": {"events": {LOGOUT: True}},
    "nobody": {"sub": ..., "sid": ...},
    "an empty subject": {"sub": ""},
    "a subject that is a number": {"sub": 7},
    "an empty session": {"sid": ""},
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "other"},
    "no audience": {"aud": []},
    "no identifier": {"jti": ...},
    "made long ago": {"iat": time.time() - 3600},
    "made in the future": {"iat": time.time() + 3600},
    "no time": {"iat": ...},
    "over": {"exp": time.time() - 600},
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_notice_ends_nothing(inside, what):
    answer = await heard(inside, notice(inside, **FORGED[what]))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert await inside.who() is not None


async def test_what_is_no_logout_token_ends_nothing(inside):
    for token in (
        notice(inside, header={"alg": "none"}),
        notice(inside, key=OTHER),
        notice(inside, header={"typ": "at+jwt"}),
        notice(inside, header={"crit": ["b64"]}),
        inside.forger.id_token(),
        "", "a.b.c", "x" * 70_000,
    ):  # fmt: skip
        assert (await heard(inside, token)).status_code == 400, token[:40]
    for content, kind in (
        ("", FORM), ("logout_token=a&logout_token=b", FORM), (json.dumps({"logout_token": "a"}), "application/json"),
        (b"\xff\xfe", FORM), ("&".join("a=b" for _ in range(40)), FORM),
    ):  # fmt: skip
        answer = await inside.client.post(
            "/auth/forged/backchannel", content=content, headers={"content-type": kind}
        )
        assert answer.status_code == 400, content[:40]
    assert (await inside.client.get("/auth/forged/backchannel")).status_code in {404, 405}
    assert (await heard(inside, notice(inside), slug="nowhere")).status_code == 404
    assert await inside.who() is not None


async def test_a_notice_is_heard_once(inside):
    token = notice(inside, sub="m-2")
    assert (await heard(inside, token)).status_code == 200
    assert (await heard(inside, token)).status_code == 400
    assert len(list(await inside.session.scalars(select(LogoutHeard)))) == 1


async def test_a_login_token_is_no_notice_and_a_notice_no_login(inside):
    """Each is refused where the other belongs, though one provider signs both."""
    token = notice(inside)
    body = base64.urlsafe_b64decode(token.split(".")[1] + "==")
    assert json.loads(body)["events"]
    inside.forger.header = {"typ": "logout+jwt"}
    answer = await inside.forge()
    assert "error=failed" in answer.text


async def test_a_session_of_before_ends_with_its_person(inside):
    await inside.session.execute(Session.__table__.update().values(idp_session=None))
    assert (await heard(inside, notice(inside, sid="s-9"))).status_code == 200
    assert await inside.who() is None
