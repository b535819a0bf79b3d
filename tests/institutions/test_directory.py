"""The directory and what coordinators do to it, over HTTP."""

from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import select

from lianyan.core.events import Event
from lianyan.institutions.schemas import Directory, InstitutionDetail, PlatformProfile, Terms
from makers import key, login, make_institution, make_person

URL = "/api/institutions"


@pytest.fixture
async def desk(session):
    """The headers of a coordinator of an institution of their own."""
    home = await make_institution(session, "协调大学")
    return await login(session, await make_person(session, institution=home, roles=["coordinator"]))


def new(**values):
    return {"name_zh": "示例学院", "name_en": "Demo College", "kind": "university", **values}


async def add(client, desk, **values):
    made = await client.post(URL, json=new(**values), headers={**desk, **key()})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/api/institutions/{made.json()['id']}"
    return made.json()["id"]


def named(answer, field):
    assert answer.status_code == 400, answer.text
    return [e["code"] for e in answer.json()["errors"] if e["field"] == field]


async def test_an_institution_is_added_and_anybody_reads_it(client, desk, session):
    made = await add(
        client,
        desk,
        name_zh="云境示例科技有限公司",
        name_en="Yunjing Demo Technology",
        short_zh="云境示例",
        kind="company",
        code=" 91350100M000100Y43",
        aliases=["云境", "云境"],
        domains=["Yunjing.example", "@研究.yunjing.example"],
        city="福州",
    )
    got = await client.get(f"{URL}/{made}")
    found = msgspec.json.decode(got.content, type=InstitutionDetail, strict=True)
    assert got.headers["etag"] == '"1"'
    assert (found.code, found.province) == ("91350100M000100Y43", "35")
    assert found.aliases == ["云境"]
    assert (
        found.domains == ["xn--xwv68bh49a.yunjing.example", "yunjing.example"]
        or len(found.domains) == 2
    )
    assert found.short is not None
    assert (found.short.zh, found.short.en) == ("云境示例", "Yunjing Demo Technology")
    assert found.officers is None
    assert found.own is None
    assert found.can == []
    events = await session.scalars(select(Event.kind).where(Event.subject_id == found.id))
    assert events.all() == ["institution.added"]


@pytest.mark.parametrize(
    "query", ["云境", "yunjing", "yj", "YJSL", "Yunjing", "demo tech", "ｙｕｎjing", "云  境"]
)
async def test_a_search_finds_characters_pinyin_initials_and_latin(client, desk, query):
    await add(
        client,
        desk,
        name_zh="云境示例科技有限公司",
        name_en="Yunjing Demo Technology",
        short_zh="云境示例",
    )
    await add(client, desk, name_zh="独立医院", name_en="Another Hospital", kind="hospital")
    got = await client.get(URL, params={"q": query})
    assert [i["name"]["zh"] for i in got.json()["items"]] == ["云境示例科技有限公司"]
    assert got.json()["counts"] == {"university": 1, "company": 0, "hospital": 0, "institute": 0}


async def test_kinds_are_counted_over_the_search_and_not_over_the_filter(client, desk):
    await add(client, desk, name_zh="甲医院", kind="hospital")
    await add(client, desk, name_zh="甲公司", kind="company")
    got = await client.get(URL, params={"q": "甲", "kind": "hospital"})
    found = msgspec.json.decode(got.content, type=Directory, strict=True)
    assert (found.total, len(found.items)) == (1, 1)
    assert (found.counts.hospital, found.counts.company) == (1, 1)
    assert (await client.get(URL, params={"kind": "school"})).status_code == 400


async def test_c05_a_short_name_is_no_key(client, desk):
    await add(
        client,
        desk,
        name_zh="华中科技大学",
        name_en="Huazhong University of Science and Technology",
        short_en="HUST",
        domains=["hust.edu.cn"],
    )
    await add(
        client,
        desk,
        name_zh="河内科技大学",
        name_en="Hanoi University of Science and Technology",
        short_en="HUST",
        country="VN",
        domains=["hust.edu.vn"],
    )
    found = (await client.get(URL, params={"q": "HUST"})).json()["items"]
    assert {(i["name"]["zh"], i["country"]) for i in found} == {
        ("华中科技大学", "CN"),
        ("河内科技大学", "VN"),
    }


