"""`make bench`: pages beside the limit, lists however long, saves beside pgbench; `--full` goes to a million."""

import asyncio
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import lists, pages, writes
from lianyan.embedded import throwaway

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from figures import figure

HERE = Path(__file__).parent
PAGES = (1_000, 10_000)
LISTS, MILLION = (1_000, 100_000), 1_000_000


def main() -> None:
    """Print the tables; exit 0 also where a goal is missed: the figure is the point."""
    began = time.monotonic()
    full = "--full" in sys.argv[1:]
    command = "make bench-full" if full else "make bench"
    parts = [_about(command), _pages(), _lists((*LISTS, MILLION) if full else LISTS), _writes()]
    text = "\n\n".join(parts)
    (HERE / "results.md").write_text(f"# `{command}`\n\n{text}\n", "utf-8")
    print(text)
    print(f"\n{time.monotonic() - began:.0f} s; written to benchmarks/results.md")


def _about(command: str) -> str:
    return (
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}. Server, database and load share the cores; fsync is on."
    )


def _table(head: str, rows: list[str]) -> str:
    columns = [cell.strip() for cell in head.split("|")]
    rule = " | ".join("---" if n == 0 else "---:" for n in range(len(columns)))
    return "\n".join([f"| {head} |", f"| {rule} |", *(f"| {row} |" for row in rows)])


def _pages() -> str:
    found = []
    for size in PAGES:
        with throwaway() as folder:
            found += asyncio.run(pages.measure(size, folder))
    for row in found:
        figure(
            f"{row['page']} page beside the limit, {row['proposals']:,} proposals: requests/s",
            f"at least {row['goal']:.0%}",
            f"{row['ratio']:.0%} ({row['ours']:,.0f} of {row['limit']:,.0f})",
            held=row["ratio"] >= row["goal"],
        )
    head = (
        "page | proposals | portal, requests/s | limit, requests/s | portal / limit | goal | p99 ms"
    )
    rows = [
        f"{row['page']} | {row['proposals']:,} | {row['ours']:,.0f} | {row['limit']:,.0f} | "
        f"{row['ratio']:.0%} ({row['low']:.0%} to {row['high']:.0%}) | {row['goal']:.0%} | {row['p99']:.1f}"
        for row in found
    ]
    return (
        "## Pages\n\nLogin and rules included, beside bare ASGI and asyncpg running the same statement. "
        f"{pages.CONNECTIONS} connections, {pages.ROUNDS} rounds of {pages.SECONDS} s each, interleaved; "
        f"median (lowest to highest).\n\n{_table(head, rows)}"
    )


def _lists(sizes: tuple[int, ...]) -> str:
    found = [
        asyncio.run(lists.measure(size, print if size == MILLION else lambda _: None))
        for size in sizes
    ]
    last, before = found[-1], found[-2]
    growth = MILLION in sizes
    rows = []
    for listed in lists.LISTS:
        cost = last.costs[listed.name]
        ratio = cost.cpu / before.costs[listed.name].cpu
        cells = [f"{one.costs[listed.name].cpu:.0f}" for one in found]
        rows.append(
            f"{listed.name} | {' | '.join(cells)} | {ratio:.2f} | {cost.p50:.0f} | {cost.p99:.0f}"
        )
        if growth:
            figure(
                f"list of 20, {listed.name}: microseconds of database CPU at 1M",
                f"at most {lists.GOAL:.0f}, and {lists.GROWTH} times those at 100k",
                f"{cost.cpu:.0f} ({cost.low:.0f} to {cost.high:.0f}), {ratio:.2f} times",
                held=cost.cpu <= lists.GOAL and ratio <= lists.GROWTH,
            )
    whole = sorted({one for each in found for one in each.whole})
    if growth:
        figure(
            "plans at 1M: hot statements that read a big table whole", "0",
            f"{len(last.whole)} of {last.planned}", held=not last.whole,
        )  # fmt: skip
        figure(
            "seed of 1M proposals: seconds", "at most 360", f"{last.seconds:.0f}", held=last.seconds <= 360
        )  # fmt: skip
    sized = " | ".join(f"{one.proposals:,}" for one in found)
    head = f"a page of 20, µs of database CPU | {sized} | growth | p50 µs | p99 µs"
    filled = ", ".join(f"{one.proposals:,} in {one.seconds:.0f} s" for one in found)
    return (
        "## Lists\n\nOn-CPU time of the database's own process for one page, the portal's statement on one warm "
        f"connection with generic plans: first {lists.PAGES} pages in turn, {lists.EXECUTIONS} a round, "
        f"{lists.ROUNDS} rounds, interleaved; median. Goal: {lists.GOAL:.0f} µs for each, growth from 100,000 to "
        f"1,000,000 at most {lists.GROWTH}. Growth compares the last two columns; p50 and p99 are on the wall at "
        f"the largest size, the driver's part included.\n\n{_table(head, rows)}\n\n"
        f"Statements planned: {last.planned}; those that would read a big table whole: "
        f"{', '.join(whole) or 'none'}. Filled by `lianyan seed --scale`: {filled}."
    )


def _writes() -> str:
    found = asyncio.run(writes.measure())
    held = found.rate >= writes.GOAL_RATE and found.p99 <= writes.GOAL_P99 and found.lost == 0
    figure(
        "confirmed saves of a section over HTTP: a second",
        f"at least {writes.GOAL_RATE}, p99 at most {writes.GOAL_P99} ms, 0 lost",
        f"{found.rate:.0f} ({found.low:.0f} to {found.high:.0f}), p99 {found.p99:.0f} ms, {found.lost} lost of {found.saves:,}; pgbench {found.pgbench:.0f}",
        held=held,
    )
    head = "saves | a second | p50 ms | p99 ms | lost | goal"
    rows = [
        (
            f"portal over HTTP | {found.rate:.0f} ({found.low:.0f} to {found.high:.0f}) | {found.p50:.1f} | {found.p99:.1f} | "
            f"{found.lost} of {found.saves:,} | {writes.GOAL_RATE}/s, p99 {writes.GOAL_P99} ms, 0 lost"
        ),
        f"pgbench, the same rows | {found.pgbench:.0f} | | | | beside",
    ]
    return (
        "## Saves\n\nOne section of a draft saved and confirmed, answer, section and event, each committed to the disk. "
        f"{writes.CLIENTS} connections, {writes.ROUNDS} rounds of {writes.SECONDS} s each, interleaved; median.\n\n"
        f"{_table(head, rows)}"
    )


if __name__ == "__main__":
    main()
