"""Who is too fast, as they see it: what happened, when it goes on, and every character still there."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import expect

from browser.long import long_form
from browser.making import draft
from browser.sessions import Sessions, sessions
from browser.visitor import Visitor
from browser.writing import field, saved
from figures import figure
from lianyan.embedded.cluster import Home
from portal import free_port

__all__ = ["draft", "sessions"]
pytestmark = pytest.mark.browser

FIRST, SECOND = "第一稿", "第一稿，接着写的第二句"


@contextmanager
def server(site, **limits):
    """Give a second server of the same portal, which has limits of its own."""
    port, home = free_port(), Home.read(site / "data")
    kept = {n: v for n, v in os.environ.items() if not n.startswith("LIANYAN_")}
    own = {
        "LIANYAN_DEMO": "1",
        "LIANYAN_PORT": str(port),
        "LIANYAN_DATA_DIR": str(site / "data"),
        "LIANYAN_DATABASE_URL": home.url("lianyan_app"),
        **{f"LIANYAN_LIMIT_{name}": value for name, value in limits.items()},
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "lianyan", "serve"], env={**kept, **own}, stdout=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(300):
            with suppress(OSError):
                urllib.request.urlopen(f"{address}health", timeout=1).close()  # noqa: S310  our own
                break
            time.sleep(0.1)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@long_form
def test_who_is_too_fast_is_told_when_to_go_on_and_loses_nothing(visit, draft, sessions, site):
    lead = visit()
    sessions.of(lead, "jia")
    made = draft(lead, "写得太快的申报书")
    with server(site, WRITES="1/6", READS="40/40") as address:
        fast = Visitor(lead.context.browser, address)
        fast.foresee("429")
        Sessions(sessions.query, address).of(fast, "jia")
        page = fast.open(f"proposals/{made.id}/write/methods")
        field(page, "methods").fill(FIRST)
        saved(page)
        field(page, "methods").fill(SECOND)
        line = page.get_by_role("status").filter(has_text="操作过于频繁")
        expect(line.first).to_be_visible()
        assert "内容已留存在本机" in line.first.inner_text()
        assert made.answer("methods") == FIRST
        expect(field(page, "methods")).to_have_value(SECOND)
        saved(page)
        assert made.answer("methods") == SECOND
        # A page that is asked for too often comes back by itself.
        for _ in range(60):
            answer = fast.context.request.get(f"{address}api/session")
        assert answer.status == 429
        page.goto(address)
        expect(page.get_by_role("heading", name="请求过于频繁")).to_be_visible()
        page.wait_for_timeout(1500)
        fast.settled()
        assert fast.noise == []
        fast.close()
    figure("a person who is too fast: characters lost", "0", "0", held=True)
