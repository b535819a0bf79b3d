"""Roles on the platform and officers of institutions, over HTTP."""

import msgspec
import pytest
from sqlalchemy import select

from lianyan.core.events import Event
from lianyan.identity.models import Affiliation, Person
from lianyan.identity.offices_schemas import RoleList
from lianyan.proposals.derived import Access
from lianyan.reviews.models import Assignment
from makers import key, login, make_call, make_institution, make_person, make_proposal, now

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def home(session):
    return await make_institution(session, "本单位大学")


@pytest.fixture
async def administrator(session, home):
    return await login(
        session, await make_person(session, institution=home, roles=["administrator"])
    )


@pytest.fixture
async def desk(session, home):
    return await login(session, await make_person(session, institution=home, roles=["coordinator"]))


async def grant(client, headers, person, role):
    sent = {"person_id": str(person.id), "role": role}
    return await client.post("/api/roles", json=sent, headers={**headers, **key()})


async def test_an_administrator_grants_and_ends_a_role(client, session, home, administrator):
    person = await make_person(session, "示例专家", institution=home)
    made = await grant(client, administrator, person, "reviewer")
    assert made.status_code == 201, made.text
    got = await client.get("/api/roles", headers=administrator)
    found = msgspec.json.decode(got.content, type=RoleList, strict=True)
    row = next(r for r in found.items if r.role == "reviewer")
    assert row.person.institution is not None
    assert (row.person.name, row.person.institution.name.zh) == ("示例专家", "本单位大学")
    assert found.can == ["role.grant"]
    again = await grant(client, administrator, person, "reviewer")
    assert (again.status_code, again.json()["code"]) == (409, "roles.held")
    url = f"/api/roles/{made.json()['id']}"
    for _ in "12":  # ending twice is ending once
        assert (await client.delete(url, headers=administrator)).status_code == 204
    kinds = await session.scalars(
        select(Event.kind).where(Event.subject_id == made.json()["id"]).order_by(Event.id)
    )
    assert kinds.all() == ["role.granted", "role.ended"]
    assert (await grant(client, administrator, person, "reviewer")).status_code == 201


async def test_a_role_makes_conflicts_matter_at_once(client, session, home, administrator):
    lead = await make_person(session, "牵头人", institution=home)
    call = await make_call(session)
    proposal = await make_proposal(session, lead, call, [home], number="T-1", state="peer_review")
    colleague = await make_person(session, "同项目者", institution=await make_institution(session))
    other = await make_institution(session)
    await make_proposal(
        session, lead, call, [home, other], team=[(lead, home), (colleague, other)], number="T-2"
    )
    row = select(Access.rights).where(
        Access.proposal_id == proposal.id, Access.principal == colleague.id
    )
    assert await session.scalar(row) is None
    made = await grant(client, administrator, colleague, "reviewer")
    assert await session.scalar(row) == 64
    await client.delete(f"/api/roles/{made.json()['id']}", headers=administrator)
    assert await session.scalar(row) is None


async def test_the_last_administrator_stays(client, session, home, administrator):
    items = (await client.get("/api/roles", headers=administrator)).json()["items"]
    own = next(r["id"] for r in items if r["role"] == "administrator")
    got = await client.delete(f"/api/roles/{own}", headers=administrator)
    assert (got.status_code, got.json()["code"]) == (409, "roles.last_administrator")
    await grant(
        client, administrator, await make_person(session, institution=home), "administrator"
    )
    assert (await client.delete(f"/api/roles/{own}", headers=administrator)).status_code == 204
    assert (await client.get("/api/roles", headers=administrator)).status_code == 403


async def test_a_person_who_waits_for_confirmation_gets_no_role(client, session, administrator):
    waiting = await make_person(session, status="pending")
    got = await grant(client, administrator, waiting, "reviewer")
    assert (got.status_code, got.json()["code"]) == (409, "roles.person_pending")
    sent = {"person_id": NOBODY, "role": "reviewer"}
    got = await client.post("/api/roles", json=sent, headers={**administrator, **key()})
    assert got.json()["errors"][0]["field"] == "person_id"
    sent = {"person_id": str(waiting.id), "role": "emperor"}
    got = await client.post("/api/roles", json=sent, headers={**administrator, **key()})
    assert got.status_code == 400


async def test_a_coordinator_reads_roles_and_grants_none(client, session, home, desk):
    person = await make_person(session, institution=home)
    assert (await client.get("/api/roles", headers=desk)).json()["can"] == []
    assert (await grant(client, desk, person, "approver")).status_code == 403
    member = await login(session, person)
    assert (await client.get("/api/roles", headers=member)).status_code == 403
    assert (await client.get("/api/roles")).status_code == 401
    assert (await client.delete(f"/api/roles/{NOBODY}", headers=desk)).status_code == 403


