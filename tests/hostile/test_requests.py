"""Bodies that are none, ids of other things, odd headers and queries: refused in words, never a defect."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from actors import STANDING, World
from hostile.cases import CASES, address
from hostile.inputs import BODIES, IDS, KEYS, LIMITS, MATCHES, QUERIES, TYPES, WRONG
from hostile.sending import encoded, headers_of, problem, send, some, undone
from lianyan.proposals.states import State
from makers import key

REFUSED = {400, 401, 403, 404, 405, 409, 410, 412, 413, 414, 415, 428}


def faults(route: str, what: str, got: Any, *, allowed: set[int] = REFUSED) -> list[str]:
    """Return what is wrong with an answer, said in one line."""
    wrong = problem(got)
    if wrong is None and got.status_code not in allowed:
        wrong = f"{got.status_code} {got.text[:160]}"
    return [f"{route} [{what}]: {wrong}"] if wrong else []


def told(wrong: list[str]) -> str:
    return f"{len(wrong)} of them:\n" + "\n".join(wrong[:80])


@pytest.mark.slow
async def test_a_body_that_is_none_is_refused(client, world, connection):
    cells = [(route, name) for route in CASES for name in BODIES]
    wrong = []
    for route, name in some(cells, 300):
        async with undone(connection):
            got = await send(client, world, route, BODIES[name])
        # Some bodies are right where every field may be left out, or a text field is called so.
        allowed = REFUSED | ({200, 201, 204} if optional(route, name, world) else set())
        wrong += faults(route, name, got, allowed=allowed)
    assert not wrong, told(wrong)


def optional(route: str, name: str, world: World) -> bool:
    """Say whether a strange body may be a right one here."""
    fields = set(CASES[route].content(world))
    if name in {"a comment", "a trailing comma", "a mark first"}:
        return False
    return name == "a form" and not fields


async def test_an_unknown_or_doubled_field_is_named(client, world, connection):
    wrong = []
    for route, case in CASES.items():
        body = case.content(world)
        async with undone(connection):
            got = await send(client, world, route, encoded({**body, "titel": "x"}))
        wrong += faults(route, "unknown", got, allowed={400})
        if got.status_code == 400 and "titel" not in got.text:
            wrong.append(f"{route}: does not name the unknown field: {got.text[:160]}")
        plain = encoded(body)
        async with undone(connection):
            twice = await send(client, world, route, plain[:-1] + b"," + plain[1:])
        wrong += faults(route, "twice", twice, allowed={400})
        if twice.status_code == 400 and "problems.doubled_field" not in twice.text:
            wrong.append(f"{route}: does not say what comes twice: {twice.text[:160]}")
    assert not wrong, told(wrong)


@pytest.mark.parametrize(
    "line, field",
    [
        ({"kind": "x", "amount": "1", "unit": "人月"}, "contributions.0.kind"),
        ({"kind": "cash", "unit": "元"}, "contributions.0.amount"),
        ({"kind": "cash", "amount": "x", "unit": "元"}, "contributions.0.amount"),
        ({"kind": "cash", "amount": "1", "unit": "元", "a`b": 1}, "contributions.0.a`b"),
        (
            {"kind": "cash", "amount": "1", "unit": "元", "k" * 5000: 1},
            "contributions.0." + "k" * 80,
        ),
    ],
)
async def test_a_place_inside_a_body_has_one_name_whoever_refuses_it(client, world, line, field):
    route = "PATCH /api/participations/{participation_id}"
    got = await send(client, world, route, encoded({"contributions": [line]}))
    assert [e["field"] for e in got.json()["errors"]] == [field]


async def test_a_body_of_another_type_is_refused(client, world, connection):
    cells = [(route, n) for route in CASES for n in range(len(WRONG))]
    wrong = []
    for route, number in some(cells, 150):
        async with undone(connection):
            got = await send(client, world, route, encoded(WRONG[number]))
        empty = WRONG[number] == {}
        wrong += faults(
            route,
            repr(WRONG[number])[:40],
            got,
            allowed=REFUSED | ({200, 201, 204} if empty else set()),
        )
    assert not wrong, told(wrong)


async def test_a_body_said_to_be_something_else(client, world, connection):
    cells = [(route, kind) for route in CASES for kind in TYPES]
    wrong = []
    for route, kind in some(cells, 120):
        content = encoded(CASES[route].content(world))
        async with undone(connection):
            got = await send(client, world, route, content, content_type=kind)
        wrong += faults(route, kind, got, allowed={415} if kind else REFUSED | {200, 201, 204})
    assert not wrong, told(wrong)


async def test_if_match_of_another_shape_is_refused_by_name(client, world, connection):
    changes = [r for r in CASES if r.split(" ")[0] in {"PUT", "PATCH"} and "locale" not in r]
    wrong = []
    for route, value in some([(r, v) for r in changes for v in MATCHES], 200):
        content = encoded(CASES[route].content(world))
        async with undone(connection):
            got = await send(client, world, route, content, if_match=value.encode())
        equal = value in {'"1" ', '"0001"', '"1\t"'}
        wrong += faults(route, value, got, allowed={400, 412} | ({200, 204} if equal else set()))
        if got.status_code == 400 and "If-Match" not in got.text:
            wrong.append(f"{route} [{value}] does not name the header: {got.text[:120]}")
    for route in changes:
        case = CASES[route]
        headers = {k: v for k, v in headers_of(case, world).items() if k != "if-match"}
        method, path = route.split(" ")
        where = address(path, world, world.things[case.state])
        got = await client.request(method, where, json=case.content(world), headers=headers)
        wrong += faults(route, "none", got, allowed={428})
    assert not wrong, told(wrong)


CREATING = [
    "POST /api/proposals", "POST /api/institutions", "POST /api/proposals/{proposal_id}/participations",
    "POST /api/proposals/{proposal_id}/members", "POST /api/participations/{participation_id}/invitations", "POST /api/calls",
    "POST /api/proposals/{proposal_id}/assignments", "POST /api/proposals/{proposal_id}/dismissals", "POST /api/roles",
    "POST /api/institutions/{institution_id}/officers", "POST /api/admin/providers",
]  # fmt: skip


async def test_a_key_is_for_one_body_and_makes_one_thing(client, world, connection):
    wrong = []
    for route in CREATING:
        body = CASES[route].content(world)
        async with undone(connection):
            first = await send(client, world, route, encoded(body), idempotency_key="k-1")
            again = await send(client, world, route, encoded(body), idempotency_key="k-1")
            other = await send(client, world, route, encoded(body) + b" ", idempotency_key="k-1")
        if (
            first.status_code != 201
            or again.status_code != 201
            or first.json()["id"] != again.json()["id"]
        ):
            wrong.append(f"{route}: {first.text[:100]} {again.status_code} {again.text[:100]}")
        wrong += faults(route, "another body", other, allowed={409})
        for value in KEYS:
            async with undone(connection):
                got = await send(
                    client, world, route, encoded(body), idempotency_key=value.encode()
                )
            wrong += faults(
                route, repr(value)[:20], got, allowed={400} if value.strip() else {201, 400}
            )
    assert not wrong, told(wrong)


def driven(app: Any) -> list[tuple[str, str]]:
    """Return (method, path) of every route of the API."""
    return sorted(
        (method, route.path_format)
        for route in app.routes
        if route.path_format.startswith("/api/") and not route.path_format.startswith("/api/schema")
        for handler in route.route_handlers
        for method in handler.http_methods
        if method not in {"OPTIONS", "HEAD"}
    )


async def test_ids_that_are_none_or_of_another_thing(app, client, world, connection):
    things = world.things[State.DRAFT]
    others = [str(things.proposal.id), str(world.ids["a"]), str(things.participation), str(uuid4()), str(things.proposal.id).upper(),
              f"{{{things.proposal.id}}}", things.proposal.id.hex]  # fmt: skip
    routes = [(m, p) for m, p in driven(app) if "{" in p]
    cells = [
        (m, p, id_, who)
        for m, p in routes
        for id_ in [*IDS, *others]
        for who in ("lead", "coordinator")
    ]
    wrong = []
    for method, path, id_, who in some(cells, 500):
        parts = [quote(id_, safe="") if part.startswith("{") else part for part in path.split("/")]
        headers = {**world.headers[who], **key(), "if-match": '"1"'}
        async with undone(connection):
            got = await client.request(
                method,
                "/".join(parts),
                headers=headers,
                json={} if method in {"POST", "PUT", "PATCH"} else None,
            )
        client.cookies.clear()
        known = id_ in {*others, "", ".."}  # the last two are the path of something else
        wrong += faults(
            f"{method} {path}",
            id_[:50],
            got,
            allowed=REFUSED | ({200, 201, 204} if known else set()),
        )
    assert not wrong, told(wrong)


FIRST = (
    "lead",
    "coordinator",
    "officer",
    "approver",
    "auditor",
    "audit_administrator",
    "security_administrator",
)
"""Who may see a list; the first who is let in, or is asked to say more, looks at it."""


async def lists(app: Any, client: Any, world: World) -> dict[str, tuple[str, list[str]]]:
    """Return every address that takes a query, who asks there, and what may be asked."""
    found = {}
    for path, item in app.openapi_schema.to_schema()["paths"].items():
        names = [p["name"] for p in item.get("get", {}).get("parameters", []) if p["in"] == "query"]
        if not names:
            continue
        where = address(path, world, world.things[State.SUBMITTED])
        who = None
        for name in FIRST:
            got = await client.get(where, headers=world.headers[name])
            client.cookies.clear()
            if got.status_code in {200, 400}:
                who = name
                break
        assert who, f"nobody sees {path}"
        found[where] = (who, names)
    return found


@pytest.mark.slow
async def test_queries_that_are_none(app, client, world):
    found = await lists(app, client, world)
    cells = [
        (path, who, name, value)
        for path, (who, names) in found.items()
        for name in names
        for value in [*QUERIES, *LIMITS]
    ]
    wrong = []
    for path, who, name, value in some(cells, 500):
        got = await client.get(f"{path}?{name}={value}", headers=world.headers[who])
        client.cookies.clear()
        wrong += faults(f"GET {path}", f"{name}={value[:40]}", got, allowed=REFUSED | {200})
    assert not wrong, told(wrong)


async def test_a_limit_is_a_number_from_1_to_100(app, client, world):
    found = await lists(app, client, world)
    beside = f"person_id={world.ids['lead']}&"
    cells = [
        (f"{path}?{beside * ('person_id' in names)}", who, value)
        for path, (who, names) in found.items()
        if "limit" in names
        for value in LIMITS
    ]
    for path, who, value in cells:
        got = await client.get(f"{path}limit={value}", headers=world.headers[who])
        if value == "%31":
            assert got.status_code == 200, (value, got.text)
            continue
        assert got.status_code == 400, (value, got.text)
        assert [e["field"] for e in got.json()["errors"]] == ["limit"], got.text
    for path, who, right in {(p, w, n) for p, w, _ in cells for n in ("1", "100")}:
        got = await client.get(f"{path}limit={right}", headers=world.headers[who])
        assert got.status_code == 200, (path, right, got.text)


async def test_an_unknown_parameter_or_order_changes_nothing_or_is_named(app, client, world):
    for path, (who, _) in (await lists(app, client, world)).items():
        for query in (
            "sort=score",
            "order=-id",
            "page=-1",
            "page=1000000000",
            "__proto__=1",
            "a[]=1&a[]=2",
        ):
            got = await client.get(f"{path}?{query}", headers=world.headers[who])
            assert got.status_code in {200, 400}, (path, query, got.text)


@pytest.mark.parametrize(
    "header",
    [
        "x-invitation",
        "cookie",
        "accept-language",
        "x-session",
        "sec-fetch-site",
        "if-none-match",
        "range",
        "x-forwarded-for",
        "x-http-method-override",
    ],
)
async def test_headers_that_are_none(client, world, header):
    for value in (
        "",
        "x",
        "a" * 60_000,
        b"\xff\xfe",
        "名".encode(),
        "lianyan_session=",
        "lianyan_session=" + "a" * 5000,
        "zh;q=abc,*;q=2",
        "bytes=0-1,1-2",
        "PUT",
        "*",
    ):
        for path in ("/api/session", "/api/invitation", "/api/tasks", "/api/projects"):
            headers: dict[str, Any] = {**world.headers["lead"], header: value}
            got = await client.get(path, headers=headers)
            assert problem(got) is None, (path, header, value[:30], got.text[:200])
            assert got.status_code in REFUSED | {200}, (path, header, got.text[:200])


def test_the_actors_are_those_of_the_matrix():
    assert {case.who for case in CASES.values()} <= set(STANDING)
