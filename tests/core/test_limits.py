"""Rate limits: whom a request is counted to, what is refused, and that nobody is locked out by another."""

import asyncio
import logging

import msgspec
import pytest
from sqlalchemy import func, select, update

from core.limiting import CAMPUS, Clock, at, passed, statuses
from figures import figure
from lianyan.core.events import Event
from lianyan.core.limits import Limits
from lianyan.identity.commands import invite_administrator
from lianyan.identity.models import Session
from lianyan.settings import Rate
from makers import login, make_institution, make_person

PROXY = "10.1.2.3"


# ---- what no sender can choose ----


async def test_a_made_up_forwarded_address_changes_nothing(app, limit):
    limit(limit_visits=Rate(5, 60))
    made_up = [
        {"x-forwarded-for": f"198.51.{n}.{n}", "x-real-ip": f"198.51.{n}.9"} for n in range(90)
    ]
    made_up += [{"forwarded": f"for=198.51.100.{n}"} for n in range(10)]
    async with at(app) as client:
        assert passed(await statuses(client, 100, headers=made_up)) == 5


async def test_behind_a_listed_proxy_only_its_own_word_counts(app, limit):
    limit(limit_visits=Rate(5, 60), trusted_proxies=("10.0.0.0/8",))
    made_up = [{"x-forwarded-for": f"198.51.100.{n}, {CAMPUS}"} for n in range(100)]
    async with at(app, PROXY) as client:
        assert passed(await statuses(client, 100, headers=made_up)) == 5
        other = [{"x-forwarded-for": f"{CAMPUS}, 203.0.113.8"}]
        assert passed(await statuses(client, 5, headers=other)) == 5


async def test_cookies_and_agents_change_nothing(app, limit):
    limits = limit(limit_visits=Rate(5, 60))
    headers = [
        {"cookie": f"lianyan_session={n:043d}; lianyan_login={n}", "user-agent": f"agent {n}"}
        for n in range(100)
    ]
    async with at(app) as client:
        assert passed(await statuses(client, 100, headers=headers)) == 5
    assert not limits.known
    assert len(limits.visits.empty) == 1


async def test_all_of_an_ipv6_network_is_one_sender(app, limit):
    limit(limit_visits=Rate(5, 60))
    found = []
    for number in range(50):
        async with at(app, f"2001:db8:1:2:{number:x}::{number:x}") as client:
            found += await statuses(client, 2)
    assert passed(found) == 5
    async with at(app, "2001:db8:1:3::1") as client:
        assert passed(await statuses(client, 5)) == 5


async def test_one_person_on_fifty_connections_is_one_person(committed):
    settings = msgspec.structs.replace(committed.app.state.settings, limit_reads=Rate(40, 60))
    async with committed.sessions.begin() as session:
        home = await make_institution(session)
        person = await make_person(session, institution=home)
        tokens = [await login(session, person) for _ in range(5)]
        neighbour = await login(session, await make_person(session, institution=home))
    outer = committed.app.asgi_handler
    outer.app = Limits(outer.app, settings, committed.app.state, Clock())

    async def connection(number):
        async with at(committed.app, f"203.0.113.{number}") as client:
            return await statuses(client, 4, "/api/settings", [tokens[number % 5]])

    async def all_at_once():
        return [s for part in await asyncio.gather(*map(connection, range(50))) for s in part]

    found = await all_at_once()
    # What was on its way before the first answer came is beyond it: at most one a connection.
    assert 40 <= passed(found) <= 40 + 50
    assert passed(await all_at_once()) == 0
    async with at(committed.app, "203.0.113.1") as client:
        assert passed(await statuses(client, 40, "/api/settings", [neighbour])) == 40
    figure(
        "one person on 50 connections and 50 addresses: requests above the limit after the first",
        "0",
        "0",
        held=True,
    )


# ---- who is who ----


