"""A provider that is slow or dead keeps nobody else waiting, and its own people not for long."""

import asyncio
import time

import pytest

from idp.forger import Forger, Reply
from idp.gate import Gate, count
from idp.walk import query
from lianyan.identity.breakers import AT_ONCE, FAILURES, REST_S, Breaker, breaker_of
from lianyan.identity.models import Session
from lianyan.identity.outbound import ProviderFailed

OTHERS = 50


async def fails(breaker, reason):
    with pytest.raises(ProviderFailed) as failed:
        async with breaker.asking():
            raise ProviderFailed(reason)
    return failed.value.reason


async def test_after_five_silences_nobody_asks_for_half_a_minute():
    now = [1000.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES - 1):
        assert await fails(breaker, "timeout") == "timeout"
    async with breaker.asking():
        pass  # one answer, and it counts anew
    for _ in range(FAILURES):
        assert await fails(breaker, "unreachable") == "unreachable"
    assert await fails(breaker, "timeout") == "resting"
    now[0] += REST_S
    assert await fails(breaker, "timeout") == "timeout"
    assert await fails(breaker, "timeout") == "resting"
    now[0] += REST_S
    async with breaker.asking():
        pass
    assert await fails(breaker, "timeout") == "timeout"


async def test_what_a_person_brought_wrong_is_no_silence():
    """Nobody closes an institution's login by sending forged answers."""
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        assert await fails(breaker, "token_error") == "token_error"


async def test_its_own_people_are_told_at_once(forged):
    forged.forger.replies["/token"] = Reply(hang_up=True)
    for _ in range(FAILURES):
        assert (await forged.forge()).status_code == 503
    asked = len(forged.forger.asked)
    refused = await forged.client.post("/api/login/forged", json={"return_to": "/"})
    assert (refused.status_code, len(forged.forger.asked)) == (503, asked)
    breaker_of(forged.providers["forged"]).until = 0.0
    del forged.forger.replies["/token"]
    assert (await forged.forge()).status_code == 303


async def test_a_slow_provider_keeps_nobody_else_waiting(committed, demo_login, forger):
    """One is slow with all that may ask it at once under way; fifty log in elsewhere meanwhile."""
    client = committed.client
    async with Forger() as slow:
        async with committed.sessions.begin() as session:
            gate = Gate(client, session, committed.app.state.settings, demo_login, forger)
            await gate.add("forged")
            await gate.add("slow", issuer=slow.issuer)
        slow.replies["/token"] = Reply(b"{}", delay=2)

        async def back(slug, of):
            asked = query(await gate.begin(slug))
            return (
                f"/auth/{slug}/callback",
                {"code": "c", "state": asked["state"], "iss": of.issuer},
                asked,
            )

        waiting = [
            asyncio.create_task(client.get(path, params=sent))
            for path, sent, _ in [await back("slow", slow) for _ in range(AT_ONCE + 5)]
        ]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        for number in range(OTHERS):
            path, sent, asked = await back("forged", forger)
            forger.claims, forger.nonce = {"sub": f"s{number}", "name": "成员"}, asked["nonce"]
            assert (await client.get(path, params=sent)).status_code == 303
        assert not any(task.done() for task in waiting) or time.monotonic() - began > 2
        async with committed.sessions() as session:
            assert await count(session, Session) == OTHERS
        answers = await asyncio.gather(*waiting)
        assert {answer.status_code for answer in answers} <= {400, 503}
    await gate.browser.aclose()
