"""A campus behind one address on the last evening: thousands log in within a minute, nobody is refused."""

import os
from collections import Counter

import httpx2
import msgspec
import pytest

from figures import figure
from lianyan.core.limits import Limits
from lianyan.settings import Rate, Settings
from makers import ORIGIN

LONG = os.environ.get("LIANYAN_LONG") == "1"
CAMPUS = 3000
PEOPLE = CAMPUS if LONG else 15
"""Fewer people have limits that are smaller by as much."""
THROUGH = 10 if LONG else 1
"""Of so many who begin, one walks the whole way: what a person does is counted to nobody else."""
READ = ("/", "/api/session", "/api/home", "/api/tasks", "/api/proposals", "/api/settings")


def scaled(settings):
    rates = {name: value for name in Settings.__struct_fields__ if name.startswith("limit_")
             for value in [getattr(settings, name)]}  # fmt: skip
    by_address = ("limit_visits", "limit_visitor_searches", "limit_logins", "limit_dead_links")
    return {n: Rate(rates[n].most * PEOPLE // CAMPUS, rates[n].seconds) for n in by_address}


@pytest.fixture
def limited(forged, app, settings):
    """Give the gate with the limits a portal has by itself; their clock stands: all come at once."""
    outer = app.asgi_handler
    inner, settings = outer.app, msgspec.structs.replace(settings, **scaled(settings))
    outer.app = Limits(inner, settings, app.state, lambda: 1000.0)
    yield forged
    outer.app = inner


async def test_a_campus_behind_one_address_logs_in_and_reads(limited, app):
    gate, answers = limited, Counter()
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=("203.0.113.7", 1))
    for number in range(PEOPLE):
        async with httpx2.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"x-lianyan": "1", "origin": ORIGIN}
        ) as client:
            for path in ("/login", "/api/session", *(f"/api/providers?q={'示例大学'[:n]}" for n in (1, 2, 4))):  # fmt: skip
                answers[(await client.get(path)).status_code] += 1
            if number % THROUGH:
                await gate.begin("forged", client=client)
                continue
            gate.forger.claims = {"sub": f"s{number}", "name": f"示例{number}"}
            back = await gate.forge(client=client)
            assert back.status_code == 303, back.text
            for path in READ:
                answers[(await client.get(path)).status_code] += 1
    assert dict(answers) == {200: PEOPLE * 5 + PEOPLE // THROUGH * len(READ)}
    if LONG:
        figure(
            f"rate limits: {CAMPUS} people behind one address begin a login and read at one moment: refused",
            "0",
            str(answers[429]),
            held=not answers[429],
            note=f"{sum(answers.values()) + PEOPLE + PEOPLE // THROUGH} requests",
        )
