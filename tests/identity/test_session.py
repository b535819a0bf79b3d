"""Who is here, what they may open, and the way in from the server."""

import httpx2
import msgspec
import pytest
from sqlalchemy import func, select, text

from lianyan.core.names import search_keys
from lianyan.core.words import say
from lianyan.identity.commands import LINK_SESSION, invite_administrator
from lianyan.identity.models import AdministratorLink, Person, PlatformRole, Session
from lianyan.identity.people import add_affiliation
from lianyan.identity.schemas import Providers, SessionNow
from makers import ORIGIN, login, make_institution, make_person


def keys(answer):
    return [item["key"] for item in answer.json()["nav"]]


PUBLIC = ["calls", "projects", "members"]
OWN = ["tasks", "proposals"]


async def test_a_stranger_sees_the_public_pages_and_the_name_of_the_platform(client):
    answer = await client.get("/api/session")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found = msgspec.json.decode(answer.content, type=SessionNow)
    assert (found.person, found.demo, found.locale, found.tag) == (None, True, "zh", None)
    assert keys(answer) == PUBLIC
    assert found.platform.name.zh == say("zh", "app.name")
    english = await client.get("/api/session", headers={"accept-language": "en"})
    assert english.json()["locale"] == "en"


@pytest.mark.parametrize(
    "roles, office, extra",
    [
        ((), False, []),
        ((), True, ["queue", "ledger", "people"]),
        (("reviewer",), False, ["reviews"]),
        (("coordinator",), False, ["desk", "release", "roles", "platform"]),
        (("stand_in",), False, ["desk", "release", "roles", "platform"]),
        (("approver",), False, ["decide"]),
        (("administrator",), False, ["roles", "platform", "logins", "security", "record"]),
    ],
)
async def test_each_role_has_its_pages(client, session, roles, office, extra):
    home = await make_institution(session)
    person = await make_person(
        session, "甲", institution=home, roles=roles, officer_of=home if office else None
    )
    answer = await client.get("/api/session", headers=await login(session, person))
    assert sorted(keys(answer)) == sorted([*PUBLIC, *OWN, *extra])
    me = answer.json()["person"]
    assert [i["id"] for i in me["institutions"]] == [str(home.id)]
    assert len(me["offices"]) == office
    assert me["roles"] == sorted(roles)


async def test_a_pending_person_and_an_invited_one_have_little(client, session):
    home = await make_institution(session)
    pending = await make_person(session, "甲", roles=["coordinator"], status="pending")
    answer = await client.get("/api/session", headers=await login(session, pending))
    assert keys(answer) == [*OWN, *PUBLIC]
    person = await make_person(session, "乙", officer_of=home, roles=["administrator"])
    scope = (await session.scalars(text("select uuidv7()"))).one()
    answer = await client.get("/api/session", headers=await login(session, person, scope=scope))
    assert keys(answer) == [*OWN, *PUBLIC]
    me = answer.json()["person"]
    assert (me["scope"], me["roles"], me["offices"]) == (str(scope), [], [])


async def test_an_officer_sees_how_many_people_wait(client, session):
    home = await make_institution(session)
    officer = await make_person(session, "甲", officer_of=home)
    headers = await login(session, officer)
    nav = {
        i["key"]: i["count"]
        for i in (await client.get("/api/session", headers=headers)).json()["nav"]
    }
    assert nav["people"] is None
    for _ in range(2):
        await _waiting(session, home)
    nav = {
        i["key"]: i["count"]
        for i in (await client.get("/api/session", headers=headers)).json()["nav"]
    }
    assert nav["people"] == 2


async def _waiting(session, home, name="丙", **values):
    person = await make_person(session, name, status="pending", **values)
    return person, await add_affiliation(session, None, person.id, home.id)


