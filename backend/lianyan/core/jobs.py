"""Work that follows a change: asked for in its transaction, done once by a worker.

A job is taken by moving its `run_at` past a lease, in a transaction of its own. Its handler then
writes in the transaction that deletes the job: if the worker dies, or somebody else has the job by
then, neither happened, and the job comes back when the lease is over.

Mostly it comes back sooner. That transaction holds a lock on the job's row, which ends with its
connection, and so with its process: a job that is leased and not locked belongs to nobody, and any
worker frees it; one that is locked is taken by nobody, however old its lease. The lock is of the
kind that lets the job be asked for again meanwhile.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import any_, delete, func, select, update
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.db import Sessions
from lianyan.core.jobs_schema import Job, Period, Worker
from lianyan.core.logs import note

log = logging.getLogger("lianyan.jobs")

LEASE = timedelta(seconds=60)
LIMIT = LEASE - timedelta(seconds=10)
TRIES = 12
LONGEST_PAUSE = timedelta(hours=1)
POLL = 1.0
BEAT = 10.0
ORPHANED = timedelta(seconds=2)
"""A job taken longer ago than this is in the hands of a living worker, or of nobody."""
LANES = 2
LONGEST_CODE = 64

Handler = Callable[[AsyncSession, dict[str, Any]], Awaitable[None]]
Chore = Callable[[AsyncSession], Awaitable[None]]

HANDLERS: dict[str, Handler] = {}
"""Kind of job -> what does it, in the transaction that removes the job."""
CHORES: dict[str, tuple[timedelta, Chore]] = {}
"""Name -> how often, and what is done, in the transaction that sets its next time."""


class Lost(Exception):
    """Somebody else has the job now; what this run wrote is undone."""


class Taken(NamedTuple):
    """A job this process holds while nobody else changes its `rev`."""

    id: int
    kind: str
    payload: dict[str, Any]
    tries: int
    rev: int


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the one function that does the jobs of this kind."""

    def register(handler: Handler) -> Handler:
        if HANDLERS.setdefault(kind, handler) is not handler:
            raise ValueError(f"two functions handle {kind}")
        return handler

    return register


def every(seconds: float, name: str) -> Callable[[Chore], Chore]:
    """Register a function that one worker at a time runs this often."""

    def register(chore: Chore) -> Chore:
        if CHORES.setdefault(name, (timedelta(seconds=seconds), chore))[1] is not chore:
            raise ValueError(f"two chores are called {name}")
        return chore

    return register


async def enqueue(
    session: AsyncSession,
    kind: str,
    payload: Mapping[str, Any],
    *,
    run_at: datetime | None = None,
    key: str | None = None,
) -> None:
    """Ask for a job in the caller's transaction; of one `key` only one waits, at the earliest time.

    A payload holds ids, codes and numbers, never a person's words: those are a ValueError.
    """
    values: dict[str, Any] = {"kind": kind, "payload": _plain(payload), "key": key}
    if run_at is not None:
        values["run_at"] = run_at
    statement = insert(Job).values(**values)
    if key is not None:
        # A run of this key that has begun may have read what changes now: the new `rev` makes it
        # void, and the job runs once more.
        statement = statement.on_conflict_do_update(
            index_elements=[Job.key],
            set_={
                "run_at": func.least(Job.run_at, statement.excluded.run_at),
                "payload": statement.excluded.payload,
                "rev": Job.rev + 1,
                "tries": 0,
                "failed_at": None,
                "error": None,
            },
        )
    await session.flush()
    await session.execute(statement)


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: str(v) if isinstance(v, UUID) else v for name, v in payload.items()}
    for name, value in plain.items():
        code = isinstance(value, str) and value.isascii() and len(value) <= LONGEST_CODE
        if not (code or value is None or isinstance(value, int)):
            raise ValueError(f"{name} is no id, code or number: a payload holds nothing else")
    return plain


async def run_due(sessions: Sessions, *, most: int = 1000) -> int:
    """Do the chores that are due, then jobs until none is; return how many jobs were tried."""
    for name in await _due_chores(sessions):
        await _chore(sessions, name)
    tried = 0
    while tried < most and (job := await _take(sessions)):
        await _do(sessions, job)
        tried += 1
    return tried


async def work(sessions: Sessions, stop: asyncio.Event) -> None:
    """Do what is due, again and again, until `stop`; a database that is away is waited for."""
    async with asyncio.TaskGroup() as group:
        for _ in range(LANES):
            group.create_task(_repeat(partial(run_due, sessions, most=100), POLL, stop))
        group.create_task(_repeat(partial(free_orphans, sessions), POLL, stop))
        group.create_task(_repeat(partial(_beat, sessions, uuid4()), BEAT, stop))


