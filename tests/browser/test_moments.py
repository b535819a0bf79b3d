"""The moments that decide whether people trust the portal, each by itself."""

import re
import urllib.request
import zipfile
from hashlib import sha256
from io import BytesIO

import pytest
from playwright.sync_api import Error, expect

from browser.visitor import PHONE, Visitor
from browser.writing import field, saved

pytestmark = pytest.mark.browser

DRAFT, RETURNED = "手语虚拟教师的可懂度与可用性研究", "元宇宙就诊前导引的适老化设计"
UESTC, CUC = "电子科技大学", "中国传媒大学"
HOSPITAL, STANDARDS = "示例市第一医院", "示例标准研究所"
WAITING = "历史影像的沉浸式复原"


def proposal(visitor: Visitor, title: str) -> str:
    """Return the path of one of the person's proposals."""
    rows = visitor.context.request.get(f"{visitor.address}api/proposals?limit=50").json()["items"]
    return "proposals/" + next(row["id"] for row in rows if row["title"] == title)


def begin(visitor: Visitor) -> str:
    """Begin a proposal of the person's own and return its path."""
    call = visitor.context.request.get(f"{visitor.address}api/calls").json()["items"][0]["id"]
    home = visitor.context.request.get(f"{visitor.address}api/session").json()["person"]
    body = {"call_id": call, "institution_id": home["institutions"][0]["id"], "again": True}
    return "proposals/" + visitor.send("POST", "proposals", body)["id"]


# The invitation


@pytest.fixture
def link(visit) -> str:
    """Give the link that invites somebody of the second institution of a draft."""
    lead = visit("ding")
    page = lead.open(f"{proposal(lead, DRAFT)}/team")
    page.get_by_role("row").filter(has_text=UESTC).get_by_role("button", name="邀请人员").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="生成链接").click()
    return dialog.locator("#invitation-link").inner_text()


def state_of(link: str, query) -> str:
    """Return what has become of the invitation behind a link; others' tests invite as well."""
    _, mark, token = link.partition("#")
    assert mark, "the token never reaches a server's log"
    stored = sha256(token.encode()).digest()
    return str(query("select state from invitations where token_hash = $1", stored)[0][0])


def test_an_invitation_is_read_without_login_and_looking_changes_nothing(visit, link, query):
    bare = link.partition("#")[0]
    for method in ("HEAD", "GET"):
        asked = urllib.request.Request(bare, method=method)  # noqa: S310  our own
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  our own
            assert answer.status == 200
    anyone = visit(width=PHONE)
    page = anyone.page
    page.goto(link)
    anyone.settled()
    for words in ("示例用户丁", CUC, UESTC, DRAFT, "参与单位"):
        assert words in anyone.heading()
    expect(page.get_by_text("请在此之前答复（北京时间）")).to_be_visible()
    expect(page.get_by_text("GPU 算力 600 卡时")).to_be_visible()
    expect(page.get_by_text("现在答复不构成合同。")).to_be_visible()
    assert "#" not in page.url
    assert page.locator("form input:visible").count() == 2
    page.reload()
    anyone.settled()
    assert state_of(link, query) == "sent"


def test_an_invitation_is_taken_by_one_tap_and_its_link_is_dead_then(visit, link):
    first, second = visit(width=PHONE), visit(width=PHONE)
    for visitor in (first, second):
        visitor.page.goto(link)
        visitor.settled()
    first.field("您的姓名").fill("示例访客")
    first.page.get_by_role("button", name="参加", exact=True).tap()
    first.arrive(DRAFT)
    expect(first.page.get_by_role("rowheader", name=re.compile(UESTC))).to_contain_text("示例访客")
    second.foresee("status of 410")
    second.page.reload()
    second.settled()
    expect(second.page.get_by_role("button", name="参加", exact=True)).to_have_count(0)


def test_an_invitation_that_is_not_meant_for_me_is_reported_and_stops(visit, link, query):
    anyone = visit(width=PHONE)
    anyone.page.goto(link)
    anyone.settled()
    anyone.page.get_by_role("button", name="告诉平台").tap()
    anyone.page.get_by_role("dialog").get_by_role("button", name="发送").tap()
    expect(anyone.page.get_by_text("已告诉平台，链接已停用。")).to_be_visible()
    assert state_of(link, query) == "revoked"


# What I have to do


def test_my_tasks_count_what_i_have_to_do_and_the_act_is_in_place(visit):
    officer = visit("ding")
    page = officer.open("home")
    assert officer.heading() == "您有 2 件事：补齐 1 份草稿，确认 1 项变更"
    card = page.get_by_role("region", name=RETURNED)
    expect(card).to_contain_text("6 人月")
    expect(card.locator("ins")).to_have_text("12 人月")
    card.get_by_role("button", name="确认 12 人月").click()
    expect(card).to_have_count(0)
    expect(page.locator("h1")).not_to_contain_text("确认 1 项变更")
    expect(page.get_by_text(f"您为{CUC}确认了《{RETURNED}》").first).to_be_visible()


