"""Every route, driven over HTTP by everybody, on a proposal in every state: who gets in is the table's say."""

import os
import random
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from actors import STANDING, World
from figures import figure
from lianyan.core.policy import standing_only
from lianyan.proposals.states import State
from makers import key
from matrix import rules
from matrix.world import ACTORS, Secrets, bond, make_marked, person, secrets, sees

LONG = os.environ.get("LIANYAN_LONG") == "1"
CELLS = int(os.environ.get("LIANYAN_MATRIX_CELLS", "9000" if LONG else "500"))

HASH = "0" * 64
LATER = "2036-12-01T18:00:00+08:00"
BODIES: dict[str, Any] = {
    "POST /api/proposals/{proposal_id}/participations": lambda w: {"institution_id": str(w.ids["c"]), "role": "participating"},
    "POST /api/proposals/{proposal_id}/members": lambda w: {"person_id": str(w.ids["outsider"]), "institution_id": str(w.ids["b"])},
    "POST /api/proposals/{proposal_id}/submit": {"rev_hash": HASH},
    "POST /api/proposals/{proposal_id}/resubmit": {"rev_hash": HASH},
    "POST /api/proposals/{proposal_id}/withdraw": {"reason": "改变计划"},
    "POST /api/proposals/{proposal_id}/withdraw_by_institution": {"reason": "改变计划"},
    "POST /api/proposals/{proposal_id}/extend": {"until": LATER, "reason": "系统维护"},
    "POST /api/proposals/{proposal_id}/finish": {"waiver": "评审专家不足"},
    "POST /api/proposals/{proposal_id}/refuse": {"code": "R1", "reason": "不符合资格"},
    "POST /api/proposals/{proposal_id}/reopen": {"reason": "需要再评"},
    "POST /api/proposals/{proposal_id}/restore": {"reason": "应申请人请求"},
    "POST /api/proposals/{proposal_id}/return": {"reason": "请补充材料"},
    "POST /api/proposals/{proposal_id}/assignments": lambda w: {"reviewer_id": str(w.ids["reviewer_elsewhere"])},
    "POST /api/proposals/{proposal_id}/dismissals": lambda w: {"person_id": str(w.ids["coordinator_tied"]), "rule": "declared_tie", "reason": "已核实"},
    "PUT /api/proposals/{proposal_id}/check/{item}": {"verdict": "ok"},
    "PUT /api/proposals/{proposal_id}/decision": {"kind": "approve", "letter": "同意立项。"},
    "PUT /api/proposals/{proposal_id}/sections/{section}": {"answers": {"aims": "研究目标"}},
    "PATCH /api/participations/{participation_id}": {"special_terms": "数据不出院"},
    "POST /api/participations/{participation_id}/confirm": {"scope_hash": HASH},
    "POST /api/participations/{participation_id}/decline": {"reason": "人手不足"},
    "POST /api/participations/{participation_id}/return": {"comments": {"contributions": "请改为 6 人月"}},
    "POST /api/participations/{participation_id}/remove": {"reason": ""},
    "POST /api/participations/{participation_id}/invitations": {"name": "张三"},
    "POST /api/assignments/{assignment_id}/remove": {"reason": "改派"},
    "POST /api/assignments/{assignment_id}/decline": {"reason": "没有时间"},
    "POST /api/assignments/{assignment_id}/conflict": {"note": "曾共同发表论文"},
    "PUT /api/reviews/{assignment_id}": {"scores": {}, "recommendation": None, "for_applicants": "", "for_coordinators": ""},
    "POST /api/decisions/{decision_id}/send_back": {"note": "请写明理由"},
}  # fmt: skip

