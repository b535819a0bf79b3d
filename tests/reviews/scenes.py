"""A consortium that reviews and decides: who handles has no conflict, and each has a stand-in."""

from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from lianyan.calls.models import Call
from lianyan.identity.models import Person
from lianyan.institutions.models import Institution
from lianyan.proposals import access
from lianyan.proposals.models import Answer, Contribution, Proposal, Taking, Version
from lianyan.reviews.models import Assignment, Review
from makers import key, login, make_call, make_institution, make_person, make_proposal

FULL = {"innovation": 4, "feasibility": 3, "cooperation": 5, "application": 4, "team": 4}


class Browser:
    """A logged-in person's browser."""

    def __init__(self, client: Any, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    async def get(self, path: str, **params: Any) -> Any:
        return await self.client.get(f"/api{path}", params=params, headers=self.headers)

    async def post(self, path: str, body: Any = None, *, rev: int | None = None) -> Any:
        """Send a POST; its idempotency key is new, and `rev` goes into If-Match."""
        more = key() | ({"if-match": f'"{rev}"'} if rev is not None else {})
        return await self.client.post(f"/api{path}", json=body, headers=self.headers | more)

    async def put(self, path: str, body: Any, rev: int) -> Any:
        more = {"if-match": f'"{rev}"'}
        return await self.client.put(f"/api{path}", json=body, headers=self.headers | more)


async def make_scene(session: Any) -> Any:
    """Make the institutions, the people and the call."""
    s = SimpleNamespace(session=session, number=0)
    names = ("甲示例大学", "乙示例医院", "丙示例大学", "丁示例所", "戊示例大学")
    s.a, s.b, s.c, s.d, s.e = [await make_institution(session, name) for name in names]
    s.lead = await make_person(session, "牵头人", institution=s.a)
    s.partner = await make_person(session, "参与人", institution=s.b)
    s.officer_a = await make_person(session, "甲管理员", officer_of=s.a)
    s.officer_b = await make_person(session, "乙管理员", officer_of=s.b)
    s.coordinator = await make_person(session, "协调员", institution=s.c, roles=["coordinator"])
    s.stand_in = await make_person(session, "代理协调员", institution=s.d, roles=["stand_in"])
    s.desk_a = await make_person(session, "甲协调员", institution=s.a, roles=["coordinator"])
    s.approver = await make_person(session, "批准人", institution=s.d, roles=["approver"])
    s.approver_2 = await make_person(session, "批准人二", institution=s.e, roles=["approver"])
    s.approver_a = await make_person(session, "甲批准人", institution=s.a, roles=["approver"])
    s.reviewers = [
        await make_person(session, f"专家{n}", institution=s.e, roles=["reviewer"])
        for n in range(8)
    ]
    s.reviewer_a = await make_person(session, "甲专家", institution=s.a, roles=["reviewer"])
    s.outsider = await make_person(session, "局外人", institution=s.e)
    s.call = await make_call(session)
    return s


async def make_sent(
    s: Any,
    state: str = "peer_review",
    *,
    call: Call | None = None,
    lead: Person | None = None,
    homes: list[Institution] | None = None,
    team: list[tuple[Person, Institution]] | None = None,
    **values: Any,
) -> Proposal:
    """Make a submitted proposal of institutions a and b with a frozen version and its answers."""
    s.number += 1
    call, lead, homes = call or s.call, lead or s.lead, homes or [s.a, s.b]
    proposal = await make_proposal(
        s.session,
        lead,
        call,
        homes,
        team=team or [(lead, homes[0])],
        number=f"{call.prefix}-{s.number:04d}",
        state=state,
        sectors=values.pop("sectors", ["HLTH"]),
        **values,
    )
    version = Version(
        proposal_id=proposal.id,
        number=1,
        document={},
        sha256=sha256(proposal.id.bytes).digest(),
        made_by=lead.id,
    )
    s.session.add(version)
    await s.session.flush()
    proposal.version_id = version.id
    answers = {"starts": "2027-03", "months": 24, "summary": "摘要文字", "fields": ["01"]}
    s.session.add_all(
        Answer(proposal_id=proposal.id, question=q, section="basics", value=v)
        for q, v in answers.items()
    )
    await s.session.execute(
        update(Taking).where(Taking.proposal_id == proposal.id).values(state="consented")
    )
    leading = await s.session.scalar(
        select(Taking.id).where(Taking.proposal_id == proposal.id, Taking.role == "lead")
    )
    s.session.add(
        Contribution(
            participation_id=leading,
            kind="cash",
            amount=800000,
            unit="元",
            value_fen=80_000_000,
            position=0,
        )
    )
    await s.session.flush()
    await access.refresh(s.session, proposal.id)
    return proposal


async def make_assigned(
    s: Any, proposal: Proposal, reviewer: Person, state: str = "accepted", **values: Any
) -> Assignment:
    """Make an assignment."""
    made = Assignment(
        proposal_id=proposal.id,
        reviewer_id=reviewer.id,
        assigned_by=s.coordinator.id,
        state=state,
        due_at=values.pop("due_at", s.call.reviews_until),
        **values,
    )
    s.session.add(made)
    await s.session.flush()
    await access.refresh(s.session, proposal.id)
    return made


async def make_reviewed(
    s: Any,
    proposal: Proposal,
    reviewer: Person,
    scores: dict[str, int | None] | None = None,
    **values: Any,
) -> Assignment:
    """Make an accepted assignment with a submitted review."""
    assignment = await make_assigned(s, proposal, reviewer)
    moment = await s.session.scalar(text("select clock_timestamp()"))
    s.session.add(
        Review(
            assignment_id=assignment.id,
            scores=FULL if scores is None else scores,
            recommendation=values.pop("recommendation", "approve"),
            for_applicants=values.pop("for_applicants", "优点与建议"),
            for_coordinators=values.pop("for_coordinators", "写给协调员"),
            saved_at=moment,
            submitted_at=values.pop("submitted_at", moment),
        )
    )
    await s.session.flush()
    return assignment


async def sit(s: Any, client: Any, person: Person, scope: UUID | None = None) -> Browser:
    """Return the browser of `person`."""
    return Browser(client, await login(s.session, person, scope))


def body(**values: Any) -> dict[str, Any]:
    """Return a complete review as it is sent, with what is given in place."""
    whole = {
        "scores": FULL,
        "recommendation": "approve",
        "for_applicants": "优点与建议",
        "for_coordinators": "",
    }
    return {**whole, **values}


__all__ = [
    "FULL",
    "Browser",
    "body",
    "make_assigned",
    "make_reviewed",
    "make_scene",
    "make_sent",
    "sit",
]
