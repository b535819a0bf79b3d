"""The three administrators: told apart, each with an heir while nobody is; and the auditor."""

import asyncio
import os
from typing import get_args

import pytest
from sqlalchemy import select, text

from figures import figure
from lianyan.core.words import catalogue
from lianyan.identity.models import PlatformRole
from lianyan.identity.offices import LOCK, end_of
from lianyan.identity.offices_schemas import RoleName
from lianyan.proposals import access
from lianyan.proposals.models import Tie
from makers import key, login, make_call, make_institution, make_person, make_proposal

TIMES = 100 if os.environ.get("LIANYAN_LONG") == "1" else 2
THREE = ("administrator", "security_administrator", "audit_administrator")


@pytest.fixture
async def home(session):
    return await make_institution(session)


async def person(session, home, *roles):
    made = await make_person(session, institution=home, roles=list(roles))
    return made, await login(session, made)


async def grant(client, headers, who, role):
    sent = {"person_id": str(who.id), "role": role}
    return await client.post("/api/roles", json=sent, headers={**headers, **key()})


async def test_the_administrator_stands_for_the_others_until_they_are_named(client, session, home):
    _, system = await person(session, home, "administrator")
    other, security = await person(session, home)
    third, audit = await person(session, home)
    for path in ("record", "record/seals", "security"):
        assert (await client.get(f"/api/{path}", headers=system)).status_code == 200
    roles = (await client.get("/api/roles", headers=system)).json()
    assert roles["undivided"] == list(THREE[1:])
    made = await grant(client, system, other, "security_administrator")
    assert made.status_code == 201, made.text
    # From the next request on the system administrator grants nothing more.
    assert (await grant(client, system, third, "audit_administrator")).status_code == 403
    assert (await client.get("/api/security", headers=system)).status_code == 403
    assert (await client.get("/api/record", headers=system)).status_code == 200
    roles = (await client.get("/api/roles", headers=system)).json()
    assert (roles["can"], roles["undivided"]) == ([], ["audit_administrator"])
    assert (await grant(client, security, third, "audit_administrator")).status_code == 201
    assert (await client.get("/api/record", headers=system)).status_code == 403
    assert (await client.get("/api/record", headers=audit)).status_code == 200
    assert (await client.get("/api/record", headers=security)).status_code == 403
    assert (await client.get("/api/roles", headers=audit)).json()["undivided"] == []
    # Ended, its work is the system administrator's again; one's own last role another ends.
    own = await client.delete(f"/api/roles/{made.json()['id']}", headers=security)
    assert (own.status_code, own.json()["code"]) == (409, "roles.last_own")
    roles = (await client.get("/api/roles", headers=security)).json()["items"]
    audits = next(row["id"] for row in roles if row["role"] == "audit_administrator")
    assert (await client.delete(f"/api/roles/{audits}", headers=security)).status_code == 204
    assert (await client.get("/api/record", headers=audit)).status_code == 403
    assert (await client.get("/api/record", headers=system)).status_code == 200


async def test_one_of_two_ends_the_others_role_or_the_own(client, session, home):
    _, first = await person(session, home, "security_administrator")
    _, second = await person(session, home, "security_administrator")
    ids = [row["id"] for row in (await client.get("/api/roles", headers=first)).json()["items"]]
    own = [await client.delete(f"/api/roles/{id_}", headers=first) for id_ in ids]
    assert sorted(answer.status_code for answer in own) in ([204, 403], [204, 409])
    left = [(await client.get("/api/security", headers=who)).status_code for who in (first, second)]
    assert sorted(left) == [200, 403]


async def test_a_pending_holder_is_no_holder(client, session, home):
    _, system = await person(session, home, "administrator")
    waiting, _ = await person(session, home)
    assert (await grant(client, system, waiting, "audit_administrator")).status_code == 201
    waiting.status = "pending"
    await session.flush()
    assert (await client.get("/api/record", headers=system)).status_code == 200


