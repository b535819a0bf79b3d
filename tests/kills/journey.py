"""The journey from a draft to a release ordered, as requests that can be sent again."""

import secrets
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any, NamedTuple

import httpx2
from sqlalchemy.ext.asyncio import async_sessionmaker

from lianyan.core.db import engine_of
from makers import login, make_call, make_institution, make_person
from proposals.desk_world import CODES
from reviews.scenes import FULL

STEPS = 31
"""As many requests as the journey has."""

SECTIONS: dict[str, dict[str, Any]] = {
    "aims": {"aims": "目标。"},
    "methods": {"methods": "方法。", "schedule": "进度。", "outputs": "成果。"},
    "terms": {"data_terms": "各自所有。", "ip_terms": "各自所有。"},
    "ethics": {"human_subjects": "none", "personal_data": "none"},
}
REVIEW = {
    "scores": FULL, "recommendation": "approve", "for_applicants": "好", "for_coordinators": "",
}  # fmt: skip

EVENTS = {
    "proposal.drafted": 1, "section.saved": 5, "participation.added": 1, "participation.changed": 2,
    "invitation.accepted": 1, "member.added": 1, "affiliation.asked": 1,
    "proposal.submit": 1, "participation.confirm": 2, "proposal.complete": 1,
    "proposal.start_check": 1, "check.answered": 4, "proposal.pass": 1, "assignment.asked": 2,
    "assignment.accepted": 2, "review.saved": 2, "review.submitted": 2, "proposal.finish": 1,
    "decision.drafted": 1, "decision.signed": 1, "release.ordered": 1, "proposal.approve": 1,
    "decision.released": 1, "release.done": 1,
}  # fmt: skip
"""How often each thing has happened at the end, whatever was killed and sent again."""

COUNTS = {
    "proposals": 1, "sections": 5, "participations": 2, "contributions": 2, "invitations": 1,
    "members": 2, "people": 8, "affiliations": 8, "versions": 1, "consents": 2, "moves": 6,
    "check_answers": 4, "assignments": 2, "reviews": 2, "decisions": 1, "releases": 1, "projects": 1,
}  # fmt: skip
"""How many rows of each table there are at the end."""


class Step(NamedTuple):
    """One request, as it can be sent again."""

    who: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = {}
    seen: Callable[[], Any] = lambda: True
    """Says, by what the right person reads, that it has happened."""


class Cast(NamedTuple):
    """Who plays, and where."""

    headers: dict[str, dict[str, str]]
    ids: dict[str, str]
    starts: str


async def build(url: str) -> Cast:
    """Make the people, their institutions and an open call in the running portal's database."""
    engine = engine_of(url)
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
    headers["nobody"] = {"x-lianyan": "1"}
    ids = {"call": str(call.id), "a": str(a.id), "b": str(b.id)}
    ids |= {name: str(person.id) for name, person in people.items()}
    return Cast(headers, ids, (call.decides_at + timedelta(days=62)).strftime("%Y-%m"))


def key() -> dict[str, str]:
    """Return the header of a creating POST."""
    return {"idempotency-key": secrets.token_hex(8)}


def match(rev: int) -> dict[str, str]:
    """Return the header of a change."""
    return {"if-match": f'"{rev}"'}


Get = Callable[[str, str], Any]
Steps = Generator[Step, httpx2.Response, None]


def journey(cast: Cast, get: Get) -> Steps:
    """Yield the requests one after the other and take their answers; `get(who, path)` reads."""
    at = yield from draft(cast, get)
    yield from _write(cast, get, at)
    yield from _join(cast, get, at)
    yield from _submit(get, at)
    yield from _check(get, at)
    yield from _review(cast, get, at)
    yield from _decide(get, at)


def draft(cast: Cast, get: Get) -> Generator[Step, httpx2.Response, str]:
    """Begin a proposal; return where it is."""
    body = {"call_id": cast.ids["call"], "institution_id": cast.ids["a"]}
    seen = lambda: len(get("lead", "/proposals")["items"]) == 1  # noqa: E731
    got = yield Step("lead", "POST", "/proposals", body, key(), seen)
    assert [p["id"] for p in get("lead", "/proposals")["items"]] == [got.json()["id"]]
    return f"/proposals/{got.json()['id']}"


def _write(cast: Cast, get: Get, at: str) -> Steps:
    basics = {
        "title": "混合现实手术示教𠮷", "sectors": ["EDU"], "fields": ["11"], "project_type": "basic",
        "starts": cast.starts, "months": 24, "summary": "摘要。",
    }  # fmt: skip
    for section, answers in {"basics": basics, **SECTIONS}.items():

        def seen(section: str = section, sent: dict[str, Any] = answers) -> bool:
            read = get("lead", at)
            revs = {found["id"]: found["rev"] for found in read["sections"]}
            return bool(revs[section] == 1 and sent.items() <= read["answers"].items())

        path = f"{at}/sections/{section}"
        got = yield Step("lead", "PUT", path, {"answers": answers}, match(0), seen)
        assert got.headers["etag"] == '"1"'


