"""One action, one effect: sent twice, from two tabs, after a lost answer, by two people, with one key."""

import asyncio
import contextlib
from collections import Counter

import httpx2
import pytest

from makers import make_call, make_institution, make_person
from proposals.team_world import World, build, copy
from race.conftest import CLIENTS, Browser, new_key
from race.long import rounds
from race.proxy import proxy

pytestmark = pytest.mark.xdist_group("race")


class Scene:
    """Somebody who may start a draft, in several tabs."""

    def __init__(self, tabs: list[Browser], body: dict[str, str], lead: str) -> None:
        """Keep who and what."""
        self.tabs, self.body, self.lead = tabs, body, lead


@pytest.fixture(scope="module")
async def scene(ring):
    """Return a maker of scenes: each with a new person and a new call."""

    async def make() -> Scene:
        async with ring.sessions.begin() as session:
            home = await make_institution(session)
            lead = await make_person(session, institution=home)
            call = await make_call(session)
            tabs = await ring.open(session, lead, CLIENTS)
        return Scene(tabs, {"call_id": str(call.id), "institution_id": str(home.id)}, str(lead.id))

    return make


async def drafts(ring, scene) -> int:
    return await ring.one(f"select count(*) from proposals where lead_id = '{scene.lead}'")


async def test_one_key_from_eight_tabs_makes_one_draft(ring, scene):
    for _ in rounds("one key sent eight times at once", 1):
        here, key = await scene(), new_key()
        got = await asyncio.gather(
            *(tab.send("POST", "/proposals", here.body, key=key) for tab in here.tabs)
        )
        assert {g.status_code for g in got} == {201}
        assert len({g.text for g in got}) == 1
        assert await drafts(ring, here) == 1


async def test_eight_keys_from_eight_tabs_make_one_draft(ring, scene):
    for _ in rounds("eight tabs of one person, each with a key of its own", 4):
        here = await scene()
        got = await asyncio.gather(
            *(tab.send("POST", "/proposals", here.body, key=new_key()) for tab in here.tabs)
        )
        assert Counter(g.status_code for g in got) == {201: 1, 409: CLIENTS - 1}
        (made,) = (g.json()["id"] for g in got if g.status_code == 201)
        told = {(g.json()["code"], g.json()["params"]["id"]) for g in got if g.status_code == 409}
        assert told == {("proposals.draft_exists", made)}
        assert await drafts(ring, here) == 1


async def test_one_key_with_two_bodies_makes_what_came_first(ring, scene):
    for _ in rounds("one key with two bodies, from eight tabs", 2):
        here, key = await scene(), new_key()
        bodies = [{**here.body, "again": n % 2 == 0} for n in range(CLIENTS)]
        got = await asyncio.gather(
            *(
                tab.send("POST", "/proposals", body, key=key)
                for tab, body in zip(here.tabs, bodies, strict=True)
            )
        )
        assert Counter(g.status_code for g in got) == {201: CLIENTS // 2, 409: CLIENTS // 2}
        assert {g.json()["code"] for g in got if g.status_code == 409} == {"problems.key_reused"}
        assert await drafts(ring, here) == 1


async def test_one_key_of_eight_people_is_eight_keys(ring):
    for _ in rounds("one key of eight people", 2):
        key = new_key()
        async with ring.sessions.begin() as session:
            home, call = await make_institution(session), await make_call(session)
            people = [await make_person(session, institution=home) for _ in range(CLIENTS)]
            tabs = await ring.seats(session, people)
        body = {"call_id": str(call.id), "institution_id": str(home.id)}
        got = await asyncio.gather(*(tab.send("POST", "/proposals", body, key=key) for tab in tabs))
        assert {g.status_code for g in got} == {201}
        assert len({g.json()["id"] for g in got}) == CLIENTS
        leads = f"select count(distinct lead_id) from proposals where call_id = '{call.id}'"
        assert await ring.one(leads) == CLIENTS


async def lose(gate, how: str, sending) -> None:
    """Let a request go through the proxy, and never hear of it."""
    gate.lose_answer, gate.cut_request = how == "answer", how == "request"
    try:
        if how == "client":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sending, 0.004)
            return
        with pytest.raises(httpx2.TransportError):
            await sending
    finally:
        gate.lose_answer = gate.cut_request = False


@pytest.mark.parametrize("how", ["answer", "request", "client"])
async def test_what_is_sent_again_after_a_lost_answer_has_happened_once(ring, scene, how):
    """The answer is dropped, the request is cut in the middle, or the client has gone away."""
    async with proxy(ring.origin) as gate:
        client = await ring.client(gate.origin)
        for _ in rounds(f"sent again after a lost answer ({how})", 2):
            here, key = await scene(), new_key()
            tab = here.tabs[0]
            away = Browser(client, tab.headers)
            await lose(gate, how, away.send("POST", "/proposals", here.body, key=key))
            again = await asyncio.gather(
                *(tab.send("POST", "/proposals", here.body, key=key) for tab in here.tabs)
            )
            assert {g.status_code for g in again} == {201}
            (made,) = {g.json()["id"] for g in again}
            assert await drafts(ring, here) == 1
            path, body = f"/proposals/{made}/sections/aims", {"answers": {"aims": "说明目标。"}}
            await lose(gate, how, away.send("PUT", path, body, rev=0))
            got = [await tab.send("PUT", path, body, rev=0) for tab in here.tabs]
            assert {(g.status_code, g.headers["etag"]) for g in got} == {(204, '"1"')}
            saved = f"select count(*) from events where kind = 'section.saved' and subject_id = '{made}'"
            assert await ring.one(saved) == 1
        assert gate.lost or how == "client"


@pytest.fixture(scope="module")
async def world(ring) -> World:
    """Give a complete proposal of two institutions and everybody's browsers."""
    client = httpx2.AsyncClient(base_url=ring.origin, timeout=30)
    await ring.stack.enter_async_context(client)
    async with ring.sessions.begin() as session:
        made = await build(client, session)
    for headers in made.headers.values():
        headers["origin"] = ring.origin
    return made


async def test_submitted_and_confirmed_eight_times_at_once_it_has_happened_once(ring, world):
    first = await world.complete(world.b)
    for _ in rounds("submitted and confirmed eight times at once", 1):
        async with ring.sessions.begin() as session:
            proposal = await copy(session, first)
        at = f"/proposals/{proposal}"
        read = await world.get("lead", f"/proposals/{proposal}")
        lead, officer = world.headers["lead"], world.headers["officer_b"]
        sent = {"rev_hash": read["content_hash"]}
        got = await asyncio.gather(
            *(tab.post(f"{at}/submit", json=sent, headers=lead) for tab in ring.tabs)
        )
        assert {g.status_code for g in got} == {200}, got[0].text
        assert len({g.json()["number"] for g in got}) == 1
        part = await world.part(proposal, world.b)
        path = f"/participations/{part['id']}"
        agreed = {"scope_hash": (await world.get("officer_b", path))["scope_hash"]}
        got = await asyncio.gather(
            *(tab.post(f"{path}/confirm", json=agreed, headers=officer) for tab in ring.tabs)
        )
        assert {g.status_code for g in got} == {200}, got[0].text
        kinds = Counter(
            row[0]
            for row in await ring.rig.ask(
                f"select kind from events where proposal_id = '{proposal}'"
            )
        )
        assert (kinds["proposal.submit"], kinds["participation.confirm"]) == (1, 1)
        consents = f"select count(*) from consents where participation_id = '{part['id']}'"
        assert await ring.one(consents) == 1
