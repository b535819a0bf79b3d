"""A small consortium with a desk, for tests of what the coordinator and the task page see."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select, update

from lianyan.core.names import search_keys
from lianyan.decisions.models import Decision
from lianyan.proposals import access
from lianyan.proposals.models import Answer, Proposal, Taking, Version
from lianyan.proposals.moving import move
from lianyan.proposals.states import Move, State
from lianyan.reviews.models import Assignment, Review
from makers import login, make_call, make_institution, make_person, make_proposal, now

PATHS: dict[State, list[Move]] = {
    State.CONSENT_PENDING: [Move.SUBMIT],
    State.SUBMITTED: [Move.SUBMIT, Move.COMPLETE],
    State.FORMAL_CHECK: [Move.SUBMIT, Move.COMPLETE, Move.START_CHECK],
    State.RETURNED: [Move.SUBMIT, Move.COMPLETE, Move.START_CHECK, Move.RETURN],
    State.NOT_ACCEPTED: [Move.SUBMIT, Move.COMPLETE, Move.START_CHECK, Move.REFUSE],
    State.PEER_REVIEW: [Move.SUBMIT, Move.COMPLETE, Move.START_CHECK, Move.PASS],
    State.DECISION_PENDING: [Move.SUBMIT, Move.COMPLETE, Move.START_CHECK, Move.PASS, Move.FINISH],
}
"""How each state is reached; approved, rejected and withdrawn by one move more."""
PATHS[State.APPROVED] = [*PATHS[State.DECISION_PENDING], Move.APPROVE]
PATHS[State.REJECTED] = [*PATHS[State.DECISION_PENDING], Move.REJECT]
PATHS[State.WITHDRAWN] = [*PATHS[State.SUBMITTED], Move.WITHDRAW]

TEXTS = {
    "aims": "目标", "methods": "方法", "schedule": "进度", "outputs": "成果", "risks": "风险",
    "summary": "摘要", "data_terms": "数据", "ip_terms": "知识产权",
}  # fmt: skip
CODES = ("12000000DEM000014Q", "12000000DEM000022K", "12000000DEM000030E", "12000000DEM000049B")


async def make_world(session) -> Any:
    """Make three institutions, their people, everybody who handles, and a call."""
    w = SimpleNamespace(session=session, count=0)
    w.a = await make_institution(session, "甲示例大学", name_en="Alpha University", code=CODES[0])
    w.b = await make_institution(session, "乙示例医院", name_en="Beta Hospital", code=CODES[1])
    w.c = await make_institution(session, "丙示例大学", name_en="Gamma University", code=CODES[2])
    w.d = await make_institution(session, "丁示例所", name_en="Delta Institute", code=CODES[3])
    for institution in (w.a, w.b, w.c, w.d):
        institution.search_keys = search_keys(institution.name_zh, institution.name_en)
    w.lead = await make_person(session, "牵头人", institution=w.a)
    w.member = await make_person(session, "成员", institution=w.b)
    w.officer_a = await make_person(session, "甲管理员", officer_of=w.a)
    w.officer_b = await make_person(session, "乙管理员", officer_of=w.b)
    w.coordinator = await make_person(session, "协调员", institution=w.c, roles=["coordinator"])
    w.stand_in = await make_person(session, "代理", institution=w.d, roles=["stand_in"])
    w.approver = await make_person(session, "批准人", institution=w.c, roles=["approver"])
    w.reviewers = [
        await make_person(session, f"专家{n}", institution=w.d, roles=["reviewer"])
        for n in range(3)
    ]
    w.administrator = await make_person(session, "管理员", institution=w.d, roles=["administrator"])
    w.outsider = await make_person(session, "局外人", institution=w.d)
    w.call = await make_call(session)
    return w


async def make_at(w: Any, state: State, *, consented: bool = True, **values: Any) -> Proposal:
    """Make a proposal of institutions a and b and bring it to `state` by the table's moves."""
    w.count += 1
    lead, institutions = values.pop("lead", w.lead), values.pop("institutions", [w.a, w.b])
    call = values.pop("call", w.call)
    team = values.pop("team", [(lead, institutions[0])])
    number = f"{call.prefix}-{w.count:04d}" if state != State.DRAFT else None
    values.setdefault("consent_until", now() + timedelta(days=5))
    proposal = await make_proposal(
        w.session, lead, call, institutions, team=team, number=number, **values
    )
    if consented and state != State.CONSENT_PENDING:
        await w.session.execute(
            update(Taking).where(Taking.proposal_id == proposal.id).values(state="consented")
        )
    for step in PATHS.get(state, []):
        if step == Move.RETURN and proposal.returned_until is None:
            proposal.returned_until = now() + timedelta(days=7)
        await move(w.session, None, proposal, step)
    await w.session.flush()
    return proposal