def test_a_reminder_to_copy_names_who_what_and_when_and_nothing_else(visit):
    lead = visit("ding")
    page = lead.open("home")
    row = page.get_by_role("row").filter(has_text=WAITING)
    row.get_by_role("button", name="复制催办文字").click()
    expect(page.get_by_text("已复制，可粘贴到群里")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert WAITING in copied
    assert "浙江大学" in copied
    assert re.search(r"\d+月\d+日", copied)
    assert lead.address in copied
    assert "人月" not in copied


def test_the_coordinator_copies_reminders_of_several_proposals_at_once(visit):
    coordinator = visit("ji")
    page = coordinator.open("desk")
    for title in (WAITING, "虚拟仿真实验跨校共享与互认机制"):
        page.get_by_role("row").filter(has_text=title).get_by_role("checkbox").check()
    page.get_by_role("button", name="复制催办文字").click()
    expect(page.get_by_text("已复制 2 份的催办文字，可粘贴到群里")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert WAITING in copied
    assert "同济大学" in copied


# Exactly one confirmation ends


def test_a_changed_promise_ends_exactly_one_confirmation_and_says_so_before(visit):
    lead = visit("yi")
    path = proposal(lead, RETURNED)
    page = lead.open(f"{path}/write/contributions")
    part = page.get_by_role("region", name=re.compile(f"^{STANDARDS}"))
    with lead.counted("PATCH", "/participations/") as sent:
        part.get_by_label("数量").first.fill("3")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"{STANDARDS}的确认会失效")
        expect(dialog).not_to_contain_text(HOSPITAL)
        page.wait_for_timeout(1_500)
        assert sent == [], "nothing is saved before the person has been told"
        dialog.get_by_role("button", name="继续修改").click()
        expect(part.get_by_role("status").filter(has_text="已于")).to_be_visible()
        assert len(sent) == 1
    lead.open(path)

    def standing(institution: str):
        return page.get_by_role("row").filter(has=page.get_by_text(institution, exact=True))

    expect(standing(STANDARDS)).to_contain_text("已失效")
    expect(standing(STANDARDS).locator("ins")).to_have_text("3 人月")
    expect(standing(HOSPITAL)).to_contain_text("已确认")
    expect(standing(HOSPITAL)).to_contain_text("不受影响")


def test_leaving_the_warning_changes_nothing(visit):
    lead = visit("yi")
    page = lead.open(f"{proposal(lead, RETURNED)}/write/contributions")
    part = page.get_by_role("region", name=re.compile(f"^{HOSPITAL}"))
    with lead.counted("PATCH", "/participations/") as sent:
        part.get_by_label("数量").first.fill("99")
        page.get_by_role("dialog").get_by_role("button", name="不改").click()
        expect(part.get_by_label("数量").first).to_have_value("18")
        page.wait_for_timeout(1_200)
        assert sent == []


# Every character is still there

HARD = "一、采集𠮷林省的数据；二、“引号”与①㎡；三、👩‍🔬 emoji 与 ｆｕｌｌ　ｗｉｄｔｈ。"


def kill(visitor: Visitor) -> None:
    """End the tab's renderer at once: no handler of the page runs any more."""
    with visitor.page.expect_event("crash"), pytest.raises(Error):
        visitor.page.goto("chrome://crash")
    visitor.page.close()


def test_the_network_goes_the_tab_is_killed_and_every_character_is_still_there(visit):
    writer = visit("wei")
    address = f"{begin(writer)}/write/methods"
    page = writer.open(address)
    field(page, "methods").fill("开头。")
    saved(page)
    writer.foresee("ERR_INTERNET_DISCONNECTED")
    writer.context.set_offline(True)
    field(page, "methods").fill(f"开头。{HARD}")
    expect(page.get_by_text("网络不可用，内容已留存在本机").first).to_be_visible()
    field(page, "methods").press_sequentially("最后几个字")
    kill(writer)
    writer.context.set_offline(False)
    with writer.counted("PUT", "/sections/methods") as sent:
        page = writer.page = writer.context.new_page()
        writer.open(address)
        expect(field(page, "methods")).to_have_value(f"开头。{HARD}最后几个字")
        saved(page)
        assert sent
    page.reload()
    writer.settled()
    expect(field(page, "methods")).to_have_value(f"开头。{HARD}最后几个字")


def test_ticks_made_without_a_network_are_still_there_too(visit):
    writer = visit("wei")
    address = f"{begin(writer)}/write/basics"
    page = writer.open(address)
    writer.foresee("ERR_INTERNET_DISCONNECTED")
    writer.context.set_offline(True)
    field(page, "sectors").get_by_role("checkbox", name="教育").check()
    field(page, "months").fill("24")
    kill(writer)
    writer.context.set_offline(False)
    page = writer.page = writer.context.new_page()
    writer.open(address)
    expect(field(page, "sectors").get_by_role("checkbox", name="教育")).to_be_checked()
    expect(field(page, "months")).to_have_value("24")
    saved(page)


def test_nothing_is_sent_while_a_word_is_being_composed(visit):
    writer = visit("wei")
    page = writer.open(f"{begin(writer)}/write/methods")
    field(page, "methods").focus()
    keys = writer.context.new_cdp_session(page)
    with writer.counted("PUT", "/sections/methods") as sent:
        for text in ("n", "ni", "ni h", "ni hao"):
            keys.send(
                "Input.imeSetComposition",
                {"text": text, "selectionStart": len(text), "selectionEnd": len(text)},
            )
        page.wait_for_timeout(1_800)
        assert sent == []
        keys.send("Input.insertText", {"text": "你好"})
        saved(page)
        page.wait_for_timeout(1_200)
        assert len(sent) == 1
    expect(field(page, "methods")).to_have_value("你好")


def test_a_session_that_ends_while_writing_takes_nothing(visit, query):
    writer = visit("shen")
    page = writer.open(f"{begin(writer)}/write/methods")
    address = page.url
    writer.foresee("status of 401")
    query(
        "delete from sessions where person_id = (select id from people where name = '示例用户申')"
    )
    field(page, "methods").fill(HARD)
    dialog = page.get_by_role("dialog", name="登录已过期")
    expect(dialog).to_be_visible()
    assert page.url == address
    with writer.context.expect_page() as opened:
        dialog.get_by_role("button", name="重新登录").click()
    # The institution still knows who it is; the window goes by itself when that is done.
    window = opened.value
    with window.expect_event("close"):
        Visitor.of(writer, window).choose_institution("shen")
    expect(dialog).to_have_count(0)
    saved(page)
    expect(field(page, "methods")).to_have_value(HARD)
    assert page.url == address


# Finding, and taking away


@pytest.mark.parametrize(
    "typed, found",
    [("nxd", "台风灾害"), ("南信大", "台风灾害"), ("医疗", "微创手术"), ("XR", "XR 终端")],
)
def test_the_register_finds_what_is_meant(visit, typed, found):
    anyone = visit()
    page = anyone.open("projects")
    page.get_by_role("searchbox").fill(typed)
    expect(page.get_by_role("link", name=re.compile(found)).first).to_be_visible()


def test_the_ledger_opens_as_a_workbook(visit):
    officer = visit("officer-cuc")
    page = officer.open("institution/ledger")
    rows = page.get_by_role("rowheader").count()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="导出 Excel").click()
    book = zipfile.ZipFile(BytesIO(waiting.value.path().read_bytes()))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == rows + 1