async def test_a_noisy_person_stops_no_neighbour(app, limit, session):
    limits = limit(limit_reads=Rate(10, 60), limit_visits=Rate(30, 60))
    home = await make_institution(session)
    noisy = await login(session, await make_person(session, "甲", institution=home))
    quiet = await login(session, await make_person(session, "乙", institution=home))
    async with at(app) as client:
        assert passed(await statuses(client, 60, "/api/settings", [noisy])) == 10
        assert passed(await statuses(client, 10, "/api/settings", [quiet])) == 10
        # What turned out to be a person's was given back to the address.
        assert passed(await statuses(client, 60)) == 30
    assert len(limits.known) == 2


async def test_a_session_that_is_over_is_its_persons_no_more(app, limit, session):
    limits = limit(limit_reads=Rate(10, 60), limit_visits=Rate(3, 60))
    person = await make_person(session, "甲", institution=await make_institution(session))
    old, new = await login(session, person), await login(session, person)
    async with at(app) as client:
        assert passed(await statuses(client, 5, "/api/settings", [old])) == 5
        old_row = select(Session.id).where(Session.person_id == person.id)
        await session.execute(
            update(Session)
            .where(Session.id == old_row.order_by(Session.id).limit(1).scalar_subquery())
            .values(revoked_at=func.clock_timestamp())
        )
        assert (await statuses(client, 6, "/api/settings", [old])) == [401] * 4 + [429] * 2
        assert len(limits.known) == 0
        assert (await client.get("/api/settings", headers=new)).status_code == 429
    async with at(app, "203.0.113.9") as client:
        assert (await statuses(client, 5, "/api/settings", [new])) == [200] * 4 + [429]


async def test_writes_searches_and_reads_are_counted_apart(app, limit, session):
    limit(limit_reads=Rate(3, 60), limit_writes=Rate(2, 60), limit_searches=Rate(1, 60))
    person = await make_person(session, "甲", institution=await make_institution(session))
    headers = await login(session, person)
    async with at(app) as client:
        assert await statuses(client, 4, "/api/settings", [headers]) == [200] * 3 + [429]
        assert await statuses(client, 2, "/api/projects?q=光", [headers]) == [200, 429]
        assert await statuses(client, 1, "/api/projects?q=", [headers]) == [429]
        for status in (204, 204, 429):
            got = await client.put("/api/session/locale", json={"locale": "zh"}, headers=headers)
            assert got.status_code == status
            client.cookies.clear()


async def test_pages_are_counted_health_and_files_are_not(app, limit, session):
    limit(limit_visits=Rate(2, 60))
    async with at(app) as client:
        assert (await client.head("/proposals")).status_code == 200
        assert (await client.get("/")).status_code == 200
        refused = await client.get("/", headers={"accept-language": "en"})
        assert refused.status_code == 429
        for _ in range(5):
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/assets/none.js")).status_code == 404
    assert refused.headers["content-type"] == "text/html; charset=utf-8"
    assert 'lang="en"' in refused.text
    assert 'http-equiv="refresh" content="30"' in refused.text
    assert "default-src 'none'" in refused.headers["content-security-policy"]


# ---- the answer ----


@pytest.mark.parametrize("language, word", [("zh", "40 秒后再试"), ("en", "in 40 seconds")])
async def test_the_refusal_says_when_to_come_back(app, limit, clock, language, word):
    limit(limit_visits=Rate(3, 120))
    async with at(app) as client:
        await statuses(client, 3)
        refused = await client.get("/api/providers", headers={"accept-language": language})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "40"
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["cache-control"] == "no-store"
        problem = refused.json()
        assert (problem["code"], problem["params"]) == ("problems.too_many_requests", {"count": 40})
        assert word in problem["detail"]
        clock.now += int(refused.headers["retry-after"])
        assert (await client.get("/api/providers")).status_code == 200


async def test_nothing_is_read_and_no_connection_taken_for_a_refusal(app, limit, caplog):
    limit(limit_visits=Rate(1, 60))
    async with at(app) as client:
        await statuses(client, 2)  # the second one writes the event of the hour

    async def unread():
        raise AssertionError

    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/session/renew", "raw_path": b"", "query_string": b"",
        "headers": [(b"x-lianyan", b"1")], "client": (CAMPUS, 1), "state": {}, "http_version": "1.1",
        "server": ("127.0.0.1", 8000), "scheme": "http", "root_path": "", "extensions": {},
    }  # fmt: skip
    with caplog.at_level(logging.INFO, "lianyan.requests"):
        await app(scope, unread, send)
    (line,) = [r.fields for r in caplog.records if r.name == "lianyan.requests"]
    assert sent[0]["status"] == 429
    assert (line["status"], line["sql"], line["limit"]) == (429, 0, "visits")


