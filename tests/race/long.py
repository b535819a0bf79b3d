"""How often a race is run: a few times in `make test`, a thousand in the long form, bounded by time."""

import os
import time
from collections.abc import Iterator

from figures import figure

LONG = bool(os.environ.get("LIANYAN_LONG"))
WANTED = int(os.environ.get("LIANYAN_RACES") or 1000)
BOUND = float(os.environ.get("LIANYAN_RACE_SECONDS") or 300)
"""So many seconds one race may go on."""


def rounds(name: str, few: int, many: int = WANTED) -> Iterator[int]:
    """Count the rounds of a race; in the long form write down how many were run without a fault.

    A race that fails leaves its figure unwritten: the loop is left by the exception.
    """
    began, done, many = time.monotonic(), 0, min(many, WANTED)
    while done < (many if LONG else few):
        if LONG and time.monotonic() - began > BOUND:
            break
        yield done
        done += 1
    if LONG:
        figure(
            f"race: {name}",
            f"{many} repetitions, 0 wrong",
            f"{done} repetitions, 0 wrong",
            held=done >= many,
            note="" if done >= many else f"ended by the bound of {BOUND:.0f} s",
        )
