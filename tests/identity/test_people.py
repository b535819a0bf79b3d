"""Officers confirm their people, and members find each other."""

from types import SimpleNamespace

import msgspec
import pytest
from sqlalchemy import select

from lianyan.core.events import Event
from lianyan.identity.models import Affiliation, Officer, Person
from lianyan.identity.people import add_affiliation
from lianyan.identity.schemas import Found, InstitutionPeople
from makers import login, make_institution, make_person


@pytest.fixture
async def house(session):
    """Give an institution, its officer's headers, and somebody who waits."""

    institution = await make_institution(session, "示例大学")
    officer = await make_person(session, "管理员", officer_of=institution)
    newcomer = await make_person(session, "新来的", status="pending", email="n@x.example")
    return SimpleNamespace(
        institution=institution,
        officer=officer,
        headers=await login(session, officer),
        newcomer=newcomer,
        asked=await add_affiliation(session, None, newcomer.id, institution.id, "计算机学院"),
    )


async def act(client, house, what, of=None, headers=None):
    return await client.post(
        f"/api/affiliations/{of or house.asked}/{what}", headers=headers or house.headers
    )


async def listed(client, house, **params):
    answer = await client.get("/api/institution/people", params=params, headers=house.headers)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=InstitutionPeople).items


async def test_those_who_wait_come_first(client, house):
    first, second = await listed(client, house)
    assert (first.person.name, first.status, first.department) == (
        "新来的",
        "pending",
        "计算机学院",
    )
    assert first.can == ["affiliation.confirm", "affiliation.refuse"]
    assert (second.person.name, second.officer, second.can) == ("管理员", True, [])
    assert await listed(client, house, institution=str(house.institution.id)) == [first, second]


async def test_no_address_of_theirs_is_shown(client, house):
    answer = await client.get("/api/institution/people", headers=house.headers)
    assert "n@x.example" not in answer.text


async def test_confirming_makes_a_member(client, house, session):
    newcomer = await login(session, house.newcomer)
    assert (
        await client.get("/api/people", params={"q": "管"}, headers=newcomer)
    ).status_code == 403
    answer = await act(client, house, "confirm")
    assert answer.status_code == 204, answer.text
    me = (await client.get("/api/session", headers=newcomer)).json()["person"]
    assert me["status"] == "active"
    assert [i["name"]["zh"] for i in me["institutions"]] == ["示例大学"]
    assert (
        await client.get("/api/people", params={"q": "管"}, headers=newcomer)
    ).status_code == 200
    event = await session.scalar(select(Event).where(Event.kind == "affiliation.confirmed"))
    assert event.actor_id == house.officer.id
    again = await act(client, house, "confirm")
    assert (again.status_code, again.json()["code"]) == (409, "identity.affiliation_state")
    assert again.json()["params"] == {"status": "confirmed"}


async def test_refusing_leaves_the_person_outside(client, house, session):
    assert (await act(client, house, "refuse")).status_code == 204
    assert [row.person.name for row in await listed(client, house)] == ["管理员"]
    status = select(Person.status).where(Person.id == house.newcomer.id)
    assert await session.scalar(status) == "pending"
    assert (await act(client, house, "confirm")).status_code == 409
    await add_affiliation(session, None, house.newcomer.id, house.institution.id)  # may ask again


async def test_a_person_who_leaves_is_no_member_any_more(client, house, session):
    await act(client, house, "confirm")
    assert (await act(client, house, "end")).status_code == 204
    me = (await client.get("/api/session", headers=await login(session, house.newcomer))).json()
    assert me["person"]["institutions"] == []
    assert (await act(client, house, "end")).status_code == 409


async def test_an_officer_does_not_end_an_officer(client, house, session):
    own = await session.scalar(
        select(Affiliation.id).where(Affiliation.person_id == house.officer.id)
    )
    answer = await act(client, house, "end", of=own)
    assert (answer.status_code, answer.json()["code"]) == (409, "identity.still_officer")


async def test_a_person_without_a_name_is_not_confirmed(client, house, session):
    nameless = await make_person(session, "—", status="pending")
    asked = await add_affiliation(session, None, nameless.id, house.institution.id)
    answer = await act(client, house, "confirm", of=asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "identity.name_missing")


async def test_what_an_officer_of_another_institution_may_not_even_know(client, house, session):
    other = await make_institution(session)
    stranger = await login(session, await make_person(session, "外人", officer_of=other))
    for what in ("confirm", "refuse", "end"):
        hidden = await act(client, house, what, headers=stranger)
        nothing = await act(
            client, house, what, of="00000000-0000-0000-0000-000000000001", headers=stranger
        )
        assert hidden.status_code == nothing.status_code == 404
        assert hidden.content == nothing.content
    hidden = await client.get(
        "/api/institution/people",
        params={"institution": str(house.institution.id)},
        headers=stranger,
    )
    assert hidden.status_code == 404


async def test_who_is_no_officer_confirms_nobody(client, house, session):
    member = await login(session, await make_person(session, "乙", institution=house.institution))
    assert (await act(client, house, "confirm", headers=member)).status_code == 403
    assert (await client.get("/api/institution/people", headers=member)).status_code == 403
    assert (await client.post(f"/api/affiliations/{house.asked}/confirm")).status_code == 401
    office = await session.scalar(select(Officer))
    office.ended_at = (await session.scalars(select(Officer.created_at))).first()
    await session.flush()
    assert (await act(client, house, "confirm")).status_code == 403


@pytest.mark.parametrize("asked", ["x", "%00", "00000000-0000-0000-0000-000000000000"])
async def test_an_affiliation_that_is_none(client, house, asked):
    assert (await act(client, house, "confirm", of=asked)).status_code in {400, 404}


# ---- finding people ----


@pytest.mark.parametrize(
    "q, found",
    [
        ("欧", ["欧阳明"]),
        ("欧阳 明", ["欧阳明"]),
        ("ouyang", ["欧阳明"]),
        ("OuYang", ["欧阳明"]),
        ("Anqi", ["吴安琪"]),
        ("云谷", ["欧阳明"]),
        ("𠮷", ["李𠮷"]),
        ("nobody", []),
        ("等待", []),
        ("外", []),
    ],
)
async def test_members_find_confirmed_people(client, house, session, q, found):
    company = await make_institution(session, "云谷科技")
    await make_person(session, "欧阳明", institution=company)
    await make_person(session, "吴安琪", name_latin="An Qi Wu, Anqi", institution=house.institution)
    await make_person(session, "李𠮷", institution=house.institution)
    await make_person(session, "等待中", status="pending", institution=company)
    await make_person(session, "外人")
    answer = await client.get("/api/people", params={"q": q}, headers=house.headers)
    assert answer.status_code == 200
    people = msgspec.json.decode(answer.content, type=Found).items
    assert [p.name for p in people] == found
    assert all(p.institution for p in people)


@pytest.mark.parametrize("q", ["", " ", "\u200b", "%", None])
async def test_a_search_for_nothing_names_its_field(client, house, q):
    params = {} if q is None else {"q": q}
    answer = await client.get("/api/people", params=params, headers=house.headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "q"


async def test_at_most_ten_are_shown(client, house, session):
    for i in range(12):
        await make_person(session, f"张{i}", institution=house.institution)
    answer = await client.get("/api/people", params={"q": "张"}, headers=house.headers)
    assert len(answer.json()["items"]) == 10
    assert (await client.get("/api/people", params={"q": "张"})).status_code == 401
