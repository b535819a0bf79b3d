"""Every field of every body takes every hostile text, number and date: refused by name, or stored as sent."""

import json
import unicodedata
from typing import Any

import pytest
from sqlalchemy import text

from hostile.cases import CASES, PROSE, READER, address
from hostile.counted import COUNTS
from hostile.inputs import AMOUNTS, DATES, IDS, NUMBERS, TEXTS, WRONG
from hostile.sending import LONG, contents, encoded, placed, problem, send, some, thing_of, undone
from lianyan.calls.presets import standard_form

CELLS = 850
LOOKS = 10 if LONG else 20
"""After every so many refusals the whole database is looked at."""
PARTS = 24 if LONG else 2
"""In so many transactions: one that has undone thousands of requests is slow."""
EDGES = "\u200b\u2060\ufeff"
INSTANTS = {"opens_at", "closes_at", "reviews_until", "decides_at", "until", "starts"}
UNCHANGED = {
    "country",
    "province",
    "code",
    "ror",
    "sort_key",
    "email",
    "phone",
    "orcid",
    "prefix",
    "contact",
}
"""Codes and addresses: kept in the one form in which they are compared."""

VALUES: dict[str, list[Any]] = {
    "text": [*TEXTS, *WRONG],
    "instant": [*DATES, *WRONG, *TEXTS[::10]],
    "amount": [*AMOUNTS, *WRONG, *TEXTS[::6]],
    "uuid": [*IDS, *WRONG, *TEXTS[::20]],
    "enum": [*TEXTS[::8], *WRONG],
    "integer": [*NUMBERS, *WRONG],
    "boolean": [*WRONG, "true", 2],
    "container": WRONG,
}
QUESTIONS = {q.id: q for _, q in standard_form().questions()}
TYPES = {
    "text": "text",
    "number": "integer",
    "amount": "integer",
    "month": "instant",
    "choice": "enum",
}


def template(route: str) -> str:
    """Return the route as the API's description names it."""
    before, found, _ = route.partition("/sections/")
    return f"{before}/sections/{{section}}" if found else route


def described(app: Any) -> dict[str, Any]:
    """Return the schema of every body, by `METHOD /path`."""
    document = app.openapi_schema.to_schema()
    found = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "requestBody" in operation:
                content = operation["requestBody"]["content"]
                found[f"{method.upper()} {path}"] = next(iter(content.values()))["schema"]
    found["components"] = document["components"]["schemas"]
    return found


def resolved(schema: Any, components: Any) -> list[Any]:
    """Return the alternatives of a schema, null left out."""
    if "$ref" in schema:
        return resolved(components[schema["$ref"].rpartition("/")[2]], components)
    if "oneOf" in schema:
        return [s for one in schema["oneOf"] for s in resolved(one, components)]
    return [] if schema.get("type") == "null" else [schema]


def leaves(
    schema: Any, components: Any, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], str]]:
    """Return every place of a body with what kind of value it takes; `*` stands for any key."""
    found: list[tuple[tuple[str, ...], str]] = []
    for one in resolved(schema, components):
        if "properties" in one:
            if path:
                found.append((path, "container"))
            for name, inner in one["properties"].items():
                found += leaves(inner, components, (*path, name))
        elif one.get("type") == "array":
            found.append((path, "container"))
            found += leaves(one["items"], components, (*path, "0"))
        elif one.get("type") == "object":
            found.append((path, "container"))
            inner = one.get("additionalProperties")
            found += leaves(inner if isinstance(inner, dict) else {}, components, (*path, "*"))
        else:
            found.append((path, _kind(one, path)))
    return found


def _kind(schema: Any, path: tuple[str, ...]) -> str:
    if "enum" in schema or "const" in schema:
        return "enum"
    if schema.get("format") == "uuid":
        return "uuid"
    if path[-1] in INSTANTS:
        return "instant"
    if path[-1] == "amount":
        return "amount"
    return {"integer": "integer", "boolean": "boolean"}.get(schema.get("type", ""), "text")


def places(
    route: str, schema: Any, components: Any, body: Any
) -> list[tuple[tuple[str, ...], str]]:
    """Return the places of a route's body, with the keys that the right body has for `*`."""
    if "/sections/" in route:
        found = [(("answers",), "container")]
        for question in body["answers"]:
            kind = TYPES.get(QUESTIONS[question].type, "container")
            found.append((("answers", question), kind))
            if kind == "container":
                found.append((("answers", question, "0"), "enum"))
        return found
    found = []
    for path, kind in leaves(schema, components):
        if "*" not in path:
            found.append((path, kind))
            continue
        at = path.index("*")
        inside = body
        for name in path[:at]:
            inside = inside[name]
        found += [((*path[:at], name, *path[at + 1 :]), kind) for name in inside]
    return found


