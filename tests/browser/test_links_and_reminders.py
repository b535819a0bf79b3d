"""What leaves the portal in a chat, a link or a reminder, says what it should and nothing more."""

import re

import pytest
from playwright.sync_api import expect

from browser.making import Draft, draft
from browser.visitor import PHONE, Visitor

__all__ = ["draft"]
pytestmark = pytest.mark.browser

YUNJING, TITLE = "云境示例科技有限公司", "虚拟车间的上岗训练"
WAITING = "虚拟仿真实验跨校共享与互认机制"
STORED = "select i::text as row from invitations i where proposal_id = $1"
DATE = r"\d+月\d+日 \d\d:\d\d"
LINE = rf"《.+》(还差 \d+ 家单位确认：.+。|有待.+办理，)截止 {DATE}。"
END = "登录后办理：{}home"


def invite(lead: Visitor, made: Draft) -> str:
    """Make a link on 单位与团队 and return it."""
    made.page(lead, "/team")
    row = lead.page.get_by_role("row").filter(has_text=YUNJING)
    row.get_by_role("button", name="邀请人员").click()
    dialog = lead.page.get_by_role("dialog")
    dialog.get_by_role("button", name="生成链接").click()
    return dialog.locator("#invitation-link").inner_text()


def told(lead: Visitor, made: Draft, state: str) -> None:
    """Expect what the lead is told of the only invitation."""
    made.page(lead, "/team")
    expect(lead.page.get_by_role("table", name="邀请链接")).to_contain_text(state)


def copied(visitor: Visitor) -> list[str]:
    """Return the lines that are in the clipboard."""
    said: str = visitor.page.evaluate("navigator.clipboard.readText()")
    return said.split("\n")


def test_a_link_previewed_by_a_chat_waits_for_two_presses_of_a_person(visit, draft, query):
    lead = visit("bing")
    made = draft(lead, TITLE, {YUNJING: "6"})
    link = invite(lead, made)
    token, before = link.rpartition("#")[2], query(STORED, made.id)

    partner = visit(width=PHONE)
    page, preview = partner.page, partner.context.request
    page.set_viewport_size({"width": PHONE, "height": 800})
    for method in ("HEAD", "GET", "GET", "GET"):
        headers = {"X-Invitation": token}
        preview.fetch(f"{partner.address}api/invitation", method=method, headers=headers)
        preview.fetch(link, method=method)
    assert query(STORED, made.id) == before
    told(lead, made, "已邀请")

    page.goto(link)
    partner.settled()
    for words in ("示例用户丙", "北京理工大学", YUNJING, TITLE, "参与单位"):
        assert words in partner.heading()
    until = page.get_by_role("paragraph").filter(has_text="请在此之前答复（北京时间）")
    expect(until.get_by_role("time")).to_have_text(re.compile(r"^\d+月\d+日（周.）\d\d:\d\d$"))
    for words in ("建模与试用", "6 人月", "2027年3月", "18 个月"):
        expect(page.locator("main")).to_contain_text(words)
    assert page.locator("main input:visible").count() <= 2
    assert query(STORED, made.id) == before

    partner.field("您的姓名").tap()
    page.keyboard.type("示例访客")
    page.get_by_role("button", name="参加", exact=True).tap()
    expect(page).to_have_url(re.compile(f"/proposals/{made.id}$"))
    told(lead, made, "已参加")

    late = visit(width=PHONE)
    late.foresee("status of 410")
    late.page.goto(link)
    late.settled()
    expect(late.page.get_by_role("button", name="参加", exact=True)).to_have_count(0)
    assert "链接" in late.page.locator("main").inner_text()


def test_a_reminder_holds_title_names_date_and_address_alone(visit):
    lead = visit("ouyang")
    row = lead.open("home").get_by_role("row").filter(has_text=WAITING)
    row.get_by_role("button", name="复制催办文字").click()
    expect(row.get_by_role("status")).to_contain_text("已复制")
    (line,) = copied(lead)
    end = END.format(lead.address)
    assert line.endswith(end)
    assert re.fullmatch(LINE, line.removesuffix(end)), line
    assert line.startswith(f"《{WAITING}》还差 1 家单位确认：同济大学")


def test_so_do_the_reminders_of_the_desk(visit):
    coordinator = visit("ji")
    page = coordinator.open("desk?state=consent_pending")
    boxes = page.get_by_role("table").get_by_role("checkbox").all()
    for box in boxes[1:]:
        box.check()
    page.get_by_role("button", name="复制催办文字").click()
    expect(page.get_by_role("status").filter(has_text="的催办文字")).to_be_visible()
    *lines, end = copied(coordinator)
    assert end == END.format(coordinator.address)
    assert len(lines) > 1
    for line in lines:
        assert re.fullmatch(LINE, line), line