PLAIN = {
    "/api/session", "/api/session/renew", "/api/session/locale", "/api/settings", "/api/settings/affiliations",
    "/api/settings/sessions", "/api/settings/sessions/{session_id}/end", "/api/tasks",
    "/api/messages/read", "/api/people", "/api/providers", "/api/login/{slug}", "/api/administrator-link", "/api/home",
    "/api/calls", "/api/calls/preset", "/api/calls/{call_id}", "/api/institutions", "/api/institutions/{institution_id}",
    "/api/institutions/{institution_id}/candidates", "/api/institutions/{institution_id}/officers", "/api/terms",
    "/api/identifiers/check", "/api/platform", "/api/projects", "/api/projects/{project_id}", "/api/roles",
    "/api/roles/{role_id}", "/api/officers/{officer_id}", "/api/institution/people", "/api/ledger", "/api/ledger.xlsx",
    "/api/queue", "/api/queue/confirm", "/api/desk", "/api/desk/overview", "/api/decide", "/api/release", "/api/release/letters",
    "/api/release/{release_id}/take_back", "/api/reviews", "/api/reviews/accept", "/api/reviews/submit", "/api/proposals",
    "/api/affiliations/{affiliation_id}/confirm", "/api/affiliations/{affiliation_id}/refuse",
    "/api/affiliations/{affiliation_id}/end", "/api/invitation", "/api/invitation/accept", "/api/invitation/decline",
    "/api/record", "/api/record/seals", "/api/record/seen", "/api/security", "/api/security/people/{person_id}/sessions",
    "/api/admin/providers", "/api/admin/providers/{provider_id}",
    *(f"/api/admin/providers/{{provider_id}}/{step}" for step in ("check", "try", "activate", "disable", "retire")),
    "/api/security/sessions/{session_id}/end", "/api/invitation/changes", "/api/invitation/report",
}  # fmt: skip
"""Routes that no proposal of the path decides: standing alone, or what the body or the token names."""


NAMES_PEOPLE = {
    "/api/record",
    "/api/record/seen",
    "/api/security",
    "/api/roles",
    "/api/institution/people",
    "/api/institutions/{institution_id}/candidates",
}
"""Pages that name people for what they are; that they review this or that is not there."""


def routes(app: Any) -> list[tuple[str, str, str]]:
    """Return (method, path, action) of every route of the API."""
    found = []
    for route in app.routes:
        path = route.path_format
        if not path.startswith("/api/") or path.startswith("/api/schema"):
            continue
        for handler in route.route_handlers:
            found += [
                (m, path, handler.opt["action"])
                for m in handler.http_methods
                if m not in {"OPTIONS", "HEAD"}
            ]
    return sorted(found)


def test_every_route_has_a_way_to_be_driven(app):
    known = {
        "proposal_id",
        "participation_id",
        "invitation_id",
        "member_id",
        "assignment_id",
        "decision_id",
    }
    for method, path, action in routes(app):
        named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert path in PLAIN or named & known, (
            f"{method} {path} ({action}) is in no table of this test"
        )


GOOD = {200, 201, 204, 400, 409, 412, 428}
ABSENT = {"proposal_id", "participation_id", "invitation_id", "member_id", "assignment_id", "decision_id"}  # fmt: skip
OWN = {"review.read", "review.write", "assignment.answer"}
"""Actions on an assignment, whose reviewer alone it is for."""

CLOSED = {
    ("proposal.submit", State.DRAFT, "late"), ("proposal.take_back", State.CONSENT_PENDING, "late"),
    ("proposal.take_back", State.SUBMITTED, "late"), ("proposal.resubmit", State.RETURNED, "late"),
    ("proposal.edit", State.CONSENT_PENDING, "late"), ("participation.confirm", State.CONSENT_PENDING, "late"),
    ("participation.return", State.CONSENT_PENDING, "late"), ("participation.decline", State.CONSENT_PENDING, "late"),
    ("proposal.refuse", State.CONSENT_PENDING, "early"), ("proposal.refuse", State.RETURNED, "early"),
}  # fmt: skip
"""What nobody gets done at that time, in that state, whoever they are."""

PASS = """
  update calls set closes_at = now() - interval '1 day', opens_at = now() - interval '40 days';
  update proposals set consent_until = now() - interval '1 day' where consent_until is not null;
  update proposals set returned_until = now() - interval '1 day' where returned_until is not null;
"""
"""Let the call close, and the dates of confirmation and of correction go by."""

TABLES = (
    "proposals", "participations", "members", "invitations", "contributions", "sections", "answers",
    "versions", "consents", "moves", "check_answers", "assignments", "reviews", "dismissals", "ties",
    "decisions", "releases", "projects", "extensions", "access", "events", "messages",
    "idempotency",
)  # fmt: skip


def fingerprint(tables: tuple[str, ...]) -> str:
    """Return the SQL of one number that changes with any row of these tables."""
    return "select " + " + ".join(
        f"coalesce((select sum(hashtextextended(t::text, 0)) from {table} t), 0)"
        for table in tables
    )


@pytest.fixture
async def world(session) -> World:
    return await make_marked(session)


def _address(path: str, actor: str, state: State, world: World) -> str:
    thing = world.things[state]
    assignment = thing.asked if actor == "asked" else thing.assignment
    if actor == "reviewer_tied":
        assignment = world.ids[f"tied {state}"]
    for name, value in {
        "proposal_id": thing.proposal.id, "participation_id": thing.participation, "invitation_id": thing.invitation,
        "member_id": thing.member, "assignment_id": assignment, "decision_id": thing.decision, "item": "in_scope",
        "section": "aims",
    }.items():  # fmt: skip
        path = path.replace(f"{{{name}}}", str(value))
    return path