def test_every_route_with_a_body_is_in_the_table(app):
    schemas = described(app)
    schemas.pop("components")
    assert {template(route) for route in CASES} == set(schemas)


async def test_the_bodies_of_the_table_are_right_and_whole(app, client, world, connection):
    schemas = described(app)
    components = schemas.pop("components")
    for route, case in CASES.items():
        body = case.content(world)
        for path, _ in places(route, schemas[template(route)], components, body):
            inside = body
            for name in path:
                assert (
                    (int(name) < len(inside)) if isinstance(inside, list) else (name in inside)
                ), (route, path)
                inside = inside[int(name)] if isinstance(inside, list) else inside[name]
        async with undone(connection):
            got = await send(client, world, route, encoded(body))
        assert (got.status_code < 300) == case.ok, (route, got.status_code, got.text)


def stored_as(sent: str, *, prose: bool) -> str:
    """Return what a text becomes: NFC; line breaks as one line feed; a line without its ends."""
    found = unicodedata.normalize("NFC", sent.replace("\r\n", "\n"))
    while not prose and (cut := found.strip().strip(EDGES)) != found:
        found = cut
    return found


def invisible(sent: str) -> bool:
    return all(
        c.isspace() or unicodedata.category(c) in {"Cf", "Cc"} or c in "\u2800\u034f\ufe0f"
        for c in sent
    )


async def stored(client: Any, world: Any, connection: Any, route: str, where: str) -> Any:
    """Return what is found where a field comes back."""
    case = CASES[route]
    thing = thing_of(world, case)
    if where.startswith("select"):
        values = {"proposal": thing.proposal.id} if ":proposal" in where else {}
        return (await connection.execute(text(where), values)).scalar()
    path, _, inside = where.partition(" ")
    who = READER.get(case.who, case.who)
    if path.startswith("/api/participations") or "/proposals/{proposal_id} part" in where:
        who = "lead"
    got = await client.get(address(path, world, thing), headers=world.headers[who])
    client.cookies.clear()
    assert got.status_code == 200, (route, got.text)
    found = got.json()
    for name in inside.split("."):
        if isinstance(found, list):
            found = found[int(name)] if found else None
        else:
            found = (found or {}).get(name)
    return found


BESIDE = {"name": "sort_key"}
"""A field that is refused too because it no longer fits the other."""


def concerns(named: str, path: tuple[str, ...]) -> bool:
    """Say whether a refusal's field is the place, something inside it or what holds it."""
    place = ".".join(path)
    return (
        named in {"body", BESIDE.get(place)}
        or f"{named}.".startswith(f"{place}.")
        or f"{place}.".startswith(f"{named}.")
    )


def judge(got: Any, path: tuple[str, ...], kind: str) -> str | None:
    """Return what is wrong with an answer."""
    if wrong := problem(got):
        return wrong
    if got.status_code != 400:
        return (
            None
            if got.status_code < 300 or got.status_code in {404, 409, 413}
            else f"{got.status_code} {got.text[:200]}"
        )
    named = [e["field"] for e in got.json()["errors"]]
    if not named or not all(concerns(name, path) for name in named):
        return f"names {named} {got.text[:200]}"
    return None


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
async def test_every_field_refuses_by_name_or_stores_as_sent(app, client, world, connection, part):
    schemas = described(app)
    components = schemas.pop("components")
    cells = [
        (route, path, kind, number)
        for route, case in CASES.items()
        for path, kind in places(route, schemas[template(route)], components, case.content(world))
        for number in range(len(VALUES[kind]))
    ]
    wrong = []
    before = await contents(connection)
    for route, path, kind, number in some(cells, CELLS)[part::PARTS]:
        value = VALUES[kind][number]
        body = placed(CASES[route].content(world), path, value)
        async with undone(connection):
            got = await send(client, world, route, encoded(body))
            fault = judge(got, path, kind)
            if got.status_code >= 400 and COUNTS["refusals"] % LOOKS == 0:
                COUNTS["refusals looked at"] += 1
                if await contents(connection) != before:
                    COUNTS["stored though refused"] += 1
                    fault = f"stored something, {got.status_code}"
            where = CASES[route].reads.get(".".join(path))
            if fault is None and got.status_code < 300 and where and isinstance(value, str):
                found = await stored(client, world, connection, route, where)
                COUNTS["read again"] += 1
                want = stored_as(value, prose=path[-1] in PROSE)
                if (
                    found != want
                    and not (invisible(want) and found in {None, ""})
                    and path[-1] not in UNCHANGED
                ):
                    COUNTS["altered"] += 1
                    fault = f"stored {found!r:.80}"
        if fault:
            wrong.append(f"{route} {'.'.join(path)} {json.dumps(value)[:60]}: {fault}")
    assert not wrong, f"{len(wrong)} of them:\n" + "\n".join(wrong[:80])
