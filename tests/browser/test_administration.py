"""Who runs the portal: told apart on screen, the record read, a session ended, an auditor who only reads."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from browser.long import long_form
from browser.visitor import PHONE, Visitor

# While this one takes roles away, nobody else looks at the pages of those who held them.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("administration")]

NAMES = {"security": "示例安全管理员", "audit": "示例审计管理员"}
HELD = "role in ('security_administrator', 'audit_administrator') and ended_at is null"


@pytest.fixture
def undivided(query) -> Iterator[None]:
    """Let there be no security and no audit administrator for a while."""
    end = f"update platform_roles set ended_at = now() where {HELD} returning id"
    held = [row["id"] for row in query(end)]
    yield
    query(end)
    query("update platform_roles set ended_at = null where id = any($1)", held)


def grant(visitor: Visitor, name: str, role: str) -> None:
    """Give somebody a role on the page of roles."""
    page = visitor.open("admin/roles")
    page.get_by_role("combobox", name="人员").fill(name)
    page.get_by_role("option").filter(has_text=name).first.click()
    page.get_by_role("radio", name=re.compile(f"^{role}")).check()
    page.get_by_role("button", name="指定", exact=True).click()


def holder(visitor: Visitor, name: str, group: str) -> Locator:
    """Find the row of somebody who holds a role, on the page of roles."""
    rows = visitor.page.locator("tbody").filter(has_text=group)
    return rows.get_by_role("row").filter(has_text=name)


@long_form
def test_the_administrator_hands_over_and_loses_the_right(visit, undivided):
    system = visit("zi")
    page = system.open("admin/roles")
    expect(page.get_by_text("三员未分立")).to_be_visible()
    expect(page.get_by_text("尚无安全管理员、审计管理员，目前由系统管理员代行。")).to_be_visible()
    grant(system, NAMES["security"], "安全管理员")
    expect(page.get_by_text("尚无审计管理员，目前由系统管理员代行。")).to_be_visible()
    # Granting, and the page about security, are the security administrator's now.
    expect(page.get_by_role("button", name="指定", exact=True)).to_have_count(0)
    system.foresee("403")
    expect(system.open("admin/security").locator("h1")).to_contain_text("没有查看权限")


@long_form
def test_the_three_are_told_apart_and_the_only_one_stays(visit, undivided):
    system = visit("zi")
    grant(system, NAMES["security"], "安全管理员")
    expect(system.page.get_by_text("尚无审计管理员，目前由系统管理员代行。")).to_be_visible()
    security = visit("security")
    grant(security, NAMES["audit"], "审计管理员")
    expect(security.page.get_by_text(re.compile("^三员已分立"))).to_be_visible()
    expect(system.open("admin/roles").get_by_text(re.compile("^三员已分立"))).to_be_visible()
    # The only one there is stays: another would have to take the role over first.
    security.foresee("409")
    holder(security, NAMES["security"], "安全管理员").get_by_role("button", name="停止").click()
    expect(security.page.get_by_role("alert")).to_contain_text("您是唯一担任此角色的人")


def test_the_audit_administrator_finds_who_opened_a_review(visit):
    coordinator = visit("ji")
    page = coordinator.open("desk?state=peer_review")
    link = page.get_by_role("row").filter(has_text="评审 ").first.get_by_role("link")
    number = re.search(r"[A-Z]+-\d+-\d+", link.locator("xpath=..").inner_text())[0]
    link.click()
    coordinator.settled()
    page.get_by_role("link", name="评审", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^评审专家 已请"))).to_be_visible()
    audit = visit("audit", width=PHONE)
    page = audit.open("admin/record")
    page.get_by_label("申报书编号").fill(number)
    page.get_by_label("类别").select_option("assignment")
    expect(page).to_have_url(re.compile("kind=assignment"))
    expect(page).to_have_url(re.compile(f"number={number}"))
    seen = page.get_by_role("row").filter(has_text="评审分配：查看")
    expect(seen.filter(has_text="示例用户己").first).to_be_visible()
    # By whom is a reviewer is not told: neither here nor in any row of the record.
    assert not re.search("示例专家", page.locator("main").inner_text())
    with audit.counted("GET", "/seen") as asked:
        seen.first.get_by_role("link", name=number).click()
        audit.arrive("谁看过")
        expect(page.get_by_role("row").filter(has_text="查阅记录：查看").first).to_be_visible()
    assert len(asked) == 1, "each view is written down"
    page = audit.open("admin/record?view=seen")
    page.get_by_role("combobox", name="人员").fill("示例用户己")
    page.get_by_role("option").filter(has_text="示例用户己").first.click()
    expect(page.get_by_role("row").filter(has_text=number).first).to_be_visible()
    # The address keeps who was asked about, by no name.
    audit.open(page.url.removeprefix(audit.address))
    expect(page.get_by_role("combobox", name="人员")).to_have_value("示例用户己")


@long_form
def test_a_session_is_ended_and_its_person_told(visit):
    person = visit()
    person.sign_in("mao")
    security = visit("security")
    page = security.open("admin/security")
    page.get_by_role("combobox", name="人员").fill("示例用户卯")
    page.get_by_role("option").filter(has_text="示例用户卯").first.click()
    sessions = page.get_by_role("table", name=re.compile("^示例用户卯的会话"))
    end = sessions.get_by_role("button", name="结束会话")
    expect(end.first).to_be_visible()
    before = end.count()
    end.first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="设备遗失").check()
    dialog.get_by_role("button", name="结束会话").click()
    expect(dialog).to_have_count(0)
    expect(end).to_have_count(before - 1)
    page.reload()
    ended = page.get_by_role("row").filter(has_text="会话：结束").filter(has_text="示例用户卯")
    expect(ended.first).to_contain_text("设备遗失")
    person.foresee("401")
    person.open("home")
    assert "登录" in person.heading()
    person = visit()
    person.sign_in("mao")
    expect(person.open("home").get_by_text("安全管理员结束了您的一处登录").first).to_be_visible()


@long_form
def test_the_auditor_reads_everything_and_finds_nothing_to_press(visit):
    auditor = visit("auditor")
    page = auditor.open("desk")
    assert re.fullmatch(r"工作台：\d+ 份在办", auditor.heading())
    assert page.locator("main").get_by_role("checkbox").count() == 0
    assert "您：" not in page.locator("main").inner_text()
    page = auditor.open("desk?state=peer_review")
    page.get_by_role("row").filter(has_text="评审 ").first.get_by_role("link").click()
    auditor.settled()
    for tab, heading in (("检查", "检查"), ("评审", "评审专家"), ("决定", "参加单位")):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.get_by_role("heading", name=re.compile(f"^{heading}")).first).to_be_visible()
        auditor.settled()
        shown = page.locator("main").get_by_role("button").all_inner_texts()
        assert [words for words in shown if words] == [], tab
    page.get_by_role("link", name="谁看过这份申报书的评审与决定").click()
    auditor.arrive("谁看过")
    expect(page.get_by_role("row").filter(has_text="示例审计员").first).to_be_visible()
