"""An institution's login from its address to a member who is in, by screens alone; its provider is a real one."""

import re
import time

import pytest
from playwright.sync_api import expect

from browser.visitor import Visitor
from figures import figure
from lianyan.demo.login import DemoInstitution, DemoPerson, client_id, client_secret, start
from lianyan.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("administration")]

SLUG, NAME = "late-came", "示例后来研究院"


@pytest.fixture
def provider(address, tmp_path):
    """Start an institution's login service: the portal runs already and knows nothing of it."""
    settings = Settings(
        public_url=address.rstrip("/"), demo=True, data_dir=tmp_path, secret_key=bytes(range(32))
    )
    people = [
        DemoPerson(sub="try", name="试登录者", email="try@late.example"),
        DemoPerson(sub="new", name="新成员𠮷"),
    ]
    running = start(
        settings, [DemoInstitution(slug=SLUG, name_zh=NAME, name_en="Late", people=people)], 0
    )
    yield f"{running.base}/{SLUG}", client_secret(settings, SLUG)
    running.stop()


def at_provider(page, sub):
    page.locator(f'button[name="sub"][value="{sub}"]').click()


def test_a_login_service_is_added_tried_activated_and_used(visit, provider):
    issuer, secret = provider
    administrator = visit("zi")
    page = administrator.open("admin/logins")
    page.get_by_role("button", name="新增登录服务").click()
    page.get_by_role("combobox", name="单位").fill("示例")
    page.get_by_role("option").filter(has_text="示例市第一医院").first.click()
    administrator.field("短名").fill(SLUG)
    administrator.field("显示名称（中文）").fill(NAME)
    administrator.field("显示名称（英文）").fill("Late Institute")
    administrator.field("颁发者地址").fill(f"{issuer}/")
    administrator.field("客户端编号").fill(client_id(SLUG))
    administrator.field("客户端密钥").fill(secret)
    page.get_by_role("button", name="保存为草稿").click()
    administrator.arrive(NAME)
    expect(page.get_by_text(re.compile(f"/auth/{SLUG}/callback$"))).to_be_visible()
    administrator.foresee("400")
    # The slash at the end is another issuer: the page says what the provider calls itself.
    page.get_by_role("button", name="核对", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(f"“{issuer}”")
    administrator.field("颁发者地址").fill(issuer)
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_role("status").filter(has_text=re.compile("^已保存。$"))).to_have_count(1)
    page.get_by_role("button", name="核对", exact=True).click()
    expect(page.get_by_text("试用中")).to_be_visible()
    page.get_by_role("button", name="试登录", exact=True).click()
    at_provider(page, "try")
    administrator.arrive(NAME)
    shown = page.get_by_role("region", name="试登录结果")
    expect(shown).to_contain_text("成功")
    expect(shown).to_contain_text("试登录者")
    expect(shown).to_contain_text("不在该单位登记的邮箱域名之内")
    expect(page.get_by_text("请另一位管理员启用")).to_be_visible()
    assert page.get_by_role("button", name="启用", exact=True).count() == 0
    here = "admin/logins/" + page.url.rpartition("/")[2].partition("?")[0]
    second = visit("security").open(here)
    second.get_by_role("button", name="启用", exact=True).click()
    expect(
        second.get_by_role("status").filter(has_text="已启用，该单位人员可以登录。")
    ).to_have_count(1)
    newcomer = visit()
    page = newcomer.open("login")
    page.get_by_role("combobox").fill(NAME)
    page.get_by_role("option").filter(has_text=NAME).first.click()
    newcomer.button("前往单位登录").click()
    at_provider(page, "new")
    newcomer.arrive("欢迎")
    assert newcomer.send("GET", "session")["person"]["name"] == "新成员𠮷"


def test_a_logout_at_the_institution_ends_the_session_here(browser, address):
    """Within two seconds, measured from the press there to the refusal here."""
    visitor = Visitor(browser, address)
    try:
        visitor.sign_in("yi")
        visitor.open("home")
        issuer = next(
            row["issuer"]
            for row in visitor.send("GET", "providers")["items"]
            if row["slug"] == "demohosp"
        )
        other = visitor.context.new_page()
        other.goto(f"{issuer}/session/end")
        other.get_by_role("button").first.click()
        began = time.monotonic()
        while visitor.send("GET", "session")["person"] is not None:
            assert time.monotonic() - began < 2, (
                "the session outlives the institution's by two seconds"
            )
            time.sleep(0.05)
        figure(
            "logout at the institution: seconds until the session here is over",
            "2", f"{time.monotonic() - began:.2f}", held=True,
        )  # fmt: skip
    finally:
        visitor.close()
