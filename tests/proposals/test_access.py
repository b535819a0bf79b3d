"""Who sees what: the access relation, the roles read from it, and the lists over it agree."""

import itertools

import pytest
from sqlalchemy import text

from lianyan.core.actor import Actor
from lianyan.core.db import raw
from lianyan.core.policy import Role
from lianyan.core.problems import Forbidden, NotFound
from lianyan.identity.actors import load_actor
from lianyan.identity.models import PlatformRole
from lianyan.proposals import access
from lianyan.proposals.access import Right
from lianyan.proposals.conflicts import conflicts
from lianyan.proposals.models import Dismissal, Tie
from lianyan.proposals.policy import READERS, VISIBLE, find, look, rights, roles
from lianyan.reviews.models import Assignment
from makers import make_call, make_institution, make_person, make_proposal, make_session


async def actor_of(session, person, scope=None) -> Actor:
    from hashlib import sha256  # noqa: PLC0415

    token = await make_session(session, person.id, scope)
    found = await load_actor(await raw(session), sha256(token.encode()).digest())
    assert found is not None
    return found


async def bits(session, person, proposal) -> Right:
    found = await session.scalar(
        text("select rights from access where principal = :a and proposal_id = :p"),
        {"a": person.id, "p": proposal.id},
    )
    return Right(found or 0)


async def role_of(session, person, proposal) -> Role:
    actor = await actor_of(session, person)
    found = await rights(await raw(session), actor, proposal.id)
    return roles(actor, found, proposal.id)


@pytest.fixture
async def here(session):
    """Two universities and a company, their people, a call."""

    class Here:
        pass

    h = Here()
    h.a, h.b, h.c = [await make_institution(session) for _ in range(3)]
    h.lead = await make_person(session, "牵头人", institution=h.a)
    h.member = await make_person(session, "参与人", institution=h.b)
    h.officer_a = await make_person(session, "甲管理员", officer_of=h.a)
    h.officer_b = await make_person(session, "乙管理员", officer_of=h.b)
    h.outsider = await make_person(session, "局外人", institution=h.c)
    h.coordinator = await make_person(session, "协调员", institution=h.c, roles=["coordinator"])
    h.coordinator_a = await make_person(session, "甲协调员", institution=h.a, roles=["coordinator"])
    h.approver = await make_person(session, "批准人", institution=h.c, roles=["approver"])
    h.reviewer = await make_person(session, "专家", institution=h.c, roles=["reviewer"])
    h.call = await make_call(session)
    h.draft = await make_proposal(
        session, h.lead, h.call, [h.a, h.b], team=[(h.lead, h.a), (h.member, h.b)]
    )
    h.sent = await make_proposal(
        session, h.lead, h.call, [h.a, h.b], team=[(h.lead, h.a), (h.member, h.b)],
        number="T-0001", state="submitted",
    )  # fmt: skip
    return h


async def test_a_draft_is_known_to_its_team_and_its_institutions_officers_only(session, here):
    knows = {}
    for person in (here.lead, here.member, here.officer_a, here.officer_b, here.outsider, here.coordinator,
                   here.coordinator_a, here.approver, here.reviewer):  # fmt: skip
        knows[person.name] = bool(await role_of(session, person, here.draft) & READERS)
    assert {name for name, known in knows.items() if known} == {
        "牵头人",
        "参与人",
        "甲管理员",
        "乙管理员",
    }


async def test_a_coordinator_whose_employer_takes_part_sees_progress_only(session, here):
    assert Role.COORDINATOR in await role_of(session, here.coordinator, here.sent)
    found = await role_of(session, here.coordinator_a, here.sent)
    assert Role.PROGRESS in found
    assert Role.COORDINATOR not in found
    with pytest.raises(Forbidden) as refused:
        await find(
            session, await actor_of(session, here.coordinator_a), here.sent.id, "proposal.check"
        )
    assert refused.value.code == "problems.coi_employer"


async def test_a_parent_institution_is_an_employer_too(session, here):
    hospital = await make_institution(session, kind="hospital", parent_id=here.a.id)
    person = await make_person(
        session, "附属医院协调员", institution=hospital, roles=["coordinator"]
    )
    await access.refresh(session, here.sent.id)
    assert Role.PROGRESS in await role_of(session, person, here.sent)
    found = await conflicts(session, here.sent.id, person.id)
    assert [c.rule for c in found] == ["employer"]
    assert found[0].hard


async def test_a_proposal_taken_back_is_a_draft_again_for_coordinators(session, here):
    here.sent.state = "draft"
    await access.refresh(session, here.sent.id)
    assert not await role_of(session, here.coordinator, here.sent) & READERS
    assert Role.LEAD in await role_of(session, here.lead, here.sent)


async def test_an_approver_reads_only_what_waits_for_a_decision(session, here):
    with pytest.raises(NotFound):
        await look(
            await raw(session),
            await actor_of(session, here.approver),
            here.sent.id,
            "proposal.read",
        )
    here.sent.state = "decision_pending"
    await access.refresh(session, here.sent.id)
    assert Role.APPROVER in await role_of(session, here.approver, here.sent)


async def test_a_personal_conflict_removes_all_knowledge(session, here):
    session.add(Tie(proposal_id=here.sent.id, person_id=here.coordinator.id))
    await access.refresh(session, here.sent.id)
    assert not await role_of(session, here.coordinator, here.sent) & READERS
    session.add(
        Dismissal(proposal_id=here.sent.id, person_id=here.coordinator.id, rule="declared_tie",
                  reason="不实", dismissed_by=here.approver.id)
    )  # fmt: skip
    await access.refresh(session, here.sent.id)
    assert Role.COORDINATOR in await role_of(session, here.coordinator, here.sent)


