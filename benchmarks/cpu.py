"""What a page costs the database: time on the processor of the very process that answers it."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

Call = Callable[[], Awaitable[object]]
EXECUTIONS = 500


class Cost(NamedTuple):
    """What one page cost, a page."""

    cpu: float
    """Microseconds on the processor, of the database process: median of the rounds."""
    low: float
    high: float
    p50: float
    """Microseconds on the wall, the driver's part included."""
    p99: float


async def connect(url: str) -> Any:
    """Open a connection as the read pool does."""
    return await asyncpg.connect(
        url,
        statement_cache_size=512,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=0,
        server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off"},
    )


def on_processor(pid: int) -> int:
    """Return the nanoseconds a process has been on a processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


class Round(NamedTuple):
    """One round of one page."""

    cpu: float
    walls: list[float]


async def once(pid: int, calls: Sequence[Call], executions: int) -> Round:
    """Ask for pages in turn; return the processor time a page, and each page's wall time."""
    walls = []
    began = on_processor(pid)
    for n in range(executions):
        start = time.perf_counter()
        await calls[n % len(calls)]()
        walls.append(time.perf_counter() - start)
    return Round((on_processor(pid) - began) / executions / 1000, walls)


def cost(rounds: Sequence[Round]) -> Cost:
    """Return what the rounds say together."""
    walls = sorted(wall for one in rounds for wall in one.walls)
    cpu = [one.cpu for one in rounds]
    return Cost(
        statistics.median(cpu), min(cpu), max(cpu), walls[len(walls) // 2] * 1e6, walls[int(len(walls) * 0.99)] * 1e6
    )  # fmt: skip
