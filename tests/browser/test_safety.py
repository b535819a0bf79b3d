"""What the browser is told to allow, and what keeps a session from being stolen."""

import urllib.error
import urllib.request
from http.client import HTTPMessage

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def headers(address: str) -> HTTPMessage:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310  our own
            return answer.headers
    except urllib.error.HTTPError as error:
        return error.headers


@pytest.mark.parametrize("path", ["", "login", "i", "proposals/x", "api/home", "api/nothing"])
def test_no_page_can_be_framed_or_run_what_is_not_its_own(address, path):
    found = headers(address + path)
    policy = found["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "require-trusted-types-for 'script'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert found["x-frame-options"] == "DENY"
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "same-origin"


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(visit):
    visitor = visit("jia")
    page = visitor.open("home")
    mine = [cookie for cookie in visitor.context.cookies() if "lang" not in cookie["name"]]
    session = [cookie for cookie in mine if cookie["httpOnly"] and cookie["domain"] == "127.0.0.1"]
    assert session
    assert all(cookie["sameSite"] in {"Lax", "Strict"} for cookie in session)
    readable = page.evaluate("document.cookie")
    assert not any(cookie["value"] in readable for cookie in session)


def test_another_site_cannot_show_the_portal_in_a_frame(visit, address):
    visitor = visit()
    visitor.foresee("frame-ancestors", "X-Frame-Options", "x-frame-options")
    page = visitor.page
    page.set_content(f'<iframe src="{address}login" width="600" height="400"></iframe>')
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="用本单位账号登录")).to_have_count(0)


def test_a_request_from_another_site_is_refused(visit):
    visitor = visit("jia")
    answer = visitor.context.request.fetch(
        f"{visitor.address}api/session/locale",
        method="PUT",
        headers={"Origin": "https://elsewhere.example"},
        data={"locale": "en"},
    )
    assert answer.status == 403
