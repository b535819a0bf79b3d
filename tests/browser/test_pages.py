"""What holds on every page: axe, one heading, a title, no sideways scroll, a quiet console, the keyboard."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.long import LONG
from browser.pages import BY, addresses
from browser.visitor import DESK, PHONE, Language, Visitor

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LANGUAGES: list[Language] = ["zh", "en"]
OPTIONS = {"runOnly": TAGS, "resultTypes": ["violations"], "iframes": False, "preload": False}
RUN = f"axe.run(document, {json.dumps(OPTIONS)})"


def violations(page: Page) -> list[str]:
    """Return what axe finds, a line each."""
    # By the debugger, not as a script of the page: the policy stays as strict as it is.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate(RUN)
    return [
        f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]
    ]


# Another test lets these hold no role for a while; in their group they come after each other.
APART = {"security", "audit"}
KEYS = [
    pytest.param(key, marks=pytest.mark.xdist_group("administration")) if key in APART else key
    for key in BY
]


@pytest.mark.parametrize("key", KEYS)
def test_pages_are_clean(visit, key):
    """Each page of a person in both languages: axe, heading, title, widths; `visit` hears the console.

    The short form lets axe look at each page once, at every other one in English.
    """
    visitor = visit(key)
    faults = []
    for index, path in enumerate(addresses(visitor, key)):
        visitor.open(path)
        # The language changes in place; the next page begins in the one that this page ends in.
        for language in LANGUAGES if index % 2 == 0 else LANGUAGES[::-1]:
            visitor.speak(language)
            found = faults_of(visitor)
            if LONG or (language == "zh") == (index % 2 == 0):
                found += violations(visitor.page)
            faults += [f"{path} ({language}): {fault}" for fault in found]
    assert not faults, "\n".join(faults)


def faults_of(visitor: Visitor) -> list[str]:
    """Return what is wrong with the open page."""
    page = visitor.page
    faults = []
    if (count := page.locator("h1:visible").count()) != 1:
        faults.append(f"{count} headings of the first rank")
    if not page.title() or not visitor.heading():
        faults.append("no title")
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 844})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{wide} pixels wide on a screen of {width}")
    if raw := raw_keys(page):
        faults.append(f"keys in place of words: {raw}")
    return faults


def raw_keys(page: Page) -> list[str]:
    """Return words that are keys of the catalogue, shown where a sentence should be."""
    found: list[str] = page.evaluate(
        r"""[...document.body.innerText.matchAll(/(?<![\w.@/-])[a-z]+(_[a-z]+)*\.[a-z_]+(?![\w@/-]|\.\w)/g)]
            .map((m) => m[0]).filter((word) => !/\.(example|com|cn|edu|json|xlsx)$/.test(word))"""
    )
    return found


def test_every_page_is_reached_and_left_by_the_keyboard(visit):
    visitor = visit("yi")
    page = visitor.open("home")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("main :focus")).to_have_count(1)
    page.locator("main :focus").press("Enter")
    visitor.settled()
    expect(page.locator("h1")).to_be_focused()
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent.trim()"))
        if page.evaluate("document.activeElement === document.body"):
            break
    assert any("重新登录" in one or "检查并提交" in one or "下一节" in one for one in seen), seen


@pytest.mark.parametrize("key", ["ji", "expert-07", "officer-cuc"])
def test_every_link_of_my_tasks_leads_somewhere(visit, key):
    """A refused or absent page is heard in the console: its request was answered so."""
    visitor = visit(key)
    page = visitor.open("home")
    more = page.locator("main").get_by_role("button", name="显示更多")
    if more.count():
        more.click()
    for href in {link.get_attribute("href") for link in page.locator("main a").all()}:
        visitor.open(href or "")
