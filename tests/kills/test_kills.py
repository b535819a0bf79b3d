"""Server, worker, database and supervisor are killed with -9 all along the journey: nothing confirmed is lost."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from kills.journey import ONCE, Cast, Step, build, journey, read, stored
from lianyan.embedded import throwaway
from lianyan.embedded.cluster import Home
from portal import Portal, free_port

LIANYAN = [sys.executable, "-m", "lianyan"]
PATIENCE = 40.0
LONG = bool(os.environ.get("LIANYAN_LONG"))
VICTIMS = ["serve", "postgres", "work", "up"]

pytestmark = pytest.mark.slow


class Hurt:
    """A portal that is killed piece by piece, and started again where nobody else does."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.options = folder, ("--port", str(free_port()), "--no-demo")
        self.portal = Portal(LIANYAN, folder, *self.options).ready()
        home = Home.read(folder / "data")
        assert home is not None
        self.url = home.url("lianyan_app")
        self.origin = self.portal.address.rstrip("/")
        self.cast: Cast = asyncio.run(build(self.url))
        self.client = httpx2.Client(base_url=f"{self.origin}/api", timeout=15)
        self.refused: Counter[str] = Counter()

    def once(self, step: Step) -> httpx2.Response:
        """Send a request."""
        headers = {**self.cast.headers[step.who], "origin": self.origin, **step.headers}
        return self.client.request(step.method, step.path, json=step.body, headers=headers)

    def send(self, step: Step) -> httpx2.Response:
        """Send a request until it is answered, always the same one."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                got = self.once(step)
            except httpx2.TransportError as error:
                self.refused[type(error).__name__] += 1
            else:
                if got.status_code < 500:
                    assert got.status_code < 300, (step, got.status_code, got.text)
                    return got
                assert got.headers["retry-after"] == "1", got.text
                self.refused[f"{got.status_code} {got.json()['code']}"] += 1
            assert time.monotonic() < deadline, (step, self.refused)
            time.sleep(0.1)

    def get(self, who: str, path: str) -> Any:
        """Read a page."""
        return self.send(Step(who, "GET", path, None, {})).json()

    def kill(self, victim: str) -> None:
        """Kill one process with -9; start the portal again if it was the parent."""
        if victim == "up":
            self.portal.end(signal.SIGKILL)
            self.portal = Portal(LIANYAN, self.folder, *self.options).ready()
            return
        deadline = time.monotonic() + PATIENCE
        while victim not in (children := self.portal.children()):
            assert time.monotonic() < deadline, f"{victim} does not come back"
            time.sleep(0.05)
        os.kill(children[victim], signal.SIGKILL)

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything stored, once the database answers again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return asyncio.run(stored(self.url))
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                assert time.monotonic() < deadline
                time.sleep(0.1)


def test_nothing_confirmed_is_lost_and_nothing_happens_twice():
    with throwaway() as folder:
        hurt = Hurt(Path(folder))
        try:
            _play(hurt)
        finally:
            hurt.client.close()
            hurt.portal.end()


def _play(hurt: Hurt) -> None:
    victims = 0
    for number, step in enumerate(journey(hurt.cast, hurt.get)):
        victim = VICTIMS[victims % len(VICTIMS)]
        if not LONG and number % 3:
            hurt.send(step)
            continue
        if victims // len(VICTIMS) % 2 and victim != "up":
            _killed_meanwhile(hurt, step, victim)
            before = hurt.stored()
        else:
            hurt.send(step)
            before = hurt.stored()
            hurt.kill(victim)
        hurt.send(step)
        assert hurt.stored() == before, (step, victim)
        victims += 1
    _release(hurt)
    defects = [name for name in hurt.refused if name.startswith("500")]
    assert not defects, "a database that is away is no defect"
    print(f"{victims} kills, answers that were none: {dict(hurt.refused)}")


def _killed_meanwhile(hurt: Hurt, step: Step, victim: str) -> None:
    """Kill while the request is under way: whether it was done or not, to send it again does it once."""
    killer = threading.Timer(0.01, hurt.kill, [victim])
    killer.start()
    hurt.send(step)
    killer.join()


def _release(hurt: Hurt) -> None:
    """Let the hold end, kill everybody who could carry the release out, and see it carried out once."""
    for table, column in (("releases", "due_at"), ("jobs", "run_at")):
        asyncio.run(read(hurt.url, f"update {table} set {column} = now() - interval '1 second'"))
    for victim in ("work", "postgres", "up"):
        hurt.kill(victim)
    deadline = time.monotonic() + PATIENCE
    while hurt.stored()["projects"] != [(24,)]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    hurt.kill("work")
    found = hurt.stored()
    assert [row[0] for row in found["proposals"]] == ["approved"]
    kinds = Counter(row[0] for row in found["events"])
    assert {kind: kinds[kind] for kind in ONCE} == ONCE
    letters = [row for row in found["messages"] if row[0] == "letter_approved"]
    assert len(letters) == len(set(letters)) == len({row[1] for row in letters})
    assert letters