async def test_one_event_a_key_and_hour_names_the_person_and_no_address(
    app, limit, session, clock, caplog
):
    limit(limit_visits=Rate(1, 60), limit_reads=Rate(1, 60))
    person = await make_person(session, "甲", institution=await make_institution(session))
    headers = await login(session, person)

    async def rush():
        for address in (CAMPUS, "2001:db8::1"):
            async with at(app, address) as client:
                await statuses(client, 5, "/api/settings", [headers])
                await statuses(client, 5)

    async def events():
        wanted = select(Event).where(Event.kind == "limit.refused").order_by(Event.id)
        found = await session.scalars(wanted)
        return list(found)

    with caplog.at_level(logging.INFO):
        await rush()
    first = await events()
    assert [(e.data, e.actor_id) for e in first] == [
        ({"by": "person", "bucket": "reads"}, None),
        ({"by": "address", "bucket": "visits"}, None),
        ({"by": "address", "bucket": "visits"}, None),
    ]
    assert first[0].subject_id == person.id
    assert len({e.subject_id for e in first}) == 3
    assert "203.0.113" not in caplog.text
    assert "2001:db8" not in caplog.text
    clock.now += 3599
    await rush()
    assert len(await events()) == 3
    clock.now += 2
    await rush()
    later = (await events())[3:]
    assert [e.subject_id for e in later] == [e.subject_id for e in first]
    clock.now += 86_400
    await rush()
    assert (await events())[7].subject_id != first[1].subject_id


async def test_a_sender_with_many_addresses_does_not_fill_the_log(limit, session):
    limits = limit()
    for number in range(260):
        await limits._record(limits.visits, f"10.0.{number // 256}.{number % 256}")
    kinds = select(func.count()).select_from(Event).where(Event.kind == "limit.refused")
    assert await session.scalar(kinds) == 200


# ---- dead links ----


async def test_who_hammers_dead_links_locks_out_no_neighbour(app, limit, session, settings):
    limits = limit()
    link = await invite_administrator(session, settings, name="管理员", institution="示例大学")
    living = {"x-invitation": link.partition("#administrator=")[2]}
    dead = [{"x-invitation": f"{n:043d}"} for n in range(700)]
    async with at(app) as attacker, at(app) as neighbour:
        half = len(dead) // 2
        tried = await statuses(attacker, half, "/api/invitation", dead[:half])
        tried += await statuses(attacker, half, "/api/administrator-link", dead[half:])
        assert set(tried) == {404, 410, 429} or set(tried) == {410, 429}
        assert passed(tried) == limits.dead_links.room / limits.dead_links.step == 120
        forged = await attacker.get("/auth/nuist/callback?state=a&code=b")
        assert forged.status_code == 429
        assert "text/html" in forged.headers["content-type"]
        assert (await neighbour.get("/api/administrator-link", headers=living)).status_code == 200
        assert (await neighbour.post("/api/administrator-link", headers=living)).status_code == 204
        assert (await neighbour.get("/api/session")).json()["person"]["name"] == "管理员"
    async with at(app, "203.0.113.9") as elsewhere:
        assert await statuses(elsewhere, 2, "/api/administrator-link", dead) == [410, 410]
    figure(
        "dead links hammered from one address: neighbours' living links refused",
        "0",
        "0",
        held=True,
        note=f"{len(tried)} dead ones, {len(tried) - passed(tried)} answered with 429",
    )


async def test_looking_at_living_links_is_not_counted(app, limit, session, settings):
    limits = limit(limit_dead_links=Rate(1, 60))
    link = await invite_administrator(session, settings, name="管理员", institution="示例大学")
    living = [{"x-invitation": link.partition("#administrator=")[2]}]
    async with at(app) as client:
        assert await statuses(client, 5, "/api/administrator-link", living) == [200] * 5
    assert not limits.dead_links.empty