def _expected(actor: str, state: State, action: str, path: str) -> set[int]:
    """Return the statuses that the plain rules allow for this cell."""
    who, to = person(actor), bond(actor, state)
    said = rules.may(who, action, to)
    allowed = {"allow": GOOD, "forbid": {403} if who.logged_in else {401}, "hide": {404}}[said]
    if not who.logged_in:
        return allowed
    if action in OWN and (not to.asked or to.personal):
        # Somebody else's request to review is nobody's; one's own says that a tie has closed it.
        return {403} if to.asked else {404}
    if path.endswith("/receipt") and state is State.DRAFT and said == "allow":
        return {404}  # there is none before the first submission, for anybody
    if action == "review.read" and state is not State.PEER_REVIEW and to.asked == "accepted":
        return GOOD | {403}  # an unsubmitted review closes with the review
    if action == "proposal.withdraw_by_institution" and "proposal.check" in rules.acts(who, to):
        return {403, 409}  # the lead institution has an officer, whose act it is
    return allowed


def _plain(answer: Response) -> tuple[Any, ...]:
    """Return everything of an answer but what names the one request."""
    own = {"x-request-id", "date"}
    return (
        answer.status_code,
        answer.content,
        sorted((k, v) for k, v in answer.headers.items() if k not in own),
    )


def _leaks(actor: str, answer: Response) -> list[str]:
    """Return the marks in an answer that the actor may not read."""
    if "暗记" not in answer.text:
        return []
    return [
        mark
        for state in State
        for kind, mark in zip(Secrets._fields, secrets(state), strict=True)
        if mark in answer.text and not sees(actor, kind, state)
    ]


class Driver:
    """Sends one request at a time and undoes what it did."""

    def __init__(self, client: AsyncClient, connection: AsyncConnection, world: World) -> None:
        self.client, self.connection, self.world = client, connection, world
        self.print = fingerprint(TABLES)

    async def prepare(self) -> None:
        driver = (await self.connection.get_raw_connection()).driver_connection
        self.driver: Any = driver

    async def send(
        self, actor: str, route: tuple[str, str, str], path: str, state: State
    ) -> Response:
        method = route[0]
        body = BODIES.get(
            f"{method} {route[1]}", {} if method in {"POST", "PUT", "PATCH"} else None
        )
        rev = {"if-match": f'"{self.world.things[state].proposal.rev}"'} if method != "GET" else {}
        answer = await self.client.request(
            method, path, headers={**self.world.headers[actor], **key(), **rev},
            json=body(self.world) if callable(body) else body,
        )  # fmt: skip
        self.client.cookies.clear()
        return answer

    async def cell(
        self, route: tuple[str, str, str], actor: str, state: State, time: str
    ) -> list[str]:
        """Drive one cell; return what is wrong with it."""
        method, path, action = route
        cell = f"{actor} {method} {path} [{action}] on {state}, {time}"
        inner = await self.connection.begin_nested()
        before = await self.driver.fetchval(self.print)
        answer = await self.send(actor, route, _address(path, actor, state, self.world), state)
        status, wrong = answer.status_code, []
        if status not in _expected(actor, state, action, path):
            wrong.append(f"{cell}: {status} {answer.text[:120]}")
        if status in {401, 403, 404} and await self.driver.fetchval(self.print) != before:
            wrong.append(f"{cell}: refused with {status}, and something changed")
        if method != "GET" and (action, state, time) in CLOSED and status < 400:
            wrong.append(f"{cell}: {status}, though it is {time}")
        if status == 404:
            absent = path
            for name in ABSENT:
                absent = absent.replace(f"{{{name}}}", str(uuid4()))
            absent = absent.replace("{item}", "in_scope").replace("{section}", "aims")
            if _plain(answer) != _plain(await self.send(actor, route, absent, state)):
                wrong.append(f"{cell}: hidden is not what absent is")
        wrong += [f"{cell}: tells {mark}" for mark in _leaks(actor, answer)]
        if inner.is_active:
            await inner.rollback()
        return wrong


