"""What HTTP lets a client say about a request: packed bodies, overrides, ranges, paths, doubled members."""

import gzip
from typing import Any

import pytest

from hostile.cases import CASES, address
from hostile.counted import distinct
from hostile.inputs import DOUBLED, OVERRIDES, PACKINGS, RANGES, RAW_NUMBERS, SEGMENTS
from hostile.sending import encoded, placed, problem, send, some, undone
from hostile.test_requests import REFUSED, driven, faults, told
from hostile.test_texts import described, places, template
from lianyan.proposals.states import State
from makers import key


def cells_of(app: Any, world: Any, kinds: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return every place of every body that takes one of these kinds."""
    schemas = described(app)
    components = schemas.pop("components")
    return [
        (route, path)
        for route, case in CASES.items()
        for path, kind in places(route, schemas[template(route)], components, case.content(world))
        if kind in kinds
    ]


def test_there_are_enough_inputs():
    print(f"hostile inputs: {distinct()} distinct")
    assert distinct() >= 150


async def test_a_packed_body_is_refused_unopened(client, world, connection):
    bomb = gzip.compress(gzip.compress(b'{"reason": "' + bytes(20_000_000)))
    wrong = []
    for route, packing in some([(r, p) for r in CASES for p in PACKINGS], 60):
        right = gzip.compress(encoded(CASES[route].content(world)))
        for content in (bomb, right):
            async with undone(connection):
                got = await send(client, world, route, content, content_encoding=packing)
            wrong += faults(route, packing, got, allowed={415})
    assert not wrong, told(wrong)


@pytest.mark.parametrize("body", DOUBLED)
async def test_a_member_that_comes_twice_is_named(client, world, body):
    got = await send(client, world, "POST /api/proposals/{proposal_id}/withdraw", body)
    assert got.status_code == 400, got.text
    assert got.json()["errors"][0]["field"] == "reason"
    assert got.json()["errors"][0]["code"] == "problems.doubled_field"


async def test_a_text_is_no_number_and_no_answer_to_yes_or_no(app, client, world, connection):
    wrong = []
    for route, path in cells_of(app, world, {"integer", "boolean"}):
        right = CASES[route].content(world)
        inside: Any = right
        for name in path:
            inside = inside[int(name)] if isinstance(inside, list) else inside[name]
        for value in (str(inside), str(inside).lower(), "1", "true"):
            async with undone(connection):
                body = encoded(placed(right, path, value))
                got = await send(client, world, route, body)
            wrong += faults(f"{route} {'.'.join(path)}", repr(value), got, allowed={400})
    assert not wrong, told(wrong)


async def test_numbers_written_otherwise(app, client, world, connection):
    cells = [(*c, n) for c in cells_of(app, world, {"integer"}) for n in RAW_NUMBERS]
    wrong = []
    for route, path, number in some(cells, 80):
        body = encoded(placed(CASES[route].content(world), path, "@here"))
        async with undone(connection):
            got = await send(client, world, route, body.replace(b'"@here"', number.encode()))
        wrong += faults(
            f"{route} {'.'.join(path)}", number[:30], got, allowed={200, 201, 204, 400, 404, 409}
        )
    assert not wrong, told(wrong)


async def test_an_id_of_another_thing_is_refused(app, client, world, connection):
    draft, other = world.things[State.DRAFT], world.things[State.PEER_REVIEW]
    others = [draft.proposal.id, other.participation, other.member, other.assignment, other.decision, other.invitation,
              world.ids["call"], world.ids["a"], world.ids["lead"]]  # fmt: skip
    cells = [(*c, o) for c in cells_of(app, world, {"uuid"}) for o in others]
    wrong = []
    for route, path, one in some(cells, 80):
        right = CASES[route].content(world)
        # Whether an id is of the right sort is the command's to say; a braced one is no id at all.
        for value, allowed in (
            (str(one), REFUSED | {200, 201, 204}),
            (str(one).upper(), REFUSED | {200, 201, 204}),
            (f"{{{one}}}", {400}),
        ):
            async with undone(connection):
                body = encoded(placed(right, path, value))
                got = await send(client, world, route, body)
            wrong += faults(f"{route} {'.'.join(path)}", value, got, allowed=allowed)
    assert not wrong, told(wrong)


async def test_a_part_of_another_proposal_is_not_reached_through_this_one(
    client, world, connection
):
    route = "POST /api/proposals/{proposal_id}/extend"
    body = CASES[route].content(world)
    stranger = str(world.things[State.DRAFT].participation)
    async with undone(connection):
        got = await send(client, world, route, encoded({**body, "participation_id": stranger}))
    assert got.status_code in {400, 404}, got.text


@pytest.mark.parametrize("header", OVERRIDES)
async def test_a_method_is_the_one_that_was_sent(client, world, connection, header):
    lead = world.headers["lead"]
    for path in ("/api/settings", "/api/proposals", "/api/projects"):
        plain = await client.get(path, headers=lead)
        got = await client.get(path, headers={**lead, header: "DELETE"})
        assert (got.status_code, got.content) == (plain.status_code, plain.content), path
        got = await client.get(f"{path}?_method=DELETE", headers=lead)
        assert got.status_code in {200, 400}, (path, got.text)
    route = "POST /api/proposals/{proposal_id}/withdraw"
    for method in ("DELETE", "GET", "PUT", "TRACE", "x"):
        async with undone(connection):
            headers: dict[str, Any] = {header.replace("-", "_"): method}
            got = await send(client, world, route, encoded({"reason": "改变计划"}), **headers)
        assert got.status_code < 300, (method, got.text)


@pytest.mark.parametrize("value", RANGES)
async def test_an_answer_is_whole_whatever_range_is_asked(client, world, value):
    for path in ("/api/proposals", "/api/projects", "/api/settings"):
        whole = await client.get(path, headers=world.headers["lead"])
        got = await client.get(path, headers={**world.headers["lead"], "range": value})
        assert got.status_code == 200, (path, got.text)
        assert got.content == whole.content
        assert "content-range" not in got.headers


async def test_a_cookie_of_64_kilobytes_is_nobody(client, world):
    for cookie in (
        "a=" + "b" * 65_536,
        "lianyan_session=" + "b" * 65_536,
        "a=b; " * 13_000,
        "=" * 65_536,
    ):
        got = await client.get("/api/settings", headers={"cookie": cookie})
        assert problem(got) is None
        assert got.status_code in {400, 401, 431}, got.text
        client.cookies.clear()


async def test_strange_parts_of_a_path(app, client, world, connection):
    routes = [(m, p) for m, p in driven(app) if "{" in p]
    wrong = []
    for method, path, strange in some([(*r, s) for r in routes for s in SEGMENTS], 150):
        thing = world.things[State.DRAFT]
        parts = path.split("/")
        last = max(n for n, part in enumerate(parts) if part.startswith("{"))
        parts[last] = strange
        where = address("/".join(parts), world, thing)
        headers = {**world.headers["lead"], **key(), "if-match": '"1"'}
        content = b"{}" if method in {"POST", "PUT", "PATCH"} else b""
        async with undone(connection):
            got = await client.request(method, where, headers=headers, content=content)
        client.cookies.clear()
        # One dot is no part of a path: what is left is another address.
        allowed = REFUSED | ({200, 201, 204} if strange in {".", "%2e"} else set())
        wrong += faults(f"{method} {path}", strange[:40], got, allowed=allowed)
        if "a" in got.cookies:
            wrong.append(f"{method} {path} {strange}: set a cookie")
    assert not wrong, told(wrong)
