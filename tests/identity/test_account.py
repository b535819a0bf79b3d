"""The own account: what is sent changes, everything else stays, and a name is a name in any script."""

import msgspec
import pytest
from sqlalchemy import func, select

from lianyan.core.events import Event
from lianyan.identity.models import Affiliation, Person
from lianyan.identity.schemas import Account
from makers import key, login, make_institution, make_person


@pytest.fixture
async def me(session):
    """Give a person with every field filled, and their headers."""
    person = await make_person(
        session,
        "吴安琪",
        name_latin="Wu Anqi",
        email="wu@nuist.example",
        email_verified=True,
        phone="+86 25",
        locale="zh",
        institution=await make_institution(session),
    )
    return person, await login(session, person)


async def change(client, headers, body, rev=1):
    return await client.patch(
        "/api/settings", json=body, headers={**headers, "if-match": f'"{rev}"'}
    )


async def account(client, headers):
    answer = await client.get("/api/settings", headers=headers)
    assert answer.status_code == 200
    found = msgspec.json.decode(answer.content, type=Account)
    assert answer.headers["etag"] == f'"{found.rev}"'
    return found


async def test_what_the_portal_keeps_about_me(client, me):
    person, headers = me
    found = await account(client, headers)
    assert (found.id, found.name, found.sort_key) == (person.id, "吴安琪", "wu2 an1 qi2")
    assert [a.status for a in found.affiliations] == ["confirmed"]
    assert (await client.get("/api/settings")).status_code == 401


