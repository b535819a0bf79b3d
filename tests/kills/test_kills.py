"""Server, worker, database and parent are killed with -9 all along the journey: nothing confirmed is lost.

`LIANYAN_SEED` repeats what was drawn; `LIANYAN_LONG=1` draws twenty times.
"""

import os
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import httpx2
import pytest

from kills.hurt import LOOKED, PATIENCE, Hurt
from kills.journey import COUNTS, EVENTS, STEPS, Step, draft, journey, match
from lianyan.embedded import throwaway

LIANYAN = [sys.executable, "-m", "lianyan"]
LONG = bool(os.environ.get("LIANYAN_LONG"))
SEED = int(os.environ.get("LIANYAN_SEED") or secrets.randbelow(1_000_000))
LATEST = 0.04
"""No request of the journey takes longer, in seconds, where nothing else is busy."""
CUT_OFF = 20 if LONG else 2
"""So many saves are to be cut off."""

pytestmark = pytest.mark.slow


class Blow(NamedTuple):
    """Who is killed at a step, and how long after the request has left; None: once it is answered."""

    victim: str
    delay: float | None


def drawn(chance: random.Random) -> list[Blow | None]:
    """Draw who is killed at which step: twice the parent, once alone and once with its children.

    The short form leaves some steps in peace, so that it is short; the long one none.
    """
    victims: list[str | None] = ["serve", "postgres"] * 2 + ["work"] * 3
    if LONG:
        victims = ["serve", "postgres", "work"] * (STEPS // 3 + 1)
    victims = [*victims, *[None] * STEPS][:STEPS]
    chance.shuffle(victims)
    parents = ["up", "all"]
    chance.shuffle(parents)
    for parent, half in zip(parents, (range(STEPS // 2), range(STEPS // 2, STEPS)), strict=True):
        victims[chance.choice(half)] = parent
    delays = [chance.choice([None, chance.uniform(0, LATEST)]) for _ in victims]
    return [
        Blow(victim, delay) if victim else None
        for victim, delay in zip(victims, delays, strict=True)
    ]


@pytest.fixture
def hurt() -> Iterator[Hurt]:
    with throwaway() as folder:
        found = Hurt(LIANYAN, folder)
        try:
            yield found
        finally:
            found.close()


@pytest.mark.parametrize("turn", range(20 if LONG else 1))
def test_nothing_confirmed_is_lost_and_nothing_happens_twice(hurt, turn):
    print(f"LIANYAN_SEED={SEED + turn}")
    chance, began = random.Random(SEED + turn), time.monotonic()
    steps, blows = journey(hurt.cast, hurt.get), drawn(chance)
    step = next(steps)
    for number, blow in enumerate(blows, 1):
        print(f"{number:2} {step.who:11} {step.method:5} {step.path} {blow or 'in peace'}")
        got = _struck(hurt, step, blow)
        if number < STEPS:
            step = steps.send(got)
    with pytest.raises(StopIteration):
        steps.send(got)
    _released(hurt, chance)
    _once(hurt)
    kills = Counter(blow.victim for blow in blows if blow)
    print(f"{dict(kills)} in {time.monotonic() - began:.0f} s; unanswered: {dict(hurt.refused)}")


def _struck(hurt: Hurt, step: Step, blow: Blow | None) -> httpx2.Response:
    """Send a request and kill, then look whether it is there, and send it again."""
    if blow is None:
        got = hurt.send(step)
        assert step.seen()
        return got
    if blow.delay is None:
        hurt.send(step)
        before = hurt.stored()
        hurt.kill(blow.victim)
    else:
        with ThreadPoolExecutor(1) as other:
            killing = other.submit(_later, hurt, blow)
            hurt.send(step)
            before = hurt.stored()
            killing.result()
    assert hurt.stored() == before, "what was confirmed is there after the kill, and nothing else"
    assert step.seen(), "and who may read it reads it"
    got = hurt.send(step)
    assert hurt.stored() == before, "sent again it succeeds and changes nothing"
    return got


def _later(hurt: Hurt, blow: Blow) -> None:
    time.sleep(blow.delay or 0)
    hurt.kill(blow.victim)


def _released(hurt: Hurt, chance: random.Random) -> None:
    """Let the hold end and kill, at any moment, everybody who could carry the release out."""
    over = "now() - interval '1 second'"
    hurt.run(f"update releases set due_at = {over}", f"update jobs set run_at = {over}")
    for victim in chance.sample(["work", "postgres", "all"], 3):
        time.sleep(chance.uniform(0, 1))
        hurt.kill(victim)
    # Who was killed with the job in hand has it for a minute: let that be over.
    hurt.run(f"update jobs set run_at = {over}")
    deadline = time.monotonic() + PATIENCE
    while hurt.rows("select count(*) from releases where done_at is not null") != [(1,)]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    hurt.kill("work")


def _once(hurt: Hurt) -> None:
    """Look for everything that should be there once, and for anything that is there twice."""
    kinds = Counter(hurt.rows(f"select kind from events where kind !~ '{LOOKED}'"))
    assert {kind: n for (kind,), n in kinds.items()} == EVENTS
    counts = {name: hurt.rows(f"select count(*) from {name}")[0][0] for name in COUNTS}
    assert counts == COUNTS
    moves = [row[0] for row in hurt.rows("select move from moves order by id")]
    assert moves == ["submit", "complete", "start_check", "pass", "finish", "approve"]
    messages = Counter(
        hurt.rows(
            "select e.kind, e.subject_id, m.person_id, m.template "
            "from messages m join events e on e.id = m.event_id"
        )
    )
    assert set(messages.values()) == {1}, "nobody is told twice"
    ((given, kept, last),) = hurt.rows(
        "select p.number, j.number, n.last from proposals p "
        "join projects j on j.proposal_id = p.id join call_numbers n on n.call_id = p.call_id"
    )
    assert (given, last) == (kept, 1), "one number was given, and is kept"
    for who in ("lead", "officer_a", "officer_b"):
        told = [message["template"] for message in hurt.get(who, "/tasks")["messages"]]
        assert told.count("letter_approved") == 1, who
    assert sum(template == "letter_approved" for *_, template in messages) == 3
    assert hurt.get("lead", "/proposals")["items"][0]["shown"] == "approved"
    assert hurt.get("nobody", "/projects")["total"] == 1


def test_a_section_saved_while_its_server_dies_is_the_old_or_the_new_one(hurt):
    print(f"LIANYAN_SEED={SEED}")
    chance, asked = random.Random(SEED), ("methods", "schedule", "outputs")
    hurt.send(next(draft(hurt.cast, hurt.get)))
    at = f"/proposals/{hurt.get('lead', '/proposals')['items'][0]['id']}"
    texts = [{name: f"{n} 之{name}" * 40 for name in asked} for n in range(2 * CUT_OFF)]

    def save(n: int) -> Step:
        return Step("lead", "PUT", f"{at}/sections/methods", {"answers": texts[n]}, match(n))

    def read() -> tuple[int, dict[str, str]]:
        found = hurt.get("lead", at)
        rev = next(s["rev"] for s in found["sections"] if s["id"] == "methods")
        return rev, {name: found["answers"][name] for name in asked}

    hurt.send(save(0))
    outcomes: Counter[str] = Counter()
    for old, new in pairwise(range(len(texts))):
        if outcomes["unanswered, old"] + outcomes["unanswered, new"] == CUT_OFF:
            break
        assert read() == (new, texts[old])
        answered = _cut_off(hurt, save(new), "serve" if new % 6 else "postgres", chance)
        rev, found = read()
        assert (rev, found) in [(new, texts[old]), (new + 1, texts[new])]
        assert rev == new + 1 or not answered, "what was confirmed is there"
        outcomes[f"{'' if answered else 'un'}answered, {'new' if rev > new else 'old'}"] += 1
        assert hurt.send(save(new)).headers["etag"] == f'"{new + 1}"'
        assert read() == (new + 1, texts[new]), "sent again it is there, once"
    saved = hurt.rows("select count(*) from events where kind = 'section.saved'")
    assert saved == [(1 + outcomes.total(),)]
    assert outcomes["unanswered, old"] + outcomes["unanswered, new"], "none was cut off"
    print(dict(outcomes))


def _cut_off(hurt: Hurt, step: Step, victim: str, chance: random.Random) -> bool:
    """Send a request once and kill while it is under way; say whether it was answered well."""
    hurt.get(step.who, "/proposals")  # the connection is open: nothing waits for the next server
    with ThreadPoolExecutor(1) as other:
        killing = other.submit(_later, hurt, Blow(victim, chance.uniform(0, LATEST / 4)))
        try:
            return hurt.once(step).is_success
        except httpx2.TransportError:
            return False
        finally:
            killing.result()
