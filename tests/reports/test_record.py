"""The record as its readers see it: what happened, who saw what, without what their own position hides."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from lianyan.core.events import Event, record
from lianyan.proposals import access
from lianyan.proposals.models import Tie
from lianyan.reports.commands import check
from makers import login, make_call, make_institution, make_person, make_proposal

LATER = "2999-01-01T00:00:00Z"


@pytest.fixture
async def scene(session):
    """Give a proposal whose handling has been recorded, and an audit administrator elsewhere."""
    home, elsewhere = [await make_institution(session) for _ in range(2)]
    lead = await make_person(session, institution=home)
    reviewer = await make_person(session, institution=elsewhere, roles=["reviewer"])
    watcher = await make_person(session, institution=elsewhere, roles=["audit_administrator"])
    call = await make_call(session, prefix="T")
    proposal = await make_proposal(session, lead, call, [home], state="peer_review", number="T-1")
    for kind in ("proposal.submit", "review.saved", "review.read"):
        await record(
            session, None, kind, proposal.id, proposal_id=proposal.id, to="peer_review", by=lead.id
        )
    await session.execute(Event.__table__.insert().values(
        kind="decisions.read", actor_id=reviewer.id, subject_id=reviewer.id,
        data={"proposals": [str(proposal.id)]},
    ))  # fmt: skip
    return proposal, watcher, home, reviewer


async def kinds(client, headers, query=""):
    found = await client.get(f"/api/record{query}", headers=headers)
    assert found.status_code == 200, found.text
    return [row["kind"] for row in found.json()["items"]]


ALL = ["decisions.read", "review.read", "review.saved", "proposal.submit"]


async def test_what_happened_is_told_newest_first_with_codes_and_no_titles(client, session, scene):
    proposal, watcher, *_ = scene
    headers = await login(session, watcher)
    assert await kinds(client, headers) == ALL
    page = await client.get(f"/api/record?proposal_id={proposal.id}&limit=2", headers=headers)
    assert proposal.title not in page.text
    row = page.json()["items"][-1]
    assert row["proposal"] == {"id": str(proposal.id), "number": "T-1"}
    assert row["data"] == {"to": "peer_review"}, "ids are no words"
    rest = await client.get(
        f"/api/record?proposal_id={proposal.id}&after={page.json()['next']}", headers=headers
    )
    assert [r["kind"] for r in rest.json()["items"]] == ["proposal.submit"]


@pytest.mark.parametrize(
    "query,found",
    [
        ("?kind=review", ["review.read", "review.saved"]),
        ("?kind=review.saved", ["review.saved"]),
        ("?number=t-1", ["review.read", "review.saved", "proposal.submit"]),
        ("?number=T-2", []),
        (f"?from={LATER}", []),
        (f"?to={LATER}", ALL),
    ],
)
async def test_filters(client, session, scene, query, found):
    headers = await login(session, scene[1])
    assert await kinds(client, headers, query) == found


@pytest.mark.parametrize(
    "query,field",
    [
        ("?kind=Review!", "kind"), ("?from=2026-01-01", "from"), ("?to=soon", "to"),
        ("?after=x", "after"), ("?limit=0", "limit"), ("?number=%E2%80%AE1", "number"), ("?person_id=1", "person_id"),
    ],
)  # fmt: skip
async def test_what_names_nothing_is_refused_by_name(client, session, scene, query, field):
    headers = await login(session, scene[1])
    refused = await client.get(f"/api/record{query}", headers=headers)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == field


async def test_a_tie_hides_everything_and_an_employer_hides_the_handling(client, session, scene):
    proposal, watcher, home, _ = scene
    tied = await make_person(session, institution=None, roles=["audit_administrator"])
    session.add(Tie(proposal_id=proposal.id, person_id=tied.id))
    await session.flush()
    await access.refresh(session, proposal.id)
    headers = await login(session, tied)
    assert await kinds(client, headers) == []
    seen = await client.get(f"/api/proposals/{proposal.id}/seen", headers=headers)
    assert seen.status_code == 404
    employed = await make_person(session, institution=home, roles=["audit_administrator"])
    headers = await login(session, employed)
    assert await kinds(client, headers) == ["proposal.submit"]
    assert await kinds(client, await login(session, watcher)) == ALL


async def test_who_saw_what_and_that_this_was_looked_up(client, session, scene):
    proposal, watcher, _, reviewer = scene
    headers = await login(session, watcher)
    url = f"/api/proposals/{proposal.id}/seen"
    first = (await client.get(url, headers=headers)).json()["items"]
    # The reading of the record itself is the newest reading.
    assert [row["kind"] for row in first] == ["record.read", "decisions.read", "review.read"]
    assert first[1]["actor"]["name"] == reviewer.name
    assert first[1]["proposals"] == [{"id": str(proposal.id), "number": "T-1"}]
    of = (await client.get(f"/api/record/seen?person_id={reviewer.id}", headers=headers)).json()
    assert [row["kind"] for row in of["items"]] == ["decisions.read"]
    looked = await session.scalars(select(Event).where(Event.actor_id == watcher.id))
    assert [event.kind for event in looked] == ["record.read", "record.read"]
    missing = await client.get(f"/api/record/seen?person_id={proposal.id}", headers=headers)
    assert missing.status_code == 404


async def test_the_record_names_no_reviewer_and_tells_no_decision(client, session, scene):
    proposal, watcher, home, reviewer = scene
    coordinator = await make_person(session, institution=home, roles=["coordinator"])
    by_reviewer = [
        ("review.saved", {"rev": 1}), ("review.submitted", {"reviewer_id": reviewer.id, "late": False}),
        ("assignment.accepted", {"reviewer_id": reviewer.id}),
        ("assignment.declined", {"reviewer_id": reviewer.id}),
    ]  # fmt: skip
    for kind, data in by_reviewer:
        await record(session, reviewer, kind, uuid4(), proposal_id=proposal.id, **data)
    about = {"reviewer_id": reviewer.id, "override": False}
    await record(
        session, coordinator, "assignment.asked", uuid4(), proposal_id=proposal.id, **about
    )
    about = {"person_id": reviewer.id, "rule": "recent_project"}
    await record(
        session, coordinator, "conflict.dismissed", uuid4(), proposal_id=proposal.id, **about
    )
    decided = {"decision_kind": "reject"}
    await record(
        session, coordinator, "decision.drafted", uuid4(), proposal_id=proposal.id, **decided
    )
    headers = await login(session, watcher)
    page = await client.get(f"/api/record?proposal_id={proposal.id}", headers=headers)
    rows = page.json()["items"]
    done = [row for row in rows if row["kind"] in dict(by_reviewer)]
    assert len(done) > len(by_reviewer)
    assert all(row["actor"] is None and row["reviewer"] for row in done)
    assert str(reviewer.id) not in page.text
    assert "reject" not in page.text
    named = {row["kind"]: row["actor"] for row in rows if not row["reviewer"]}
    assert named["decision.drafted"]["name"] == coordinator.name
    assert named["conflict.dismissed"]["name"] == coordinator.name
    # Nor does a filter find them by what they did, but by what they read.
    assert await kinds(client, headers, f"?person_id={reviewer.id}") == ["decisions.read"]
    await record(session, None, "decision.released", uuid4(), proposal_id=proposal.id, **decided)
    page = await client.get("/api/record?kind=decision.released", headers=headers)
    assert page.json()["items"][0]["data"] == decided


async def test_how_far_the_record_is_sealed(client, session, scene):
    headers = await login(session, scene[1])
    state = (await client.get("/api/record/seals", headers=headers)).json()
    assert state["unsealed"] >= len(ALL)
    assert state["checked"] is None
    await check(session)
    state = (await client.get("/api/record/seals", headers=headers)).json()
    assert {**state["checked"], "at": ""} == {"at": "", "seals": 0, "events": 0, "faults": 0}
    assert state["oldest_unsealed_seconds"] >= 0
