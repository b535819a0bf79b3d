"""Senders from chosen addresses, and a clock that stands until it is moved."""

from contextlib import asynccontextmanager

import httpx2

from makers import ORIGIN

CAMPUS = "203.0.113.7"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@asynccontextmanager
async def at(app, address=CAMPUS, **headers):
    """Give a client whose packets come from `address`."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(address, 5000))
    headers = {"x-lianyan": "1", "origin": ORIGIN, **headers}
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
        yield client


async def statuses(client, times, path="/api/providers", headers=()):
    """Ask `times` times; `headers` are one for each, over and over."""
    found = []
    for number in range(times):
        more = headers[number % len(headers)] if headers else {}
        found.append((await client.get(path, headers=more)).status_code)
        client.cookies.clear()
    return found


def passed(found):
    return sum(status < 429 for status in found)