@pytest.mark.parametrize("domain", ["edu.cn", "com.cn", "ac.cn", "EDU.CN.", "@edu.cn"])
async def test_c07_a_public_suffix_is_refused_as_a_domain(client, desk, domain):
    sent = new(domains=["mails.tsinghua.edu.cn", domain])
    got = await client.post(URL, json=sent, headers={**desk, **key()})
    assert named(got, "domains.1") == ["identifiers.domain_too_wide"]
    assert "太宽" in got.json()["errors"][0]["detail"]


async def test_c07_a_domain_belongs_to_one_institution(client, desk):
    first = await add(client, desk, name_zh="清华示例", domains=["Tsinghua.EDU.cn", "thu.example"])
    got = await client.post(URL, json=new(domains=["tsinghua.edu.cn"]), headers={**desk, **key()})
    assert got.status_code == 409
    assert got.json()["code"] == "institutions.domain_taken"
    assert "清华示例" in got.json()["detail"]
    # given up, it is free; several for one institution are allowed
    given = await client.patch(
        f"{URL}/{first}",
        json={"domains": ["thu.example", "b.example"]},
        headers={**desk, "if-match": '"1"'},
    )
    assert given.status_code == 200
    await add(client, desk, domains=["tsinghua.edu.cn"])


async def test_c71_the_order_is_by_sound_and_pages_make_the_whole(client, desk):
    names = ["专业", "人生", "999", "Alpha", "安徽", "曾一", "沈二", "仇三", "解四", "陈五"]
    for name in names:
        await add(client, desk, name_zh=name, name_en="c71 member")
    whole = (await client.get(URL, params={"q": "c71"})).json()
    order = [i["name"]["zh"] for i in whole["items"]]
    assert order == ["999", "安徽", "陈五", "仇三", "人生", "沈二", "解四", "曾一", "专业", "Alpha"]
    paged, after = [], None
    while True:
        more: dict[str, str] = {"after": after} if after else {}
        page = (await client.get(URL, params={"q": "c71", "limit": 3, **more})).json()
        paged += [i["name"]["zh"] for i in page["items"]]
        assert page["total"] == 10
        after = page["next"]
        if after is None:
            break
    assert paged == order


async def test_every_wrong_field_is_named_at_once(client, desk):
    sent = new(
        name_zh=" ",
        name_en="a\nb",
        code="91350100M000100Y44",
        ror="02y0rxk18",
        country="China",
        province="31",
        aliases=["好", "坏\u202e"],
    )
    got = await client.post(URL, json=sent, headers={**desk, **key()})
    assert {e["field"]: e["code"] for e in got.json()["errors"]} == {
        "name_zh": "text.blank",
        "name_en": "text.line_break_in_line",
        "code": "identifiers.uscc_check_digit",
        "ror": "identifiers.ror_check_digit",
        "country": "institutions.country_shape",
        "province": "institutions.province_abroad",
        "aliases.1": "text.bidi_in_line",
    }
    assert all(e["detail"] for e in got.json()["errors"])


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800x", "a\x1bb", "\uffff", "x" * 2000, "👩‍👩‍👧" * 400]
)
async def test_hostile_text_is_refused_by_name(client, desk, text):
    for field in ("name_zh", "name_en", "short_zh", "city"):
        body = msgspec.json.encode(new()).decode()[:-1]
        raw = f'{body},"{field}":{__import__("json").dumps(text)}}}'
        got = await client.post(
            URL, content=raw, headers={**desk, **key(), "content-type": "application/json"}
        )
        assert got.status_code == 400, (field, got.text)
    assert (await client.get(URL, params={"q": "\x00"})).status_code == 400


