"""Fixtures: one portal with the demo's data for all workers, a browser a worker, people before it."""

import asyncio
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser.visitor import DESK, Language, Visitor
from lianyan.embedded import throwaway
from lianyan.embedded.cluster import Home
from portal import free_port, portal

expect.set_options(timeout=10_000)

LIANYAN = [sys.executable, "-m", "lianyan"]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
    # One process less, and nothing drawn twice: two cores are all there is.
    *("--in-process-gpu", "--disable-site-isolation-trials", "--num-raster-threads=1"),
    *("--disable-extensions", "--disable-background-networking"),
]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all workers of this run see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def site(shared: Path) -> Iterator[Path]:
    """Give the folder of a portal with demo data; all workers share it, the one who began ends it.

    `LIANYAN_TEST_PORTAL` names the folder of one that runs already.
    """
    if given := os.environ.get("LIANYAN_TEST_PORTAL"):
        yield Path(given)
        return
    note = shared / "portal.json"
    with (shared / "portal.lock").open("w") as lock, (shared / "portal.users").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if note.exists():
            fcntl.flock(users, fcntl.LOCK_SH)
            fcntl.flock(lock, fcntl.LOCK_UN)
            yield Path(json.loads(note.read_text()))
            return
        options = ["--demo", "--port", str(free_port())]
        with throwaway() as folder, portal(LIANYAN, folder, *options):
            note.write_text(json.dumps(str(folder)))
            fcntl.flock(lock, fcntl.LOCK_UN)
            yield folder
            note.unlink()
            fcntl.flock(users, fcntl.LOCK_EX)


@pytest.fixture(scope="session")
def address(site: Path) -> str:
    """Give where the portal is, with a slash at the end."""
    return str(json.loads((site / "data" / "up.json").read_text())["address"])


@pytest.fixture(scope="session")
def query(site: Path) -> Callable[..., list[Any]]:
    """Give a function that runs one statement in the portal's database, for what no page can do.

    `LIANYAN_TEST_DATABASE` is the owner's address of one that is no portal's own.
    """
    if not (url := os.environ.get("LIANYAN_TEST_DATABASE", "")):
        home = Home.read(site / "data")
        assert home is not None
        url = home.url("lianyan_owner")

    async def run(statement: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    def ask(statement: str, *values: Any) -> list[Any]:
        # The browser's driver keeps a loop in this thread.
        with ThreadPoolExecutor(1) as other:
            return other.submit(asyncio.run, run(statement, *values)).result(20)

    return ask


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give this worker's Chromium."""
    program = next(found for name in PROGRAMS if (found := shutil.which(name)))
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


Open = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser, address: str, shared: Path) -> Iterator[Open]:
    """Give a function that puts a person (or nobody) before a screen; a complaint fails the test.

    Each person logs in once, in whichever worker needs it first; the profile is kept for the others.
    """
    opened: list[Visitor] = []

    def visit(key: str | None = None, width: int = DESK, language: Language = "zh") -> Visitor:
        note = shared / f"profile-{key}.json"
        state = json.loads(note.read_text()) if key and note.exists() else None
        visitor = Visitor(browser, address, width=width, language=language, state=state)
        opened.append(visitor)
        if key and not state:
            visitor.sign_in(key)
            new = note.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(visitor.state()))
            new.replace(note)
        elif key:
            visitor.account_speaks(language)
        return visitor

    yield visit
    noise = [line for visitor in opened for line in visitor.noise]
    for visitor in opened:
        visitor.close()
    assert not noise, "\n".join(noise)