async def fill(w: Any, proposal: Proposal) -> None:
    """Answer every question of the form, so that nothing is missing."""
    month = (w.call.decides_at + timedelta(days=62)).strftime("%Y-%m")
    answers = {
        "title": ("basics", "示例题目"),
        "sectors": ("basics", ["EDU"]),
        "fields": ("basics", ["02"]),
        "project_type": ("basics", "basic"),
        "starts": ("basics", month),
        "months": ("basics", 12),
        "summary": ("basics", TEXTS["summary"]),
        "aims": ("aims", TEXTS["aims"]),
        **{q: ("methods", TEXTS[q]) for q in ("methods", "schedule", "outputs", "risks")},
        **{q: ("terms", TEXTS[q]) for q in ("data_terms", "ip_terms")},
        "human_subjects": ("ethics", "none"),
        "personal_data": ("ethics", "none"),
    }
    w.session.add_all(
        Answer(proposal_id=proposal.id, question=question, section=section, value=value)
        for question, (section, value) in answers.items()
    )
    await w.session.flush()


async def assign(w: Any, proposal: Proposal, person: Any, *, done: bool = False) -> Assignment:
    """Assign a reviewer who has accepted, with a submitted review where `done`."""
    made = Assignment(
        proposal_id=proposal.id,
        reviewer_id=person.id,
        assigned_by=w.coordinator.id,
        state="accepted",
        due_at=w.call.reviews_until,
    )
    w.session.add(made)
    await w.session.flush()
    if done:
        w.session.add(
            Review(
                assignment_id=made.id,
                recommendation="approve",
                for_applicants="好",
                saved_at=now(),
                submitted_at=now(),
            )
        )
    await w.session.flush()
    await access.refresh(w.session, proposal.id)
    return made


async def decide(w: Any, proposal: Proposal, state: str = "drafted", **values: Any) -> Decision:
    """Make a decision in `state` on the proposal."""
    version = await w.session.scalar(select(Version.id).where(Version.proposal_id == proposal.id))
    signed = state in {"signed", "scheduled", "released"}
    made = Decision(
        proposal_id=proposal.id,
        kind=values.pop("kind", "approve"),
        state=state,
        version_id=version or UUID(int=1),
        letter="信",
        drafted_by=values.pop("drafted_by", w.coordinator.id),
        drafted_at=now(),
        signed_by=w.approver.id if signed else None,
        signed_at=now() if signed else None,
        **values,
    )
    w.session.add(made)
    await w.session.flush()
    await access.refresh(w.session, proposal.id)
    return made


class Caller:
    """A logged-in person's browser."""

    def __init__(self, client: Any, headers: dict[str, str]) -> None:
        """Take the client and the person's headers."""
        self.client, self.headers = client, headers

    async def get(self, url: str, **params: Any) -> Any:
        """Read a page."""
        return await self.client.get(url, params=params, headers=self.headers)

    async def act(self, method: str, url: str, rev: int | None = None, body: Any = None) -> Any:
        """Change something."""
        match = {"if-match": f'"{rev}"'} if rev is not None else {}
        return await self.client.request(method, url, json=body, headers={**self.headers, **match})


async def sit(w: Any, client: Any, person: Any) -> Caller:
    """Return the browser of `person`."""
    return Caller(client, await login(w.session, person))


def statements_of(monkeypatch: Any) -> list[str]:
    """Return the list that every statement of asyncpg is noted in from now on."""
    connection: Any = asyncpg.Connection
    seen: list[str] = []
    run = connection._execute

    async def noting(self: Any, query: str, *rest: Any, **more: Any) -> Any:
        seen.append(query)
        return await run(self, query, *rest, **more)

    monkeypatch.setattr(connection, "_execute", noting)
    return seen
