"""The journey from a draft to an approved project as requests, and what is stored of it."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from makers import login, make_call, make_institution, make_person
from proposals.desk_world import CODES
from reviews.scenes import FULL

STORED = {
    "proposals": "state, number, rev, submitted_at::text, title",
    "sections": "section, rev",
    "answers": "question, value::text",
    "participations": "role, state, rev, encode(scope_hash, 'hex')",
    "contributions": "kind, amount::text, unit",
    "consents": "encode(scope_hash, 'hex'), void_at is null",
    "versions": "number, encode(sha256, 'hex')",
    "moves": "move, from_state, to_state",
    "check_answers": "item, verdict, rev",
    "assignments": "state, reviewer_id::text",
    "reviews": "rev, submitted_at is not null, scores::text",
    "decisions": "kind, state, rev",
    "releases": "done_at is not null",
    "projects": "granted_months",
    "events": "kind, subject_id::text",
    "messages": "template, person_id::text, event_id::text",
    "idempotency": "route, key",
}
"""What must be the same before a kill and after it, by table."""

ONCE = {
    "proposal.drafted": 1, "section.saved": 5, "participation.added": 1, "participation.changed": 2, "proposal.submit": 1,
    "participation.confirm": 2, "proposal.complete": 1, "proposal.start_check": 1, "check.answered": 4, "proposal.pass": 1,
    "assignment.asked": 2, "assignment.accepted": 2, "review.saved": 2, "review.submitted": 2, "proposal.finish": 1,
    "decision.drafted": 1, "decision.signed": 1, "release.ordered": 1, "proposal.approve": 1, "decision.released": 1, "release.done": 1,
}  # fmt: skip
"""How often each thing has happened when the journey is over, whatever was killed and sent again."""


class Step(NamedTuple):
    """One request, as it can be sent again."""

    who: str
    method: str
    path: str
    body: Any
    headers: dict[str, str]


class Cast(NamedTuple):
    """Who plays, and where."""

    headers: dict[str, dict[str, str]]
    ids: dict[str, str]
    starts: str


async def build(url: str) -> Cast:
    """Make the people, their institutions and an open call in the running portal's database."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    people: dict[str, Any] = {}
    async with async_sessionmaker(engine, expire_on_commit=False).begin() as session:
        a, b, x = [
            await make_institution(session, f"示例单位{name}", standing="founding", code=code)
            for name, code in zip("abx", CODES, strict=False)
        ]
        people["lead"] = await make_person(session, "牵头人", institution=a)
        for name, home in (("officer_a", a), ("officer_b", b)):
            people[name] = await make_person(session, name, officer_of=home)
        for name, role in (
            ("coordinator", "coordinator"), ("approver", "approver"), ("r1", "reviewer"), ("r2", "reviewer"),
        ):  # fmt: skip
            people[name] = await make_person(session, name, institution=x, roles=[role])
        call = await make_call(session)
        headers = {name: await login(session, person) for name, person in people.items()}
    await engine.dispose()
    ids = {"call": str(call.id), "a": str(a.id), "b": str(b.id)}
    ids |= {name: str(person.id) for name, person in people.items()}
    return Cast(headers, ids, (call.decides_at + timedelta(days=62)).strftime("%Y-%m"))


async def read(url: str, sql: str, *values: Any) -> Any:
    """Return one value from the database."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def stored(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything the journey has written."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return {
            table: sorted(
                map(tuple, await connection.fetch(f"select {columns} from {table}")), key=repr
            )
            for table, columns in STORED.items()
        }
    finally:
        await connection.close()


def _key() -> dict[str, str]:
    return {"idempotency-key": secrets.token_hex(8)}


def _match(rev: int) -> dict[str, str]:
    return {"if-match": f'"{rev}"'}


def journey(cast: Cast, get: Any) -> Iterator[Step]:
    """Yield the steps one after the other; `get(who, path)` reads what the next one needs."""
    body = {"call_id": cast.ids["call"], "institution_id": cast.ids["a"]}
    yield Step("lead", "POST", "/proposals", body, _key())
    proposal = get("lead", "/proposals")["items"][0]["id"]
    at = f"/proposals/{proposal}"
    basics = {
        "title": "混合现实手术示教𠮷", "sectors": ["EDU"], "fields": ["11"], "project_type": "basic", "starts": cast.starts,
        "months": 24, "summary": "摘要。",
    }  # fmt: skip
    for section, answers in {
        "basics": basics, "aims": {"aims": "目标。"},
        "methods": {"methods": "方法。", "schedule": "进度。", "outputs": "成果。"},
        "terms": {"data_terms": "各自所有。", "ip_terms": "各自所有。"},
        "ethics": {"human_subjects": "none", "personal_data": "none"},
    }.items():  # fmt: skip
        yield Step("lead", "PUT", f"{at}/sections/{section}", {"answers": answers}, _match(0))
    body = {"institution_id": cast.ids["b"], "role": "participating", "task": "做事"}
    yield Step("lead", "POST", f"{at}/participations", body, _key())
    for part in get("lead", at)["participations"]:
        lines = {"contributions": [{"kind": "staff", "amount": "6", "unit": "人月"}]}
        yield Step("lead", "PATCH", f"/participations/{part['id']}", lines, _match(part["rev"]))
    detail = get("lead", at)
    yield Step("lead", "POST", f"{at}/submit", {"rev_hash": detail["content_hash"]}, {})
    for officer, part in zip(("officer_a", "officer_b"), detail["participations"], strict=True):
        seen = get(officer, f"/participations/{part['id']}")["scope_hash"]
        yield Step(
            officer, "POST", f"/participations/{part['id']}/confirm", {"scope_hash": seen}, {}
        )
    for item in ("in_scope", "no_duplicate", "ethics_answered", "no_secret_matter"):
        yield Step("coordinator", "PUT", f"{at}/check/{item}", {"verdict": "ok"}, _match(0))
    yield Step("coordinator", "POST", f"{at}/pass", None, _match(get("coordinator", at)["rev"]))
    for reviewer in ("r1", "r2"):
        yield Step(
            "coordinator", "POST", f"{at}/assignments", {"reviewer_id": cast.ids[reviewer]}, _key()
        )
    for reviewer in ("r1", "r2"):
        mine = get(reviewer, "/reviews")["items"][0]["assignment_id"]
        yield Step(
            reviewer, "POST", "/reviews/accept", {"assignment_ids": [mine], "pledge": True}, {}
        )
        review = {
            "scores": FULL,
            "recommendation": "approve",
            "for_applicants": "好",
            "for_coordinators": "",
        }
        yield Step(reviewer, "PUT", f"/reviews/{mine}", review, _match(0))
        yield Step(reviewer, "POST", "/reviews/submit", {"assignment_ids": [mine]}, {})
    yield Step("coordinator", "POST", f"{at}/finish", {}, _match(get("coordinator", at)["rev"]))
    letter = {"kind": "approve", "letter": "同意立项。", "granted_months": 24}
    yield Step("coordinator", "PUT", f"{at}/decision", letter, _match(0))
    made = get("approver", f"{at}/decision")["decision"]
    yield Step("approver", "POST", f"/decisions/{made['id']}/sign", None, _match(made["rev"]))
    yield Step("coordinator", "POST", "/release", {"decision_ids": [made["id"]]}, _key())
