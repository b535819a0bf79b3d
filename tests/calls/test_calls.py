"""Opening a call, reading calls, and the public home, over HTTP."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, text

from lianyan.calls.models import Call, CallNumber
from lianyan.calls.schemas import CallDetail, CallList, Home, Preset
from makers import key, login, make_call, make_institution, make_person, make_proposal, now

URL = "/api/calls"


@pytest.fixture
async def desk(session):
    """The headers of a coordinator, in a consortium where nothing is missing."""
    home, other = (
        await make_institution(session, "协调大学"),
        await make_institution(session, "另一大学"),
    )
    coordinator = await make_person(session, institution=home, roles=["coordinator", "approver"])
    await make_person(session, institution=other, roles=["stand_in", "approver"])
    return await login(session, coordinator)


def at(days):
    return (now() + timedelta(days=days)).isoformat()


def new(**values):
    return {
        "title_zh": "2026 年度第二批联合研究项目",
        "title_en": "Joint research projects 2026, second batch",
        "summary_zh": "面向 16 个技术方向。",
        "summary_en": "In 16 fields.",
        "prefix": "NEW-2026",
        "opens_at": at(-1),
        "closes_at": at(10),
        "reviews_until": at(40),
        "decides_at": at(60),
        **values,
    }


async def opened(client, desk, **values):
    made = await client.post(URL, json=new(**values), headers={**desk, **key()})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def codes(answer):
    assert answer.status_code == 400, answer.text
    return {e["field"]: e["code"] for e in answer.json()["errors"]}


async def test_a_call_opens_from_the_light_preset(client, desk, session):
    made = await opened(client, desk, prefix=" new-2026 ")
    got = await client.get(f"{URL}/{made}", headers=desk)
    found = msgspec.json.decode(got.content, type=CallDetail, strict=True)
    assert (found.prefix, found.state, found.preset, found.consent) == (
        "NEW-2026",
        "open",
        "light",
        "click",
    )
    assert found.stages == ["submit", "consent", "check", "review", "approval"]
    assert [(s.key, s.done, s.current) for s in found.steps] == [
        ("opens", True, False),
        ("closes", False, True),
        ("consents", False, False),
        ("reviews", False, False),
        ("decides", False, False),
    ]
    assert [s.at for s in found.steps] == sorted(s.at for s in found.steps)
    assert found.form["sections"]
    assert found.rubric["criteria"]
    assert all(item.title.zh and item.title.en for item in found.checklist)
    assert found.can == ["proposal.draft"]
    assert await session.scalar(select(CallNumber.last).where(CallNumber.call_id == found.id)) == 0


async def test_a_prefix_belongs_to_one_call(client, desk):
    await opened(client, desk)
    got = await client.post(URL, json=new(prefix="new-2026"), headers={**desk, **key()})
    assert (got.status_code, got.json()["code"]) == (409, "calls.prefix_taken")


async def test_a_call_for_one_institution_has_no_confirmation(client, desk):
    made = await opened(client, desk, min_institutions=1)
    found = (await client.get(f"{URL}/{made}")).json()
    assert found["consent"] is None
    assert "consent" not in found["stages"]
    assert [s["key"] for s in found["steps"]] == ["opens", "closes", "reviews", "decides"]


ZONELESS = {
    "2026-12-01T18:00": "calls.zone_missing",
    "2026-12-01T18:00:00": "calls.zone_missing",
    "2026-12-01": "calls.time_missing",
    "": "calls.instant_shape",
    "1764583200": "calls.instant_shape",
    "2026-13-01T18:00Z": "calls.instant_shape",
    "2026-12-01T18:00+99:00": "calls.instant_shape",
    "0001-01-01T00:00+08:00": "calls.instant_shape",
    "tomorrow": "calls.instant_shape",
}


@pytest.mark.parametrize("value", ZONELESS)
async def test_c67_a_time_without_a_zone_is_refused(client, desk, value):
    for field in ("opens_at", "closes_at", "reviews_until", "decides_at"):
        got = await client.post(URL, json=new(**{field: value}), headers={**desk, **key()})
        assert codes(got)[field] == ZONELESS[value]


async def test_c67_a_number_is_no_instant(client, desk):
    got = await client.post(URL, json=new(closes_at=1764583200), headers={**desk, **key()})
    assert codes(got) == {"closes_at": "problems.wrong_type"}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/New_York"])
async def test_c67_every_zone_gives_the_same_instant(client, desk, monkeypatch, zone):
    import time  # noqa: PLC0415

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    day = (now() + timedelta(days=20)).date().isoformat()
    try:
        made = [
            await opened(client, desk, prefix=f"Z-{n}", closes_at=f"{day}{clock}")
            for n, clock in enumerate(
                ["T18:00:00+08:00", "T10:00:00Z", "T18:00+08:00", "T05:00-05:00"], 10
            )
        ]
        found = {(await client.get(f"{URL}/{call}")).json()["closes_at"] for call in made}
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found == {f"{day}T10:00:00Z"}


async def test_c67_no_column_is_without_a_zone(session):
    found = await session.execute(
        text(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = 'public' and data_type = 'timestamp without time zone'"
        )
    )
    assert found.all() == []


async def test_dates_out_of_order_are_named_each(client, desk):
    sent = new(closes_at=at(10), opens_at=at(11), reviews_until=at(9), decides_at=at(8))
    assert codes(await client.post(URL, json=sent, headers={**desk, **key()})) == {
        "closes_at": "calls.closes_before_opens",
        "reviews_until": "calls.reviews_before_closes",
        "decides_at": "calls.decides_before_reviews",
    }
    sent = new(reviews_until=at(12))
    assert codes(await client.post(URL, json=sent, headers={**desk, **key()})) == {
        "reviews_until": "calls.reviews_before_consents"
    }
    sent = new(closes_at=at(-1), opens_at=at(-9), decides_at="2999-01-01T00:00Z")
    assert codes(await client.post(URL, json=sent, headers={**desk, **key()})) == {
        "closes_at": "calls.closes_in_past",
        "decides_at": "calls.date_far",
    }


async def test_texts_and_numbers_are_checked_by_name(client, desk):
    sent = new(
        title_zh="",
        title_en="a\nb",
        prefix="a_b",
        min_institutions=0,
        min_reviews=9,
        summary_en="\x07",
    )
    assert codes(await client.post(URL, json=sent, headers={**desk, **key()})) == {
        "title_zh": "text.blank",
        "title_en": "text.line_break_in_line",
        "prefix": "calls.prefix_shape",
        "min_institutions": "problems.out_of_range",
        "min_reviews": "problems.out_of_range",
        "summary_en": "text.control",
    }


async def test_holes_refuse_the_opening_and_are_named(client, session):
    home = await make_institution(session, "独一大学")
    desk = await login(session, await make_person(session, institution=home, roles=["coordinator"]))
    got = await client.get(f"{URL}/preset", headers=desk)
    preset = msgspec.json.decode(got.content, type=Preset, strict=True)
    assert [(h.institution.name.zh, h.missing) for h in preset.holes] == [
        ("独一大学", "coordinator"),
        ("独一大学", "approver"),
    ]
    got = await client.post(URL, json=new(), headers={**desk, **key()})
    assert (got.status_code, got.json()["code"]) == (409, "calls.holes")
    assert "独一大学" in got.json()["detail"]
    assert {h["missing"] for h in got.json()["params"]["holes"]} == {"coordinator", "approver"}
    assert (await session.scalars(select(Call))).all() == []


async def test_only_a_coordinator_opens_a_call(client, session):
    member = await login(
        session, await make_person(session, institution=await make_institution(session))
    )
    assert (await client.post(URL, json=new(), headers={**member, **key()})).status_code == 403
    assert (await client.post(URL, json=new(), headers=key())).status_code == 401
    assert (await client.get(f"{URL}/preset", headers=member)).status_code == 403
    assert (await client.get(f"{URL}/preset")).status_code == 401


async def test_calls_are_listed_by_their_close_and_in_pages(client, session, desk):
    for n, days in enumerate((-5, 5, 15)):
        opens = now() + timedelta(days=-30 if n < 2 else 10)
        await make_call(
            session,
            prefix=f"L-{n}0",
            opens_at=opens,
            closes_at=now() + timedelta(days=days),
        )
    got = await client.get(URL, headers=desk)
    found = msgspec.json.decode(got.content, type=CallList, strict=True)
    assert [(c.prefix, c.state) for c in found.items] == [
        ("L-20", "coming"),
        ("L-10", "open"),
        ("L-00", "closed"),
    ]
    assert found.can == ["call.open"]
    first = (await client.get(URL, params={"limit": 2})).json()
    rest = (await client.get(URL, params={"limit": 2, "after": first["next"]})).json()
    assert [c["prefix"] for c in first["items"] + rest["items"]] == ["L-20", "L-10", "L-00"]
    assert (rest["next"], rest["can"]) == (None, [])
    for after in ("x", "WyIxIiwgIjIiXQ", "bm90", "WyJ4Il0"):
        assert (await client.get(URL, params={"after": after})).status_code == 400


async def test_a_call_shows_the_readers_own_drafts_and_nobody_elses(client, session):
    home = await make_institution(session)
    lead = await make_person(session, institution=home)
    call = await make_call(session)
    mine = await make_proposal(session, lead, call, [home], title="我的草稿")
    other = await make_person(session, institution=home)
    await make_proposal(session, other, call, [home], title="别人的草稿")
    url = f"{URL}/{call.id}"
    found = (await client.get(url, headers=await login(session, lead))).json()
    assert found["my_drafts"] == [
        {"id": str(mine.id), "title": "我的草稿", "title_en": "", "shown": "draft"}
    ]
    assert (await client.get(url)).json()["my_drafts"] == []
    assert (await client.get(url)).json()["can"] == []
    missing = "00000000-0000-7000-8000-000000000000"
    assert (await client.get(f"{URL}/{missing}")).status_code == 404


async def test_the_home_page_is_its_struct_and_only_open_calls_are_on_it(client, session, desk):
    empty = msgspec.json.decode((await client.get("/api/home")).content, type=Home, strict=True)
    assert (empty.open_calls, empty.register.items, empty.platform.name.zh) == ([], [], "联研")
    assert empty.members.total == 2
    await opened(client, desk)
    await opened(client, desk, prefix="LATER", opens_at=at(2))
    await make_institution(session, "示例医院", kind="hospital")
    await make_institution(session, "观察者", standing="observer")
    found = msgspec.json.decode((await client.get("/api/home")).content, type=Home, strict=True)
    assert [c.prefix for c in found.open_calls] == ["NEW-2026"]
    assert [(k.kind, k.n) for k in found.members.by_kind] == [("university", 2), ("hospital", 1)]
    assert found.open_calls[0].closes_at > datetime.now(UTC)


async def test_the_home_page_shows_the_register(client, session):
    from lianyan.projects.models import Project  # noqa: PLC0415

    home, partner = (
        await make_institution(session, "牵头大学"),
        await make_institution(session, "参与公司"),
    )
    lead = await make_person(session, institution=home)
    call = await make_call(session)
    for n in range(11):
        proposal = await make_proposal(
            session, lead, call, [home, partner], number=f"R-{n:03d}", state="approved"
        )
        session.add(
            Project(
                proposal_id=proposal.id,
                number=f"R-{n:03d}",
                title=f"题目{n}",
                title_en="",
                summary="",
                sectors=["MET", "EDU"] if n % 2 else ["MET"],
                fields=["04"],
                institutions=[
                    {"id": str(home.id), "role": "lead"},
                    {"id": str(partner.id), "role": "participating"},
                ],
                starts_on=now().date(),
                ends_on=now().date() + timedelta(days=365),
                granted_months=12,
                approved_at=now(),
                search_keys="",
            )
        )
        await session.flush()
    found = msgspec.json.decode((await client.get("/api/home")).content, type=Home, strict=True)
    assert (len(found.register.items), found.register.total) == (9, 11)
    assert found.register.items[0].number == "R-010"
    assert [(i.name.zh, i.role) for i in found.register.items[0].institutions] == [
        ("牵头大学", "lead"),
        ("参与公司", "participating"),
    ]
    assert [(s.code, s.n) for s in found.register.by_sector] == [("EDU", 5), ("MET", 11)]