async def test_c17_a_shared_team_elsewhere_is_a_conflict_and_takes_an_assignment_away(
    session, here
):
    other = await make_proposal(
        session,
        here.outsider,
        here.call,
        [here.c],
        team=[(here.outsider, here.c), (here.reviewer, here.c)],
    )
    mine = await make_proposal(
        session, here.lead, here.call, [here.a, here.b], number="T-0002", state="peer_review",
        team=[(here.lead, here.a)],
    )  # fmt: skip
    session.add(
        Assignment(proposal_id=mine.id, reviewer_id=here.reviewer.id, assigned_by=here.coordinator.id,
                   state="accepted", due_at=here.call.reviews_until)
    )  # fmt: skip
    await access.refresh(session, mine.id)
    assert Role.REVIEWER in await role_of(session, here.reviewer, mine)
    from lianyan.proposals.models import Member  # noqa: PLC0415

    session.add(Member(proposal_id=mine.id, person_id=here.outsider.id, institution_id=here.b.id))
    await session.flush()
    await access.refresh(session, mine.id)
    assert "shared_project" in {c.rule for c in await conflicts(session, mine.id, here.reviewer.id)}
    assert not await role_of(session, here.reviewer, mine) & READERS
    assert other.id != mine.id


async def test_c19_a_public_mail_provider_is_no_tie_but_a_private_domain_is(session, here):
    lead = await make_person(session, "有邮箱", institution=here.a, email="a@163.com")
    corp = await make_person(session, "公司人", institution=here.a, email="b@corp.example")
    p = await make_proposal(
        session, lead, here.call, [here.a], team=[(lead, here.a), (corp, here.a)], number="T-0003",
        state="peer_review",
    )  # fmt: skip
    same_provider = await make_person(
        session, "甲", institution=here.c, roles=["reviewer"], email="r@163.com"
    )
    same_domain = await make_person(
        session, "乙", institution=here.c, roles=["reviewer"], email="r2@Corp.example"
    )
    same_address = await make_person(
        session, "丙", institution=here.c, roles=["reviewer"], email="A@163.com"
    )
    await access.refresh(session, p.id)
    assert await conflicts(session, p.id, same_provider.id) == []
    assert [c.rule for c in await conflicts(session, p.id, same_domain.id)] == ["same_domain"]
    assert [c.rule for c in await conflicts(session, p.id, same_address.id)] == ["same_address"]


async def test_an_invited_persons_session_opens_one_proposal_only(session, here):
    actor = await actor_of(session, here.member, scope=here.draft.id)
    connection = await raw(session)
    assert Role.TEAM in await look(connection, actor, here.draft.id, "proposal.edit")
    with pytest.raises(NotFound):
        await look(connection, actor, here.sent.id, "proposal.read")


async def test_hidden_and_absent_are_one_answer(session, here):
    from uuid import uuid4  # noqa: PLC0415

    actor = await actor_of(session, here.outsider)
    for id_ in (here.draft.id, uuid4()):
        with pytest.raises(NotFound):
            await find(session, actor, id_, "proposal.edit")


async def test_what_lists_show_is_what_may_be_read(session, here):
    """The read rule as SQL and as roles is one rule, for every person and every proposal."""
    session.add(Tie(proposal_id=here.sent.id, person_id=here.coordinator.id))
    session.add(PlatformRole(person_id=here.member.id, role="coordinator"))
    states = ["submitted", "peer_review", "decision_pending", "withdrawn"]
    proposals = [here.draft, here.sent] + [
        await make_proposal(
            session, lead, here.call, homes, number=f"X-{n}", state=state, team=[(lead, homes[0])]
        )
        for n, (state, (lead, homes)) in enumerate(
            itertools.product(states, [(here.lead, [here.a]), (here.outsider, [here.c, here.b])])
        )
    ]
    for proposal in proposals:
        await access.refresh(session, proposal.id)
    people = [here.lead, here.member, here.officer_a, here.officer_b, here.outsider, here.coordinator,
              here.coordinator_a, here.reviewer]  # fmt: skip
    connection = await raw(session)
    broad = Role.LEAD | Role.TEAM | Role.OFFICER | Role.COORDINATOR | Role.PROGRESS
    for person in people:
        actor = await actor_of(session, person)
        listed = set(
            await session.scalars(
                VISIBLE,
                {"principals": actor.principals, "scope": None, "person": person.id,
                 "desk": "coordinator" in actor.roles, "removed": int(Right.CONFLICT | Right.TEAM)},
            )
        )  # fmt: skip
        expected = set()
        for proposal in proposals:
            found = await rights(connection, actor, proposal.id)
            assert found is not None
            if roles(actor, found, proposal.id) & broad:
                expected.add(proposal.id)
        own = {p.id for p in proposals}
        # A member who is coordinator too reads their own proposal as a member.
        assert listed & own == expected, person.name


async def test_the_stored_rows_equal_a_recomputation(session, here):
    assert await access.differences(session) == []
    await session.execute(
        text("update access set rights = 1 where principal = :b"), {"b": here.b.id}
    )
    found = await access.differences(session)
    # What a desk keeps of who is barred is compared with the rows as they stand.
    assert {who for proposal, who in found if who != proposal} == {here.b.id}
    await access.refresh(session, here.draft.id)
    await access.refresh(session, here.sent.id)
    assert await access.differences(session) == []
