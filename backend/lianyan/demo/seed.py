"""The demo's data: an empty database gets a consortium with a past, told by the real commands."""

from datetime import datetime

from sqlalchemy import NullPool, exists, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from lianyan.core.db import engine_of
from lianyan.demo import claims
from lianyan.demo.clock import ReplayClock
from lianyan.demo.founding import founding, newcomers, openings
from lianyan.demo.handling import Handling, releasing
from lianyan.demo.stage import Stage, Step
from lianyan.demo.world import read_world
from lianyan.demo.writing import Writing
from lianyan.identity.models import Person
from lianyan.notifications import followers
from lianyan.settings import Settings

TELLS_PEOPLE = followers
"""Importing it is what makes events write messages."""

READ_AFTER = """
  update messages set read_at = least(created_at + interval '1 day', now())
  where created_at < now() - interval '10 days'
"""
NUMBERS = """
  update call_numbers c set last = (
    select max(right(p.number, 4)::int) from proposals p where p.call_id = c.call_id)
"""
"""The demo's numbers are those its story is told with; the next one comes after them all."""
DONE = "delete from jobs where kind = 'release.carry_out'"
"""Jobs that were asked for and done within the replay."""


class SeedError(RuntimeError):
    """The demo cannot be written; the text says why and what to do."""


async def seed(settings: Settings) -> None:
    """Fill an empty database with the demo, all or nothing; refuse one in which anybody is.

    It needs the address of the database's owner: the replay's clock lives in a schema of its own.
    """
    engine = engine_of(settings.migration_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await replay(connection, settings)
    finally:
        await engine.dispose()


async def replay(
    connection: AsyncConnection,
    settings: Settings,
    *,
    port: int | None = None,
    now: datetime | None = None,
) -> Stage:
    """Tell the whole story up to `now` in the connection's transaction; return what was made."""
    port = port or settings.demo_port
    await _demand_empty(connection)
    now = now or (await connection.execute(text("select clock_timestamp()"))).scalar_one()
    stage, clock = Stage(read_world(), now), ReplayClock(connection)
    try:
        await clock.install()
    except ProgrammingError as error:
        raise SeedError(
            "The demo is written as the owner of the database: set LIANYAN_OWNER_DATABASE_URL."
        ) from error
    for step in founding(stage, settings, port):
        await _tell(connection, clock, step)
    steps = [*openings(stage), *releasing(stage), newcomers(stage, port)]
    for told in stage.told.proposals:
        writing = Writing(stage, told)
        steps += writing.steps() + Handling(stage, told, writing).steps()
    for step in sorted(steps, key=lambda s: s.at):
        await _tell(connection, clock, step)
    await _tell(connection, clock, Step(now, lambda session: claims.check(session, stage)))
    await clock.remove()
    for last in (READ_AFTER, NUMBERS, DONE):
        await connection.execute(text(last))
    return stage


async def _tell(connection: AsyncConnection, clock: ReplayClock, step: Step) -> None:
    await clock.set(step.at)
    # Nothing is committed before the end: a commit of the session only flushes.
    async with (
        AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="rollback_only"
        ) as session,
        session.begin(),
    ):
        try:
            await step.do(session)
        except Exception as error:
            details = getattr(error, "params", ""), getattr(error, "errors", "")
            error.add_note(f"at {step.at:%Y-%m-%d %H:%M}, in {step.do!r}: {details}")
            raise


async def _demand_empty(connection: AsyncConnection) -> None:
    real = await connection.scalar(select(exists().where(Person.demo.is_(False))))
    if real:
        raise SeedError("There are real people in this database: the demo is not written into it.")
    if await connection.scalar(select(exists().where(Person.id.is_not(None)))):
        raise SeedError("The demo is in this database already.")


def waiting() -> dict[int, str]:
    """Return what proposals wait for: those whose told stage does not exist yet, by number."""
    return {p.id: p.waits.shown for p in read_world().proposals if p.waits is not None}
