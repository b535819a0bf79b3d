"""Eight writers write, everything is killed with -9 again and again: nothing confirmed is lost or doubled.

`LIANYAN_LONG=1` kills the app a hundred times and PostgreSQL a hundred times. What was confirmed is
kept in files outside the system, on the disk before the next request leaves. The same harness with
durability switched off must report loss.
"""

import asyncio
import os
import random
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from figures import figure
from kills.compared import Compared, compared
from kills.rig import PATIENCE, Rig, rig
from kills.writers import Told, writing
from lianyan.embedded import throwaway

LONG = bool(os.environ.get("LIANYAN_LONG"))
SEED = int(os.environ.get("LIANYAN_SEED") or secrets.randbelow(1_000_000))
WRITERS = 8
KILLS = int(os.environ.get("LIANYAN_KILLS") or (100 if LONG else 2))
BOUND = 600.0
"""So many seconds a hundred kills of one kind may take."""
VICTIMS = [*([("app", "the app")] if LONG else []), ("database", "PostgreSQL")]
"""`test_kills` strikes the app at every step of its journey in the short form too."""
BETWEEN = 60 if LONG else 16
"""So many writes are confirmed between two kills, at least."""
LATEST = 0.5 if LONG else 0.25
ASYNCHRONOUS = {"synchronous_commit": "off", "wal_writer_delay": "10s"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def found() -> AsyncIterator[Rig]:
    """Give one portal in pieces, which every test leaves whole."""
    with throwaway() as folder:
        async with rig(folder, spares=LONG) as running:
            yield running


async def _progress(told: Told) -> None:
    """Wait until writes are confirmed again."""
    aim, deadline = told.confirmed + BETWEEN, time.monotonic() + PATIENCE
    while told.confirmed < aim:
        assert time.monotonic() < deadline, (told.unanswered, told.denied[-3:])
        await asyncio.sleep(0.01)


async def _killed(
    found: Rig, ledgers: Path, victim: str, chance: random.Random
) -> tuple[int, Told]:
    """Kill under writers; return how often, and what they were told."""
    number, bound = 0, time.monotonic() + BOUND
    async with writing(found.url, found.origin, WRITERS, ledgers) as told:
        while number < KILLS and time.monotonic() < bound:
            await _progress(told)
            await asyncio.sleep(chance.uniform(0, LATEST))
            if victim == "app":
                await found.server.kill()
                if number % 2:
                    await found.worker.kill()
            else:
                await found.kill_database(whole=bool(number % 2))
            number += 1
        await _progress(told)
    return number, told


@pytest.mark.parametrize("victim, name", VICTIMS)
async def test_nothing_confirmed_is_lost_and_nothing_is_doubled(found, tmp_path, victim, name):
    print(f"LIANYAN_SEED={SEED}")
    began, log = time.monotonic(), found.data / "server.log"
    before = len(log.read_text())
    number, told = await _killed(found, tmp_path, victim, random.Random(SEED))
    await found.idle()
    got = await compared(found, tmp_path, told.call)
    damage = await found.check() if LONG else ""
    _quote(name, number, got, told)
    print(f"{number} kills of {name}, {got.confirmed} confirmed, {dict(told.unanswered)}, "
          f"{time.monotonic() - began:.0f} s")  # fmt: skip
    assert told.denied == []
    assert (got.lost, got.doubled, got.altered) == ([], [], [])
    assert got.confirmed == told.confirmed
    assert number == KILLS
    assert damage == ""
    assert "defect" not in log.read_text()[before:]


async def test_without_durability_the_same_harness_reports_loss(found, tmp_path):
    found.options = ASYNCHRONOUS
    try:
        await found.kill_database(whole=True)
        async with writing(found.url, found.origin, WRITERS, tmp_path) as told:
            # The writers' own logins are safe: what they write from here on is not.
            await found.ask("checkpoint")
            await _progress(told)
            await found.kill_database(whole=True)
        got = await compared(found, tmp_path, told.call)
    finally:
        found.options = {}
        await found.kill_database(whole=True)
    print(f"{len(got.lost)} of {got.confirmed} lost; denied: {told.denied[:3]}")
    figure(
        "negative control: loss reported",
        "more than 0",
        f"{len(got.lost)} of {got.confirmed} confirmed writes",
        held=bool(got.lost),
        note="synchronous_commit=off, the same writers and kills",
    )
    assert got.lost


def _quote(name: str, number: int, got: Compared, told: Told) -> None:
    of = f" of {got.confirmed} confirmed writes, {number} kills, {told.unanswered.total()} unanswered"
    for what, found in (
        ("lost", [*got.lost, *got.altered, *told.denied]),
        ("doubled", got.doubled),
    ):
        figure(
            f"kills of {name} under {WRITERS} writers: acknowledged writes {what}",
            f"0 in {KILLS} kills",
            f"{len(found)}{of}",
            held=not found and number == KILLS,
        )