@pytest.mark.parametrize("field", ["code", "ror"])
async def test_a_code_that_is_taken_names_who_has_it(client, desk, field):
    value = {"code": "91350100M000100Y43", "ror": "https://ror.org/00xp9wg62"}[field]
    await add(client, desk, name_zh="先到者", **{field: value})
    got = await client.post(URL, json=new(**{field: value}), headers={**desk, **key()})
    assert got.status_code == 409
    assert got.json()["code"] == f"institutions.{field}_taken"
    assert got.json()["params"]["institution"] == "先到者"


async def test_a_change_touches_what_is_sent_and_nothing_else(client, desk):
    made = await add(client, desk, short_zh="学院", city="南京", aliases=["别名"])
    url, match = f"{URL}/{made}", {**desk, "if-match": '"1"'}
    before = (await client.get(url)).json()
    assert (await client.patch(url, json={}, headers=match)).json()["rev"] == 1
    done = await client.patch(url, json={"city": None, "short_zh": "新学院"}, headers=match)
    assert (done.status_code, done.json()["rev"], done.headers["etag"]) == (200, 2, '"2"')
    after = (await client.get(url)).json()
    assert after["short"]["zh"] == "新学院"
    same = {"rev", "city", "short"}
    assert {k: v for k, v in after.items() if k not in same} == {
        k: v for k, v in before.items() if k not in same
    }
    assert (await client.get(URL, params={"q": "xxy"})).json()["total"] == 1


async def test_a_stale_change_is_refused_unless_it_is_what_is_stored(client, desk):
    made = await add(client, desk, city="南京")
    url, match = f"{URL}/{made}", {**desk, "if-match": '"1"'}
    assert (await client.patch(url, json={"city": "苏州"}, headers=match)).status_code == 200
    again = await client.patch(url, json={"city": "苏州"}, headers=match)
    assert (again.status_code, again.json()["rev"]) == (200, 2)
    late = await client.patch(url, json={"city": "无锡"}, headers=match)
    assert late.status_code == 412
    assert late.json()["params"] == {"rev": 2, "stored": {"city": "苏州"}}
    assert (await client.patch(url, json={"city": "无锡"}, headers=desk)).status_code == 428


@pytest.mark.parametrize(
    "sent, field",
    [
        ({"name_zh": None}, "name_zh"),
        ({"kind": None}, "kind"),
        ({"titel": "x"}, "titel"),
        ({"rev": 3}, "rev"),
    ],
)
async def test_null_for_a_required_field_and_unknown_fields_are_refused(client, desk, sent, field):
    made = await add(client, desk)
    got = await client.patch(f"{URL}/{made}", json=sent, headers={**desk, "if-match": '"1"'})
    assert len(named(got, field)) == 1


async def test_a_parent_must_exist_and_stand_above(client, desk):
    above = await add(client, desk, name_zh="上级")
    below = await add(client, desk, name_zh="下级", parent_id=above)
    got = await client.patch(
        f"{URL}/{above}", json={"parent_id": below}, headers={**desk, "if-match": '"1"'}
    )
    assert named(got, "parent_id") == ["institutions.parent_below"]
    nobody = "00000000-0000-7000-8000-000000000000"
    got = await client.post(URL, json=new(parent_id=nobody), headers={**desk, **key()})
    assert named(got, "parent_id") == ["institutions.unknown"]
    assert (await client.get(f"{URL}/{below}")).json()["parent"]["name"]["zh"] == "上级"


async def test_only_a_coordinator_adds_and_changes(client, session, desk):
    made = await add(client, desk)
    home = await make_institution(session)
    member = await login(session, await make_person(session, institution=home))
    for headers, status in ((member, 403), ({}, 401)):
        got = await client.post(URL, json=new(), headers={**headers, **key()})
        assert got.status_code == status
        change = await client.patch(
            f"{URL}/{made}", json={"city": "x"}, headers={**headers, "if-match": '"1"'}
        )
        assert change.status_code == status
    missing = "00000000-0000-7000-8000-000000000000"
    assert (await client.get(f"{URL}/{missing}")).status_code == 404
    got = await client.patch(f"{URL}/{missing}", json={}, headers={**desk, "if-match": '"1"'})
    assert got.status_code == 404


