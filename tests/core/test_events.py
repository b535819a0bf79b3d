"""What happened is written once, with what it caused, and can never be rewritten by the portal."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from lianyan.core.events import Event, record
from makers import make_institution, make_person


async def test_an_event_lands_with_the_change_or_not_at_all(session):
    person = await make_person(session, "示例用户", institution=await make_institution(session))
    before = await session.scalar(select(func.count()).select_from(Event))
    inner = await session.begin_nested()
    await record(session, None, "demo.kind", person.id, proposal_id=None, other=person.id)
    await inner.rollback()
    assert await session.scalar(select(func.count()).select_from(Event)) == before
    id_ = await record(session, None, "demo.kind", person.id, other=person.id, at=None)
    stored = await session.get_one(Event, id_)
    assert stored.data == {"other": str(person.id), "at": None}


@pytest.mark.parametrize("statement", ["update events set kind = 'x'", "delete from events"])
async def test_the_portals_own_role_cannot_rewrite_what_happened(session, statement):
    with pytest.raises(ProgrammingError, match="permission denied"):
        await session.execute(text(statement))
