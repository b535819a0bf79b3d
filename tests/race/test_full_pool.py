"""Every connection of the running server is taken: who came in time is in time, however long it waits."""

import asyncio
from datetime import datetime

import httpx2
import pytest
from sqlalchemy import text

from lianyan.settings import Settings
from proposals.team_world import build, copy
from race.long import LONG

pytestmark = pytest.mark.xdist_group("race")

HELD = 3.0 if LONG else 1.2
"""So many seconds no connection is free."""


async def test_waiting_for_a_connection_costs_nobody_the_deadline(ring):
    client = httpx2.AsyncClient(base_url=ring.origin, timeout=30)
    await ring.stack.enter_async_context(client)
    async with ring.sessions.begin() as session:
        team = await build(client, session)
    for headers in team.headers.values():
        headers["origin"] = ring.origin
    first = await team.complete(team.b)
    async with ring.sessions.begin() as session:
        second, third = [await copy(session, first) for _ in range(2)]
    hashes = [
        {"rev_hash": (await team.get("lead", f"/proposals/{p}"))["content_hash"]}
        for p in (first, second, third)
    ]

    async def submit(proposal: str, sent: dict[str, str]) -> httpx2.Response:
        return await team.send("lead", "POST", f"/proposals/{proposal}/submit", sent)

    async with ring.sessions() as outside:
        lock = text("select from proposals where id = :id for update")
        await outside.execute(lock, {"id": third})
        size = Settings().pool_size
        busy = [
            asyncio.create_task(team.save("lead", third, "aims", {"aims": f"占位 {n}"}))
            for n in range(size)
        ]
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        while await ring.one(waits) < size:
            await asyncio.sleep(0.02)
        closes = "update calls set closes_at = clock_timestamp() + interval '0.5 s' where id = '{}'"
        await ring.rig.ask(closes.format(team.call.id) + " returning id")
        in_time = asyncio.create_task(submit(first, hashes[0]))
        await asyncio.sleep(HELD)
        assert not in_time.done(), "it waits for a connection, and the call has closed meanwhile"
        late = asyncio.create_task(submit(second, hashes[1]))
        await asyncio.sleep(0.2)
        await outside.rollback()
    got = await in_time
    assert got.status_code == 200, got.text
    ended = await ring.one(f"select closes_at from calls where id = '{team.call.id}'")
    assert datetime.fromisoformat(got.json()["at"]) < ended
    assert (await late).json()["code"] == "proposals.call_closed"
    await asyncio.gather(*busy)
