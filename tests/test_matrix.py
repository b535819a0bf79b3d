"""Every route, driven over HTTP by everybody, on a proposal in every state: who gets in is the table's say."""

import os
import random
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from actors import STANDING, World, make_world, towards
from lianyan.core.policy import ALLOWED, Role, needs_login, standing_only
from lianyan.proposals.policy import READERS
from lianyan.proposals.states import State
from makers import key

CELLS = int(os.environ.get("LIANYAN_MATRIX_CELLS", "600"))

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
    "/api/session", "/api/session/renew", "/api/session/locale", "/api/settings", "/api/settings/affiliations", "/api/tasks",
    "/api/messages/read", "/api/people", "/api/providers", "/api/login/{slug}", "/api/administrator-link", "/api/home",
    "/api/calls", "/api/calls/preset", "/api/calls/{call_id}", "/api/institutions", "/api/institutions/{institution_id}",
    "/api/institutions/{institution_id}/candidates", "/api/institutions/{institution_id}/officers", "/api/terms",
    "/api/identifiers/check", "/api/platform", "/api/projects", "/api/projects/{project_id}", "/api/roles",
    "/api/roles/{role_id}", "/api/officers/{officer_id}", "/api/institution/people", "/api/ledger", "/api/ledger.xlsx",
    "/api/queue", "/api/queue/confirm", "/api/desk", "/api/decide", "/api/release", "/api/release/letters",
    "/api/release/{release_id}/take_back", "/api/reviews", "/api/reviews/accept", "/api/reviews/submit", "/api/proposals",
    "/api/affiliations/{affiliation_id}/confirm", "/api/affiliations/{affiliation_id}/refuse",
    "/api/affiliations/{affiliation_id}/end", "/api/invitation", "/api/invitation/accept", "/api/invitation/decline",
    "/api/invitation/changes", "/api/invitation/report",
}  # fmt: skip
"""Routes that no proposal of the path decides: standing alone, or what the body or the token names."""

OWN = {"review.read", "review.write", "assignment.answer"}
"""Actions on an assignment, whose reviewer alone it is for."""


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


@pytest.fixture
async def world(session) -> World:
    return await make_world(session)


def _address(path: str, actor: str, thing: Any) -> str:
    assignment = thing.asked if actor == "asked" else thing.assignment
    for name, value in {
        "proposal_id": thing.proposal.id, "participation_id": thing.participation, "invitation_id": thing.invitation,
        "member_id": thing.member, "assignment_id": assignment, "decision_id": thing.decision, "item": "in_scope",
        "section": "aims",
    }.items():  # fmt: skip
        path = path.replace(f"{{{name}}}", str(value))
    return path


def _expected(actor: str, state: State, action: str, path: str) -> set[int]:
    """Return the statuses that the table allows for this cell."""
    found = towards(actor, state)
    if actor == "anonymous":
        return {401} if needs_login(action) else GOOD
    if actor == "invited" and state is not State.DRAFT:
        found = STANDING[actor]
    if special := _special(actor, state, action, path, found):
        return special
    if found & ALLOWED[action]:
        return GOOD
    return {403} if found & READERS else {404}


def _special(actor: str, state: State, action: str, path: str, found: Role) -> set[int]:
    """Return what holds beside the table: an own assignment, the own institution, a receipt."""
    if action in OWN and not found & (Role.ASKED | Role.REVIEWER):
        return {403, 404}
    if action == "review.read" and state is not State.PEER_REVIEW:
        return GOOD | {403}  # an unsubmitted review closes with the review
    if actor == "officer_lead" and action.startswith("participation."):
        return {403}  # the participation is the partner's
    if action == "proposal.withdraw_by_institution" and Role.COORDINATOR in found:
        return {403, 409, 428}  # the lead institution has an officer, whose act it is
    if path.endswith("/receipt") and state is State.DRAFT and found & READERS:
        return {404}  # there is none before the first submission, for anybody
    return set()


GOOD = {200, 201, 204, 400, 409, 412, 428}


async def _rev(session_rev: int, method: str) -> dict[str, str]:
    return {"if-match": f'"{session_rev}"'} if method != "GET" else {}


async def test_who_gets_in_is_what_the_table_says(
    app, client, world: World, connection: AsyncConnection
):
    seed = int(os.environ.get("LIANYAN_MATRIX_SEED", random.SystemRandom().randrange(10**9)))
    draw = random.Random(seed)
    driven = [r for r in routes(app) if r[1] not in PLAIN]
    cells = [(r, a, s) for r in driven for a in STANDING for s in State]
    picked = draw.sample(cells, min(CELLS, len(cells)))
    wrong = []
    for (method, path, action), actor, state in picked:
        thing = world.things[state]
        body = BODIES.get(f"{method} {path}", {} if method in {"POST", "PUT", "PATCH"} else None)
        headers = {**world.headers[actor], **key(), **await _rev(1, method)}
        inner = await connection.begin_nested()
        answer = await client.request(
            method,
            _address(path, actor, thing),
            headers=headers,
            json=body(world) if callable(body) else body,
        )
        if inner.is_active:
            await inner.rollback()
        client.cookies.clear()
        if answer.status_code not in _expected(actor, state, action, path):
            wrong.append(
                f"{actor} {method} {path} [{action}] on {state}: {answer.status_code} {answer.text[:120]}"
            )
    assert not wrong, f"seed {seed}, {len(wrong)} of {len(picked)} cells:\n" + "\n".join(
        sorted(wrong)[:60]
    )


async def test_standing_decides_where_no_thing_does(
    app, client, world: World, connection: AsyncConnection
):
    wrong = []
    for method, path, action in routes(app):
        if path not in PLAIN or not standing_only(action):
            continue
        for actor, stands in STANDING.items():
            inner = await connection.begin_nested()
            address = path.replace("{slug}", "nowhere").replace(
                "/letters", f"/letters?decision={world.ids['guest']}"
            )
            for name in (
                "call_id",
                "institution_id",
                "project_id",
                "role_id",
                "officer_id",
                "release_id",
                "affiliation_id",
            ):
                address = address.replace(
                    f"{{{name}}}", str(world.ids["a" if name == "institution_id" else "guest"])
                )
            answer = await client.request(
                method, address, headers={**world.headers[actor], **key(), **await _rev(1, method)},
                json={} if method in {"POST", "PUT", "PATCH"} else None,
            )  # fmt: skip
            if inner.is_active:
                await inner.rollback()
            client.cookies.clear()
            refused = answer.status_code in {401, 403}
            if bool(stands & ALLOWED[action] & ~Role(0)) == refused:
                wrong.append(
                    f"{actor} {method} {path} [{action}]: {answer.status_code} {answer.text[:100]}"
                )
            assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    assert not wrong, "\n".join(wrong[:60])


async def test_hidden_equals_absent_byte_for_byte(client, world: World):
    from uuid import uuid4  # noqa: PLC0415

    hidden = world.things[State.DRAFT].proposal.id
    answers = [
        await client.get(f"/api/proposals/{id_}{part}", headers=world.headers["outsider"])
        for part in ("", "/gaps", "/receipt", "/assignments", "/decision")
        for id_ in (hidden, uuid4())
    ]
    assert {a.status_code for a in answers} == {404}
    assert len({a.content for a in answers}) == 1