async def test_who_gets_in_is_what_the_rules_say(
    app, client, world: World, connection: AsyncConnection
):
    seed = int(os.environ.get("LIANYAN_MATRIX_SEED", random.SystemRandom().randrange(10**9)))
    draw = random.Random(seed)
    driven = [r for r in routes(app) if r[1] not in PLAIN]
    cells = [(r, a, s, t) for r in driven for a in ACTORS for s in State for t in ("early", "late")]
    picked = draw.sample(cells, min(CELLS, len(cells)))
    # Each route is read once by everybody who may read it: what a page may show is looked at closely.
    reads = [c for c in cells if c[0][0] == "GET" and c[3] == "early"]
    picked += draw.sample(reads, min(CELLS // 4, len(reads)))
    picked.sort(key=lambda cell: cell[3])
    drive = Driver(client, connection, world)
    await drive.prepare()
    wrong, late = [], False
    for route, actor, state, time in picked:
        if time == "late" and not late:
            await drive.driver.execute(PASS)
            late = True
        wrong += await drive.cell(route, actor, state, time)
    figure(
        "permission matrix: cells driven over HTTP, wrong",
        ">= 8,000, 0 wrong",
        f"{len(set(picked)):,} of {len(cells):,} cells, {len(wrong)} wrong",
        held=not wrong and len(set(picked)) >= 8000,
        note=f"{len(driven)} routes x {len(ACTORS)} actors x {len(State)} states x 2 times; seed {seed}",
    )
    assert not wrong, f"seed {seed}, {len(wrong)} of {len(picked)} cells:\n" + "\n".join(
        sorted(wrong)[:60]
    )


async def test_what_is_marked_is_read_by_those_it_is_for(app, client, world: World):
    """A mark that nobody ever reads would prove nothing."""
    read = ""
    for actor in ("coordinator", "lead", "approver", "reviewer"):
        for state in (State.PEER_REVIEW, State.DECISION_PENDING, State.APPROVED):
            for method, path, _ in routes(app):
                if method == "GET" and path not in PLAIN:
                    answer = await client.get(
                        _address(path, actor, state, world), headers=world.headers[actor]
                    )
                    assert not _leaks(actor, answer)
                    read += answer.text
    for kind, mark in secrets(State.APPROVED)._asdict().items():
        assert mark in read, kind
    assert secrets(State.APPROVED).letter in (await _own(client, world, State.APPROVED)).text
    assert (
        secrets(State.DECISION_PENDING).letter
        not in (await _own(client, world, State.DECISION_PENDING)).text
    )


async def _own(client: AsyncClient, world: World, state: State) -> Response:
    proposal = world.things[state].proposal.id
    return await client.get(f"/api/proposals/{proposal}", headers=world.headers["lead"])


def test_everybody_has_plain_facts():
    """What the actors' table says they are before any proposal is what their facts let them do."""
    from lianyan.core.policy import ALLOWED  # noqa: PLC0415

    for actor, stands in STANDING.items():
        allowed = {action for action, whose in ALLOWED.items() if stands & whose}
        assert rules.acts(person(actor)) == allowed, actor


async def test_standing_decides_where_no_thing_does(
    app, client, world: World, connection: AsyncConnection
):
    wrong = []
    for method, path, action in routes(app):
        if path not in PLAIN or not standing_only(action):
            continue
        for actor in ACTORS:
            inner = await connection.begin_nested()
            answer = await client.request(
                method, _plain_address(path, world),
                headers={**world.headers[actor], **key(), **({"if-match": '"1"'} if method != "GET" else {})},
                json={} if method in {"POST", "PUT", "PATCH"} else None,
            )  # fmt: skip
            if inner.is_active:
                await inner.rollback()
            client.cookies.clear()
            said = rules.may(person(actor), action)
            refused = answer.status_code in {401, 403}
            if (said == "allow") == refused:
                wrong.append(
                    f"{actor} {method} {path} [{action}]: {answer.status_code} {answer.text[:100]}"
                )
            if method == "GET" and path not in NAMES_PEOPLE:
                wrong += [f"{actor} {path}: tells {mark}" for mark in _leaks(actor, answer)]
            assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    assert not wrong, "\n".join(wrong[:60])


def _plain_address(path: str, world: World) -> str:
    path = path.replace("{slug}", "nowhere").replace("/letters", f"/letters?decision={UUID(int=0)}")
    path = path.replace("/record/seen", f"/record/seen?person_id={world.ids['guest']}")
    path = path.replace("{provider_id}", str(world.ids["provider"]))
    for name in (
        "call_id", "institution_id", "project_id", "role_id", "officer_id", "release_id", "affiliation_id",
        "person_id", "session_id",
    ):  # fmt: skip
        path = path.replace(
            f"{{{name}}}", str(world.ids["a" if name == "institution_id" else "guest"])
        )
    return path
