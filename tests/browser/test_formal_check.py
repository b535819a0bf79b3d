"""The formal check on the screen: an answer that was saved counts, also where the page has not heard of it."""

import pytest
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser


def test_who_passes_right_after_the_last_answer_is_not_sent_back_to_it(visit):
    coordinator = visit("ji")
    listed = coordinator.send("GET", "desk?limit=100")["items"]
    checked = next(row for row in listed if row["state"] == "formal_check")
    page = coordinator.open(f"desk/{checked['id']}")
    open_items = page.locator("fieldset.check:not(:has(:checked))")
    *before, last = (page.locator(f"#{item.get_attribute('id')}") for item in open_items.all())
    for item in before:
        item.get_by_role("radio", name="符合").check()
        expect(item.get_by_role("status")).to_contain_text("保存")
    waiting: list[Route] = []

    def hold(asked: Route) -> None:
        waiting.append(asked)

    page.route(f"**/api/desk/{checked['id']}", hold)
    last.get_by_role("radio", name="符合").check()
    expect(last.get_by_role("status")).to_contain_text("保存")
    page.get_by_role("button", name="通过形式审查").click()
    page.wait_for_timeout(200)
    assert waiting, "the page has not heard of the answer yet"
    page.unroute(f"**/api/desk/{checked['id']}", hold)
    expect(page.get_by_text("形式审查已通过。")).to_be_visible()
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_role("button", name="通过形式审查")).to_be_visible()
