"""Everybody who may knock: the people of the matrix, and what each of them is, said by hand."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.core.policy import Role
from lianyan.decisions.models import Decision
from lianyan.identity.models import Affiliation, Person, Provider
from lianyan.institutions.models import Institution
from lianyan.proposals import access
from lianyan.proposals.models import Invitation, Member, Proposal, Taking, Tie, Version
from lianyan.proposals.states import State
from lianyan.reviews.models import Assignment
from makers import login, make_call, make_institution, make_person, make_proposal, now

R = Role
LOGGED = R.ANYONE | R.PERSON
CONFIRMED = LOGGED | R.MEMBER
DECIDING = {State.DECISION_PENDING, State.APPROVED, State.REJECTED}
BEFORE_SUBMIT = {State.DRAFT}
REVIEWED = {State.PEER_REVIEW, State.DECISION_PENDING, State.APPROVED, State.REJECTED}

STANDING: dict[str, Role] = {
    "anonymous": R.ANYONE,
    "pending": LOGGED,
    "invited": LOGGED,
    "outsider": CONFIRMED,
    "removed": CONFIRMED,
    "lead": CONFIRMED,
    "member": CONFIRMED,
    "officer_lead": CONFIRMED | R.OFFICE,
    "officer": CONFIRMED | R.OFFICE,
    "officer_elsewhere": CONFIRMED | R.OFFICE,
    "coordinator": CONFIRMED | R.DESK,
    "stand_in": CONFIRMED | R.DESK,
    "coordinator_employed": CONFIRMED | R.DESK,
    "coordinator_tied": CONFIRMED | R.DESK,
    "approver": CONFIRMED | R.BENCH,
    "approver_employed": CONFIRMED | R.BENCH,
    "asked": CONFIRMED,
    "reviewer": CONFIRMED,
    "reviewer_elsewhere": CONFIRMED,
    "administrator": CONFIRMED | R.ADMINISTRATOR,
    "security_administrator": CONFIRMED | R.SECURITY,
    "audit_administrator": CONFIRMED | R.RECORD,
    "auditor": CONFIRMED | R.AUDITING,
}


def towards(name: str, state: State) -> Role:
    """Return what an actor is to a proposal in `state`, in plain words and without the database."""
    submitted = state not in BEFORE_SUBMIT
    inside = {
        "lead": R.LEAD | R.TEAM,
        "member": R.TEAM,
        "invited": R.TEAM,
        "officer_lead": R.OFFICER | R.LEAD_OFFICER,
        "officer": R.OFFICER,
    }
    found = inside.get(name, R(0))
    if submitted and name in {"coordinator", "stand_in"}:
        found |= R.COORDINATOR
    if submitted and name == "auditor":
        found |= R.AUDITOR
    if name == "audit_administrator":
        found |= R.EXAMINER
    if submitted and name == "coordinator_employed":
        found |= R.PROGRESS
    if state in DECIDING and name == "approver":
        found |= R.APPROVER
    if state in REVIEWED and name == "asked":
        found |= R.ASKED
    if state in REVIEWED and name == "reviewer":
        found |= R.REVIEWER
    return STANDING[name] | found


class Thing(NamedTuple):
    """A proposal in some state with something of every kind that routes name."""

    proposal: Proposal
    participation: UUID
    invitation: UUID
    member: UUID
    assignment: UUID
    asked: UUID
    decision: UUID


class World(NamedTuple):
    """The people, logged in, and a proposal in each state."""

    headers: dict[str, dict[str, str]]
    things: dict[State, Thing]
    ids: dict[str, UUID]


async def make_world(session: AsyncSession) -> World:
    """Make two institutions with a consortium, a third that employs the staff, and everybody."""
    a, b, c = [await make_institution(session) for _ in range(3)]
    people = {
        "outsider": await make_person(session, "局外人", institution=c),
        "removed": await make_person(session, "已离开", institution=b),
        "lead": await make_person(session, "牵头人", institution=a),
        "member": await make_person(session, "成员", institution=b),
        "officer_lead": await make_person(session, "牵头单位管理员", officer_of=a),
        "officer": await make_person(session, "参与单位管理员", officer_of=b),
        "officer_elsewhere": await make_person(session, "别家管理员", officer_of=c),
        "coordinator": await make_person(session, "协调员", institution=c, roles=["coordinator"]),
        "stand_in": await make_person(session, "代理协调员", institution=c, roles=["stand_in"]),
        "coordinator_employed": await make_person(
            session, "牵头单位协调员", institution=a, roles=["coordinator"]
        ),
        "coordinator_tied": await make_person(
            session, "有关系的协调员", institution=c, roles=["coordinator"]
        ),
        "approver": await make_person(session, "批准人", institution=c, roles=["approver"]),
        "approver_employed": await make_person(
            session, "参与单位批准人", institution=b, roles=["approver"]
        ),
        "asked": await make_person(session, "受邀专家", institution=c, roles=["reviewer"]),
        "reviewer": await make_person(session, "专家", institution=c, roles=["reviewer"]),
        "reviewer_elsewhere": await make_person(
            session, "别处专家", institution=c, roles=["reviewer"]
        ),
        "administrator": await make_person(
            session, "系统管理员", institution=c, roles=["administrator"]
        ),
        "security_administrator": await make_person(
            session, "安全管理员", institution=c, roles=["security_administrator"]
        ),
        "audit_administrator": await make_person(
            session, "审计管理员", institution=c, roles=["audit_administrator"]
        ),
        "auditor": await make_person(session, "审计员", institution=c, roles=["auditor"]),
    }
    pending = await make_person(session, "待确认", status="pending")
    session.add(
        Affiliation(person_id=pending.id, institution_id=a.id, status="pending", source="login")
    )
    guest = await make_person(session, "受邀人")
    call = await make_call(session)
    things = {}
    for state in State:
        things[state] = await _make_thing(
            session, state, call=call, homes=(a, b), people=people, guest=guest
        )
    headers = {name: await login(session, person) for name, person in people.items()}
    headers["pending"] = await login(session, pending)
    headers["anonymous"] = {}
    headers["invited"] = await login(session, guest, things[State.DRAFT].proposal.id)
    service = Provider(
        institution_id=c.id, slug="drafted", name_zh="草稿登录", name_en="Drafted",
        issuer="https://drafted.example", client_id="portal", secret=b"", changed_by=people["administrator"].id,
    )  # fmt: skip
    session.add(service)
    await session.flush()
    ids = {
        "a": a.id,
        "b": b.id,
        "c": c.id,
        "call": call.id,
        "guest": guest.id,
        "provider": service.id,
    }
    ids |= {name: person.id for name, person in people.items()}
    return World(headers, things, ids)


async def _make_thing(
    session: AsyncSession,
    state: State,
    *,
    call: Call,
    homes: tuple[Institution, Institution],
    people: dict[str, Person],
    guest: Person,
) -> Thing:
    a, b = homes
    submitted = (
        {}
        if state in BEFORE_SUBMIT
        else {"number": f"{call.prefix}-{state}", "submitted_at": now()}
    )
    team = [(people["lead"], a), (people["member"], b), (guest, b)]
    if state is State.CONSENT_PENDING:
        submitted["consent_until"] = call.reviews_until
    if state is State.RETURNED:
        submitted["returned_until"] = call.reviews_until
    proposal = await make_proposal(
        session, people["lead"], call, [a, b], team=team, state=state.value, **submitted
    )
    session.add(
        Member(
            proposal_id=proposal.id,
            person_id=people["removed"].id,
            institution_id=b.id,
            removed_at=now(),
        )
    )
    version = Version(
        proposal_id=proposal.id, number=1, document={}, sha256=b"x" * 32, made_by=people["lead"].id
    )
    session.add(version)
    await session.flush()
    proposal.version_id = version.id
    parts = await access_parts(session, proposal.id)
    invitation = Invitation(
        proposal_id=proposal.id, participation_id=parts[1], token_hash=f"{state}".encode(),
        expires_at=call.reviews_until, invited_by=people["lead"].id,
    )  # fmt: skip
    member = await member_of(session, proposal.id, people["member"].id)
    assignments = []
    for name, asked in (("reviewer", "accepted"), ("asked", "asked")):
        made = Assignment(
            proposal_id=proposal.id, reviewer_id=people[name].id, assigned_by=people["coordinator"].id,
            state=asked if state in REVIEWED else "removed", due_at=call.reviews_until,
        )  # fmt: skip
        session.add(made)
        assignments.append(made)
    decision = Decision(
        proposal_id=proposal.id, kind="approve", version_id=version.id, letter="同意立项", drafted_at=now(),
        drafted_by=people["coordinator"].id, state="drafted" if state in DECIDING else "cancelled",
    )  # fmt: skip
    session.add_all(
        [
            invitation,
            decision,
            Tie(proposal_id=proposal.id, person_id=people["coordinator_tied"].id),
        ]
    )
    await session.flush()
    await access.refresh(session, proposal.id)
    return Thing(
        proposal, parts[1], invitation.id, member, assignments[0].id, assignments[1].id, decision.id
    )


async def access_parts(session: AsyncSession, proposal_id: UUID) -> list[UUID]:
    """Return the ids of a proposal's participations, the lead's first."""
    found = await session.scalars(
        select(Taking.id).where(Taking.proposal_id == proposal_id).order_by(Taking.position)
    )
    return list(found)


async def member_of(session: AsyncSession, proposal_id: UUID, person_id: UUID) -> UUID:
    """Return the id of a person's place in a team."""
    return (
        await session.scalars(
            select(Member.id).where(
                Member.proposal_id == proposal_id,
                Member.person_id == person_id,
                Member.removed_at.is_(None),
            )
        )
    ).one()