@pytest.mark.parametrize("held", [*THREE, "coordinator", "stand_in", "reviewer", "approver"])
async def test_an_auditor_is_nothing_else(client, session, home, held):
    _, system = await person(session, home, "administrator")
    who, _ = await person(session, home, held)
    refused = await grant(client, system, who, "auditor")
    expected = 403 if held == "security_administrator" else 409
    assert refused.status_code == expected, refused.text
    auditor, _ = await person(session, home, "auditor")
    back = await grant(client, system, auditor, held)
    assert back.status_code == expected


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_role_has_a_name_wherever_roles_are_named(locale):
    places = ("roles.{}", "messages.role.{}", "login.role_{}", "admin.about_{}")
    wanted = {place.format(role) for place in places for role in get_args(RoleName)}
    assert sorted(wanted - catalogue(locale).keys()) == []


async def test_nobody_is_two_of_the_three_nor_grants_to_themselves(client, session, home):
    me, system = await person(session, home, "administrator")
    other, _ = await person(session, home, "administrator")
    refused = await grant(client, system, other, "audit_administrator")
    assert (refused.status_code, refused.json()["code"]) == (409, "roles.excluded")
    own = await grant(client, system, me, "coordinator")
    assert (own.status_code, own.json()["code"]) == (409, "roles.own")


