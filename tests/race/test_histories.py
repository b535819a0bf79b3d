"""Five clients at once, at random: an order of their calls explains everything they were told."""

import asyncio
import os
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx2
import pytest

from makers import make_call, make_institution, make_person
from race.conftest import Browser, new_key
from race.histories import Answer, Call, explained, places, register, unique
from race.long import rounds
from reviews.scenes import make_scene, make_sent

pytestmark = pytest.mark.xdist_group("race")

CLIENTS, CALLS = 5, 4
SEED = int(os.environ.get("LIANYAN_SEED") or secrets.randbelow(1_000_000))
GONE = 0.15
"""So often a client goes away before it is answered."""
MOST = 2


def call(n: int, asked: tuple, began: float, ended: float, answer: Answer | None) -> Call:
    return Call(n, asked, began, ended, answer)


BAD = {
    "lost update": (
        register,
        (0, ""),
        [
            call(0, ("save", 0, "a"), 0, 3, ("saved", 1)),
            call(1, ("save", 0, "b"), 1, 4, ("saved", 1)),
        ],
    ),
    "stale read": (
        register,
        (0, ""),
        [call(0, ("save", 0, "a"), 0, 1, ("saved", 1)), call(1, ("read",), 2, 3, ("is", 0, ""))],
    ),
    "lost write": (
        register,
        (1, "a"),
        [call(0, ("save", 1, "b"), 0, 1, ("saved", 2)), call(0, ("read",), 2, 3, ("is", 1, "a"))],
    ),
    "refused for nothing": (
        register,
        (1, "a"),
        [call(0, ("save", 1, "b"), 0, 1, ("stale", 2, "c"))],
    ),
    "made twice": (
        unique,
        ("", ""),
        [call(0, ("make", "k"), 0, 2, ("made", "1")), call(1, ("make", "l"), 1, 3, ("made", "2"))],
    ),
    "one key, two things": (
        unique,
        ("", ""),
        [call(0, ("make", "k"), 0, 2, ("made", "1")), call(1, ("make", "k"), 1, 3, ("made", "2"))],
    ),
    "one place too many": (
        places(1),
        frozenset(),
        [call(0, ("ask", "p"), 0, 2, ("made", "1")), call(1, ("ask", "q"), 1, 3, ("made", "2"))],
    ),
    "removed twice": (
        places(1),
        frozenset({("p", "1")}),
        [call(0, ("remove", "1"), 0, 2, ("removed",)), call(1, ("remove", "1"), 1, 3, ("removed",))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_history_that_nothing_explains_is_found(name):
    model, start, history = BAD[name]
    assert explained(history, model, start) is None


def test_what_nobody_knows_may_have_happened_or_not():
    saved = Call(0, ("save", 0, "a"), 0)
    for answer in (("is", 0, ""), ("is", 1, "a")):
        assert explained([saved, call(1, ("read",), 1, 2, answer)], register, (0, "")) is not None
    later = [
        saved,
        call(1, ("read",), 1, 2, ("is", 1, "a")),
        call(1, ("read",), 3, 4, ("is", 0, "")),
    ]
    assert explained(later, register, (0, "")) is None
    twice = [Call(0, ("make", "k"), 0), call(1, ("make", "l"), 1, 2, ("made", "1"))]
    assert explained(twice, unique, ("", "")) is not None
    assert explained([twice[0]._replace(answer=("made", "2"), ended=3), twice[1]], unique, ("", "")) is None  # fmt: skip


Send = Callable[[], Awaitable[Answer]]


class Seats(NamedTuple):
    """Tabs of a lead with a draft, and of a coordinator of another scene."""

    tabs: list[Browser]
    draft: str
    desks: list[Browser]
    scene: Any


class Recorder:
    """Notes when each call began, when it ended, and what it was answered."""

    def __init__(self, chance: random.Random) -> None:
        """Begin a history."""
        self.calls: list[Call] = []
        self.chance = chance

    async def __call__(
        self, client: int, asked: tuple, send: Send, *, leave: bool = False
    ) -> Answer | None:
        """Make a call; with `leave`, the client may go away before it is answered."""
        began = time.monotonic()
        patience = self.chance.uniform(0, 0.02) if leave and self.chance.random() < GONE else None
        try:
            answer = await asyncio.wait_for(send(), patience)
        except (TimeoutError, httpx2.TransportError):
            self.calls.append(Call(client, asked, began))
            return None
        self.calls.append(Call(client, asked, began, time.monotonic(), answer))
        return answer


async def texts(ring, seats, chance) -> None:
    """One section, saved and read."""
    tabs, at = seats.tabs, seats.draft
    path = f"{at}/sections/aims"
    note = Recorder(chance)

    async def read(tab: Browser) -> Answer:
        found = await tab.get(at)
        rev = next(s["rev"] for s in found["sections"] if s["id"] == "aims")
        return ("is", rev, found["answers"].get("aims") or "")

    async def save(tab: Browser, rev: int, text: str) -> Answer:
        got = await tab.send("PUT", path, {"answers": {"aims": text}}, rev=rev)
        if got.status_code == 412:
            told = got.json()["params"]
            return ("stale", told["rev"], told["stored"].get("aims", ""))
        assert got.status_code == 204, got.text
        return ("saved", int(got.headers["etag"].strip('"')))

    _, rev, text = await read(tabs[0])

    async def client(n: int) -> None:
        known, mine = rev, text
        for turn in range(CALLS):
            if chance.random() < 0.25:
                found = await note(n, ("read",), lambda: read(tabs[n]))
                _, known, mine = found
                continue
            new = mine if chance.random() < 0.2 else f"{n}.{turn}.{chance.randrange(10**6)}"
            sent = (known, new)
            found = await note(
                n, ("save", *sent), lambda sent=sent: save(tabs[n], *sent), leave=True
            )
            if found and found[0] == "saved":
                known, mine = found[1], new
            elif found:
                known, mine = found[1:]

    await asyncio.gather(*(client(n) for n in range(CLIENTS)))
    await note(0, ("read",), lambda: read(tabs[0]))
    assert explained(note.calls, register, (rev, text)) is not None, note.calls


async def one_draft(ring, seats, chance) -> None:
    """One draft of one person and call, made with two keys."""
    async with ring.sessions.begin() as session:
        home, call_ = await make_institution(session), await make_call(session)
        lead = await make_person(session, institution=home)
        tabs = await ring.open(session, lead, CLIENTS)
    body = {"call_id": str(call_.id), "institution_id": str(home.id)}
    keys = [new_key(), new_key()]
    note = Recorder(chance)

    async def make(tab: Browser, key: str) -> Answer:
        got = await tab.send("POST", "/proposals", body, key=key)
        if got.status_code == 201:
            return ("made", got.json()["id"])
        assert got.json()["code"] == "proposals.draft_exists", got.text
        return ("exists", got.json()["params"]["id"])

    async def client(n: int) -> None:
        for _ in range(2):
            key = chance.choice(keys)
            await note(n, ("make", key), lambda key=key: make(tabs[n], key), leave=True)

    await asyncio.gather(*(client(n) for n in range(CLIENTS)))
    await note(0, ("make", keys[0]), lambda: make(tabs[0], keys[0]))
    assert explained(note.calls, unique, ("", "")) is not None, note.calls
    drafts = f"select count(*) from proposals where lead_id = '{lead.id}'"
    assert await ring.one(drafts) == 1


async def reviewers(ring, seats, chance) -> None:
    """Reviewers asked and removed where there are places for two."""
    async with ring.sessions.begin() as session:
        call_ = await make_call(session)
        call_.max_reviews = MOST
        seats.scene.session = session
        proposal = await make_sent(seats.scene, call=call_)
    tabs, scene = seats.desks, seats.scene
    people = [str(person.id) for person in scene.reviewers[:4]]
    given: list[str] = []
    note = Recorder(chance)

    async def ask(tab: Browser, person: str) -> Answer:
        got = await tab.send(
            "POST", f"/proposals/{proposal.id}/assignments", {"reviewer_id": person}, key=new_key()
        )
        if got.status_code == 201:
            given.append(got.json()["id"])
            return ("made", got.json()["id"])
        return (got.json()["code"].removeprefix("reviews."),)

    async def remove(tab: Browser, id_: str) -> Answer:
        got = await tab.send("POST", f"/assignments/{id_}/remove", {"reason": "换人"})
        if got.status_code == 204:
            return ("removed",)
        assert got.json()["code"] == "reviews.assignment_over", got.text
        return ("over",)

    async def client(n: int) -> None:
        for _ in range(CALLS):
            if given and chance.random() < 0.4:
                id_ = chance.choice(given)
                await note(n, ("remove", id_), lambda id_=id_: remove(tabs[n], id_))
            else:
                person = chance.choice(people)
                await note(n, ("ask", person), lambda person=person: ask(tabs[n], person))

    await asyncio.gather(*(client(n) for n in range(CLIENTS)))
    active = f"""
      select reviewer_id::text from assignments
      where proposal_id = '{proposal.id}' and state in ('asked', 'accepted')
    """
    now = time.monotonic()
    held = frozenset(str(row[0]) for row in await ring.rig.ask(active))
    note.calls.append(Call(0, ("read", ""), now, time.monotonic(), ("are", held)))
    assert explained(note.calls, places(MOST), frozenset()) is not None, note.calls
    # A reviewer has a limit of their own, over all proposals: the next history begins without any.
    await ring.rig.ask(
        f"update assignments set state = 'removed' where proposal_id = '{proposal.id}' returning id"
    )


@pytest.fixture(scope="module")
async def seats(ring):
    async with ring.sessions.begin() as session:
        home, call_ = await make_institution(session), await make_call(session)
        lead = await make_person(session, institution=home)
        tabs = await ring.open(session, lead, CLIENTS)
        scene = await make_scene(session)
        desks = await ring.open(session, scene.coordinator, CLIENTS)
    body = {"call_id": str(call_.id), "institution_id": str(home.id), "again": True}
    made = await tabs[0].send("POST", "/proposals", body, key=new_key())
    return Seats(tabs, f"/proposals/{made.json()['id']}", desks, scene)


async def test_every_history_is_explained_by_some_order(ring, seats):
    print(f"LIANYAN_SEED={SEED}")
    chance = random.Random(SEED)
    kinds = [texts, one_draft, reviewers]
    for n in rounds("histories of 5 clients: saves, drafts, assignments with a quota", 6):
        await kinds[n % len(kinds)](ring, seats, chance)
