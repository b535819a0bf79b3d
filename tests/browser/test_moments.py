"""The moments that must work, each in a real browser: what people came for, in as few presses as said."""

import json
import re

import pytest
from playwright.sync_api import Locator, expect

from browser.making import Draft, ask, confirm, draft
from browser.visitor import PHONE, Visitor
from browser.writing import field, saved

__all__ = ["draft"]
pytestmark = pytest.mark.browser

XUSHI, YUNJING, CUC = "虚实示例互动有限公司", "云境示例科技有限公司", "中国传媒大学"
WAITING = "虚拟仿真实验跨校共享与互认机制"
DATE = r"\d+月\d+日 \d\d:\d\d"
LINK = r"{address}[a-z/]+/[0-9a-f-]{{36}}"
ASKED = r"《.+》(还差 \d+ 家单位确认：.+|有待.+办理[，。])"


def invite(lead: Visitor, made: Draft, institution: str) -> str:
    """Make a link on 单位与团队 and return it."""
    made.page(lead, "/team")
    page = lead.page
    row = page.get_by_role("row").filter(has_text=institution)
    row.get_by_role("button", name="邀请人员").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="生成链接").click()
    link = dialog.locator("#invitation-link").inner_text()
    dialog.get_by_role("button", name="关闭").first.click()
    return link


def state_of(lead: Visitor, made: Draft) -> str:
    """Read what the lead is told about the only invitation."""
    made.page(lead, "/team")
    links = lead.page.get_by_role("region", name="邀请链接")
    return links.get_by_role("row").nth(1).get_by_role("cell").nth(0).inner_text()


def test_an_invitation_is_read_without_login_and_taken_in_three_presses(visit, draft, query):
    lead = visit("bing")
    made = draft(lead, "虚拟车间的上岗训练", {YUNJING: "6"})
    link = invite(lead, made, YUNJING)
    token = link.rpartition("#")[2]
    stored = "select i::text as row from invitations i where proposal_id = $1"
    before = query(stored, made.id)

    partner = visit(width=PHONE)
    page = partner.page
    page.set_viewport_size({"width": PHONE, "height": 800})
    api = f"{partner.address}api/invitation"
    partner.context.request.head(api, headers={"X-Invitation": token})
    partner.context.request.head(link)
    for _ in range(3):
        answer = partner.context.request.get(api, headers={"X-Invitation": token})
        assert answer.json()["state"] == "sent"
    page.goto(link)
    partner.settled()
    assert query(stored, made.id) == before
    assert state_of(lead, made) == "已发出"

    assert token not in page.url
    for words in ("示例用户丙", "北京理工大学", YUNJING, "虚拟车间的上岗训练", "参与单位"):
        assert words in partner.heading()
    expect(page.get_by_text(re.compile(f"请在此之前答复.*{DATE}", re.DOTALL)).first).to_be_visible()
    for words in ("建模与试用", "6 人月", "2027年3月", "18 个月"):
        expect(page.get_by_text(words).first).to_be_visible()

    fields = page.locator("main input:visible")
    assert fields.count() <= 2
    partner.field("您的姓名").tap()
    page.keyboard.type("示例访客")
    page.get_by_role("button", name="参加", exact=True).tap()
    expect(page).to_have_url(re.compile(f"/proposals/{made.id}$"))
    partner.arrive("虚拟车间的上岗训练")
    expect(page.get_by_text("示例访客").first).to_be_visible()
    assert state_of(lead, made) == "已参加"

    late = visit(width=PHONE)
    late.foresee("status of 410")
    late.page.goto(link)
    expect(late.page.locator("main")).to_contain_text(re.compile("链接.*(已|不再)"))
    expect(late.page.get_by_role("button", name="参加", exact=True)).to_have_count(0)


def test_what_waits_for_a_person_is_done_where_it_is_read(visit, draft):
    officer = visit("ding")
    page = officer.open("home")
    assert officer.heading() == "您有 2 件事：补齐 1 份草稿，确认 1 项变更"
    card = page.get_by_role("region", name="元宇宙就诊前导引的适老化设计")
    expect(card).to_contain_text(re.compile("6 人月.*12 人月", re.DOTALL))
    for act in ("确认 12 人月", "退回修改", "不参加"):
        expect(card.get_by_role("button", name=act)).to_be_visible()

    title = "数字人手语播报的现场试用"
    draft(visit("bing"), title, {CUC: "3"})
    page.reload()
    officer.arrive("您有 3 件事")
    page.evaluate("window.stayed = true")
    card = page.get_by_role("region", name=title)
    expect(card).to_contain_text("3 人月")
    card.get_by_role("button", name=re.compile("^确认")).click()
    officer.arrive("您有 2 件事")
    expect(card).to_have_count(0)
    assert page.evaluate("window.stayed")