def _join(cast: Cast, get: Get, at: str) -> Steps:
    def parts() -> dict[str, Any]:
        return {p["role"]: p for p in get("lead", at)["participations"]}

    body = {"institution_id": cast.ids["b"], "role": "participating", "task": "做事"}
    asked = lambda: parts()["participating"]["task"] == "做事"  # noqa: E731
    yield Step("lead", "POST", f"{at}/participations", body, key(), asked)
    for role, part in parts().items():

        def brought(role: str = role) -> bool:
            found = parts()[role]
            return found["rev"] == 2 and [c["amount"] for c in found["contributions"]] == ["6.00"]

        lines = {"contributions": [{"kind": "staff", "amount": "6", "unit": "人月"}]}
        path = f"/participations/{part['id']}"
        yield Step("lead", "PATCH", path, lines, match(part["rev"]), brought)
    path = f"/participations/{parts()['participating']['id']}/invitations"
    invited = lambda: [i["state"] for i in get("lead", at)["invitations"]] == ["sent"]  # noqa: E731
    got = yield Step("lead", "POST", path, {"name": "王工"}, key(), invited)
    link = {"x-invitation": got.json()["url"].partition("#")[2]}
    team = lambda: [m["person"]["name"] for m in get("lead", at)["team"]] == ["牵头人", "王工"]  # noqa: E731
    got = yield Step(
        "nobody", "POST", "/invitation/accept", {"name": "王工"}, {**link, **key()}, team
    )
    cookie = got.headers["set-cookie"].partition(";")[0]
    cast.headers["guest"] = {"x-lianyan": "1", "cookie": cookie}
    assert get("guest", at)["title"] == "混合现实手术示教𠮷"


def _submit(get: Get, at: str) -> Steps:
    hashed = {"rev_hash": get("lead", at)["content_hash"]}
    numbered = lambda: get("lead", at)["number"].endswith("-0001")  # noqa: E731
    got = yield Step("lead", "POST", f"{at}/submit", hashed, {}, numbered)
    receipt = get("lead", f"{at}/receipt")
    assert (receipt["number"], receipt["submitted_at"]) == (got.json()["number"], got.json()["at"])
    for officer, part in zip(
        ("officer_a", "officer_b"), get("lead", at)["participations"], strict=True
    ):
        path = f"/participations/{part['id']}"
        agreed = lambda who=officer, path=path: get(who, path)["part"]["state"] == "consented"  # noqa: E731
        scope = {"scope_hash": get(officer, path)["scope_hash"]}
        yield Step(officer, "POST", f"{path}/confirm", scope, {}, agreed)


def _check(get: Get, at: str) -> Steps:
    desk = at.replace("/proposals/", "/desk/")
    for item in ("in_scope", "no_duplicate", "ethics_answered", "no_secret_matter"):

        def seen(item: str = item) -> bool:
            found = {c["item"]: c for c in get("coordinator", desk)["checklist"]}[item]
            return bool((found["verdict"], found["rev"]) == ("ok", 1))

        path = f"{at}/check/{item}"
        yield Step("coordinator", "PUT", path, {"verdict": "ok"}, match(0), seen)
    rev = get("coordinator", at)["rev"]
    passed = lambda: get("coordinator", desk)["state"] == "peer_review"  # noqa: E731
    yield Step("coordinator", "POST", f"{at}/pass", None, match(rev), passed)


def _review(cast: Cast, get: Get, at: str) -> Steps:
    def mine(who: str) -> Any:
        (found,) = get(who, "/reviews")["items"]
        return found

    for who in ("r1", "r2"):
        asked = {"reviewer_id": cast.ids[who]}
        told = lambda who=who: mine(who)["state"] == "asked"  # noqa: E731
        yield Step("coordinator", "POST", f"{at}/assignments", asked, key(), told)
    for who in ("r1", "r2"):
        mine_id = mine(who)["assignment_id"]
        one = {"assignment_ids": [mine_id]}

        def written(who: str = who, path: str = f"/reviews/{mine_id}") -> bool:
            review = get(who, path)["review"]
            return bool(review["rev"] == 1 and review["scores"] == FULL)

        taken = lambda who=who: mine(who)["state"] == "accepted"  # noqa: E731
        yield Step(who, "POST", "/reviews/accept", {**one, "pledge": True}, {}, taken)
        yield Step(who, "PUT", f"/reviews/{mine_id}", REVIEW, match(0), written)
        handed_in = lambda who=who: mine(who)["review"]["submitted_at"]  # noqa: E731
        yield Step(who, "POST", "/reviews/submit", one, {}, handed_in)


def _decide(get: Get, at: str) -> Steps:
    desk = at.replace("/proposals/", "/desk/")
    rev = get("coordinator", at)["rev"]
    finished = lambda: get("coordinator", desk)["state"] == "decision_pending"  # noqa: E731
    yield Step("coordinator", "POST", f"{at}/finish", {}, match(rev), finished)

    def decision() -> Any:
        return get("approver", f"{at}/decision")["decision"]

    letter = {"kind": "approve", "letter": "同意立项。", "granted_months": 24}
    drafted = lambda: (decision()["letter"], decision()["rev"]) == ("同意立项。", 1)  # noqa: E731
    yield Step("coordinator", "PUT", f"{at}/decision", letter, match(0), drafted)
    made = decision()
    signed = lambda: decision()["state"] == "signed"  # noqa: E731
    yield Step("approver", "POST", f"/decisions/{made['id']}/sign", None, match(1), signed)
    ids = {"decision_ids": [made["id"]]}
    ordered = lambda: get("coordinator", "/release")["running"]["count"] == 1  # noqa: E731
    yield Step("coordinator", "POST", "/release", ids, key(), ordered)
