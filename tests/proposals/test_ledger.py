"""The institution's own ledger, on screen and as a workbook."""

from io import BytesIO
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import msgspec
import pytest

from lianyan.proposals.queries.ledger import promise
from lianyan.proposals.schemas.detail import ContributionOut
from makers import login, make_person
from proposals.team_world import STAFF

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells(content):
    """Return a workbook's rows of (text, has a formula), read from its XML."""
    with ZipFile(BytesIO(content)) as book:
        strings = [
            "".join(t.text or "" for t in item.iter(f"{SHEET}t"))
            for item in ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314  our own file
        ]
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314  our own file
    rows = []
    for row in sheet.iter(f"{SHEET}row"):
        found = []
        for cell in row:
            assert cell.find(f"{SHEET}f") is None
            value = cell.findtext(f"{SHEET}v") or ""
            found.append(strings[int(value)] if cell.get("t") == "s" else value)
        rows.append(found)
    return rows, sheet


async def test_the_ledger_lists_what_an_institution_is_in(team):
    proposal = await team.complete(team.b)
    await team.contribute(proposal, team.b, STAFF, {"kind": "cash", "amount": "20", "unit": "万元"})
    await team.submit(proposal)
    await team.draft()
    rows = (await team.get("officer_b", "/ledger"))["items"]
    assert [row["proposal_id"] for row in rows] == [proposal]
    row = rows[0]
    assert (row["role"], row["shown"], row["consent"]) == (
        "participating",
        "consent_pending",
        "invited",
    )
    assert [line["kind"] for line in row["promise"]] == ["staff", "cash"]
    assert row["next"]["kind"] == "consent"
    assert row["lead"]["name"]["en"] == "Alpha University"
    assert len((await team.get("officer_a", "/ledger"))["items"]) == 2
    assert (await team.get("officer_b", f"/ledger?institution={team.a.id}"))["items"] == []
    assert (await team.client.get("/api/ledger", headers=team.headers["lead"])).status_code == 403


@pytest.mark.parametrize("locale, head", [("zh", "题目"), ("en", "Title (Chinese)")])
async def test_the_workbook_opens_right_in_both_languages(team, locale, head):
    proposal = await team.complete(team.b)
    hostile = "=cmd|'/c calc'!A0"
    await team.save("lead", proposal, "basics", {"title": hostile, "title_en": None}, rev=1)
    await team.submit(proposal)
    headers = team.headers["officer_b"] | {"accept-language": locale}
    got = await team.client.get("/api/ledger.xlsx", headers=headers)
    assert got.status_code == 200
    assert got.headers["content-type"].endswith("spreadsheetml.sheet")
    rows, sheet = cells(got.content)
    assert head in rows[0]
    assert rows[1][1:3] == [hostile, ""]
    assert ("6 人月" in rows[1][5], len(rows)) == (True, 2)
    pane = sheet.find(f".//{SHEET}pane")
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")


async def test_an_empty_ledger_is_a_workbook_too(team):
    person = await make_person(team.session, officer_of=team.c)
    got = await team.client.get("/api/ledger.xlsx", headers=await login(team.session, person))
    rows, _ = cells(got.content)
    assert len(rows) == 1


def test_a_promise_reads_as_a_sentence():
    lines = [
        {
            "id": "0" * 32,
            "kind": "staff",
            "what": "",
            "amount": "6.00",
            "unit": "人月",
            "value_fen": None,
            "terms": "",
        },
        {
            "id": "0" * 32,
            "kind": "venue",
            "what": "",
            "amount": "0.50",
            "unit": "处",
            "value_fen": None,
            "terms": "",
        },
    ]
    found = msgspec.convert(lines, list[ContributionOut])
    assert promise(found, "zh") == "人员 6 人月、场地 0.50 处"