@pytest.mark.parametrize(
    "body, after",
    [
        ({"name": "吴琪"}, {"name": "吴琪", "sort_key": "wu2 qi2"}),
        ({"name_latin": "A. Wu"}, {"name_latin": "A. Wu"}),
        ({"phone": None}, {"phone": None}),
        ({"phone": ""}, {"phone": None}),
        ({"locale": "en"}, {"locale": "en"}),
        ({"email": "Wu@NUIST.example"}, {"email": "Wu@nuist.example"}),
        ({"orcid": "0000-0002-1825-0097"}, {"orcid": "0000-0002-1825-0097"}),
        ({"sort_key": "wu4 an qi2"}, {"sort_key": "wu4 an5 qi2"}),
    ],
    ids=str,
)
async def test_c91_only_what_is_sent_changes(client, me, body, after):
    before = await account(client, me[1])
    answer = await change(client, me[1], body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": str(before.id), "rev": 2}
    found = await account(client, me[1])
    assert found == msgspec.structs.replace(before, rev=2, **after)


async def test_c91_an_empty_change_and_one_to_the_same_change_nothing(client, me, session):
    for body in ({}, {"name": "吴安琪", "locale": "zh"}):
        answer = await change(client, me[1], body, rev=1)
        assert (answer.status_code, answer.json()["rev"]) == (200, 1)
    assert await change(client, me[1], {"name": "吴安琪"}, rev=7)  # stale, but equal
    assert await session.scalar(select(func.count()).select_from(Event)) == 0


@pytest.mark.parametrize(
    "body, field",
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\u202eabc"}, "name"),
        ({"name": "长" * 61}, "name"),
        ({"name": "x" * 100_000}, "name"),
        ({"name": 7}, "name"),
        ({"name_latin": "\u200b"}, "name_latin"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b@c"}, "email"),
        ({"phone": "one two"}, "phone"),
        ({"phone": "1" * 31}, "phone"),
        ({"phone": "\u0661"}, "phone"),
        ({"orcid": "0000-0002-1825-0098"}, "orcid"),
        ({"locale": "fr"}, "locale"),
        ({"sort_key": "wu2 an1"}, "sort_key"),
        ({"sort_key": "wu2 an1 q1i"}, "sort_key"),
        ({"sort_key": "wu2 " * 1000}, "sort_key"),
        ({"name": "Sukma", "sort_key": "su"}, "sort_key"),
        ({"titel": "x"}, "titel"),
        ({"rev": 9}, "rev"),
        ({"status": "active"}, "status"),
    ],
    ids=lambda x: ascii(x)[:40],
)
async def test_what_is_wrong_is_named_and_nothing_is_stored(client, me, body, field):
    before = await account(client, me[1])
    answer = await change(client, me[1], body)
    assert answer.status_code == 400, answer.text
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert await account(client, me[1]) == before


async def test_two_faults_are_both_named(client, me):
    answer = await change(client, me[1], {"name": " ", "email": "x"})
    assert {e["field"] for e in answer.json()["errors"]} == {"name", "email"}


async def test_nobody_overwrites_unseen(client, me):
    assert (await change(client, me[1], {"phone": "1"})).status_code == 200
    stale = await change(client, me[1], {"phone": "2"})
    assert stale.status_code == 412
    assert stale.json()["params"] == {"rev": 2, "stored": {"phone": "1"}}
    bare = await client.patch("/api/settings", json={"phone": "2"}, headers=me[1])
    assert bare.status_code == 428


async def test_a_typed_address_is_checked_by_nobody(client, me, session):
    await change(client, me[1], {"email": "dean@nuist.example"})
    assert await session.scalar(select(Person.email_verified)) is False


NAMES = [
    "李",
    "李 明",
    "欧阳明",
    "Sukma",
    "An-Qi Wu",
    "阿卜杜拉·买买提",
    "O’Neil",
    "Ⅳ",
    " ",
    "\u200b",
    "长" * 60,
    "张三<b>",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_c69_a_name_is_kept_letter_for_letter(client, session, name):
    headers = await login(session, await make_person(session, "甲"))
    answer = await change(client, headers, {"name": name})
    if name in (" ", "\u200b"):
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "name"
        return
    assert answer.status_code == 200
    assert (await account(client, headers)).name == name
    assert (await client.get("/api/session", headers=headers)).json()["person"]["name"] == name


async def test_c69_letters_of_two_parts_are_made_one(client, session):
    headers = await login(session, await make_person(session, "甲"))
    await change(client, headers, {"name": " e\u0301ric "})
    assert (await account(client, headers)).name == "\u00e9ric"


# ---- where I belong ----


async def test_asking_to_be_confirmed(client, me, session):
    other = await make_institution(session, "云谷科技")
    body = {"institution_id": str(other.id), "department": " 研发部 "}
    once = key()
    sent = [
        await client.post("/api/settings/affiliations", json=body, headers={**me[1], **once})
        for _ in range(2)
    ]
    assert [a.status_code for a in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    row = await session.scalar(select(Affiliation).where(Affiliation.institution_id == other.id))
    assert (row.status, row.department) == ("pending", "研发部")
    event = await session.scalar(select(Event))
    assert (event.kind, event.data["institution"]) == ("affiliation.asked", str(other.id))


@pytest.mark.parametrize(
    "body, field",
    [
        ({"institution_id": "00000000-0000-0000-0000-000000000000"}, "institution_id"),
        ({"institution_id": "x"}, "institution_id"),
        ({}, "institution_id"),
        ({"institution_id": None}, "institution_id"),
    ],
)
async def test_asking_for_nothing(client, me, body, field):
    answer = await client.post("/api/settings/affiliations", json=body, headers={**me[1], **key()})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


async def test_asking_again_or_without_end(client, me, session):
    async def ask(institution, department=None):
        return await client.post(
            "/api/settings/affiliations",
            json={"institution_id": str(institution.id), "department": department},
            headers={**me[1], **key()},
        )

    places = [await make_institution(session) for _ in range(7)]
    assert (await ask(places[0], "x" * 61)).json()["errors"][0]["field"] == "department"
    assert (await ask(places[0])).status_code == 201
    again = await ask(places[0])
    assert (again.status_code, again.json()["code"]) == (409, "identity.affiliated_already")
    for place in places[1:5]:
        assert (await ask(place)).status_code == 201
    assert (await ask(places[5])).json()["code"] == "identity.asked_enough"