@pytest.mark.parametrize(
    "roles",
    [("audit_administrator", "auditor"), ("auditor", "coordinator")],
)
async def test_two_grants_at_once_leave_one(committed, roles):
    async with committed.sessions.begin() as session:
        home = await make_institution(session)
        makers = [await person(session, home, "administrator") for _ in roles]
        people = [await make_person(session, institution=home) for _ in range(TIMES)]
    for who in people:
        answers = await asyncio.gather(
            *(
                grant(committed.client, headers, who, role)
                for (_, headers), role in zip(makers, roles, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]
    async with committed.sessions() as session:
        held = select(PlatformRole.person_id).where(
            PlatformRole.person_id.in_([who.id for who in people])
        )
        found = (await session.scalars(held)).all()
    figure(
        f"two excluding roles granted to one person at once ({' and '.join(roles)}): both held",
        "0",
        f"{len(found) - len(set(found))} of {TIMES}",
        held=len(found) == len(set(found)) == TIMES,
    )
    assert len(found) == len(set(found)) == TIMES


async def test_who_loses_the_right_to_grant_while_asking_is_refused(committed):
    """Two administrators at once: the one who comes after a security administrator is named grants no more."""
    async with committed.sessions.begin() as session:
        home = await make_institution(session)
        first, second = [await person(session, home, "administrator") for _ in range(2)]
        named, other = [await make_person(session, institution=home) for _ in range(2)]
    async with committed.sessions.begin() as session:
        await session.execute(LOCK)
        # Both are past the policy, and wait for whoever changes roles.
        asking = asyncio.gather(
            grant(committed.client, first[1], named, "security_administrator"),
            grant(committed.client, second[1], other, "security_administrator"),
        )
        waiting = text(
            "select count(*) from pg_locks l join pg_database d on d.oid = l.database "
            "where d.datname = current_database() and l.locktype = 'advisory' and not l.granted"
        )
        for _ in range(200):
            if await session.scalar(waiting) == 2:
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError
    assert sorted(answer.status_code for answer in await asking) == [201, 403]


async def test_the_server_ends_a_role_that_nobody_can_end_any_more(client, session, home):
    _, system = await person(session, home, "administrator")
    gone = await make_person(session, "走了的", institution=home, roles=["security_administrator"])
    assert (await client.get("/api/security", headers=system)).status_code == 403
    assert await end_of(session, "走了的", "audit_administrator") == 0
    assert await end_of(session, "走了的", "security_administrator") == 1
    rows = (await client.get("/api/security", headers=system)).json()["items"]
    assert (rows[0]["kind"], rows[0]["actor"]) == ("role.ended", None)
    assert rows[0]["subject"]["id"] == str(gone.id)


async def test_the_database_itself_keeps_them_apart(session, home):
    who, _ = await person(session, home, "administrator")
    session.add(PlatformRole(person_id=who.id, role="audit_administrator"))
    with pytest.raises(Exception, match="uq_platform_roles_one_administrator"):
        await session.flush()


async def test_a_security_administrator_ends_a_session_and_the_person_is_told(
    client, session, home
):
    _, security = await person(session, home, "security_administrator")
    who, theirs = await person(session, home)
    url = f"/api/security/people/{who.id}/sessions"
    listed = (await client.get(url, headers=security)).json()["items"]
    assert len(listed) == 1
    end = f"/api/security/sessions/{listed[0]['id']}/end"
    wrong = await client.post(end, json={"reason": "because"}, headers=security)
    assert wrong.status_code == 400
    for _ in "12":
        ended = await client.post(end, json={"reason": "lost_device"}, headers=security)
        assert ended.status_code == 204, ended.text
    assert (await client.get("/api/tasks", headers=theirs)).status_code == 401
    assert (await client.get(url, headers=security)).json()["items"] == []
    told = await session.scalar(
        text("select count(*) from messages where person_id = :id and template = 'session_ended'"),
        {"id": who.id},
    )
    assert told == 1
    rows = (await client.get("/api/security", headers=security)).json()["items"]
    row = next(row for row in rows if row["kind"] == "session.ended")
    assert row["subject"] == {
        "kind": "person", "id": str(who.id), "name": who.name, "institution": None
    }  # fmt: skip
    assert row["data"] == {"reason": "lost_device"}
    assert (await client.get(url.replace(str(who.id), str(home.id)), headers=security)).status_code == 404  # fmt: skip


async def test_an_auditor_reads_what_is_handled_and_acts_on_nothing(client, session, home):
    elsewhere = await make_institution(session)
    _, auditor = await person(session, elsewhere, "auditor")
    lead = await make_person(session, institution=home)
    proposal = await make_proposal(
        session, lead, await make_call(session), [home], state="peer_review", number="T-1"
    )
    seen = (await client.get("/api/desk", headers=auditor)).json()
    assert [row["id"] for row in seen["items"]] == [str(proposal.id)]
    page = await client.get(f"/api/desk/{proposal.id}", headers=auditor)
    assert page.status_code == 200
    assert not {act for act in page.json()["can"] if not act.endswith((".read", ".seen"))}
    assert (await client.get(f"/api/proposals/{proposal.id}", headers=auditor)).status_code == 200
    refused = await client.post(
        f"/api/proposals/{proposal.id}/pass", headers={**auditor, "if-match": '"1"'}
    )
    assert refused.status_code == 403
    assert (await client.get(f"/api/proposals/{proposal.id}/seen", headers=auditor)).status_code == 200  # fmt: skip


async def test_an_auditors_own_conflict_hides_what_a_coordinators_does(client, session, home):
    lead = await make_person(session, institution=home)
    proposal = await make_proposal(
        session, lead, await make_call(session), [home], state="peer_review", number="T-1"
    )
    _, employed = await person(session, home, "auditor")
    tied, tied_headers = await person(session, await make_institution(session), "auditor")
    session.add(Tie(proposal_id=proposal.id, person_id=tied.id))
    await session.flush()
    await access.refresh(session, proposal.id)
    parts = ("", "/assignments", "/decision", "/seen")
    paths = [f"/api/proposals/{proposal.id}{part}" for part in parts]
    page = (await client.get(f"/api/desk/{proposal.id}", headers=employed)).json()
    assert (page["progress_only"], page["moves"], page["remind"]) == (True, [], None)
    answers = [(await client.get(path, headers=employed)).status_code for path in paths]
    assert set(answers) == {403}, answers
    assert (await client.get("/api/desk", headers=tied_headers)).json()["items"] == []
    paths.append(f"/api/desk/{proposal.id}")
    answers = [(await client.get(path, headers=tied_headers)).status_code for path in paths]
    assert set(answers) == {404}, answers
