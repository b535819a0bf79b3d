"""Nothing typed is lost: no network, a killed tab, an input method, a session that ends."""

import re
from hashlib import sha256

import pytest
from playwright.sync_api import expect

from browser.making import draft
from browser.visitor import Visitor
from browser.writing import field, saved
from lianyan.demo.world import read_world

__all__ = ["draft"]
pytestmark = pytest.mark.browser

FIRST, MORE = "先采集一个月的作业数据，", "再比较三种办法：𠮷田法、ａ法、b 法。"
END = "update sessions set idle_expires_at = now() - interval '1 second' where token_hash = $1 returning id"


def test_no_network_and_a_killed_tab_lose_no_character(visit, draft):
    lead = visit("bing")
    lead.foresee("ERR_INTERNET_DISCONNECTED")
    made = draft(lead, "断网时写的申报书")
    made.page(lead, "/write/methods")
    page = lead.page
    field(page, "methods").focus()
    page.keyboard.type(FIRST)
    saved(page)
    lead.context.set_offline(offline=True)
    page.keyboard.type(MORE[:4])
    expect(page.get_by_role("status").filter(has_text="网络不可用").first).to_contain_text(
        "内容已留存在本机"
    )
    page.keyboard.type(MORE[4:])
    page.close()
    assert made.answer("methods") == FIRST

    lead.context.set_offline(offline=False)
    lead.page = page = lead.context.new_page()
    made.page(lead, "/write/methods")
    expect(field(page, "methods")).to_have_value(FIRST + MORE)
    saved(page)
    assert made.answer("methods") == FIRST + MORE


def test_a_word_being_composed_is_not_sent(visit, draft):
    lead = visit("bing")
    made = draft(lead, "用输入法写的申报书")
    made.page(lead, "/write/methods")
    page = lead.page
    keys = lead.context.new_cdp_session(page)
    field(page, "methods").focus()
    with lead.counted("PUT", "/sections/") as sent:
        page.keyboard.type("本")
        for typed in ("y", "yan", "yan jiu"):
            mark = {"text": typed, "selectionStart": len(typed), "selectionEnd": len(typed)}
            keys.send("Input.imeSetComposition", mark)
        expect(field(page, "methods")).to_have_value("本yan jiu")
        page.wait_for_timeout(1600)
        assert sent == []
        keys.send("Input.insertText", {"text": "研究"})
        saved(page)
        assert len(sent) == 1
    assert made.answer("methods") == "本研究"


def sign_in_again(lead: Visitor, key: str) -> None:
    """Sign in, in the window that the dialog opens; it closes itself."""
    way = read_world().person(key).logins[0]
    home = next(one for one in read_world().institutions if one.slug == way.institution)
    dialog = lead.page.get_by_role("dialog")
    with lead.page.expect_popup() as opened:
        dialog.get_by_role("button", name="重新登录").click()
    window = opened.value
    expect(dialog).to_contain_text("新打开的窗口")
    window.get_by_role("combobox").fill(home.name_zh)
    window.get_by_role("option").filter(has_text=home.name_zh).first.click()
    lead.button("前往单位登录", window.locator("main")).click()
    with window.expect_event("close"):
        window.locator(f'button[name="sub"][value="{way.sub}"]').click()


def test_a_session_that_ends_while_writing_takes_nothing_along(visit, draft, query):
    lead = visit().sign_in("bing")
    lead.foresee("status of 401")
    made = draft(lead, "登录过期时写的申报书")
    made.page(lead, "/write/methods")
    page = lead.page
    field(page, "methods").focus()
    page.keyboard.type(FIRST)
    saved(page)
    page.evaluate("window.stayed = true")
    (cookie,) = (c["value"] for c in lead.context.cookies() if c["name"] == "lianyan_session")
    assert query(END, sha256(cookie.encode()).digest())
    page.keyboard.type(MORE[:4])
    told = page.get_by_role("status").filter(has_text="登录已过期，内容已留存在本机。").first
    expect(told).to_be_visible()
    page.keyboard.type(MORE[4:])
    where = page.url
    told.get_by_role("button", name="重新登录").click()
    expect(page.get_by_role("dialog")).to_contain_text("页面内容没有丢失")
    sign_in_again(lead, "bing")
    expect(page.get_by_role("dialog")).to_have_count(0)
    saved(page)
    assert page.url == where
    assert page.evaluate("window.stayed")
    expect(field(page, "methods")).to_have_value(re.compile(re.escape(FIRST + MORE)))
    assert made.answer("methods") == FIRST + MORE
