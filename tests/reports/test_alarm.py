"""Who reads confidential matter of very many at once is told of: in time, once, without other names."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from core.sealing import empty, opened
from lianyan.core.db import raw
from lianyan.core.disclosed import disclosed
from lianyan.core.events import Event, record
from lianyan.core.messages import Message
from lianyan.core.words import say
from lianyan.identity.heirs import heirs_of
from lianyan.reports.commands import READINGS, Crest, highest, watch
from lianyan.settings import Settings
from makers import make_institution, make_person

START = datetime(2026, 11, 25, 8, tzinfo=UTC)


async def read(session, reader, count=1, kind="decision.read", **named):
    for _ in range(count):
        await disclosed(await raw(session), reader, kind, uuid4(), uuid4(), **named)


async def alarms(session) -> list[tuple[UUID, dict]]:
    await watch(session)
    found = await session.execute(
        select(Event.subject_id, Event.data).where(Event.kind == "alarm.volume").order_by(Event.id)
    )
    return [tuple(row) for row in found]


@pytest.fixture
async def log(own_log):
    """Give a database of its own, where commits are real and the superuser can turn the clock."""
    return await empty(own_log)


@pytest.fixture
async def reader(session):
    return await make_person(session, "读者", roles=["coordinator"])


async def test_sixty_proposals_are_work_and_sixty_one_are_told_of_once(session, reader):
    admin = await make_person(session, "管理员", roles=["administrator"])
    await read(session, reader, 60)
    assert await alarms(session) == []
    await read(session, reader)
    assert await alarms(session) == [(reader.id, {"proposals": 61, "people": 0})]
    await read(session, reader, 30)
    assert len(await alarms(session)) == 1, "once in an hour"
    told = (
        await session.execute(select(Message).where(Message.template == "volume_alarm"))
    ).scalars()
    [message] = told
    assert (message.person_id, message.proposal_id) == (admin.id, None)
    assert message.params == {
        "to": "self", "person_id": str(reader.id), "proposals": 61, "people": 0,
    }  # fmt: skip
    for locale in ("zh", "en"):
        sentence = say(locale, "messages.volume_alarm", person="读者", **message.params)
        assert "61" in sentence
        assert "读者" in sentence


async def test_the_same_proposals_again_and_other_peoples_are_not_many(session, reader):
    other = await make_person(session, roles=["coordinator"])
    proposals = [uuid4() for _ in range(60)]
    for _ in range(3):
        for proposal in proposals:
            await disclosed(await raw(session), reader, "review.read", uuid4(), proposal)
    await read(session, other, 30)
    assert await alarms(session) == []


async def test_a_page_about_many_counts_each_of_them(session, reader):
    shown = [uuid4() for _ in range(61)]
    await disclosed(
        await raw(session), reader, "release.read", reader.id, None, proposals=shown[:60]
    )
    assert await alarms(session) == []
    await disclosed(
        await raw(session), reader, "release.read", reader.id, None, proposals=shown[50:]
    )
    assert await alarms(session) == [(reader.id, {"proposals": 61, "people": 0})]


async def test_thirty_one_reviewers_are_told_of_and_none_is_named(session, reader):
    await make_person(session, roles=["administrator"])
    reviewers = [(await make_person(session, roles=["reviewer"])).id for _ in range(31)]
    for n in range(0, 30, 3):
        await read(session, reader, kind="assignment.read", people=reviewers[n : n + 3])
    assert await alarms(session) == []
    await read(session, reader, kind="assignment.read", people=reviewers[28:])
    assert await alarms(session) == [(reader.id, {"proposals": 11, "people": 31})]
    written = await session.execute(
        text(
            "select e.data::text || coalesce(string_agg(m.params::text, ''), '') from events e"
            " left join messages m on m.event_id = e.id where e.kind = 'alarm.volume' group by e.id"
        )
    )
    [(everything,)] = written
    assert "reviewer" not in everything
    assert not [one for one in reviewers if str(one) in everything]


async def test_what_is_public_or_written_is_not_read(session, reader):
    for kind in ("project.viewed", "proposal.submit", "review.saved"):
        for _ in range(70):
            await record(session, reader, kind, uuid4(), proposal_id=uuid4())
    assert await alarms(session) == []


async def test_the_numbers_are_settings(session, reader):
    session.info["settings"] = Settings(alarm_proposals=2, alarm_people=1)
    await read(session, reader, 2)
    assert await alarms(session) == []
    await read(session, reader, people=[uuid4(), uuid4()])
    assert await alarms(session) == [(reader.id, {"proposals": 3, "people": 2})]


def test_ten_minutes_are_counted_wherever_they_lie():
    def readings(*minutes: float):
        return [(START + timedelta(minutes=m), "proposal", str(n)) for n, m in enumerate(minutes)]

    assert highest(readings(0, 3, 9.99)) == Crest(3, 0)
    assert highest(readings(0, 3, 10)) == Crest(2, 0)
    assert highest(readings(0, 9, 11, 18, 18, 29)) == Crest(4, 0)
    again = [(START, "proposal", "a"), (START, "person", "a"), (START, "proposal", "a")]
    assert highest(again) == Crest(1, 1)
    assert highest([]) == Crest(0, 0)


async def test_after_an_hour_only_what_is_new_is_told_of(log):
    async with log.sessions.begin() as session:
        reader = await make_person(session, roles=["coordinator"])
        await read(session, reader, 70)
        assert len(await alarms(session)) == 1

    async def later(minutes: int) -> None:
        async with opened(log.admin) as admin:
            await admin.execute("set session_replication_role = replica")
            await admin.execute(f"update events set at = at - interval '{minutes} minutes'")

    for minutes, count, expected in (
        (61, 0, 1),
        (0, 50, 1),
        (0, 11, 2),
        (30, 80, 2),
        (31, 0, 3),
    ):
        await later(minutes)
        async with log.sessions.begin() as session:
            await read(session, reader, count)
            assert len(await alarms(session)) == expected, (minutes, count)


async def test_what_was_spread_over_an_hour_is_work(log):
    async with log.sessions.begin() as session:
        reader = await make_person(session, roles=["coordinator"])
        await read(session, reader, 66)
    async with opened(log.admin) as admin:
        await admin.execute("set session_replication_role = replica")
        await admin.execute("update events set at = at - id * interval '1 minute'")
    async with log.sessions.begin() as session:
        assert await alarms(session) == []


async def test_the_search_for_busy_readers_uses_the_index(session):
    await session.execute(text("set local enable_seqscan = off"))
    plan = await session.execute(
        text(f"explain (format json) {READINGS.text}"), {"proposals": 60, "people": 30}
    )
    assert '"ix_events_read"' in json.dumps(plan.scalar())


async def test_while_nobody_holds_a_role_its_heir_is_asked(log):
    async with opened(log.owner) as owner:
        await owner.execute("alter table platform_roles drop constraint ck_platform_roles_role")
    async with log.sessions.begin() as session:
        home = await make_institution(session)
        admins = [
            (await make_person(session, institution=home, roles=["administrator"])).id
            for _ in range(2)
        ]
        assert await heirs_of(session, "audit_administrator") == sorted(admins)
        assert await heirs_of(session, "approver") == []
        holder = await make_person(session, institution=home, roles=["audit_administrator"])
        assert await heirs_of(session, "audit_administrator") == [holder.id]
        assert await heirs_of(session, "security_administrator") == sorted(admins)
        await session.execute(
            text("update platform_roles set ended_at = now() where person_id = :p"),
            {"p": holder.id},
        )
        assert await heirs_of(session, "audit_administrator") == sorted(admins)
        await session.execute(
            text("update people set status = 'pending' where id = :p"), {"p": admins[0]}
        )
        assert await heirs_of(session, "audit_administrator") == [admins[1]]
