"""Forty proposals in all states with random teams, reviewers, ties and decisions, and everybody to look."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.db import Connection
from lianyan.decisions.models import Decision, Release
from lianyan.identity.models import Affiliation, Officer, Person, PlatformRole
from lianyan.projects.commands import register
from lianyan.proposals import access
from lianyan.proposals.access import Right
from lianyan.proposals.models import Contribution, Dismissal, Taking, Tie, Version
from lianyan.proposals.states import State
from lianyan.reviews.models import Assignment, Review
from makers import login, make_call, make_institution, make_person, make_proposal, now
from matrix import rules
from proposals.access_plain import TABLES, Facts

PROPOSALS = 44
"""Of each state three, and more of those whose handling is worth hiding."""
DECIDED = (State.APPROVED, State.REJECTED)
IN_REVIEW = (State.PEER_REVIEW, State.DECISION_PENDING, *DECIDED)
ROLES = [
    ("coordinator",), ("coordinator",), ("stand_in",), ("approver",), ("approver", "reviewer"),
    ("reviewer",), ("reviewer",), ("reviewer",), ("coordinator", "approver"), ("administrator",),
    ("security_administrator",), ("audit_administrator",), ("auditor",),
]  # fmt: skip


class Crowd:
    """The people with their browsers, and what plain facts say they are to each proposal."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.headers: dict[UUID, dict[str, str]] = {}
        self.scopes: dict[UUID, UUID] = {}
        self.facts: Facts
        self.rows: dict[str, list[Any]] = {}
        self.rights: dict[UUID, dict[UUID, Right]] = {}

    async def prepare(self, session: AsyncSession) -> None:
        """Make everything, in the order that the seed wants."""
        draw = self.draw
        self.homes = [await make_institution(session) for _ in range(6)]
        self.homes[4].parent_id = self.homes[0].id
        self.people = [
            await make_person(session, f"研究者{n}", institution=draw.choice(self.homes))
            for n in range(10)
        ]
        for held in ROLES:
            home = draw.choice(self.homes)
            self.people.append(await make_person(session, "职员", institution=home, roles=held))
        for home in self.homes:
            self.people.append(await make_person(session, "管理员", officer_of=home))
        # One person with several hats: officer and coordinator; one who has left an institution.
        session.add(PlatformRole(person_id=self.people[-1].id, role="coordinator"))
        session.add(Officer(institution_id=self.homes[1].id, person_id=self.people[-2].id))
        session.add(
            Affiliation(
                person_id=self.people[10].id, institution_id=self.homes[2].id, status="ended",
                source="login", ended_at=now() - timedelta(days=30),
            )
        )  # fmt: skip
        await session.flush()
        self.calls = [await make_call(session), await make_call(session)]
        states = [*State, *State, *State, *[State.PEER_REVIEW] * 3, *[State.DECISION_PENDING] * 8]
        for n, state in enumerate(states):
            await self._proposal(session, n, state)
        for proposal in self.made:
            await access.refresh_many(session, [proposal.id])
        for person in self.people:
            self.headers[person.id] = await login(session, person)
        guest = await make_person(session, "受邀人")
        here = self.made[0]
        await self._team(session, here, [(guest, self.homes[0])])
        self.headers[guest.id] = await login(session, guest, here.id)
        self.scopes[guest.id] = here.id
        self.people.append(guest)
        await session.commit()

    made: list[Any]

    async def _team(self, session: AsyncSession, proposal: Any, team: list[Any]) -> None:
        from lianyan.proposals.models import Member  # noqa: PLC0415

        for person, home in team:
            session.add(
                Member(proposal_id=proposal.id, person_id=person.id, institution_id=home.id)
            )
        await session.flush()
        await access.refresh(session, proposal.id)

    async def _proposal(self, session: AsyncSession, n: int, state: State) -> None:
        draw = self.draw
        homes = draw.sample(self.homes, draw.randint(1, 3))
        lead, *others = draw.sample(self.people, draw.randint(1, 4))
        sent: dict[str, Any] = {}
        if state is not State.DRAFT and not (state is State.WITHDRAWN and n % 2):
            sent = {"number": f"C-{n:03}", "submitted_at": now() - timedelta(hours=draw.randrange(4))}  # fmt: skip
            if state is State.CONSENT_PENDING:
                sent["consent_until"] = now() + timedelta(days=draw.choice([-1, 3]))
            if state is State.RETURNED:
                sent["returned_until"] = now() + timedelta(days=draw.choice([-1, 3]))
        proposal = await make_proposal(
            session, lead, draw.choice(self.calls), homes, state=state.value, title=f"课题{n:02}号",
            team=[(p, draw.choice(homes)) for p in [lead, *others]],
            sectors=draw.sample(["S1", "S2", "E1"], 1), **sent,
        )  # fmt: skip
        self.made = [*getattr(self, "made", []), proposal]
        version = Version(
            proposal_id=proposal.id, number=1, document={}, sha256=f"{n:032}".encode(), made_by=lead.id
        )  # fmt: skip
        session.add(version)
        await session.flush()
        proposal.version_id = version.id
        await self._parts(session, proposal)
        for person in draw.sample(self.people, 2):
            session.add(Tie(proposal_id=proposal.id, person_id=person.id))
            if draw.random() < 0.5:
                session.add(
                    Dismissal(
                        proposal_id=proposal.id, person_id=person.id, rule="declared_tie",
                        reason="已核实", dismissed_by=self.people[0].id,
                    )
                )  # fmt: skip
        if state in IN_REVIEW:
            await self._reviews(session, proposal)
        if state is State.DECISION_PENDING or state in DECIDED:
            await self._decision(session, proposal, version, state)
        if state is State.APPROVED:
            await register(session, proposal, 12, None)

    async def _parts(self, session: AsyncSession, proposal: Any) -> None:
        from sqlalchemy import select  # noqa: PLC0415

        parts = await session.scalars(select(Taking).where(Taking.proposal_id == proposal.id))
        for part in parts.all():
            part.state = self.draw.choice(["invited", "viewed", "consented", "void", "returned"])
            if part.role != "lead" and self.draw.random() < 0.2:
                part.state = self.draw.choice(["declined", "removed"])
            if self.draw.random() < 0.6:
                session.add(
                    Contribution(participation_id=part.id, kind="staff", amount=6, unit="人月", position=0)
                )  # fmt: skip
        await session.flush()

    async def _reviews(self, session: AsyncSession, proposal: Any) -> None:
        for person in self.draw.sample(self.people[10:20], 4):
            asked = Assignment(
                proposal_id=proposal.id, reviewer_id=person.id, assigned_by=self.people[10].id,
                state=self.draw.choice(["asked", "accepted", "accepted", "declined"]), due_at=now(),
                suspended_at=self.draw.choice([None, None, None, now()]),
            )  # fmt: skip
            session.add(asked)
            await session.flush()
            if asked.state == "accepted" and self.draw.random() < 0.6:
                done = self.draw.choice([None, now()])
                session.add(Review(assignment_id=asked.id, saved_at=now(), submitted_at=done))

    async def _decision(
        self, session: AsyncSession, proposal: Any, version: Version, state: State
    ) -> None:
        said = (
            "released"
            if state in DECIDED
            else self.draw.choice(["", "drafted", "drafted", "signed"])
        )
        if not said:
            return
        drafter, signer = self.draw.sample(self.people, 2)
        release = None
        if said == "released":
            release = Release(ordered_by=drafter.id, due_at=now(), done_at=now())
            session.add(release)
            await session.flush()
        session.add(
            Decision(
                proposal_id=proposal.id, kind="reject" if state is State.REJECTED else "approve",
                version_id=version.id, letter="函", drafted_by=drafter.id, drafted_at=now(), state=said,
                signed_by=None if said == "drafted" else signer.id,
                signed_at=None if said == "drafted" else now(),
                release_id=release.id if release else None,
            )
        )  # fmt: skip
        await session.flush()

    # ---- what plain facts say ----

    async def look(self, connection: Connection) -> None:
        """Read whole tables once."""
        for name in (*TABLES, "affiliations", "officers", "decisions", "reviews", "contributions"):
            self.rows[name] = await connection.fetch(f"select * from {name}")
        today = await connection.fetchval("select current_date")
        self.facts = Facts({name: self.rows[name] for name in TABLES}, today)
        for proposal in self.rows["proposals"]:
            bits: dict[UUID, Right] = {}
            for principal, right in self.facts.rights(proposal):
                bits[principal] = bits.get(principal, Right(0)) | right
            self.rights[proposal["id"]] = bits

    def person(self, who: Person) -> rules.Person:
        """Return what somebody is before any proposal."""
        by_link = who.id in self.scopes
        held = {
            r["role"]
            for r in self.rows["platform_roles"]
            if r["person_id"] == who.id and r["ended_at"] is None
        }
        return rules.Person(
            by_link=by_link,
            employed=any(
                a["person_id"] == who.id and a["status"] == "confirmed"
                for a in self.rows["affiliations"]
            ),
            officer=bool(self.offices(who)),
            roles=frozenset(held),
        )

    def offices(self, who: Person) -> set[UUID]:
        """Return the institutions that somebody acts for."""
        return {
            o["institution_id"]
            for o in self.rows["officers"]
            if o["person_id"] == who.id and o["ended_at"] is None
        }

    def employers(self, who: Person) -> set[UUID]:
        """Return the institutions that employ somebody, or did within the look-back."""
        return {a["institution_id"] for a in self.rows["affiliations"] if a["person_id"] == who.id}

    def bond(self, who: Person, proposal: Any) -> rules.Bond:
        """Return what somebody is to one proposal."""
        bits = self.rights[proposal["id"]]
        own = bits.get(who.id, Right(0))
        offices = [bits.get(home, Right(0)) for home in self.offices(who)]
        asked = "accepted" if Right.REVIEWER & own else "asked" if Right.ASKED & own else ""
        return rules.Bond(
            state=proposal["state"],
            submitted=proposal["submitted_at"] is not None,
            linked=self.scopes.get(who.id) == proposal["id"],
            lead=Right.LEAD in own,
            member=Right.TEAM in own,
            partner=any(Right.PARTY in right for right in offices),
            leads_for=any(Right.LEAD_PARTY in right for right in offices),
            asked=asked,
            personal=Right.CONFLICT in own,
            employer=any(Right.EMPLOYER in bits.get(h, Right(0)) for h in self.employers(who)),
        )

    def acts(self, who: Person, proposal: Any) -> set[str]:
        """Return what somebody may do to a proposal, beyond what they may do anyhow."""
        person = self.person(who)
        return rules.acts(person, self.bond(who, proposal)) - rules.acts(person)