def amount_of(visitor: Visitor, institution: str) -> Locator:
    part = visitor.page.get_by_role("region", name=re.compile(f"^{institution}"))
    return visitor.field("数量", part)


def test_a_changed_promise_ends_exactly_one_confirmation(visit, draft):
    lead, xushi = visit("bing"), visit("officer-xushi")
    title = "工厂孪生的声场重建"
    made = draft(lead, title, {XUSHI: "6", YUNJING: "8"})
    confirm(xushi, title)
    confirm(visit("officer-yunjing"), title)
    made.page(lead, "/write/contributions")
    page = lead.page
    with lead.counted("PATCH", "/participations/") as sent:
        amount_of(lead, XUSHI).fill("9")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(XUSHI)
        expect(dialog).not_to_contain_text(YUNJING)
        dialog.get_by_role("button", name="不改").click()
        expect(dialog).to_have_count(0)
        expect(amount_of(lead, XUSHI)).to_have_value("6")
        page.wait_for_timeout(1300)
        assert sent == []
        amount_of(lead, XUSHI).fill("9")
        assert sent == []
        dialog.get_by_role("button", name="继续修改").click()
        saved(page)
        assert len(sent) == 1

    made.page(lead)
    rows = page.get_by_role("table", name="参加单位").get_by_role("row")
    expect(rows.filter(has_text=XUSHI)).to_contain_text("已失效")
    expect(rows.filter(has_text=YUNJING)).to_contain_text("已确认，不受影响")
    assert [p["state"] for p in made.read()["participations"]].count("void") == 1

    mine = xushi.open("home").get_by_role("region", name=title)
    expect(mine).to_contain_text(re.compile("6 人月.*9 人月", re.DOTALL))
    mine.get_by_role("button", name="确认 9 人月").click()
    expect(mine).to_have_count(0)
    assert made.part(XUSHI)["state"] == "consented"


def test_a_lead_copies_a_reminder_that_tells_nothing_confidential(visit):
    lead = visit("ouyang")
    page = lead.open("home")
    row = page.get_by_role("row").filter(has_text=WAITING)
    row.get_by_role("button", name="复制催办文字").click()
    expect(row.get_by_role("status")).to_contain_text("已复制")
    said = page.evaluate("navigator.clipboard.readText()")
    link = LINK.format(address=re.escape(lead.address))
    assert re.fullmatch(
        rf"《{WAITING}》还差 1 家单位确认：同济大学。截止 {DATE}。登录后办理：{link}", said
    ), said


def test_the_desk_copies_reminders_of_the_rows_chosen(visit):
    coordinator = visit("ji")
    page = coordinator.open("desk")
    for row in page.get_by_role("row").filter(has_text="待单位确认").all()[:2]:
        row.get_by_role("checkbox").check()
    page.get_by_role("button", name="复制催办文字").click()
    expect(page.get_by_role("status").filter(has_text="已复制 2 份的催办文字")).to_be_visible()
    said = page.evaluate("navigator.clipboard.readText()").split("\n")
    link = LINK.format(address=re.escape(coordinator.address))
    assert len(said) == 2
    for line in said:
        assert re.fullmatch(rf"{ASKED}.*截止 {DATE}。登录后办理：{link}", line), line
    known = {row["id"] for row in ask(coordinator, "GET", "desk?limit=100")["items"]}
    assert {line.rpartition("/")[2] for line in said} <= known, json.dumps(said)


def test_another_language_by_the_keyboard_keeps_the_page_and_the_text(visit, draft):
    lead = visit("jia")
    made = draft(lead, "气象孪生的课堂演示")
    made.page(lead, "/write/methods")
    page, text = lead.page, "先在两个班试用，再比较。Two classes first."
    field(page, "methods").focus()
    page.keyboard.type(text)
    where = page.url
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "English":
            break
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="中文", exact=True)).to_be_focused()
    expect(field(page, "methods")).to_have_value(text)
    assert page.url == where
    saved(page, "en")
    assert made.answer("methods") == text
    lead.speak("zh")
    expect(field(page, "methods")).to_have_value(text)
