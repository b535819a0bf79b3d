"""Everybody of the matrix with what they are in plain facts, and a world in which secrets are marked."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from actors import REVIEWED, STANDING, Thing, World, make_world
from lianyan.identity.models import Affiliation, Officer, Person, PlatformRole
from lianyan.proposals import access
from lianyan.proposals.models import Answer, CheckAnswer, Member, Tie
from lianyan.proposals.states import State
from lianyan.reviews.models import Assignment, Review
from makers import login, make_person, now
from matrix import rules

STAFF = {
    "coordinator": "coordinator", "stand_in": "stand_in", "coordinator_employed": "coordinator",
    "coordinator_tied": "coordinator", "approver": "approver", "approver_employed": "approver",
    "asked": "reviewer", "reviewer": "reviewer", "reviewer_elsewhere": "reviewer",
    "administrator": "administrator", "auditor": "auditor",
    "security_administrator": "security_administrator", "audit_administrator": "audit_administrator",
    "coordinator_former": "coordinator", "coordinator_member": "coordinator",
    "approver_tied": "approver", "reviewer_tied": "reviewer",
}  # fmt: skip
MORE = (
    "coordinator_former", "coordinator_member", "approver_tied", "reviewer_tied", "former"
)  # fmt: skip
ACTORS = (*STANDING, *MORE)


def person(name: str) -> rules.Person:
    """Return what an actor is before any proposal."""
    return rules.Person(
        logged_in=name != "anonymous",
        waits=name == "pending",
        by_link=name == "invited",
        employed=name not in {"anonymous", "pending", "invited", "former"},
        officer=name in {"officer", "officer_lead", "officer_elsewhere"},
        roles=frozenset([STAFF[name]] if name in STAFF else []),
    )


def bond(name: str, state: State) -> rules.Bond:
    """Return what an actor is to the proposal in `state`."""
    asked = {"asked": "asked", "reviewer": "accepted", "reviewer_tied": "accepted"}.get(name, "")
    return rules.Bond(
        state=state.value,
        submitted=state is not State.DRAFT,
        linked=state is State.DRAFT,
        lead=name == "lead",
        member=name in {"member", "invited", "coordinator_member"},
        partner=name in {"officer", "officer_lead"},
        own_part=name == "officer",
        leads_for=name == "officer_lead",
        officered=True,
        asked=asked if state in REVIEWED else "",
        personal=name.endswith("_tied"),
        employer=name in {"coordinator_employed", "approver_employed", "coordinator_former"},
    )


class Secrets(NamedTuple):
    """Strings of which each stands in one kind of place only."""

    title: str
    content: str
    reviewer: str
    for_coordinators: str
    for_applicants: str
    letter: str
    note: str
    checker: str


def secrets(state: State) -> Secrets:
    """Return the marks of the proposal in `state`."""
    return Secrets(*(f"暗记{kind}{state.value}号" for kind in Secrets._fields))


def sees(name: str, kind: str, state: State) -> bool:
    """Say whether an actor may read that secret of the proposal in `state`, from the product's page."""
    who, to = person(name), bond(name, state)
    found = rules.acts(who, to)
    inside = (to.lead or to.member or to.partner) and not (who.by_link and not to.linked)
    told = inside and state in {State.APPROVED, State.REJECTED}
    own = "review.read" in found
    return {
        # An approved one is in the public register.
        "title": state is State.APPROVED or rules.may(who, "proposal.read", to) != "hide",
        "content": own or "proposal.read" in found,
        "reviewer": "assignment.read" in found,
        "for_coordinators": own or "review.read_all" in found,
        "for_applicants": own or told or "review.read_all" in found,
        "letter": told or "decision.read" in found,
        "note": "decision.read" in found,
        # Coordinators, and auditors, who read what they read.
        "checker": "assignment.read" in found or (inside and state is State.RETURNED),
    }[kind]


