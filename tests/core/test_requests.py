"""Around every request: where it may come from, what every answer carries, what is logged of it."""

import json
import logging

import pytest

from lianyan.core.logs import Lines
from lianyan.core.requests import Requests
from makers import login, make_institution, make_person


@pytest.fixture
async def headers(session):
    person = await make_person(session, "示例用户", institution=await make_institution(session))
    return await login(session, person)


async def test_a_change_from_another_page_is_refused_before_anything_reads_it(client, headers):
    change = {"locale": "en"}
    for wrong in (
        {"origin": "https://evil.example"},
        {"x-lianyan": "2"},
        {"sec-fetch-site": "cross-site"},
    ):
        got = await client.put("/api/session/locale", json=change, headers={**headers, **wrong})
        assert got.status_code == 403
        assert got.json()["code"] == "problems.foreign_origin"
    got = await client.put("/api/session/locale", json=change, headers=headers)
    assert got.status_code == 204


@pytest.mark.parametrize("base", ["", "/portal"])
def test_the_rule_holds_under_a_sub_path_too(base):
    guard = Requests(lambda *_: None, "https://lianyan.example", base)
    scope = {"method": "POST", "path": f"{base}/api/calls", "query_string": b"", "headers": []}
    assert guard.refusal(scope) == (403, "problems.foreign_origin")
    assert guard.refusal({**scope, "method": "GET"}) is None


@pytest.mark.parametrize("query", ["q=%00", "q=%d8%00", "q=%D8"])
async def test_a_query_that_is_no_text_is_refused(client, query):
    got = await client.get(f"/api/projects?{query}")
    assert got.status_code == 400


async def test_every_answer_carries_the_browsers_limits_and_a_number(client):
    for path in ("/", "/api/home", "/api/nowhere", "/api/settings"):
        got = await client.get(path)
        assert "default-src 'none'" in got.headers["content-security-policy"]
        assert got.headers["x-frame-options"] == "DENY"
        assert len(got.headers["x-request-id"]) == 16


async def test_one_line_is_logged_a_request_and_names_nobody(client, headers, caplog):
    with caplog.at_level(logging.INFO, "lianyan.requests"):
        await client.get("/api/people?q=示例", headers=headers)
    (record,) = [r for r in caplog.records if r.name == "lianyan.requests"]
    line = json.loads(Lines().format(record))
    assert set(line) - {"at", "level", "event"} == {
        "id",
        "route",
        "method",
        "actor",
        "status",
        "ms",
        "sql",
    }
    assert line["status"] == 200
    assert "示例" not in str(line)


async def test_the_line_counts_the_statements(committed, caplog):
    with caplog.at_level(logging.INFO, "lianyan.requests"):
        await committed.client.get("/api/home")
        await committed.client.put("/api/session/locale", json={"locale": "zh"})
    counts = [r.fields["sql"] for r in caplog.records if r.name == "lianyan.requests"]
    assert counts[0] == 1


async def test_the_demo_calls_this_machine_by_one_name(client):
    got = await client.get("/proposals", headers={"host": "localhost:8000"})
    assert (got.status_code, got.headers["location"]) == (307, "http://127.0.0.1:8000/proposals")
    assert (await client.get("/proposals")).status_code == 200


WRITING = {"session", "visitor", "actor", "once", "rev", "data"}


def test_no_get_can_change_anything(app):
    """A page elsewhere can make any browser send a GET: none has a session to write with.

    The one that ends a login is answered once, and only to the browser that has begun it.
    """
    found = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if "GET" in getattr(handler, "http_methods", ()):
                found[route.path] = set(handler.parsed_fn_signature.parameters)
    assert len(found) > 30
    assert {name for name, taken in found.items() if taken & WRITING} == set()
