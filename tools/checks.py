"""Every check of the checkout, with its seconds: `make test`, or some of it by name.

The quick ones run two at a time, each with its output in one piece; the tests run last and alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import checkout
from checkout import PYTHON, ROOT, STAMPS

FRONTEND = ROOT / "frontend"
MIGRATIONS = ROOT / "alembic" / "versions"


class Outcome(NamedTuple):
    """How a part ended."""

    passed: int
    failed: int
    skipped: int = 0
    note: str = ""


class Part(NamedTuple):
    """One check: how it is run, and what must be there for it."""

    name: str
    run: Callable[[], tuple[Outcome, str]]
    needs: Sequence[str] = ()


def program(*command: str | Path, cwd: Path = ROOT) -> tuple[Outcome, str]:
    """Run a program; its status is the outcome, its output is kept."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=checkout.environment(),
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return Outcome(int(done.returncode == 0), int(done.returncode != 0)), done.stdout


def node(*arguments: str) -> tuple[Outcome, str]:
    """Run an npm script of the front end."""
    folder = checkout.node_folder()
    if folder is None:
        return Outcome(0, 1, note="no node"), ""
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return program(folder / "bin" / "node", script, "run", "--silent", *arguments, cwd=FRONTEND)


def migrations() -> tuple[Outcome, str]:
    """Write each migration's SQL and let squawk read it."""
    made, said = program(PYTHON, ROOT / "tools" / "migration_sql.py", STAMPS / "sql")
    if made.failed:
        return made, said
    files = sorted((STAMPS / "sql").glob("*.sql"))
    return program("squawk", *files)


def pytest(name: str, *arguments: str) -> tuple[Outcome, str]:
    """Run tests before everybody's eyes; count them by what pytest writes down."""
    report = STAMPS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command: list[str | Path] = [
        PYTHON,
        "-m",
        "pytest",
        "-n",
        "2",
        "-q",
        f"--junitxml={report}",
        *arguments,
    ]
    status = subprocess.run(command, cwd=ROOT, env=checkout.environment(), check=False).returncode
    if not report.exists():
        return Outcome(0, 1, note=f"pytest ended with status {status}"), ""
    suite = next(iter(ET.parse(report).getroot().iter("testsuite")))  # noqa: S314  ours
    count = {n: int(suite.get(n, "0")) for n in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    if status and not failed:
        return Outcome(passed, 1, count["skipped"], f"pytest ended with status {status}"), ""
    return Outcome(passed, failed, count["skipped"]), ""


def browser() -> tuple[Outcome, str]:
    """Run the browser tests, or say aloud how many are left out."""
    if checkout.chromium():
        return pytest("browser", "tests/browser", "-m", "browser", "--dist=loadgroup")
    _, said = program(PYTHON, "-m", "pytest", "--collect-only", "-q", "-m", "browser")
    left_out = len(re.findall(r"^tests/.*::", said, re.MULTILINE))
    note = f"{left_out} BROWSER TESTS SKIPPED: no Chromium here; `make deps` installs it"
    return Outcome(0, 0, left_out, note), ""


QUICK = [
    Part("ruff check", lambda: program("ruff", "check")),
    Part("ruff format", lambda: program("ruff", "format", "--check")),
    Part("imports", lambda: program("lint-imports")),
    Part("mypy", lambda: program("mypy")),
    Part("svelte-check", lambda: node("check"), ["frontend/package.json"]),
    Part("frontend units", lambda: node("test"), ["frontend/package.json"]),
    Part("squawk", migrations, ["alembic/versions"]),
    Part(
        "tables",
        lambda: program(PYTHON, "-m", "lianyan", "tables", "--check"),
        ["backend/lianyan/tables.py"],
    ),
]
TESTS = [
    Part("pytest", lambda: pytest("tests", "-m", "not browser", "--dist=loadgroup"), ["tests"]),
    Part("browser", browser, ["tests/browser"]),
]
GROUPS = {
    "lint": ["ruff check", "ruff format", "imports"],
    "types": ["mypy", "svelte-check"],
}


def measured(part: Part) -> tuple[Outcome, str, float]:
    """Run a part; one whose files are not there has failed, and says so."""
    missing = [name for name in part.needs if not (ROOT / name).exists()]
    if missing:
        return Outcome(0, 1, note=f"MISSING: {', '.join(missing)}"), "", 0.0
    began = time.monotonic()
    outcome, said = part.run()
    return outcome, said, time.monotonic() - began


def main(names: Sequence[str]) -> int:
    """Run the parts named, or all; end with the table and one line of sums."""
    wanted = {part for name in names for part in GROUPS.get(name, [name])}
    quick, tests = (
        [p for p in parts if not wanted or p.name in wanted] for parts in (QUICK, TESTS)
    )
    began, results = time.monotonic(), []
    STAMPS.mkdir(exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        for part, (outcome, said, seconds) in zip(quick, pool.map(measured, quick), strict=True):
            print(f"{'ok    ' if not outcome.failed else 'FAILED'} {part.name}", flush=True)
            if outcome.failed:
                print(said, flush=True)
            results.append((part, outcome, seconds))
    for part in tests:
        print(f"\n{part.name}", flush=True)
        outcome, said, seconds = measured(part)
        print(said, flush=True)
        results.append((part, outcome, seconds))
    return close(results, time.monotonic() - began)


def close(results: Sequence[tuple[Part, Outcome, float]], took: float) -> int:
    """Print the table and the sums; on a build machine a skipped test is a failed one."""
    print(f"\n{'part':<16} {'seconds':>8} {'passed':>7} {'failed':>7} {'skipped':>8}")
    for part, outcome, seconds in results:
        cells = f"{seconds:>8.1f} {outcome.passed:>7} {outcome.failed:>7} {outcome.skipped:>8}"
        print(f"{part.name:<16} {cells}  {outcome.note}".rstrip())
    print(f"{'all':<16} {took:>8.1f}\n")
    passed, failed, skipped = (
        sum(getattr(o, n) for _, o, _ in results) for n in Outcome._fields[:3]
    )
    if skipped and checkout.in_ci():
        print(f"{skipped} skipped: on a build machine that is a failure.")
        failed += skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
