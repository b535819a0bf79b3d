"""The public register: released approvals only, found as people type, paged once through."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, text

from lianyan.institutions.models import Term
from lianyan.projects.commands import register
from lianyan.projects.models import Project
from lianyan.projects.schemas import ProjectDetail, ProjectRegister
from lianyan.projects.search import needle
from reviews.scenes import make_scene, make_sent


@pytest.fixture
async def scene(session):
    return await make_scene(session)


async def entered(scene, title="虚拟现实教学", **values):
    """Enter an approved proposal into the register, as a release does."""
    proposal = await make_sent(scene, "approved", title=title, **values)
    made = await register(scene.session, proposal, None, None)
    return await scene.session.get_one(Project, made)


async def found(client, **params):
    got = await client.get("/api/projects", params=params)
    assert got.status_code == 200, got.text
    return msgspec.json.decode(got.content, type=ProjectRegister, strict=True)


async def test_everybody_reads_a_project_and_only_what_is_public(client, scene):
    project = await entered(scene, title_en="Teaching in VR")
    page = await found(client)
    row = page.items[0]
    assert (row.id, row.title, row.title_en) == (project.id, "虚拟现实教学", "Teaching in VR")
    assert [(i.name.zh, i.role) for i in row.institutions] == [
        ("甲示例大学", "lead"),
        ("乙示例医院", "participating"),
    ]
    assert (row.starts, row.ends) == (date(2027, 3, 1), date(2029, 2, 28))
    got = await client.get(f"/api/projects/{project.id}")
    detail = msgspec.json.decode(got.content, type=ProjectDetail, strict=True)
    assert (detail.summary, detail.months, detail.fields) == ("摘要文字", 24, ["01"])
    for secret in ("80000000", "牵头人", "proposal_id", "fen"):
        assert secret not in got.text
    missing = await client.get(f"/api/projects/{project.proposal_id}")
    assert missing.status_code == 404


async def test_nothing_but_a_release_enters_the_register(client, scene):
    for state in ("peer_review", "decision_pending", "rejected", "withdrawn"):
        await make_sent(scene, state)
    page = await found(client)
    assert (page.items, page.total, page.by_sector) == ([], 0, [])


C35 = ["良率提升至99%的封装工艺", "A_B 测试平台", "AXB 平台", "路径 C:\\data"]


@pytest.mark.parametrize(
    "query, hits",
    [
        ("%", [0]), ("99%", [0]), ("_", [1]), ("A_B", [1]), ("\\", [3]), ("%%", []), ("_B", [1]),
        ("axb", [2]), ("c:\\", [3]), ("", [0, 1, 2, 3]), ("  ", [0, 1, 2, 3]),
        ("\u3000", [0, 1, 2, 3]), ("a b", [1]), ("'", []), ("';--", []),
    ],
)  # fmt: skip
async def test_c35_percent_underscore_and_backslash_are_letters(client, scene, query, hits):
    for title in C35:
        await entered(scene, title)
    page = await found(client, q=query)
    assert sorted(C35.index(row.title) for row in page.items) == hits


@pytest.mark.parametrize("query", ["AI+医疗2026", "ai+医疗", "(一期)", "ＡＩ", "ai", "yiliao2026"])
async def test_c37_width_and_case_are_the_same_to_a_reader(client, scene, query):
    await entered(scene, "ＡＩ＋医疗２０２６（一期）")
    await entered(scene, "另一个题目")
    page = await found(client, q=query)
    assert [row.title for row in page.items] == ["ＡＩ＋医疗２０２６（一期）"]


@pytest.mark.parametrize(
    "query", ["增强现实", "zqxs", "AR", "ar", "医疗", "yl", "甲示例大学", "jsldx", "bing", "T-"]
)
async def test_institution_sector_field_and_number_find_it(client, scene, query):
    term = await scene.session.scalar(
        select(Term).where(Term.kind == "field", Term.search_keys.contains("增强现实"))
    )
    health = await scene.session.scalar(
        select(Term).where(Term.kind == "sector", Term.search_keys.contains("医疗"))
    )
    proposal = await make_sent(scene, "approved", sectors=[health.code], title="题目")
    await scene.session.execute(
        text("update answers set value = to_jsonb(array[cast(:c as text)]) "
             "where proposal_id = :p and question = 'fields'"),
        {"c": term.code, "p": proposal.id},
    )  # fmt: skip
    await register(scene.session, proposal, None, None)
    other = await make_sent(
        scene, "approved", sectors=["none"], title="别的", homes=[scene.c, scene.d]
    )
    await scene.session.execute(
        text("delete from answers where proposal_id = :p and question = 'fields'"),
        {"p": other.id},
    )
    await register(scene.session, other, None, None)
    titles = [row.title for row in (await found(client, q=query)).items]
    expected = ["别的", "题目"] if query == "T-" else ["别的"] if query == "bing" else ["题目"]
    assert titles == expected


async def test_sectors_are_counted_over_the_search_and_filter_it(client, scene):
    for sectors in (["HLTH"], ["HLTH", "EDU"], ["EDU"], ["CULT"]):
        await entered(scene, f"题目{'、'.join(sectors)}", sectors=sectors)
    page = await found(client)
    assert [(s.code, s.n) for s in page.by_sector] == [("EDU", 2), ("HLTH", 2), ("CULT", 1)]
    page = await found(client, sector="EDU")
    assert (page.total, len(page.items)) == (2, 2)
    assert [(s.code, s.n) for s in page.by_sector] == [("EDU", 2), ("HLTH", 2), ("CULT", 1)]
    assert (await found(client, sector="nothing")).items == []
    assert (await client.get("/api/projects", params={"sector": "x" * 41})).status_code == 400


async def test_c89_pages_show_each_project_once_though_all_have_one_time(client, scene):
    moment = datetime.now(UTC)
    for number in range(7):
        project = await entered(scene, f"题目{number}")
        project.approved_at = moment
    await scene.session.flush()
    seen, after = [], None
    while True:
        page = await found(client, limit=3, **({"after": after} if after else {}))
        seen += [row.title for row in page.items]
        after = page.next
        if after is None:
            break
        newer = await entered(scene, f"后来的{len(seen)}")
        newer.approved_at = moment + timedelta(hours=1)
        await scene.session.flush()
    assert len(seen) == len(set(seen)) == 7
    for limit in ("0", "-1", "101", "abc", "1e3", "١"):
        got = await client.get("/api/projects", params={"limit": limit})
        assert got.status_code == 400, limit
    for bad in ("x", "W10", "WyJhIiwiYiJd", "W1sxXSwyXQ", "WyIwMDAxLTAxLTAxIiwiYiJd"):
        assert (await client.get("/api/projects", params={"after": bad})).status_code == 400


MANY = """
  with made as (
    insert into proposals (call_id, form_id, lead_id, state, title, sectors)
    select p.call_id, p.form_id, p.lead_id, 'approved', p.title, p.sectors
    from proposals p, generate_series(1, 1000) where p.id = :p
    returning id
  )
  insert into projects (proposal_id, number, title, title_en, summary, sectors, fields, institutions,
    starts_on, ends_on, granted_months, approved_at, search_keys)
  select m.id, m.id::text, j.title, j.title_en, j.summary, j.sectors, j.fields, j.institutions,
    j.starts_on, j.ends_on, j.granted_months, j.approved_at, j.search_keys
  from projects j, made m where j.proposal_id = :p
