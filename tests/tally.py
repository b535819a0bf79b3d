"""Counts of a run whose tests are spread over several processes: they are added up before they are told."""

import fcntl
import json
import os
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all processes of this run see, and no other run."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def seed(variable: str) -> int:
    """Return the seed that the environment gives, else one that all processes of this run share."""
    if given := os.environ.get(variable):
        return int(given)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    return zlib.crc32(run.encode()) if run else random.SystemRandom().randrange(10**9)


@contextmanager
def added(folder: Path, name: str, counts: Counter[str]) -> Iterator[Counter[str]]:
    """Add `counts` to what all processes have counted under `name`, and give the sum; start anew at 0.

    No other process adds meanwhile: of the figures made inside, the newest is the one of all counts.
    """
    with (folder / f"{name}.tally").open("a+", encoding="utf-8") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        kept.seek(0)
        total = Counter[str](json.loads(kept.read() or "{}"))
        total.update(counts)
        counts.clear()
        kept.seek(0)
        kept.truncate()
        json.dump(total, kept)
        kept.flush()
        yield total
