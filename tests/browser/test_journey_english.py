"""The applicant's part of the job in English, by somebody whose account is English."""

import re

import pytest
from playwright.sync_api import expect

from browser.writing import TITLES, promise, write_basics, write_ethics, write_section

pytestmark = pytest.mark.browser

TONGJI, XUSHI = "Tongji University", "Xushi Demo Interactive Co., Ltd."


def test_a_proposal_is_written_and_submitted_in_english(visit):
    lead = visit("alex", language="en")
    page = lead.open()
    page.get_by_role("link", name="See the call").first.click()
    page.get_by_role("button", name="Write a proposal").click()
    expect(page).to_have_url(re.compile("/write/basics$"))
    lead.arrive("no title yet")
    write_basics(lead)
    for section in ("aims", "methods", "contributions", "terms", "ethics"):
        page.get_by_role("link", name=re.compile("^Next: ")).click()
        expect(page).to_have_url(re.compile(f"/write/{section}$"))
        if section == "ethics":
            write_ethics(lead)
        elif section != "contributions":
            write_section(lead, section)
    page.get_by_role("link", name=re.compile("^Institutions and team")).first.click()
    page.get_by_role("button", name="Add an institution").click()
    page.get_by_role("combobox", name="Institution").fill("xushi")
    page.get_by_role("option", name=re.compile("^Xushi")).click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("rowheader", name=re.compile("^Xushi"))).to_be_visible()
    page.get_by_role("button", name="Add a person").click()
    page.get_by_role("combobox", name="Person").fill("示例用户巳")
    page.get_by_role("option", name=re.compile("^示例用户巳")).click()
    page.get_by_label("Institution", exact=True).select_option(index=2)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("rowheader", name=re.compile("^示例用户巳"))).to_be_visible()
    page.get_by_role("link", name=re.compile("^Contributions")).first.click()
    for institution in (TONGJI, "Xushi"):
        part = page.get_by_role("region", name=re.compile(f"^{institution}"))
        promise(part, "staff", "12", "Engineers")
        expect(part.get_by_role("status").filter(has_text="Saved").first).to_be_visible()
    page.get_by_role("link", name="Check and submit").first.click()
    expect(page.get_by_text("Everything required is there.")).to_be_visible()
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^Submitted: NUIST-"))).to_be_visible()
    assert lead.heading() == TITLES["en"]["title_en"]
    expect(page.get_by_text("Beijing time").first).to_be_visible()
