"""What is typed stays typed: a word begun too early, another language."""

import pytest
from playwright.sync_api import expect

from browser.making import draft
from browser.writing import field, saved

__all__ = ["draft"]
pytestmark = pytest.mark.browser


def test_what_was_typed_before_waits_for_the_word_being_composed(visit, draft):
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
        page.wait_for_timeout(1_500)
        assert sent == []
        keys.send("Input.insertText", {"text": "研究"})
        saved(page)
        assert len(sent) == 1
    assert made.answer("methods") == "本研究"


def test_another_language_by_the_keyboard_keeps_the_page_and_the_text(visit, draft):
    lead = visit("jia")
    made = draft(lead, "气象孪生的课堂演示")
    made.page(lead, "/write/methods")
    page, text = lead.page, "先在两个班试用，再比较。Two classes first."
    field(page, "methods").focus()
    page.keyboard.type(text)
    where = page.url
    page.evaluate("window.stayed = true")
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "English":
            break
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="中文", exact=True)).to_be_focused()
    expect(field(page, "methods")).to_have_value(text)
    assert page.url == where
    assert page.evaluate("window.stayed")
    saved(page, "en")
    assert made.answer("methods") == text
    lead.speak("zh")
    expect(field(page, "methods")).to_have_value(text)