async def _repeat(what: Callable[[], Awaitable[object]], pause: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await what()
        except (SQLAlchemyError, OSError) as error:
            note(log, logging.WARNING, "database.away", type=type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _take(sessions: Sessions) -> Taken | None:
    due = (
        select(Job.id)
        .where(Job.failed_at.is_(None), Job.run_at <= func.now(), Job.kind == any_(array(HANDLERS)))
        .order_by(Job.run_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(Job)
        .where(Job.id == due.scalar_subquery())
        .values(run_at=func.now() + LEASE, tries=Job.tries + 1, rev=Job.rev + 1, error=None)
        .returning(Job.id, Job.kind, Job.payload, Job.tries, Job.rev)
    )
    async with sessions.begin() as session:
        row = (await session.execute(statement)).one_or_none()
    return Taken(*row) if row else None


async def _do(sessions: Sessions, job: Taken) -> None:
    mine = (Job.id == job.id, Job.rev == job.rev)
    began, outcome = time.perf_counter(), "cut_off"
    try:
        async with asyncio.timeout(LIMIT.total_seconds()), sessions.begin() as session:
            hold = select(Job.id).where(*mine).with_for_update(read=True, key_share=True)
            _kept(await session.scalar(hold))
            await HANDLERS[job.kind](session, job.payload)
            _kept(await session.scalar(delete(Job).where(*mine).returning(Job.id)))
        outcome = "done"
    except Lost:
        # Somebody has taken it, or asked for it again, meanwhile.
        outcome = "lost"
    except Exception as error:  # noqa: BLE001  whatever it is: the line says what
        outcome = "given_up" if job.tries >= TRIES else "failed"
        note(log, logging.ERROR, "job.error", error=error, id=job.id, kind=job.kind)
        values = {"error": type(error).__name__, "run_at": func.now() + _pause(job.tries)}
        if job.tries >= TRIES:
            values["failed_at"] = func.now()
        async with sessions.begin() as session:
            await session.execute(update(Job).where(*mine).values(**values))
    finally:
        took = round((time.perf_counter() - began) * 1000, 1)
        name, tries = job.kind, job.tries
        note(log, logging.INFO, "job", id=job.id, kind=name, tries=tries, ms=took, outcome=outcome)


def _kept(found: int | None) -> None:
    if found is None:
        raise Lost


async def free_orphans(sessions: Sessions) -> int:
    """Let the jobs of workers that have died be taken again at once; return how many they were.

    One that was taken a moment ago may not be locked yet. If it is freed all the same, its new `rev`
    makes the run void that had it.
    """
    orphaned = (
        select(Job.id)
        .where(
            Job.failed_at.is_(None),
            Job.tries > 0,
            Job.error.is_(None),
            Job.run_at > func.now(),
            Job.run_at < func.now() + (LEASE - ORPHANED),
        )
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(Job)
        .where(Job.id.in_(orphaned))
        .values(run_at=func.now(), rev=Job.rev + 1)
        .returning(Job.id)
    )
    async with sessions.begin() as session:
        return len((await session.scalars(statement)).all())


def _pause(tries: int) -> timedelta:
    """Return how long a failed job waits: doubling, with some chance in it against herds."""
    seconds = min(2.0**tries, LONGEST_PAUSE.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  no secret


async def _due_chores(sessions: Sessions) -> list[str]:
    if not CHORES:
        return []
    async with sessions.begin() as session:
        rows = await session.execute(
            select(Period.name, (Period.next_at <= func.now()).label("due"))
        )
        known = {row.name: row.due for row in rows}
        if new := CHORES.keys() - known.keys():
            values = [{"name": name} for name in sorted(new)]
            await session.execute(insert(Period).values(values).on_conflict_do_nothing())
    return [name for name in CHORES if known.get(name, True)]


async def _chore(sessions: Sessions, name: str) -> None:
    often, chore = CHORES[name]
    free = select(Period.name).where(Period.name == name, Period.next_at <= func.now())
    later = update(Period).where(Period.name == name).values(next_at=func.now() + often)
    try:
        async with sessions.begin() as session:
            if await session.scalar(free.with_for_update(skip_locked=True)):
                await chore(session)
                await session.execute(later)
    except Exception as error:  # noqa: BLE001  whatever it is: the line says what
        note(log, logging.ERROR, "chore.error", error=error, name=name)
        async with sessions.begin() as session:
            await session.execute(later)


async def _beat(sessions: Sessions, worker: UUID) -> None:
    """Say that this worker lives, and forget those not seen for a day."""
    alive = insert(Worker).values(id=worker)
    async with sessions.begin() as session:
        await session.execute(
            alive.on_conflict_do_update(index_elements=[Worker.id], set_={"seen_at": func.now()})
        )
        await session.execute(delete(Worker).where(Worker.seen_at < func.now() - timedelta(days=1)))
