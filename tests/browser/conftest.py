"""Fixtures: a worker's portal with the demo's data, its browser, and people before it."""

import asyncio
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
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
    # One process less, and nothing drawn twice: two cores are all there is.
    *("--in-process-gpu", "--disable-site-isolation-trials", "--num-raster-threads=1"),
    *("--disable-extensions", "--disable-background-networking"),
]


@pytest.fixture(scope="session")
def site() -> Iterator[Path]:
    """Give the folder of this worker's own portal with demo data.

    One for all workers would let two tests act as the same person at once: one takes the language,
    the other wonders. `LIANYAN_TEST_PORTAL` names the folder of a portal that runs already.
    """
    if given := os.environ.get("LIANYAN_TEST_PORTAL"):
        yield Path(given)
        return
    options = ["--demo", "--port", str(free_port())]
    with throwaway() as folder, portal(LIANYAN, folder, *options):
        yield folder


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


@pytest.fixture(scope="session")
def profiles() -> dict[str, Any]:
    """Give the browser profiles of the people who have logged in: each does so once."""
    return {}


@pytest.fixture
def visit(browser: Browser, address: str, profiles: dict[str, Any]) -> Iterator[Open]:
    """Give a function that puts a person (or nobody) before a screen; a complaint fails the test."""
    opened: list[Visitor] = []

    def visit(key: str | None = None, width: int = DESK, language: Language = "zh") -> Visitor:
        state = profiles.get(key) if key else None
        visitor = Visitor(browser, address, width=width, language=language, state=state)
        opened.append(visitor)
        if key and not state:
            visitor.sign_in(key)
            profiles[key] = visitor.state()
        elif key:
            visitor.account_speaks(language)
        return visitor

    yield visit
    noise = [line for visitor in opened for line in visitor.noise]
    for visitor in opened:
        visitor.close()
    assert not noise, "\n".join(noise)