async def make_marked(session: AsyncSession) -> World:
    """Make the world of `actors`, five people more, and secrets in every proposal."""
    world = await make_world(session)
    a, b, c = (world.ids[home] for home in "abc")
    people: dict[str, Person] = {}
    for name, home in zip(MORE, (c, c, c, c, None), strict=True):
        made = await make_person(session, name, roles=[STAFF[name]] if name in STAFF else [])
        if home is not None:
            session.add(employed(made, home))
        people[name] = made
    session.add(employed(people["coordinator_former"], a, ended=True))
    session.add(employed(people["former"], b, ended=True))
    session.add(Officer(institution_id=b, person_id=people["former"].id, ended_at=now()))
    session.add(PlatformRole(person_id=people["former"].id, role="coordinator", ended_at=now()))
    await session.flush()
    for state, thing in world.things.items():
        await _mark(session, world, state, thing, people)
    for name, made in people.items():
        world.headers[name] = await login(session, made)
        world.ids[name] = made.id
    return world


def employed(who: Person, home: UUID, *, ended: bool = False) -> Affiliation:
    """Return the row of somebody's employment, past or present."""
    past = {"status": "ended", "ended_at": now() - timedelta(days=300)} if ended else {}
    return Affiliation(
        person_id=who.id, institution_id=home, source="login", **{"status": "confirmed", **past}
    )


async def _mark(
    session: AsyncSession, world: World, state: State, thing: Thing, people: dict[str, Person]
) -> None:
    marks, proposal = secrets(state), thing.proposal
    proposal.title = marks.title
    session.add_all(
        [
            Answer(proposal_id=proposal.id, question="aims", section="aims", value=marks.content),
            CheckAnswer(
                proposal_id=proposal.id, item="in_scope", verdict="problem", note=marks.checker,
                answered_by=world.ids["coordinator"], answered_at=now(),
            ),
            Member(
                proposal_id=proposal.id, person_id=people["coordinator_member"].id,
                institution_id=world.ids["b"],
            ),
            Tie(proposal_id=proposal.id, person_id=people["approver_tied"].id),
            Tie(proposal_id=proposal.id, person_id=people["reviewer_tied"].id),
        ]
    )  # fmt: skip
    theirs = Assignment(
        proposal_id=proposal.id, reviewer_id=people["reviewer_tied"].id, due_at=now(),
        assigned_by=world.ids["coordinator"], state="accepted" if state in REVIEWED else "removed",
        suspended_at=now() if state in REVIEWED else None,
    )  # fmt: skip
    session.add(theirs)
    if state in REVIEWED:
        session.add(
            Review(
                assignment_id=thing.assignment, saved_at=now(), recommendation="approve",
                for_applicants=marks.for_applicants, for_coordinators=marks.for_coordinators,
                submitted_at=None if state is State.PEER_REVIEW else now(),
            )
        )  # fmt: skip
        await _named_reviewer(session, world, marks, proposal.id)
    await session.execute(
        text("update decisions set letter = :letter, note = :note where id = :id"),
        {"letter": marks.letter, "note": marks.note, "id": thing.decision},
    )
    if state in {State.APPROVED, State.REJECTED}:
        await session.execute(
            text("""
              with gone as (
                insert into releases (id, ordered_by, due_at, done_at)
                values (gen_random_uuid(), :who, now(), now()) returning id)
              update decisions set state = 'released', kind = :kind, signed_by = :signer,
                signed_at = now(), release_id = (select id from gone) where id = :id
            """),
            {"who": world.ids["coordinator"], "signer": world.ids["approver"], "id": thing.decision,
             "kind": "approve" if state is State.APPROVED else "reject"},
        )  # fmt: skip
    await session.flush()
    world.ids[f"tied {state}"] = theirs.id
    await access.refresh(session, proposal.id)


async def _named_reviewer(
    session: AsyncSession, world: World, marks: Secrets, proposal: UUID
) -> None:
    """Let one more person review the proposal, whose name is a secret of this proposal alone."""
    named = await make_person(session, marks.reviewer, roles=["reviewer"])
    session.add(employed(named, world.ids["c"]))
    session.add(
        Assignment(
            proposal_id=proposal, reviewer_id=named.id, assigned_by=world.ids["coordinator"],
            state="accepted", due_at=now(),
        )
    )  # fmt: skip