async def holes(client, headers):
    found = (await client.get("/api/roles", headers=headers)).json()["holes"]
    return {(h["institution"]["name"]["zh"], h["missing"]) for h in found}


async def test_an_employer_and_its_family_leave_a_hole_until_a_stand_in_is_named(
    client, session, home, administrator, desk
):
    other = await make_institution(session, "另一大学")
    child = await make_institution(session, "附属医院", parent_id=home.id)
    await make_institution(session, "观察者", standing="observer")
    assert await holes(client, desk) == {
        ("本单位大学", "coordinator"),
        ("附属医院", "coordinator"),
        ("本单位大学", "approver"),
        ("附属医院", "approver"),
        ("另一大学", "approver"),
    }
    outside = await make_person(session, institution=other)
    await grant(client, administrator, outside, "stand_in")
    await grant(client, administrator, outside, "approver")
    assert await holes(client, desk) == {("另一大学", "approver")}
    await grant(client, administrator, await make_person(session, institution=child), "approver")
    assert await holes(client, desk) == set()


async def test_the_coordinator_names_a_first_officer_who_waited(client, session, home, desk):
    waiting = await make_person(session, "新来者", status="pending")
    session.add(Affiliation(person_id=waiting.id, institution_id=home.id, source="login"))
    await session.flush()
    people = await client.get(f"/api/institutions/{home.id}/candidates", headers=desk)
    row = next(r for r in people.json()["items"] if r["person"]["name"] == "新来者")
    assert (row["status"], row["officer"]) == ("pending", False)
    url, sent = f"/api/institutions/{home.id}/officers", {"person_id": str(waiting.id)}
    made = await client.post(url, json=sent, headers={**desk, **key()})
    assert made.status_code == 201, made.text
    await session.refresh(waiting)
    assert waiting.status == "active"
    affiliations = await session.scalars(
        select(Affiliation.status).where(Affiliation.person_id == waiting.id)
    )
    assert affiliations.all() == ["confirmed"]
    detail = (await client.get(f"/api/institutions/{home.id}", headers=desk)).json()
    assert [(o["person"]["name"], o["deputy"]) for o in detail["officers"]] == [("新来者", False)]
    again = await client.post(url, json=sent, headers={**desk, **key()})
    assert (again.status_code, again.json()["code"]) == (409, "roles.officer_already")
    deputy = await client.post(url, json={**sent, "deputy": True}, headers={**desk, **key()})
    assert deputy.json() == made.json()
    office = f"/api/officers/{made.json()['id']}"
    for _ in "12":
        assert (await client.delete(office, headers=desk)).status_code == 204
    detail = (await client.get(f"/api/institutions/{home.id}", headers=desk)).json()
    assert detail["officers"] == []


async def test_a_new_office_suspends_the_reviews_it_forbids(client, session, home, desk):
    lead = await make_person(session, "牵头人", institution=home)
    call = await make_call(session)
    proposal = await make_proposal(session, lead, call, [home], number="T-1", state="peer_review")
    other = await make_institution(session)
    reviewer = await make_person(session, "示例专家", institution=other, roles=["reviewer"])
    assignment = Assignment(
        proposal_id=proposal.id,
        reviewer_id=reviewer.id,
        assigned_by=lead.id,
        state="accepted",
        due_at=now(),
    )
    session.add(assignment)
    await session.flush()
    sent = {"person_id": str(reviewer.id)}
    url = f"/api/institutions/{home.id}/officers"
    assert (await client.post(url, json=sent, headers={**desk, **key()})).status_code == 201
    await session.refresh(assignment)
    assert assignment.suspended_at is not None


async def test_nobody_but_a_coordinator_names_officers(client, session, home):
    person = await make_person(session, institution=home)
    member = await login(session, person)
    url, sent = f"/api/institutions/{home.id}/officers", {"person_id": str(person.id)}
    assert (await client.post(url, json=sent, headers={**member, **key()})).status_code == 403
    assert (
        await client.get(f"/api/institutions/{home.id}/candidates", headers=member)
    ).status_code == 403
    assert (await client.delete(f"/api/officers/{NOBODY}", headers=member)).status_code == 403


async def test_an_office_of_an_unknown_institution_or_person_is_refused(
    client, session, home, desk
):
    person = await make_person(session)
    sent = {"person_id": str(person.id)}
    got = await client.post(
        f"/api/institutions/{NOBODY}/officers", json=sent, headers={**desk, **key()}
    )
    assert got.status_code == 404
    got = await client.post(
        f"/api/institutions/{home.id}/officers",
        json={"person_id": NOBODY},
        headers={**desk, **key()},
    )
    assert got.json()["errors"][0]["field"] == "person_id"
    assert (await client.delete(f"/api/officers/{NOBODY}", headers=desk)).status_code == 404
    assert (await session.get(Person, person.id)).status == "active"