"""


async def test_nobody_is_told_more_than_a_thousand(client, scene):
    project = await entered(scene)
    page = await found(client)
    assert (page.total, page.capped) == (1, False)
    await scene.session.execute(text(MANY), {"p": project.proposal_id})
    page = await found(client)
    assert (page.total, page.capped, len(page.items)) == (1000, True, 20)
    assert [(s.code, s.n) for s in page.by_sector] == [("HLTH", 1000)]


@pytest.mark.parametrize("query", ["a\x00b", "\ud800", "x" * 5000, "[(*+", "é", "𠮷", "\u202e"])
async def test_a_hostile_search_is_a_search(client, scene, query):
    await entered(scene)
    raw = query.encode("utf-8", "surrogatepass")
    quoted = "".join(f"%{byte:02x}" for byte in raw)
    got = await client.get(f"/api/projects?q={quoted}")
    assert got.status_code in {200, 400}


def test_signs_are_looked_for_as_typed_and_short_letters_begin_a_key():
    assert needle("ar") == "\nar"
    assert needle("ＡＲ") == "\nar"
    assert needle("99%") == "99%"
    assert needle("A_B") == "a_b"
    assert needle("虚拟 现实") == "虚拟现实"
    assert needle(None) == needle("  ") == ""
    assert needle("Université") == "universite"
