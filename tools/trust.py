"""The long proofs, and the page that quotes their figures: `make trust`, or some parts by name.

A proof writes its figures down by itself (tests/figures.py), one file a part. This program runs the
parts, puts the figures of all of them in one table, and says where one is missing or not held.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import checkout
from checkout import PYTHON, ROOT, STAMPS

PAGE = ROOT / "docs" / "trust.md"
FIGURES = STAMPS / "figures"
PYTEST = [str(PYTHON), "-m", "pytest", "-q", "-n", "2", "--dist=loadgroup"]
PROOFS = {
    "kills": ["tests/kills", "tests/embedded"],
    "backups": ["tests/backup"],
    "races": ["tests/race"],
    "matrix": ["tests/matrix", "tests/test_matrix.py", "tests/proposals/test_access_sequences.py"],
    "hostile": ["tests/hostile", "tests/sockets", "tests/proposals/test_hostile.py"],
    "machine": ["tests/machine"],
}
"""Part -> the tests whose long form takes long; what is in none of them is the part `tests`."""
ELSEWHERE = [f"--ignore={path}" for paths in PROOFS.values() for path in paths]
PARTS: dict[str, list[str]] = {
    **{part: [*PYTEST, *paths] for part, paths in PROOFS.items()},
    "tests": [*PYTEST, "-m", "not browser", *ELSEWHERE],
    "browser": [*PYTEST, "-m", "browser", "tests/browser"],
    "bench": [str(PYTHON), "-m", "benchmarks", "--full"],
    "containers": [str(PYTHON), "deploy/check/containers.py"],
}
"""Part -> its command, given `LIANYAN_LONG=1`."""
LONG = {"LIANYAN_LONG": "1", "LIANYAN_MATRIX_CELLS": "8000"}
PREFACE = """# What was proven, and how far

`make trust` runs every test in its long form, the benchmarks at a million proposals and the
containers, and writes this page. `make trust ARGS="kills"` runs one part: {parts}. A line that is
missing afterwards, or whose target is not held, makes it fail. The short forms are part of
`make test`; [tests.md](tests.md) says what they take.

{machine}

| what | target | measured | held | proof | part | date |
| --- | --- | --- | --- | --- | --- | --- |
"""


ROW = re.compile(
    r"\| (?P<name>[^|]+) \| (?P<target>[^|]*) \| (?P<measured>[^|]*) \| (?P<held>yes|\*\*no\*\*)"
    r" \| `(?P<proof>[^|`]+)` \| (?P<part>\w+) \| (?P<date>[\d-]+) \|"
)
"""A line of the page's table."""


class Figure(NamedTuple):
    """One line of the table."""

    name: str
    target: str
    measured: str
    held: bool
    note: str
    test: str
    date: str
    part: str


def figures() -> dict[str, Figure]:
    """Return the newest figure of each name: of each part as it was run here last, or as the page quotes it."""
    found: dict[str, Figure] = {}
    for part in PARTS:
        written = FIGURES / f"{part}.jsonl"
        if written.exists():
            lines = written.read_text(encoding="utf-8").splitlines()
            told = [Figure(**json.loads(line), part=part) for line in lines]
        else:
            told = [figure for figure in quoted() if figure.part == part]
        found |= {cell(figure.name): figure for figure in told}
    return found


def quoted() -> list[Figure]:
    """Return the figures that the page quotes now: parts are run on days of their own."""
    if not PAGE.exists():
        return []
    rows = [ROW.fullmatch(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]
    return [
        Figure(
            row["name"], row["target"], row["measured"], row["held"] == "yes", "",
            row["proof"], row["date"], row["part"],
        )
        for row in rows
        if row
    ]  # fmt: skip


def cell(text: str) -> str:
    """Return a text as it stands in a table's cell."""
    return re.sub(r"\s+", " ", text.replace("|", "/")).strip()


def page(found: dict[str, Figure]) -> str:
    """Return the page for these figures."""
    machine = f"Measured on {os.cpu_count()} cores, {platform.machine()}, {platform.system()}."
    text = PREFACE.format(parts=", ".join(f"`{part}`" for part in PARTS), machine=machine)
    for figure in sorted(found.values(), key=lambda one: (list(PARTS).index(one.part), one.name)):
        measured = f"{figure.measured} ({figure.note})" if figure.note else figure.measured
        proof = figure.test.partition("::")[0] or " ".join(PARTS[figure.part][1:])
        cells = (figure.name, figure.target, measured, "yes" if figure.held else "**no**")
        row = (*cells, f"`{proof}`", figure.part, figure.date)
        text += "| " + " | ".join(map(cell, row)) + " |\n"
    return text


def run(part: str) -> tuple[int, float]:
    """Run one part before everybody's eyes; return its status and how long it took."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    written = FIGURES / f"{part}.jsonl"
    written.unlink(missing_ok=True)
    environment = {**checkout.environment(), **LONG, "LIANYAN_FIGURES": str(written)}
    print(f"\n{part}: {' '.join(PARTS[part])}", flush=True)
    began = time.monotonic()
    status = subprocess.run(PARTS[part], cwd=ROOT, env=environment, check=False).returncode
    return status, time.monotonic() - began


def main(names: Sequence[str]) -> int:
    """Run the parts named, or all; write the page; fail where anything has failed."""
    if unknown := set(names) - set(PARTS):
        print(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
        return 2
    expected, failed = {figure.name for figure in quoted()}, []
    for part in names or PARTS:
        status, seconds = run(part)
        print(f"{part}: {'failed' if status else 'ok'} after {seconds:.0f} s", flush=True)
        if status:
            failed.append(f"the part {part} ended with status {status}")
    found = figures()
    text = page(found)
    print("\n" + text)
    failed += [f"missing: {name}" for name in sorted(expected - found.keys())]
    # A target that is not held stands on the page; what was broken off tells nothing.
    if not failed or not names:
        PAGE.write_text(text, encoding="utf-8")
    ran = set(names or PARTS)
    missed = [figure for figure in found.values() if figure.part in ran and not figure.held]
    failed += [f"not held: {figure.name}" for figure in missed]
    for line in failed:
        print(line)
    print(f"{len(found)} figures, {len(failed)} faults")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