def test_own_reviews_stand_side_by_side_before_all_are_submitted_together(visit):
    reviewer = visit("expert-07")
    page = reviewer.open("reviews")
    assert reviewer.heading() == "评审 3 份，已完成 2 份"
    expect(page.get_by_text("还不能提交：1 份没有评完。")).to_be_visible()
    page.get_by_role("link", name="去第 3 份").click()
    expect(page.get_by_role("heading", name="城市内涝实时孪生与公众预警")).to_be_visible()
    for scale in page.locator("fieldset.score").all():
        scale.get_by_role("radio", name="3").check()
    reviewer.field("给申请人的意见").fill("问题选得准，检验办法可行；请写明人员投入。")
    reviewer.field("总体建议").select_option("revise")
    saved(page)
    page.get_by_role("button", name="全部提交（3 份）").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^全部提交")).click()
    expect(page.get_by_text(re.compile("^已于 .+ 提交")).first).to_be_visible()
    reviewer.open("reviews")
    expect(page.get_by_role("row").filter(has_text="已提交")).to_have_count(3)


def test_an_invitation_waits_while_somebody_with_an_account_signs_in(visit, link):
    invited = visit()
    page = invited.page
    page.goto(link)
    invited.settled()
    page.get_by_role("link", name="先登录再参加").click()
    invited.arrive("用本单位账号登录")
    invited.choose_institution("expert-17")
    page.locator('button[name="sub"][value="uestc-expert-17"]').click()
    invited.arrive(DRAFT)
    expect(page.get_by_text("您已登录，将以示例专家17参加。")).to_be_visible()
