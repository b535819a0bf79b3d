"""Writing a proposal on its pages, as a person does: field by field, saved by itself."""

import re
from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

from browser.visitor import Language, Visitor

TITLES: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "title": "仓储物流数字孪生的人机协同调度",
        "title_en": "Human-machine scheduling in a digital twin of warehouses",
    },
    "en": {
        "title": "城市公交数字孪生的客流预演",
        "title_en": "Rehearsing passenger flows in a digital twin of city buses",
    },
}
"""Each writer has a proposal of their own: two of one title would be taken for each other."""
BASICS = {
    "summary": "把仓库的货架、车辆和人放进同一个孪生场景，先在里面试，再到现场用。",
}
SECTIONS: Mapping[str, Mapping[str, str]] = {
    "aims": {"aims": "1. 建成一处示范仓库的孪生模型。\n2. 拣货时间缩短 15%，以三个月实测为准。"},
    "methods": {
        "methods": "先采集一个月的作业数据，再比较三种调度办法；每种办法运行两周，由班组长评分。",
        "schedule": "第 1—6 月：建模。\n第 7—12 月：试运行。",
        "outputs": "模型 1 套，论文 2 篇；示例仓库使用。",
    },
    "terms": {
        "data_terms": "作业数据留在示例公司，研究用去标识后的副本。",
        "ip_terms": "各自原有的归各自，共同完成的共有。",
    },
}
SAVED = {"zh": re.compile("已于 .+ 保存"), "en": re.compile("^Saved at")}


def field(page: Page, question: str) -> Locator:
    """Find the control of a question."""
    return page.locator(f'[id="f-answers.{question}"]')


def saved(page: Page, language: Language = "zh") -> None:
    """Wait until the page says that everything has been saved."""
    expect(page.get_by_role("status").filter(has_text=SAVED[language]).first).to_be_visible()


def write_basics(visitor: Visitor) -> None:
    """Fill in the first section."""
    page = visitor.page
    for question in ("title", "title_en"):
        field(page, question).fill(TITLES[visitor.language][question])
    for question in ("sectors", "fields"):
        field(page, question).get_by_role("checkbox").nth(1).check()
    field(page, "project_type").get_by_role("radio").nth(1).check()
    year, month = field(page, "starts").locator("select").all()
    year.select_option(index=2)
    month.select_option("03")
    field(page, "months").fill("18")
    field(page, "summary").fill(BASICS["summary"])
    saved(page, visitor.language)


def write_section(visitor: Visitor, section: str) -> None:
    """Fill in a section of texts."""
    for question, text in SECTIONS[section].items():
        field(visitor.page, question).fill(text)
    saved(visitor.page, visitor.language)


def write_ethics(visitor: Visitor) -> None:
    """Say that neither people nor personal data are concerned."""
    for question in ("human_subjects", "personal_data"):
        field(visitor.page, question).get_by_role("radio").first.check()
    # Nothing to type here: the side list says when the section is whole.
    visitor.page.wait_for_timeout(100)


def promise(part: Locator, kind: str, amount: str, what: str) -> None:
    """Add a line to what an institution brings."""
    part.get_by_role("button", name=re.compile("添加一项|Add a line")).click()
    line = part.get_by_role("group").last
    line.locator("select").select_option(kind)
    line.locator("input").nth(0).fill(amount)
    line.locator("input").last.fill(what)
