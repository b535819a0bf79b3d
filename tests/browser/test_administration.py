"""Who runs the portal: told apart on screen, the record read, a session ended, an auditor who only reads."""

import re

import pytest
from playwright.sync_api import expect

from browser.visitor import Visitor

pytestmark = pytest.mark.browser


def grant(visitor: Visitor, name: str, role: str) -> None:
    """Give somebody a role on the page of roles."""
    page = visitor.open("admin/roles")
    page.get_by_role("combobox", name="人员").fill(name)
    page.get_by_role("option").filter(has_text=name).first.click()
    page.get_by_role("radio", name=re.compile(f"^{role}")).check()
    page.get_by_role("button", name="指定", exact=True).click()


def end(visitor: Visitor, name: str, group: str) -> None:
    """End a role of somebody on the page of roles."""
    page = visitor.open("admin/roles")
    rows = page.locator("tbody").filter(has_text=group)
    rows.get_by_role("row").filter(has_text=name).get_by_role("button", name="停止").click()


def test_the_administrators_are_told_apart_and_the_auditor_only_reads(visit, query):
    system = visit("zi")
    page = system.open("admin/record")
    expect(page.get_by_role("heading", name="审计", level=1)).to_be_visible()
    page.get_by_label("类别").select_option("review")
    expect(page).to_have_url(re.compile("kind=review"))
    expect(page.locator("#log ~ *").get_by_text("评审：保存").first).to_be_visible()
    page = system.open("admin/roles")
    expect(page.get_by_text("尚无安全管理员、审计管理员，目前由系统管理员代行。")).to_be_visible()
    grant(system, "示例用户申", "安全管理员")
    expect(page.get_by_text("尚无审计管理员，目前由系统管理员代行。")).to_be_visible()
    # Granting is the security administrator's now.
    expect(page.get_by_role("button", name="指定", exact=True)).to_have_count(0)
    security = visit("shen")
    try:
        page = security.open("admin/security")
        page.get_by_role("combobox", name="人员").fill("示例用户子")
        page.get_by_role("option").filter(has_text="示例用户子").first.click()
        sessions = page.get_by_role("table", name=re.compile("^示例用户子的会话"))
        open_now = sessions.get_by_role("button", name="结束会话").count()
        sessions.get_by_role("button", name="结束会话").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("radio", name="设备遗失").check()
        dialog.get_by_role("button", name="结束会话").click()
        expect(dialog).to_have_count(0)
        expect(sessions.get_by_role("button", name="结束会话")).to_have_count(open_now - 1)
        grant(security, "示例用户未", "审计员")
        expect(page.get_by_role("row").filter(has_text="示例用户未")).to_be_visible()
        reads(visit)
        end(security, "示例用户未", "审计员")
        expect(security.page.get_by_role("row").filter(has_text="示例用户未")).to_have_count(0)
        # The only one there is stays: another would have to take the role over first.
        end(security, "示例用户申", "安全管理员")
        refusal = security.page.get_by_role("alert")
        expect(refusal).to_contain_text("您是唯一担任此角色的人")
    finally:
        query(
            "update platform_roles set ended_at = now() where ended_at is null "
            "and role in ('security_administrator', 'auditor')"
        )


def reads(visit) -> None:
    """Let the auditor look at a proposal under review: everything is there, and nothing to press."""
    auditor = visit("wei")
    page = auditor.open("desk?state=peer_review")
    page.get_by_role("row").filter(has_text="同行评议").get_by_role("link").first.click()
    auditor.settled()
    page.get_by_role("link", name="评审", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("评审专家")).first).to_be_visible()
    acts = page.locator("main").get_by_role("button")
    assert [name for name in acts.all_inner_texts() if name] == []
    page.get_by_role("link", name="谁看过这份申报书的评审与决定").click()
    expect(page.get_by_role("row").filter(has_text="查阅记录：查看").first).to_be_visible()
