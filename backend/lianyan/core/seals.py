"""Once a minute what has happened is sealed: nobody changes it after that without being found out.

A seal names the events it is over as ranges of ids, and holds a digest of them and of the seal before
it. The events themselves are never touched for it, and whoever writes one waits for nothing.

Ids are given before their transactions commit, so a seal may pass over events that are not to be seen
yet. Each later one takes what has turned up in the gaps of the last hour's seals; what turns up later
than that is not a late event, but a forged one, and `verify` says so.
"""

import asyncio
import logging
import time
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import BigInteger, LargeBinary, func, select
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE
from sqlalchemy.dialects.postgresql.ranges import MultiRange
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core import anchors
from lianyan.core.db import Connection, Model, raw
from lianyan.core.jobs import every
from lianyan.core.seal_form import EVENT, KEPT, NOTHING, SEAL, Sealed, digest, mark, ranges

log = logging.getLogger("lianyan.seals")

MOST = 10_000
"""A seal is over so many events at most."""
LATE = "interval '1 hour'"
"""So long, counted in seals, an event may be on its way."""
PATIENCE = 20.0
LOCK = 0x7365616C
"""An advisory lock: two workers do not seal at once."""


class Seal(Model):
    """That these events happened in this order, and the earlier seals before them."""

    __tablename__ = "seals"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 … without a gap."""
    sealed_at: Mapped[datetime]
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    """The digest of the seal before."""
    count: Mapped[int]
    members: Mapped[MultiRange[int]] = mapped_column(INT8MULTIRANGE)
    """The ids of its events."""
    last_id: Mapped[int] = mapped_column(BigInteger)
    """The highest id of this and all seals before."""
    content: Mapped[bytes] = mapped_column(LargeBinary)
    marks: Mapped[bytes] = mapped_column(LargeBinary)
    """The first bytes of the mark of each event."""
    digest: Mapped[bytes] = mapped_column(LargeBinary)


LATEST = f"select {SEAL} from seals s order by s.id desc limit 1"

SETTLED = f"""
  select coalesce(max(s.id), 0), coalesce(max(s.last_id), 0) from (
    select s.id, s.last_id from seals s
    where s.sealed_at <= (select sealed_at from seals order by id desc limit 1) - {LATE}
    order by s.id desc limit 1) s
"""
"""The newest seal an hour older than the newest: events up to its highest id are on their way no more."""

WAITING = f"""
  with gaps as (
    select unnest(int8multirange(int8range($1, $2, '(]'))
      - coalesce((select range_agg(s.members) from seals s where s.id > $3), '{{}}')) as r),
  late as (
    select e.* from gaps g cross join lateral (
      select * from events e where e.id >= lower(g.r) and e.id < upper(g.r) order by e.id limit $4) e
    order by e.id limit $4),
  new as (select * from events e where e.id > $2 order by e.id limit $4)
  select {EVENT} from (select * from late union all select * from new) e order by e.id limit $4
"""

KEEP = """
  insert into seals (id, sealed_at, previous, count, members, last_id, content, marks, digest)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
TIME = """
  select t, timestamptz_send(t)
  from greatest(clock_timestamp(), (select sealed_at from seals order by id desc limit 1)) t
"""
"""A clock that was set back does not put a seal before the one it follows."""


async def seal(session: AsyncSession, *, most: int = MOST) -> int:
    """Seal the next events, `most` of them, in the caller's transaction; return how many they were.

    Where another worker is about it, nothing is done.
    """
    # Through the session: its first statement is what begins the transaction.
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    connection = await raw(session)
    latest = await newest(connection)
    id_, previous, last = (latest.id, latest.digest, latest.last_id) if latest else (0, NOTHING, 0)
    [(settled, low)] = await connection.fetch(SETTLED)
    events = await connection.fetch(WAITING, low, last, settled, most)
    if not events:
        return 0
    found = [mark(event) for event in events]
    [(at, sent)] = await connection.fetch(TIME)
    made = Sealed(
        id=id_ + 1,
        sealed_at=sent,
        previous=previous,
        size=len(events),
        members=ranges(event[0] for event in events),
        last_id=max(last, events[-1][0]),
        content=sha256(b"".join(found)).digest(),
        marks=b"".join(one[:KEPT] for one in found),
        digest=b"",
    )
    await connection.execute(KEEP, made.id, at, *made[2:-1], digest(made))
    return len(events)


async def newest(connection: Connection) -> Sealed | None:
    """Return the newest seal, if there is one."""
    row = await connection.fetchrow(LATEST)
    return Sealed(*row) if row else None


@every(60, "events.seal")
async def seal_all(session: AsyncSession) -> None:
    """Anchor the newest seal outside the database, then seal whatever is to be sealed.

    In that order: the newest seal is committed, the ones to be made are not yet.
    """
    settings = session.info.get("settings")
    if settings is not None and settings.data_dir.is_dir():
        await _anchor(session, settings.data_dir / anchors.FILE)
    until = time.monotonic() + PATIENCE
    while await seal(session) == MOST and time.monotonic() < until:
        pass


async def _anchor(session: AsyncSession, path: Path) -> None:
    latest = await newest(await raw(session))
    if latest is None:
        return
    try:
        await asyncio.to_thread(anchors.append, path, anchors.of(latest))
    except OSError as error:
        log.warning("no anchor in %s (%s)", path, error.strerror)
