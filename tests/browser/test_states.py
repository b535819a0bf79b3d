"""Pages for when something is not there: absent, not for me, no network, nothing yet."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

ABSENT = "proposals/00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("language, words", [("zh", "找不到该页面"), ("en", "Page not found")])
def test_an_absent_page_and_a_hidden_thing_look_the_same(visit, language, words):
    visitor = visit("jia", language=language)
    visitor.foresee("status of 404")
    shown = []
    for path in ("nosuch", ABSENT):
        page = visitor.open(path)
        assert visitor.heading() == words
        shown.append(page.locator("main").inner_text())
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    "language, words", [("zh", "您没有查看权限"), ("en", "You cannot view this")]
)
def test_a_page_that_is_not_for_me_says_so_and_leads_back(visit, language, words):
    visitor = visit("jia", language=language)
    visitor.foresee("status of 403")
    page = visitor.open("desk")
    assert words in visitor.heading()
    page.locator("main").get_by_role("link").first.click()
    expect(page).to_have_url(f"{visitor.address}home")


@pytest.mark.parametrize("language, words", [("zh", "网络不可用"), ("en", "Offline")])
def test_without_a_network_the_page_says_so_and_comes_back(visit, language, words):
    visitor = visit("jia", language=language)
    page = visitor.open("home")
    page.wait_for_timeout(2_500)  # what is shown without a network is fetched while there is one
    visitor.foresee("ERR_INTERNET_DISCONNECTED")
    visitor.context.set_offline(True)
    page.locator("nav a[href='proposals']").click()
    expect(page.locator("main h1")).to_contain_text(words)
    expect(page.locator("main").get_by_role("button")).to_have_count(1)
    visitor.context.set_offline(False)
    expect(page.locator("main h1")).not_to_contain_text(words)
    expect(page).to_have_url(f"{visitor.address}proposals")


@pytest.mark.parametrize(
    "key, path, words",
    [
        ("hai", "home", "没有待办"),
        ("hai", "proposals", "还没有申报书"),
        ("expert-20", "reviews", "没有分配给您的评审"),
        ("officer-njust", "institution", "没有待确认"),
        (None, "projects?q=没有这样的题目", "没有符合条件的项目"),
    ],
)
def test_a_page_with_nothing_on_it_says_what_comes_next(visit, key, path, words):
    page = visit(key).open(path)
    expect(page.locator("main")).to_contain_text(words)
    expect(page.locator("main").get_by_role("link").first).to_be_visible()


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(visit):
    visitor = visit()
    page = visitor.open("proposals")
    assert visitor.heading() == "请先登录"
    page.locator("main").get_by_role("link", name="登录").click()
    visitor.arrive("用本单位账号登录")
    visitor.choose_institution("bing")
    page.locator('button[name="sub"][value="bit-bing"]').click()
    visitor.arrive("申报书")
    assert page.url == f"{visitor.address}proposals"
