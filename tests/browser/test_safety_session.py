"""A session in a real browser: planted before, left behind after, and of whom the machine still knows."""

import re
import secrets

import pytest
from playwright.sync_api import expect

from browser.long import long_form
from browser.making import draft
from browser.sessions import COOKIE, sessions
from browser.writing import field, saved
from figures import figure

__all__ = ["draft", "sessions"]
pytestmark = pytest.mark.browser

COPIES = """async () => {
  const open = indexedDB.open("lianyan", 1);
  const database = await new Promise((then, no) => { open.onsuccess = () => then(open.result); open.onerror = no; });
  const keys = database.transaction("sections").objectStore("sections").getAllKeys();
  return new Promise((then) => { keys.onsuccess = () => then(keys.result); });
}"""
SECRET = "只有本人见过的一句话"


def cookies(visitor):
    return {one["name"]: one for one in visitor.context.cookies()}


def test_a_session_planted_before_the_login_is_not_the_one_after(visit, address):
    visitor = visit()
    planted = secrets.token_urlsafe(32)
    planting = {"name": COOKIE, "value": planted, "url": address}
    visitor.context.add_cookies([planting])
    assert visitor.context.request.get(f"{address}api/tasks").status == 401
    visitor.sign_in("xin")
    mine = cookies(visitor)[COOKIE]
    assert mine["value"] != planted
    readable = set(re.findall(r"(\w+)=", visitor.page.evaluate("document.cookie")))
    assert readable <= {"lang", "lianyan_last"}
    visitor.context.add_cookies([planting])
    assert visitor.context.request.get(f"{address}api/tasks").status == 401
    # Everything the portal sets is its own host's; scripts see what they may choose, no more.
    for name, cookie in cookies(visitor).items():
        if not name.startswith("lianyan") or cookie == planting:
            continue
        assert (cookie["domain"], cookie["path"], cookie["sameSite"]) == ("127.0.0.1", "/", "Lax")
    assert mine["httpOnly"]
    assert cookies(visitor)["lianyan_login"]["httpOnly"]
    figure("a session planted before the login: of use after it", "0", "0", held=True)


@long_form
def test_after_signing_out_neither_back_nor_reload_nor_another_window_shows_anything(
    visit, draft, sessions
):
    lead, here = visit(), visit()
    sessions.of(lead, "jia")
    made = draft(lead, "退出之后不该看见的题目")
    name = sessions.row(sessions.of(here, "jia"))["name"]
    other = here.of(here, here.context.new_page())
    made.page(other)
    expect(other.page.locator("main h1")).to_contain_text(made.title)
    here.page.bring_to_front()
    made.page(here, "/write/methods")
    page = here.page
    here.foresee("Failed to load resource", "net::ERR_FAILED")
    page.route("**/sections/**", lambda route: route.abort())
    field(page, "methods").fill(SECRET)
    expect(page.get_by_text("内容已留存在本机").first).to_be_visible()
    assert len(page.evaluate(COPIES)) == 1
    page.get_by_role("button", name="退出", exact=True).click()
    here.button("仍要退出").click()
    expect(page).to_have_url(here.address)
    assert COOKIE not in cookies(here)
    assert page.evaluate(COPIES) == []
    expect(other.page).to_have_url(here.address)
    # The other window's page has given its place to the public home: nothing lies behind it.
    other.page.go_back()
    assert other.page.url == "about:blank"
    page.go_back()
    for _ in range(2):
        expect(page.locator("main h1")).to_be_visible()
        shown = page.content()
        for word in (made.title, SECRET, name):
            assert word not in shown
        page.reload()
    figure("back and reload after signing out: pages of the person shown", "0", "0", held=True)


@long_form
def test_the_next_person_at_the_machine_sees_no_text_of_the_one_before(visit, draft, sessions):
    """The first one's session ended by itself: what was not delivered waits for them, and for nobody else."""
    lead, partner = visit(), visit()
    sessions.of(lead, "jia")
    sessions.of(partner, "bing")
    made, own = draft(lead, "先来者的申报书"), draft(partner, "后来者的申报书")
    here = visit()
    sessions.of(here, "jia")
    made.page(here, "/write/methods")
    page = here.page
    here.foresee("Failed to load resource", "net::ERR_FAILED")
    page.route("**/sections/**", lambda route: route.abort())
    field(page, "methods").fill(SECRET)
    expect(page.get_by_text("内容已留存在本机").first).to_be_visible()
    page.unroute("**/sections/**")
    sessions.of(here, "bing")
    # A page that the browser has kept in its memory and shows again.
    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    here.foresee("404")
    here.settled()
    assert SECRET not in page.content()
    assert made.title not in page.content()
    own.page(here, "/write/methods")
    expect(field(page, "methods")).to_have_value("")
    field(page, "methods").fill("后来者自己的话")
    saved(page)
    made.page(here, "/write/methods")
    assert SECRET not in page.content()
    assert made.title not in page.content()
    page.goto("about:blank")
    sessions.of(here, "jia")
    made.page(here, "/write/methods")
    expect(field(page, "methods")).to_have_value(SECRET)
    saved(page)
    assert made.answer("methods") == SECRET
    figure("undelivered texts shown to the next person at one machine", "0", "0", held=True)
