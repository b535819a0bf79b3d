"""How long a session lives: judged by the database's clock, whatever a browser or a setting says."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select, text

from identity.test_session import _link
from lianyan.identity.commands import IDLE
from lianyan.identity.models import Session
from makers import login, make_person

IDLE_MINUTES, HOURS = 30, 12


@pytest.fixture
def strict(forged, app, settings):
    """Give the gate of a portal whose sessions are short."""
    app.state.settings = msgspec.structs.replace(
        settings, session_idle_minutes=IDLE_MINUTES, session_hours=HOURS
    )
    return forged


async def lives(session):
    row = (await session.scalars(select(Session).where(Session.revoked_at.is_(None)))).one()
    await session.refresh(row)
    return (
        row.idle_expires_at - row.authenticated_at,
        row.absolute_expires_at - row.authenticated_at,
    )


async def test_a_login_lives_as_long_as_the_settings_say(strict, session):
    await strict.forge()
    assert await lives(session) == (timedelta(minutes=IDLE_MINUTES), timedelta(hours=HOURS))
    await session.execute(text("update sessions set idle_expires_at = now() + interval '1 minute'"))
    assert (await strict.client.post("/api/session/renew")).status_code == 204
    idle, longest = await lives(session)
    assert timedelta(minutes=IDLE_MINUTES) <= idle < timedelta(minutes=IDLE_MINUTES + 1)
    assert longest == timedelta(hours=HOURS)


async def test_reading_and_writing_keep_no_session_alive(strict, session):
    """Only a page whose person is there asks for more time: no autosave, no window left open."""
    await strict.forge()
    before = await lives(session)
    await strict.client.get("/api/session")
    await strict.client.put("/api/session/locale", json={"locale": "zh"})
    assert await lives(session) == before


@pytest.mark.parametrize("column", ["idle_expires_at", "absolute_expires_at", "revoked_at"])
async def test_a_session_that_is_over_does_nothing_any_more(strict, session, column):
    await strict.forge()
    held = dict(strict.client.cookies)
    # The cookie of the browser lives on; a millisecond is enough.
    past = text(f"update sessions set {column} = now() - interval '1 millisecond'")
    await session.execute(past)
    for method, path in (
        ("POST", "/api/session/renew"),
        ("PUT", "/api/session/locale"),
        ("GET", "/api/settings"),
        ("GET", "/api/tasks"),
    ):
        answer = await strict.client.request(method, path, json={"locale": "zh"})
        assert answer.status_code == 401, path
    assert dict(strict.client.cookies) == held
    for path in ("/", "/home"):
        assert "示例" not in (await strict.client.get(path)).text
    await strict.client.delete("/api/session")
    assert await strict.who() is None


async def test_a_date_a_browser_sends_moves_nothing(strict, session):
    await strict.forge()
    await session.execute(text("update sessions set idle_expires_at = now() - interval '1 hour'"))
    headers = {"date": "Mon, 01 Jan 2024 00:00:00 GMT", "if-modified-since": "0"}
    assert (await strict.client.get("/api/tasks", headers=headers)).status_code == 401


async def test_an_invited_person_keeps_the_longer_time(strict, session):
    person = await make_person(session, "乙")
    scope = (await session.scalars(text("select uuidv7()"))).one()
    headers = await login(session, person, scope)
    assert (await strict.client.post("/api/session/renew", headers=headers)).status_code == 204
    row = await session.scalar(select(Session))
    await session.refresh(row)
    moment = (await session.scalars(text("select now()"))).one()
    assert row.idle_expires_at - moment > IDLE - timedelta(minutes=1)


async def test_a_link_from_the_server_opens_an_hour(strict, session, settings):
    await strict.client.post("/api/administrator-link", headers=await _link(session, settings))
    assert await lives(session) == (timedelta(hours=1), timedelta(hours=1))


@pytest.mark.parametrize("token", ["chosen-by-the-client", "a" * 43, "", "\u00e9", "x" * 9000])
async def test_a_session_name_that_a_client_has_made_up_never_becomes_one(strict, token):
    """Fixation: planted before the login, it is refused before, and is another's after it."""
    headers = {"cookie": f"lianyan_session={token}".encode("latin-1")}
    assert (await strict.client.get("/api/settings", headers=headers)).status_code == 401
    strict.client.cookies.set("lianyan_session", token.encode("ascii", "ignore").decode())
    answer = await strict.forge()
    new = [c for c in answer.headers.get_list("set-cookie") if c.startswith("lianyan_session=")]
    assert len(new) == 1
    assert new[0].split("=")[1].split(";")[0] != token
    strict.client.cookies.clear()
    assert (await strict.client.get("/api/settings", headers=headers)).status_code == 401
