"""The portal's pages beside the limit: bare ASGI and asyncpg, the same statement, in turn."""

import asyncio
import json
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from benchmarks.fill import fill
from benchmarks.serving import serving
from lianyan.core.db import engine_of
from lianyan.embedded import postgres
from lianyan.migrations import upgrade
from lianyan.proposals import access

HERE = Path(__file__).parent
ROUNDS, SECONDS, CONNECTIONS = 5, 3, 16
GOALS = {"detail": 0.55, "list": 0.60}


class Page(NamedTuple):
    """A page to measure, at some number of proposals."""

    name: str
    proposals: int
    paths: list[str]


def load(port: int, paths: list[str], cookie: str, seconds: float = SECONDS) -> dict[str, float]:
    """Return what the load generator counted."""
    told = {
        "host": "127.0.0.1",
        "port": port,
        "paths": paths,
        "cookie": cookie,
        "seconds": seconds,
        "connections": CONNECTIONS,
    }
    done = subprocess.run(
        [sys.executable, HERE / "load.py"],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout)


async def measure(size: int, folder: Path) -> list[dict[str, Any]]:
    """Return one row for each page at this many proposals."""
    async with postgres(folder) as server:
        await asyncio.to_thread(upgrade, server.owner_url)
        person, ids, token = await fill(server.owner_url, size)
        await refresh(server.app_url)
        connection = await asyncpg.connect(server.owner_url)
        await connection.execute("vacuum analyze")
        office = await connection.fetchval("select institution_id from officers")
        await connection.close()
        environment = {
            "LIANYAN_DATABASE_URL": server.app_url, "LIANYAN_DATA_DIR": str(folder), "BENCH_PERSON": str(person),
            "BENCH_OFFICE": str(office), "LIANYAN_LIMITS": "0",
        }  # fmt: skip
        cookie = f"lianyan_session={token}"
        async with (
            serving("lianyan.app:create_app", environment, "--factory") as ours,
            serving("benchmarks.limit:app", environment) as limit,
        ):
            pages = [
                Page("detail", size, [f"/api/proposals/{id_}" for id_ in ids]),
                Page("list", size, ["/api/proposals"]),
            ]
            return [await asyncio.to_thread(compare, page, ours, limit, cookie) for page in pages]


def compare(page: Page, ours: int, limit: int, cookie: str) -> dict[str, Any]:
    """Return the ratio of one page, portal and limit in turn."""
    same(page.paths[0], ours, limit, cookie)
    for port in (ours, limit):
        load(port, page.paths, cookie, 1)
    pairs = [
        (load(ours, page.paths, cookie), load(limit, page.paths, cookie)) for _ in range(ROUNDS)
    ]
    ratios = [a["rate"] / b["rate"] for a, b in pairs]
    return {
        "page": page.name,
        "proposals": page.proposals,
        "ours": statistics.median(a["rate"] for a, _ in pairs),
        "limit": statistics.median(b["rate"] for _, b in pairs),
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "p99": statistics.median(a["p99"] for a, _ in pairs),
        "goal": GOALS[page.name],
    }


def same(path: str, ours: int, limit: int, cookie: str) -> None:
    """Stop if the two do not serve the same content: a ratio of different work says nothing."""
    bodies = []
    for port in (ours, limit):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", headers={"cookie": cookie}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
            bodies.append(json.loads(answer.read()))
    mine, bare = bodies
    if "items" in bare:
        if [row["id"] for row in mine["items"]] != [row["id"] for row in bare["items"]] or len(
            bare["items"]
        ) != 20:
            raise SystemExit("the lists differ")
    elif any(mine[key] != bare[key] for key in ("id", "answers", "participations", "team")):
        raise SystemExit("the proposals differ")


async def refresh(url: str) -> None:
    """Make the access rows of everything by the portal's own statement."""
    from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415

    engine = engine_of(url)
    async with AsyncSession(engine) as session:
        from sqlalchemy import text  # noqa: PLC0415

        ids = list((await session.scalars(text("select id from proposals"))).all())
        for at in range(0, len(ids), 2000):
            await access.refresh_many(session, ids[at : at + 2000])
        await session.commit()
    await engine.dispose()