@pytest.mark.parametrize("token", ["", "a", "a" * 43, "a" * 5000, "%00", "é", "a; b=c"])
async def test_a_cookie_that_opens_nothing(client, token):
    headers = {"cookie": b"lianyan_session=" + token.encode()}
    answer = await client.get("/api/session", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["person"] is None


async def test_the_language_is_kept_with_the_account(client, session):
    headers = await login(session, await make_person(session, "甲"))
    for locale in ("en", "zh"):
        put = await client.put("/api/session/locale", json={"locale": locale}, headers=headers)
        assert put.status_code == 204
        answer = await client.get(
            "/api/session", headers={**headers, "accept-language": "zh" if locale == "en" else "en"}
        )
        assert answer.json()["locale"] == locale
    assert (
        await client.put("/api/session/locale", json={"locale": "fr"}, headers=headers)
    ).status_code == 400
    assert (await client.put("/api/session/locale", json={"locale": "zh"})).status_code == 401


# ---- the picker ----


@pytest.fixture
async def picker(gate, session):
    """Give three institutions with logins: one of them owns two mail domains."""
    await gate.add(
        "nuist",
        await make_institution(
            session, "南京信息工程大学", name_en="NUIST", short_zh="南信大", aliases=[]
        ),
    )
    await gate.add("yungu", await make_institution(session, "云谷科技", name_en="Yungu Technology"))
    await gate.add("forged", await make_institution(session, "仁和医院", name_en="Renhe Hospital"))
    for found in gate.institutions.values():
        found.search_keys = search_keys(found.name_zh, found.name_en)
    for domain, slug in (("nuist.edu.cn", "nuist"), ("stu.nuist.edu.cn", "yungu")):
        await session.execute(
            text("insert into institution_domains values (:d, :i)"),
            {"d": domain, "i": gate.institutions[slug].id},
        )
    return gate


@pytest.mark.parametrize(
    "q, found",
    [
        ("", ["forged", "nuist", "yungu"]),
        ("南京", ["nuist"]),
        ("nanjing", ["nuist"]),
        ("njxxgcdx", ["nuist"]),
        ("NUIST", ["nuist"]),
        ("yungu tech", ["yungu"]),
        ("ygkj", ["yungu"]),
        ("医院", ["forged"]),
        ("nothing", []),
        ("x@nuist.edu.cn", ["nuist"]),
        ("x@MAIL.nuist.edu.cn", ["nuist"]),
        ("x@stu.nuist.edu.cn", ["yungu"]),
        ("x@evilnuist.edu.cn", ["forged", "nuist", "yungu"]),
        ("x@edu.cn", ["forged", "nuist", "yungu"]),
        ("x@", ["forged", "nuist", "yungu"]),
        ("%", ["forged", "nuist", "yungu"]),
        ("a" * 5000, []),
    ],
)
async def test_an_institution_is_found_by_name_sound_initials_or_domain(picker, q, found):
    answer = await picker.client.get("/api/providers", params={"q": q})
    assert answer.status_code == 200
    shown = msgspec.json.decode(answer.content, type=Providers)
    assert sorted(row.slug for row in shown.items) == found


async def test_the_demo_offers_its_people_and_a_real_portal_does_not(picker, app, session):
    await picker.enter("nuist", "wu")
    person = await session.scalar(select(Person))
    session.add(PlatformRole(person_id=person.id, role="coordinator"))
    await session.flush()
    answer = await picker.client.get("/api/providers")
    (shown,) = msgspec.json.decode(answer.content, type=Providers).demo_people
    assert (shown.slug, shown.hint, shown.name, shown.roles) == (
        "nuist",
        "wu",
        "吴安琪",
        ["coordinator"],
    )
    app.state.settings = msgspec.structs.replace(app.state.settings, demo=False)
    answer = await picker.client.get("/api/providers")
    assert answer.json()["demo_people"] is None
    assert "wu" not in answer.text


# ---- the way in from the server ----


async def _link(session, settings, name="管理员"):
    link = await invite_administrator(session, settings, name=name, institution="示例大学")
    base, _, token = link.partition("#administrator=")
    assert base == f"{ORIGIN}/welcome"
    return {"x-invitation": token}


async def test_a_link_made_on_the_server_lets_the_first_administrator_in(client, session, settings):
    token = await _link(session, settings)
    for _ in range(2):  # looking uses nothing up: programs open links too
        shown = await client.get("/api/administrator-link", headers=token)
        assert shown.status_code == 200
        assert (shown.json()["name"], shown.json()["institution"]) == ("管理员", "示例大学")
    used = await client.post("/api/administrator-link", headers=token)
    assert used.status_code == 204
    me = (await client.get("/api/session")).json()["person"]
    assert (me["name"], me["status"], me["administrator_link"]) == ("管理员", "active", True)
    assert me["roles"] == ["administrator", "coordinator"]
    row = await session.scalar(select(Session))
    assert row.absolute_expires_at - row.authenticated_at <= LINK_SESSION
    assert token["x-invitation"].encode() not in (
        await session.scalar(select(AdministratorLink.token_hash))
    )


async def test_a_used_link_is_dead_for_everybody(client, session, settings):
    token = await _link(session, settings)
    await client.post("/api/administrator-link", headers=token)
    async with httpx2.AsyncClient(
        transport=client._transport, base_url=ORIGIN, headers=client.headers
    ) as other:
        for method in ("GET", "POST"):
            answer = await other.request(method, "/api/administrator-link", headers=token)
            assert answer.status_code == 410
            assert answer.json()["code"] == "identity.link_dead"
        assert (await other.get("/api/session")).json()["person"] is None


@pytest.mark.parametrize("token", ["", "a" * 43, "x" * 5000])
async def test_a_link_that_never_was(client, token):
    for method in ("GET", "POST"):
        answer = await client.request(
            method, "/api/administrator-link", headers={"x-invitation": token}
        )
        assert answer.status_code == 410


async def test_a_link_dies_after_a_day(client, session, settings):
    token = await _link(session, settings)
    await session.execute(text("update administrator_links set expires_at = now()"))
    assert (await client.post("/api/administrator-link", headers=token)).status_code == 410
    assert await session.scalar(select(func.count()).select_from(Person)) == 0


async def test_a_second_link_lets_the_same_administrator_back_in(client, session, settings):
    await client.post("/api/administrator-link", headers=await _link(session, settings))
    first = (await client.get("/api/session")).json()["person"]["id"]
    await client.post("/api/administrator-link", headers=await _link(session, settings))
    assert (await client.get("/api/session")).json()["person"]["id"] == first
    await client.post("/api/administrator-link", headers=await _link(session, settings, "另一位"))
    other = (await client.get("/api/session")).json()["person"]
    assert other["id"] != first
    assert other["roles"] == ["administrator"]  # somebody coordinates already


async def test_a_link_is_not_used_from_another_site(client, session, settings):
    token = await _link(session, settings)
    answer = await client.post(
        "/api/administrator-link", headers={**token, "origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert (await client.get("/api/administrator-link", headers=token)).status_code == 200
