"""The daily check of the record: written down, and whoever audits is told of what was rewritten."""

from sqlalchemy import select

from core.sealing import a_log, happen, opened, sealed
from lianyan.core.events import Event
from lianyan.core.messages import Message
from lianyan.core.words import say
from lianyan.reports.commands import CHECKED, check
from lianyan.settings import Settings
from makers import make_person


async def test_what_was_rewritten_is_told_to_the_audit_administrators(server, template):
    async with a_log(server, template) as log:
        log.sessions.configure(info={"settings": Settings(database_url=log.app)})
        async with log.sessions.begin() as session:
            system = await make_person(session, "系统", roles=["administrator"])
            audit = await make_person(session, "审计", roles=["audit_administrator"])
        _, second = await happen(log, 2)
        await sealed(log)
        for _ in "12":
            async with log.sessions.begin() as session:
                await check(session)
            async with opened(log.admin) as admin:
                await admin.execute("set session_replication_role = replica")
                await admin.execute("update events set kind = 'other' where id = $1", second)
        async with log.sessions() as session:
            found = await session.scalars(
                select(Event.data).where(Event.kind == CHECKED).order_by(Event.id)
            )
            told = (await session.scalars(select(Message))).all()
        assert [data["faults"] for data in found] == [0, 1]
        assert [message.person_id for message in told] == [audit.id], system
        assert "1" in say("en", "messages.record_broken", **told[0].params)
