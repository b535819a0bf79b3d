"""The whole job, from the call to the register, by people who each do their own part."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser.visitor import PHONE, Visitor
from browser.writing import (
    TITLES,
    promise,
    saved,
    write_basics,
    write_ethics,
    write_section,
)

pytestmark = pytest.mark.browser

TITLE = TITLES["zh"]["title"]
NJUST, XUSHI, YUNJING = "南京理工大学", "虚实示例互动有限公司", "云境示例科技有限公司"
LETTER = "请在任务书中写明示范仓库的数据由谁保管。"
HURRY = """
  with due as (
    update releases set due_at = now() - interval '1 second'
    where taken_back_at is null and done_at is null
  )
  update jobs set run_at = now() where kind = 'release.carry_out'
"""


def test_a_joint_project_from_the_call_to_the_register(visit, query):
    lead = visit("mao")
    start(lead)
    link = put_together(lead)
    take_part_on_a_phone(visit(width=PHONE), link)
    contribute(lead)
    number = submit(lead)
    for officer, institution in (("njust", NJUST), ("xushi", XUSHI), ("yunjing", YUNJING)):
        confirm(visit(f"officer-{officer}"), institution)
    coordinator = visit("ji")
    check(coordinator)
    assign(coordinator, ["示例专家01", "示例专家09"])
    for reviewer in ("expert-01", "expert-09"):
        review(visit(reviewer))
    draft(coordinator)
    sign(visit("gui"))
    release(coordinator, query)
    in_the_register(visit(), number)
    the_lead_reads(lead)


def start(lead: Visitor) -> None:
    page = lead.open()
    page.get_by_role("link", name="查看征集").first.click()
    page.get_by_role("button", name="撰写申报书").click()
    expect(page).to_have_url(re.compile("/write/basics$"))
    lead.arrive("尚无题目")
    write_basics(lead)
    for section in ("aims", "methods"):
        page.get_by_role("link", name=re.compile("^下一节")).click()
        expect(page).to_have_url(re.compile(f"/write/{section}$"))
        write_section(lead, section)
    for section in ("contributions", "terms"):
        page.get_by_role("link", name=re.compile("^下一节")).click()
        expect(page).to_have_url(re.compile(f"/write/{section}$"))
    write_section(lead, "terms")
    page.get_by_role("link", name=re.compile("^下一节")).click()
    expect(page).to_have_url(re.compile("/write/ethics$"))
    write_ethics(lead)


def put_together(lead: Visitor) -> str:
    """Add two institutions and return the link that invites somebody of the second."""
    page = lead.page
    page.get_by_role("link", name=re.compile("^单位与团队")).first.click()
    for typed, name, role, task in (
        ("xssl", XUSHI, "参与", "建模与渲染"),
        ("云境", YUNJING, "应用示范", "提供示范仓库"),
    ):
        page.get_by_role("button", name="添加单位").click()
        page.get_by_role("combobox", name="单位").fill(typed)
        page.get_by_role("option", name=re.compile(f"^{name}")).click()
        page.get_by_role("radio", name=role, exact=True).check()
        lead.field("请该单位做什么").fill(task)
        page.get_by_role("button", name="添加", exact=True).click()
        expect(page.get_by_role("rowheader", name=re.compile(f"^{name}"))).to_be_visible()
    page.get_by_role("button", name="添加人员").click()
    page.get_by_role("combobox", name="人员").fill("示例用户巳")
    page.get_by_role("option", name=re.compile("^示例用户巳")).click()
    page.get_by_label("单位", exact=True).select_option(label=XUSHI)
    lead.field("分工").fill("建模")
    page.get_by_role("button", name="添加", exact=True).click()
    expect(page.get_by_role("rowheader", name=re.compile("^示例用户巳"))).to_be_visible()
    row = page.get_by_role("row").filter(has_text=YUNJING)
    row.get_by_role("button", name="邀请人员").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(re.compile("^对方姓名")).fill("示例访客")
    dialog.get_by_role("button", name="生成链接").click()
    link = dialog.locator("#invitation-link").inner_text()
    dialog.get_by_role("button", name="复制邀请文字").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert link in copied
    assert TITLE in copied
    dialog.get_by_role("button", name="关闭").first.click()
    return link


def take_part_on_a_phone(partner: Visitor, link: str) -> None:
    page = partner.page
    page.goto(link)
    partner.settled()
    assert "示例用户卯" in partner.heading()
    assert TITLE in partner.heading()
    expect(page.get_by_text("提供示范仓库")).to_be_visible()
    assert page.locator("form input").count() <= 2
    assert partner.field("您的姓名").input_value() == "示例访客"
    page.get_by_role("button", name="参加", exact=True).tap()
    expect(page).to_have_url(re.compile("/proposals/[0-9a-f-]+$"))
    partner.arrive(TITLE)


def contribute(lead: Visitor) -> None:
    page = lead.page
    page.reload()
    lead.arrive(TITLE)
    page.get_by_role("link", name=re.compile("^各方贡献")).first.click()
    for institution, amount in ((NJUST, "24"), (XUSHI, "12"), (YUNJING, "6")):
        part = page.get_by_role("region", name=re.compile(f"^{institution}"))
        promise(part, "staff", amount, "工程与研究人员")
        expect(part.get_by_role("status").filter(has_text="保存").first).to_have_text(
            re.compile("已于 .+ 保存")
        )


def submit(lead: Visitor) -> str:
    """Submit and return the number given."""
    page = lead.page
    page.get_by_role("link", name="检查并提交").first.click()
    expect(page.get_by_text("必填内容齐全")).to_be_visible()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page).to_have_url(re.compile("/receipt$"))
    heading = page.get_by_role("heading", name=re.compile("^已提交："))
    expect(heading).to_be_visible()
    found = re.search(r"NUIST-\d{4}-\d{4}", heading.inner_text())
    assert found
    expect(page.get_by_text(re.compile("^[0-9a-f]{64}$"))).to_be_visible()
    return found[0]


def confirm(officer: Visitor, institution: str) -> None:
    page = officer.open("home")
    assert officer.heading().startswith("您有")
    card = page.get_by_role("region", name=TITLE)
    expect(card).to_contain_text("人月")
    card.get_by_role("button", name=re.compile("^确认")).click()
    expect(card).to_have_count(0)
    page.goto(officer.address + "institution/ledger")
    row = page.get_by_role("row").filter(has_text=TITLE)
    expect(row).to_contain_text("已确认")
    assert institution


def desk_page(coordinator: Visitor) -> Page:
    page = coordinator.open("desk")
    page.get_by_role("link", name=TITLE).click()
    return coordinator.arrive(TITLE)


def check(coordinator: Visitor) -> None:
    page = desk_page(coordinator)
    for item in page.locator("fieldset.check").filter(has_not_text="自动核对：符合").all():
        item.get_by_role("radio", name="符合").check()
        expect(item.get_by_role("status")).to_have_text(re.compile("已于 .+ 保存"))
    page.get_by_role("button", name="通过形式审查").click()
    expect(page.get_by_text("形式审查已通过。")).to_be_visible()


def assign(coordinator: Visitor, reviewers: list[str]) -> None:
    page = coordinator.page
    page.get_by_role("link", name="评审", exact=True).last.click()
    for name in reviewers:
        row = page.locator("#candidates").get_by_role("row").filter(has_text=name)
        row.get_by_role("button", name=re.compile("请其评审")).click()
        asked = page.get_by_role("region", name=re.compile("^评审专家"))
        expect(asked.get_by_role("row").filter(has_text=name)).to_contain_text("待接受")
    refused = page.locator("#candidates").get_by_role("row").filter(has_text="示例专家05")
    expect(refused).to_contain_text("相同，或是其上级")


def review(reviewer: Visitor) -> None:
    page = reviewer.open("reviews")
    row = page.get_by_role("row").filter(has_text=TITLE)
    expect(row).to_contain_text("未发现")
    page.get_by_role("checkbox", name=re.compile("^我承诺")).check()
    page.get_by_role("button", name=re.compile("^接受")).click()
    page.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    for scale in page.locator("fieldset.score").all():
        scale.get_by_role("radio", name="4").check()
    reviewer.field("给申请人的意见").fill("问题来自现场，指标可以检验。请写明数据保管。")
    reviewer.field("总体建议").select_option("approve")
    saved(page)
    page.get_by_role("button", name=re.compile("^全部提交")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^全部提交")).click()
    expect(page.get_by_text(re.compile("^已于 .+ 提交"))).to_be_visible()


def draft(coordinator: Visitor) -> None:
    page = desk_page(coordinator)
    page.get_by_role("button", name="结束评审").click()
    expect(page.get_by_text("评审已结束。")).to_be_visible()
    page.get_by_role("radio", name="批准立项").check()
    coordinator.field("给申请人的信").fill(LETTER)
    page.get_by_role("button", name="交批准人签署").click()
    expect(page.get_by_role("heading", name=re.compile("^决定"))).to_contain_text("待签署")


def sign(approver: Visitor) -> None:
    page = approver.open("decide")
    page.get_by_role("link", name=TITLE).first.click()
    expect(page.get_by_text(LETTER)).to_be_visible()
    page.get_by_role("button", name=re.compile("^签署：批准立项")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^签署")).click()
    expect(page.get_by_text(re.compile("示例用户癸 "))).to_be_visible()


def release(coordinator: Visitor, query) -> None:
    page = coordinator.open("release")
    expect(page.get_by_role("row").filter(has_text=TITLE)).to_contain_text("批准立项")
    order = page.get_by_role("button", name=re.compile(r"^发布 \d+ 份并寄 \d+ 封信$"))
    order.click()
    expect(page.get_by_text(re.compile("^即将发布"))).to_be_visible()
    page.get_by_role("button", name="全部收回").click()
    expect(page.get_by_role("row").filter(has_text=TITLE)).to_contain_text("批准立项")
    order.click()
    expect(page.get_by_text(re.compile("^即将发布"))).to_be_visible()
    query(HURRY)


def in_the_register(anyone: Visitor, number: str) -> None:
    page = anyone.page
    for _ in range(30):
        anyone.open("projects")
        if page.get_by_role("link", name=TITLE).count():
            break
        page.wait_for_timeout(300)
    expect(page.get_by_role("row").filter(has_text=TITLE)).to_contain_text(number)
    page.get_by_role("link", name=TITLE).click()
    for institution in (NJUST, XUSHI, YUNJING):
        expect(page.get_by_text(institution)).to_be_visible()
    expect(page.get_by_text(LETTER)).to_have_count(0)


def the_lead_reads(lead: Visitor) -> None:
    page = lead.open("home")
    message = page.get_by_role("link", name=f"《{TITLE}》批准立项")
    message.click()
    lead.arrive(TITLE)
    expect(page.get_by_text(LETTER)).to_be_visible()
    expect(page.get_by_text("请写明数据保管")).to_have_count(2)
    expect(page.get_by_text("示例专家01")).to_have_count(0)
