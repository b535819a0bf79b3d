"""Confirmed saves of a section through HTTP, beside pgbench writing the same rows."""

import asyncio
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from benchmarks.fill import fill
from benchmarks.serving import serving
from lianyan.embedded import find, postgres, throwaway
from lianyan.migrations import upgrade

HERE = Path(__file__).parent
CLIENTS, ROUNDS, SECONDS, PROPOSALS = 8, 5, 4, 1_000
GOAL_RATE, GOAL_P99 = 600, 100
TEXT = "元宇宙协同创新研究" * 30


class Written(NamedTuple):
    """What was saved, and what pgbench wrote beside it."""

    rate: float
    low: float
    high: float
    p50: float
    p99: float
    pgbench: float
    lost: int
    """Confirmed saves that are not in the database, of all rounds together."""
    saves: int


async def measure() -> Written:
    """Fill a database, then save and write in turn."""
    with throwaway() as folder:
        async with postgres(folder) as server:
            await asyncio.to_thread(upgrade, server.owner_url)
            await fill(server.owner_url, PROPOSALS)
            environment = {"LIANYAN_DATABASE_URL": server.app_url, "LIANYAN_DATA_DIR": str(folder), "LIANYAN_LIMITS": "0"}  # fmt: skip
            async with serving("lianyan.app:create_app", environment, "--factory") as port:
                writers = await _writers(server.owner_url)
                rounds = [
                    await _round(server, port, writers, SECONDS if n else 1)
                    for n in range(ROUNDS + 1)
                ]
    warm = rounds[1:]
    return Written(
        rate=statistics.median(r["rate"] for r, _, _ in warm),
        low=min(r["rate"] for r, _, _ in warm),
        high=max(r["rate"] for r, _, _ in warm),
        p50=statistics.median(r["p50"] for r, _, _ in warm),
        p99=statistics.median(r["p99"] for r, _, _ in warm),
        pgbench=statistics.median(beside for _, beside, _ in warm),
        lost=sum(lost for _, _, lost in rounds),
        saves=sum(sum(r["counts"].values()) for r, _, _ in rounds),
    )


async def _writers(url: str) -> list[dict[str, str]]:
    """Log in as many people as there are connections."""
    connection = await asyncpg.connect(url)
    people = await connection.fetch(
        "select f.person_id, f.institution_id from affiliations f order by f.person_id limit $1", CLIENTS
    )  # fmt: skip
    found = []
    for person, institution in people:
        token = secrets.token_urlsafe(32)
        await connection.execute(
            """insert into sessions (token_hash, person_id, authenticated_at, idle_expires_at, absolute_expires_at)
               values ($1, $2, now(), now() + interval '1 day', now() + interval '1 day')""",
            sha256(token.encode()).digest(),
            person,
        )
        found.append({"cookie": f"lianyan_session={token}", "person": str(person), "institution": str(institution)})  # fmt: skip
    call = await connection.fetchval("select id from calls")
    await connection.execute("create table if not exists bench_drafts (n int primary key, id uuid, person uuid)")  # fmt: skip
    await connection.close()
    return [{**one, "call": str(call)} for one in found]


async def _round(
    server: Any, port: int, writers: list[dict[str, str]], seconds: int
) -> tuple[dict[str, Any], float, int]:
    """Start a draft for each writer, save, and let pgbench write to drafts of its own; return both, and the losses."""
    drafts = await asyncio.to_thread(_drafts, port, writers)
    told = {"host": "127.0.0.1", "port": port, "origin": f"http://127.0.0.1:{8000}", "seconds": seconds, "drafts": drafts}  # fmt: skip
    done = await asyncio.to_thread(_saved, told)
    connection = await asyncpg.connect(server.owner_url)
    lost = 0
    for proposal, confirmed in done["counts"].items():
        stored = await connection.fetchval("select rev from sections where proposal_id = $1 and section = 'methods'", proposal)  # fmt: skip
        events = await connection.fetchval("select count(*) from events where proposal_id = $1 and kind = 'section.saved'", proposal)  # fmt: skip
        lost += confirmed - min(stored or 0, events)
    await connection.execute("truncate bench_drafts")
    others = await asyncio.to_thread(_drafts, port, writers)
    await connection.executemany(
        "insert into bench_drafts values ($1, $2, $3)",
        [(n, one["proposal"], one["person"]) for n, one in enumerate(others)],
    )
    await connection.close()
    return done, await asyncio.to_thread(_pgbench, server, seconds), lost


def _drafts(port: int, writers: list[dict[str, str]]) -> list[dict[str, str]]:
    """Start a draft for each writer through the portal."""
    found = []
    for one in writers:
        body = {"call_id": one["call"], "institution_id": one["institution"], "again": True}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/proposals",
            data=json.dumps(body).encode(),
            headers={
                "cookie": one["cookie"], "content-type": "application/json", "x-lianyan": "1",
                "origin": "http://127.0.0.1:8000", "idempotency-key": secrets.token_urlsafe(16),
            },
        )  # fmt: skip
        with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
            found.append({**one, "proposal": json.loads(answer.read())["id"], "text": TEXT})
    return found


def _saved(told: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, HERE / "save.py"],
        input=json.dumps(told), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout)


def _pgbench(server: Any, seconds: int) -> float:
    """Return how many transactions a second pgbench does with as many clients."""
    home = server.home
    done = subprocess.run(
        [find().program("pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds),
         "-f", HERE / "save.sql", "-h", str(home.socket), "-p", "5432", "-U", "lianyan_owner", "lianyan"],
        env={**os.environ, "PGPASSWORD": home.passwords["lianyan_owner"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise SystemExit(done.stdout + done.stderr)
    return float(found[1])
