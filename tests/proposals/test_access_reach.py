"""A change reaches every proposal it concerns: what ties a handler elsewhere, and what ends the tie."""

import asyncio
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from lianyan.proposals import access
from lianyan.proposals.access import Right
from lianyan.proposals.commands.team import join
from lianyan.proposals.models import Proposal
from lianyan.proposals.moving import move
from lianyan.proposals.states import Move
from makers import login, make_call, make_institution, make_person, make_proposal, now


async def conflicted(session, proposal, person) -> bool:
    """Say whether the relation holds a personal conflict."""
    rights = await session.scalar(
        text("select rights from access where proposal_id = :p and principal = :a"),
        {"p": proposal.id, "a": person.id},
    )
    return bool(Right(rights or 0) & Right.CONFLICT)


@pytest.fixture
async def tied(session):
    """A submitted proposal, and another of one of its people together with a reviewer."""
    t = SimpleNamespace()
    t.a, t.b = [await make_institution(session) for _ in range(2)]
    t.lead = await make_person(session, "牵头人", institution=t.a)
    t.reviewer = await make_person(session, "专家", institution=t.b, roles=["reviewer"])
    call = await make_call(session)
    sent = {"submitted_at": now(), "stages": list(call.stages)}
    t.seen = await make_proposal(
        session, t.lead, call, [t.a], state="peer_review", number="R-1", **sent
    )
    t.other = await make_proposal(
        session, t.lead, call, [t.a, t.b], state="formal_check", number="R-2",
        team=[(t.lead, t.a), (t.reviewer, t.b)], **sent,
    )  # fmt: skip
    await access.refresh_around(session, t.other.id)
    assert await conflicted(session, t.seen, t.reviewer)
    return t


@pytest.mark.parametrize("over", [Move.REFUSE, Move.WITHDRAW])
async def test_a_project_that_is_over_ties_nobody_and_one_brought_back_does(session, tied, over):
    await move(session, None, tied.other, over)
    assert not await conflicted(session, tied.seen, tied.reviewer)
    assert await access.differences(session) == []
    back = Move.UNDO if over is Move.REFUSE else Move.RESTORE
    await move(session, None, tied.other, back)
    assert await conflicted(session, tied.seen, tied.reviewer)


async def test_who_leaves_the_shared_team_is_free_elsewhere(client, session, tied):
    tied.other.state = "returned"
    await session.flush()
    member = await session.scalar(
        text("select id from members where proposal_id = :p and person_id = :a"),
        {"p": tied.other.id, "a": tied.reviewer.id},
    )
    part = await session.scalar(
        text("select id from participations where proposal_id = :p and role <> 'lead'"),
        {"p": tied.other.id},
    )
    headers = await login(session, tied.lead)
    gone = await client.delete(f"/api/members/{member}", headers=headers)
    assert gone.status_code == 409, gone.text  # the last of an institution goes with it
    gone = await client.post(
        f"/api/participations/{part}/remove", json={"reason": ""}, headers=headers | {"if-match": '"1"'}
    )  # fmt: skip
    assert gone.is_success, gone.text
    assert not await conflicted(session, tied.seen, tied.reviewer)
    assert await access.differences(session) == []


async def test_a_new_address_is_a_conflict_from_that_moment(client, session, tied):
    other = await make_person(session, "协调员", institution=tied.b, roles=["coordinator"])
    for person, mail in ((tied.lead, "a@corp.example"), (other, "b@corp.example")):
        changed = await client.patch(
            "/api/settings", json={"email": mail},
            headers=await login(session, person) | {"if-match": '"1"'},
        )  # fmt: skip
        assert changed.status_code == 200, changed.text
    assert await conflicted(session, tied.seen, other)
    await client.patch(
        "/api/settings", json={"email": "b@else.example"},
        headers=await login(session, other) | {"if-match": '"2"'},
    )  # fmt: skip
    assert not await conflicted(session, tied.seen, other)
    assert await access.differences(session) == []


async def test_a_tie_ends_three_years_after_the_project_by_itself(session, tied):
    await session.execute(
        text("""
          insert into projects (proposal_id, number, title, title_en, summary, sectors, fields,
            institutions, starts_on, ends_on, granted_months, approved_at, search_keys)
          values (:p, 'R-2', '', '', '', '{}', '{}', '[]', current_date - interval '5 years',
            current_date - interval '3 years' - interval '2 days', 24, now(), '')
        """),
        {"p": tied.other.id},
    )
    await access.refresh_over(session, 30)
    assert not await conflicted(session, tied.seen, tied.reviewer)
    assert await access.differences(session) == []


async def test_two_who_join_at_once_are_both_seen(committed):
    """One makes the shared person, the other the shared team: neither could see the other's row."""
    async with committed.sessions() as session:
        a = await make_institution(session)
        lead = await make_person(session, "牵头人", institution=a)
        call = await make_call(session)
        pairs = []
        for _ in range(8):
            shared = await make_person(session, "共同的人", institution=a)
            handler = await make_person(session, "协调员", roles=["coordinator"])
            one = await make_proposal(session, lead, call, [a])
            two = await make_proposal(session, shared, call, [a])
            pairs.append((one.id, two.id, shared.id, handler.id))
        await session.commit()
        home = a.id

    async def joins(proposal_id, person_id):
        async with committed.sessions() as session:
            lock = text("select id from proposals where id = :p for update")
            await session.execute(lock, {"p": proposal_id})
            await session.get_one(Proposal, proposal_id)
            await join(session, None, proposal_id, person_id, home)
            await session.commit()

    for one, two, shared, handler in pairs:
        answers = await asyncio.gather(
            joins(one, shared), joins(two, handler), return_exceptions=True
        )
        # The database may end one of two that wait for each other; its request is sent again.
        for answer, again in zip(answers, ((one, shared), (two, handler)), strict=True):
            if answer is not None:
                await joins(*again)
        async with committed.sessions() as session:
            assert await access.differences(session) == []
            assert await session.scalar(
                text(
                    "select rights & 64 <> 0 from access where proposal_id = :p and principal = :a"
                ),
                {"p": one, "a": handler},
            )
