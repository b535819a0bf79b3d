"""The whole way with the demo's data, and a person of the demo who logs in anew: only LIANYAN_LONG=1."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from backup.scene import Writers, contents, read, restore, running, written
from disks import roomy
from figures import figure
from idp.walk import through
from lianyan.core.verification import verify
from lianyan.demo.world import read_world
from lianyan.embedded import find, throwaway
from lianyan.embedded.cluster import DATABASE, PORT, Home
from lianyan.embedded.programs import run
from portal import Portal, free_port, portal

LIANYAN = [sys.executable, "-m", "lianyan"]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backup")]


async def test_a_person_of_the_demo_logs_in_to_the_restored_portal() -> None:
    port = free_port()
    options = ("--demo", "--port", str(port))
    with throwaway(roomy()) as first, throwaway(roomy()) as other:
        data = first / "data"
        with portal(LIANYAN, first, *options):
            home = Home.read(data)
            assert home
            async with Writers(home.url("lianyan_app"), 8) as writers:
                await asyncio.sleep(1)
                began = time.monotonic()
                await asyncio.to_thread(command, data, "backup", other / "busy")
                took = time.monotonic() - began
        async with running(data) as connection:
            before = await contents(connection)
        await asyncio.to_thread(command, data, "backup", other / "quiet")
        await same_rows(other / "quiet", other / "one" / "data", before)
        began = time.monotonic()
        lost = await confirmed_lost(other / "busy", other / "two" / "data", writers)
        back = time.monotonic() - began
        assert not lost
        with portal(LIANYAN, other / "two", *options) as there:
            title = await logs_in(there)
        print(f"backup {took:.1f} s, restore {back:.1f} s, opened {title!r}")
    name = "backup under 8 writers, restored: confirmed writes lost"
    note = f"of {len(writers.told)}; backup {took:.1f} s, restore {back:.1f} s"
    figure(name, "0", str(len(lost)), held=not lost, note=note)


def command(data: Path, *arguments: str | Path) -> None:
    env = {**os.environ, "LIANYAN_DATA_DIR": str(data)}
    subprocess.run([*LIANYAN, *arguments], env=env, timeout=120, check=True)


async def same_rows(place: Path, target: Path, before: dict[str, Any]) -> None:
    """Restore what was saved while nobody wrote, and compare every row of every table."""
    target.parent.mkdir(mode=0o711)
    await restore(place, target)
    async with running(target) as connection:
        assert await contents(connection) == before
        assert (await verify(connection)).good, "what was sealed is whole"
        home = Home.read(target)
        assert home
        # Every table and index, page by page.
        await run(
            find(),
            "pg_amcheck",
            *("--install-missing", "--heapallindexed", "--no-password", "--username=postgres"),
            *("--host", home.socket, "--port", str(PORT), DATABASE),
            password=home.passwords["postgres"],
        )
    tables = [name for name in before if not name.startswith("sequence ")]
    rows = sum(before[name][0] for name in tables)
    assert rows > 3000
    name = "backup of the demo's data, restored: tables that differ in any row"
    figure(name, "0", "0", held=True, note=f"{len(tables)} tables, {rows} rows")


async def confirmed_lost(place: Path, target: Path, writers: Writers) -> set[UUID]:
    """Restore what was saved under writers; return what had been confirmed and is not there."""
    target.parent.mkdir(mode=0o711)
    await restore(place, target)
    found = read(place).point
    assert found
    async with running(target) as connection:
        there = await written(connection)
    confirmed = {s for s, at in writers.told.items() if at < found.at.timestamp()}
    assert confirmed
    return confirmed - there


async def logs_in(there: Portal) -> str:
    """Log in at the demo institution's page; return the title of a proposal that then opens."""
    person = read_world().person("jia")
    way = person.logins[0]
    base = (
        f"http://127.0.0.1:{json.loads((there.folder / 'data' / 'demo.json').read_text())['port']}"
    )
    origin = there.address.rstrip("/")
    async with httpx2.AsyncClient(base_url=origin, timeout=20) as client:
        headers = {"x-lianyan": "1", "origin": origin}
        asked = {"return_to": "/home", "hint": None}
        url = (
            await client.post(f"/api/login/{way.institution}", json=asked, headers=headers)
        ).json()["url"]
        async with httpx2.AsyncClient(headers={"accept-language": "zh-CN"}) as browser:
            back = await through(browser, url, base, way.sub)
        assert (await client.get(back)).status_code in {200, 302, 303}
        mine = (await client.get("/api/proposals", headers=headers)).json()["items"]
        opened = await client.get(f"/api/proposals/{mine[0]['id']}", headers=headers)
        assert opened.status_code == 200
        return str(opened.json()["title"])