async def test_one_key_adds_one_institution(client, desk):
    header = {**desk, **key()}
    first, second = [
        await client.post(URL, json=new(name_zh="只此一家"), headers=header) for _ in "12"
    ]
    assert first.json() == second.json()
    assert (await client.get(URL, params={"q": "只此一家"})).json()["total"] == 1


async def test_sectors_and_fields_are_there_with_their_synonyms(client):
    found = msgspec.json.decode((await client.get("/api/terms")).content, type=Terms, strict=True)
    assert [len(found.sectors), len(found.fields)] == [16, 16]
    assert found.sectors[0].code == "EDU"
    devices = next(t for t in found.fields if t.code == "02")
    assert "增强现实" in devices.search_keys
    assert "\nar\n" in devices.search_keys


@pytest.mark.parametrize(
    "kind, value, answer",
    [
        ("uscc", " 91350100m000100y43 ", {"value": "91350100M000100Y43", "ok": True}),
        ("uscc", "91350100M000100Y44", {"ok": False, "code": "identifiers.uscc_check_digit"}),
        ("ror", "https://ror.org/00xp9wg62", {"value": "00xp9wg62", "ok": True}),
        ("orcid", "0000-0002-1825-0097", {"ok": True}),
        ("orcid", "0000-0002-1825-0098", {"ok": False, "code": "identifiers.orcid_check_digit"}),
        ("ror", "x" * 90_000, {"ok": False, "code": "identifiers.ror_shape"}),
    ],
)
async def test_a_code_is_checked_as_it_is_typed(client, kind, value, answer):
    got = await client.post("/api/identifiers/check", json={"kind": kind, "value": value})
    assert got.status_code == 200
    assert {k: got.json()[k] for k in answer} == answer


async def test_the_profile_is_there_before_anybody_wrote_it(client, session, desk):
    found = msgspec.json.decode(
        (await client.get("/api/platform")).content, type=PlatformProfile, strict=True
    )
    assert (found.rev, found.name.zh, found.lead, found.can) == (0, "联研", None, [])
    match = {**desk, "if-match": '"0"'}
    got = await client.patch("/api/platform", json={"name_zh": "平台"}, headers=match)
    assert {e["field"] for e in got.json()["errors"]} == {"name_en", "contact"}
    lead = await make_institution(session, "牵头大学")
    sent = {
        "name_zh": "平台",
        "name_en": "Platform",
        "contact": "office@x.example",
        "lead_id": str(lead.id),
    }
    assert (await client.patch("/api/platform", json=sent, headers=match)).json()["rev"] == 1
    got = await client.patch(
        "/api/platform", json={"record_number": "备1"}, headers={**desk, "if-match": '"1"'}
    )
    assert got.headers["etag"] == '"2"'
    read = (await client.get("/api/platform", headers=desk)).json()
    assert (read["lead"]["name"]["zh"], read["record_number"], read["can"]) == (
        "牵头大学",
        "备1",
        ["platform.change"],
    )
    late = await client.patch(
        "/api/platform", json={"contact": "y"}, headers={**desk, "if-match": '"1"'}
    )
    assert late.status_code == 412


@pytest.mark.parametrize("first", [True, False])
async def test_a_lead_institution_that_does_not_exist_is_named(client, desk, first):
    profile = {"name_zh": "平台", "name_en": "Platform", "contact": "x@example.com"}
    if not first:
        await client.patch("/api/platform", json=profile, headers={**desk, "if-match": '"0"'})
    got = await client.patch(
        "/api/platform",
        json={**profile, "lead_id": str(uuid4())},
        headers={**desk, "if-match": '"0"' if first else '"1"'},
    )
    assert named(got, "lead_id") == ["institutions.unknown"]
