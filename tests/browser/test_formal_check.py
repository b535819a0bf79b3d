"""The formal check on the screen: what has been answered counts, also where the server or the page lags behind."""

import pytest
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.browser


def begun(coordinator) -> tuple[str, Page]:
    """Open a proposal whose formal check has begun; return its identifier and the page."""
    listed = coordinator.send("GET", "desk?limit=100")["items"]
    checked = next(row for row in listed if row["state"] == "formal_check")
    return checked["id"], coordinator.open(f"desk/{checked['id']}")


def saved(item: Locator) -> None:
    expect(item.get_by_role("status")).to_contain_text("已于")


def passes(page: Page) -> None:
    """Find the proposal passed, and take that back."""
    expect(page.get_by_text("形式审查已通过。")).to_be_visible()
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_role("button", name="通过形式审查")).to_be_visible()


def held(page: Page, waiting: list[Route]) -> None:
    """Wait until a request is under way that gets no answer."""
    for _ in range(100):
        if waiting:
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing was asked")


def test_who_passes_right_after_the_last_answer_is_not_sent_back_to_it(visit):
    """The answer is saved, and the page has not heard of it yet."""
    proposal_id, page = begun(visit("ji"))
    judged = page.locator("fieldset.check").filter(has_not_text="自动核对")
    *before, last = judged.all()
    for item in before:
        item.get_by_role("radio", name="符合").check()
    waiting: list[Route] = []

    def hold(asked: Route) -> None:
        waiting.append(asked)

    page.route(f"**/api/desk/{proposal_id}", hold)
    last.get_by_role("radio", name="有问题").check()
    last.get_by_label("要补正什么").fill("经费来源未写明。")
    last.get_by_role("radio", name="符合").check()
    saved(last)
    page.get_by_role("button", name="通过形式审查").click()
    held(page, waiting)
    page.unroute(f"**/api/desk/{proposal_id}", hold)
    passes(page)


def test_an_answer_still_on_its_way_counts_too(visit):
    """Who presses at once passes on what is on the screen, not on what the server had before."""
    proposal_id, page = begun(visit("ji"))
    judged = page.locator("fieldset.check").filter(has_not_text="自动核对")
    for item in judged.all():
        item.get_by_role("radio", name="符合").check()
    item = judged.first
    item.get_by_role("radio", name="有问题").check()
    item.get_by_label("要补正什么").fill("经费来源未写明。")
    saved(item)
    expect(page.get_by_text("有问题：").first).to_be_visible()
    waiting: list[Route] = []
    saves = f"**/api/proposals/{proposal_id}/check/*"

    def hold(asked: Route) -> None:
        waiting.append(asked)

    page.route(saves, hold)
    item.get_by_role("radio", name="符合").check()
    page.get_by_role("button", name="通过形式审查").click()
    held(page, waiting)
    page.unroute(saves, hold)
    passes(page)
