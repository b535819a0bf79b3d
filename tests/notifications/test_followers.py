"""Who is told what: the table of followers, event by event."""

from hashlib import sha256

import pytest
from sqlalchemy import select, update

from lianyan.core.db import raw
from lianyan.core.events import record
from lianyan.core.messages import Message
from lianyan.decisions.models import Release
from lianyan.identity.actors import load_actor
from lianyan.identity.models import Affiliation, Person
from lianyan.notifications.followers import TOLD
from lianyan.proposals import access
from lianyan.proposals.models import Taking
from lianyan.proposals.states import Move, State
from makers import make_person, make_session, now
from proposals.desk_world import assign, decide, make_at, make_world


@pytest.fixture
async def w(session):
    return await make_world(session)


async def told(session, kind, subject, proposal=None, **data):
    """Return (person, template) of what one event tells."""
    of = proposal.id if proposal else None
    event = await record(session, None, kind, subject, proposal_id=of, **data)
    rows = await session.execute(
        select(Person.name, Message.template)
        .join(Message, Message.person_id == Person.id)
        .where(Message.event_id == event)
    )
    return {(name, template) for name, template in rows}


async def part_of(session, proposal, institution):
    return await session.scalar(
        select(Taking).where(
            Taking.proposal_id == proposal.id, Taking.institution_id == institution.id
        )
    )


def test_every_move_that_people_must_know_of_is_in_the_table():
    silent = {Move.START_CHECK, Move.UNDO, Move.APPROVE, Move.REJECT}
    assert {f"proposal.{m}" for m in Move if m not in silent} <= set(TOLD)


async def test_parts_and_dates(w, session):
    proposal = await make_at(w, State.CONSENT_PENDING, team=[(w.lead, w.a), (w.member, w.b)])
    part = await part_of(session, proposal, w.b)
    for kind, expected in {
        "participation.void": {("乙管理员", "confirmation_void")},
        "participation.added": {("乙管理员", "institution_invited")},
        "participation.confirm": {("牵头人", "institution_confirmed")},
        "participation.return": {("牵头人", "institution_returned")},
        "participation.decline": {("牵头人", "institution_declined")},
        "participation.extend": {
            ("乙管理员", "confirm_extended"),
            ("牵头人", "institution_extended"),
        },
        "participation.remove": {("乙管理员", "institution_removed")},
    }.items():
        found = await told(session, kind, part.id, proposal, institution_id=w.b.id, until=now())
        assert found == expected, kind
    found = await told(
        session, "proposal.extend", proposal.id, proposal, extended="consent", until=now()
    )
    assert found == {
        ("牵头人", "extended"), ("成员", "extended"),
        ("甲管理员", "confirm_extended"), ("乙管理员", "confirm_extended"),
    }  # fmt: skip
    found = await told(session, "member.added", proposal.id, proposal, person_id=w.member.id)
    assert found == {("成员", "member_added")}


async def test_reviews_and_decisions_tell_only_who_handles_them(w, session):
    proposal = await make_at(w, State.PEER_REVIEW)
    asked = await assign(w, proposal, w.reviewers[0])
    for kind, expected in {
        "assignment.asked": {("专家0", "review_asked")},
        "assignment.declined": {("协调员", "review_declined")},
        "assignment.suspended": {("协调员", "review_suspended")},
        "assignment.removed": {("专家0", "review_removed")},
        "proposal.finish": {("专家0", "reviews_finished")},
    }.items():
        found = await told(session, kind, asked.id, proposal, reviewer_id=w.reviewers[0].id)
        assert found == expected, kind
    decision = await decide(w, proposal)
    await make_person(session, "同单位批准人", institution=w.a, roles=["approver"])
    for kind, expected in {
        "decision.drafted": {("批准人", "decision_to_sign")},
        "decision.signed": {("协调员", "decision_signed")},
        "decision.sent_back": {("协调员", "decision_sent_back")},
    }.items():
        assert await told(session, kind, decision.id, proposal) == expected, kind
    release = Release(ordered_by=w.coordinator.id, due_at=now())
    session.add(release)
    await session.flush()
    assert await told(session, "release.done", release.id) == {("协调员", "release_done")}
    assert await told(session, "release.taken_back", release.id) == {
        ("协调员", "release_taken_back")
    }


async def test_the_stand_in_is_told_where_every_coordinator_has_a_conflict(w, session):
    near = await make_at(w, State.PEER_REVIEW, institutions=[w.a, w.c])
    asked = await assign(w, near, w.reviewers[0])
    assert await told(session, "assignment.declined", asked.id, near) == {
        ("代理", "review_declined")
    }


async def test_people_and_roles(w, session):
    newcomer = await make_person(session, "新人", status="pending")
    made = Affiliation(
        person_id=newcomer.id, institution_id=w.a.id, status="pending", source="login"
    )
    session.add(made)
    await session.flush()
    data = {"person": newcomer.id, "institution": w.a.id}
    assert await told(session, "affiliation.asked", made.id, **data) == {
        ("甲管理员", "person_asks")
    }
    assert await told(session, "affiliation.confirmed", made.id, **data) == {
        ("新人", "affiliation_confirmed")
    }
    assert await told(session, "affiliation.refused", made.id) == {("新人", "affiliation_refused")}
    made.institution_id = w.c.id
    await session.flush()
    # Nobody is officer there: the coordinator names the first one.
    assert await told(session, "affiliation.asked", made.id) == {("协调员", "person_asks")}
    role = await told(session, "role.granted", newcomer.id, person=newcomer.id, role="reviewer")
    assert role == {("新人", "role_granted")}
    params = await session.scalar(select(Message.params).where(Message.template == "role_granted"))
    assert params == {"to": "self", "role": "reviewer"}


async def test_a_message_never_names_a_reviewer_and_keeps_ids_only(w, session):
    proposal = await make_at(w, State.PEER_REVIEW)
    asked = await assign(w, proposal, w.reviewers[0])
    await told(session, "assignment.suspended", asked.id, proposal, reviewer_id=w.reviewers[0].id)
    for params in await session.scalars(select(Message.params)):
        assert str(w.reviewers[0].id) not in str(params)
        assert not {"title", "name", "reason", "note"} & set(params)


async def test_an_unread_request_gives_way_to_the_new_one(w, session):
    proposal = await make_at(w, State.DECISION_PENDING)
    decision = await decide(w, proposal)
    for _ in range(3):
        await told(session, "decision.drafted", decision.id, proposal)
    kept = await session.scalars(select(Message.id).where(Message.template == "decision_to_sign"))
    assert len(list(kept)) == 1
    await session.execute(update(Message).values(read_at=now()))
    await told(session, "decision.drafted", decision.id, proposal)
    kept = await session.scalars(select(Message.id).where(Message.template == "decision_to_sign"))
    assert len(list(kept)) == 2


async def test_nobody_is_told_what_they_did_themselves(w, session):
    token = await make_session(session, w.lead.id)
    actor = await load_actor(await raw(session), sha256(token.encode()).digest())
    proposal = await make_at(w, State.SUBMITTED)
    await access.refresh(session, proposal.id)
    await record(session, actor, "proposal.withdraw", proposal.id, proposal_id=proposal.id)
    people = await session.scalars(
        select(Person.name)
        .join(Message, Message.person_id == Person.id)
        .where(Message.template == "withdrawn")
    )
    assert set(people) == {"甲管理员", "乙管理员", "协调员"}
