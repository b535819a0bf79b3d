"""Whatever happens in whatever order: the access relation stays what its rules say it is."""

import os
import random
from collections import Counter

import pytest

from figures import figure
from lianyan.proposals import access
from proposals.access_plain import recomputed, stored
from proposals.access_play import Play
from tally import added, run_folder, seed

LONG = os.environ.get("LIANYAN_LONG") == "1"
SEQUENCES = int(os.environ.get("LIANYAN_ACCESS_SEQUENCES", "1000" if LONG else "40"))
PARTS = 20 if LONG else 1
"""In so many transactions: one that has undone thousands of requests is slow."""
STEPS = 12 if LONG else 7
SEED = seed("LIANYAN_ACCESS_SEED")
REFUSED = (" 400", " 401", " 403", " 404", " 409", " 410", " 412")


@pytest.mark.parametrize("part", range(PARTS))
async def test_random_sequences_keep_the_relation_what_it_must_be(
    client, session, sessions, connection, *, tmp_path_factory, part
):
    driver = (await connection.get_raw_connection()).driver_connection
    play = Play(client, sessions, driver)
    await play.prepare(session)
    await session.commit()
    steps = accepted = 0
    happened: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(part, SEQUENCES, PARTS):
        inner = await connection.begin_nested()
        play.draw, play.links, play.done = random.Random(f"{SEED}:{number}"), [], []
        for _ in range(STEPS):
            before = len(play.done)
            act = play.draw.choice(play.acts)
            await act()
            steps += len(play.done) > before
            if any(not done.endswith(REFUSED) for done in play.done[before:]):
                accepted += 1
                happened[act.__name__] += 1
            kept, must = await stored(driver), await recomputed(driver)
            async with sessions() as reader:
                told = await access.differences(reader)
            if kept != must or told:
                odd = {at: (kept.get(at), must.get(at)) for at in kept.keys() | must.keys() if kept.get(at) != must.get(at)}  # fmt: skip
                wrong.append(f"{SEED}:{number} after {play.done}: {odd}; the product says {told}")
                break
        await inner.rollback()
    counts = Counter(happened)
    counts += Counter({"|sequences": number // PARTS + 1, "|steps": steps, "|wrong": len(wrong)})
    with added(run_folder(tmp_path_factory), "access", counts) as total:
        sequences, steps, faults = (
            total.pop(f"|{of}", 0) for of in ("sequences", "steps", "wrong")
        )
        accepted = total.total()
        figure(
            "access relation: random sequences equal to a plain recomputation",
            ">= 1,000, 0 wrong",
            f"{sequences:,} sequences, {accepted:,} changes, {faults} wrong",
            held=not faults and accepted > steps / 3 and sequences >= 1000,
            note=f"seed {SEED}",
        )
    print(f"seed {SEED}: {sequences} sequences, {steps} steps, {accepted} accepted: {total}")
    assert not wrong, f"{len(wrong)} of {SEQUENCES}:\n" + "\n".join(wrong[:3])
    assert accepted > steps / 3, "most steps were refused: nothing is proven"
    if LONG and sequences >= SEQUENCES:
        idle = {act.__name__ for act in play.acts} - set(total)
        assert not idle, f"never happened: {idle}"
