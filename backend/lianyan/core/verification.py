"""Whether what has happened is still what was sealed: every seal and every event, read once."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import msgspec

from lianyan.core.anchors import Anchor
from lianyan.core.db import Connection
from lianyan.core.seal_form import EVENT, KEPT, NOTHING, SEAL, Sealed, digest, mark, micros
from lianyan.core.seals import SETTLED, newest

SHOWN = 100
"""So many faults are told one by one; of an emptied table nobody reads more."""
LEAST, GREATEST = -(2**63), 2**63 - 1

BEFORE = f"select {SEAL} from seals s where s.id <= $1 order by s.id desc limit 1"
SEALS = f"select {SEAL} from seals s where s.id > $1 order by s.id"
PARTS = f"""
  select s.id, coalesce(lower(r), {LEAST}), coalesce(upper(r), {GREATEST}),
    case when o = 1 then s.content end, case when o = 1 then s.marks end,
    case when o = 1 then (select count(*) from unnest(s.members)) end
  from seals s cross join lateral unnest(s.members) with ordinality u (r, o)
  where s.id > $1 order by 2, 1
"""
EVENTS = f"select {EVENT} from events e where e.id >= $1 order by e.id"
HELD = "select id, digest from seals where id = any($1::bigint[])"


class Fault(msgspec.Struct, frozen=True):
    """One thing that is not as it was sealed."""

    code: str
    """event_changed, event_exchanged, event_deleted, event_inserted, seal_changed, seal_missing,
    anchor_missing or anchor_differs."""
    seal_id: int | None
    event_id: int | None
    words: str


class Verdict(msgspec.Struct, frozen=True):
    """What a verification saw."""

    seals: int
    events: int
    """Sealed events that were read."""
    unsealed: int
    """Events that no seal is over yet."""
    oldest_unsealed_seconds: float
    faults: list[Fault]
    more: int = 0
    """Faults beyond those listed."""

    @property
    def good(self) -> bool:
        """Say whether everything is as it was sealed."""
        return not self.faults


async def verify(
    connection: Connection, *, last: int | None = None, anchors: Iterable[Anchor] = ()
) -> Verdict:
    """Read every seal and its events, or those of the `last` seals, and compare; change nothing.

    It reads one snapshot as a stream: the memory it takes does not grow with the log.
    """
    async with _snapshot(connection):
        return await _Reading(connection).whole(last, list(anchors))


@asynccontextmanager
async def _snapshot(connection: Connection) -> AsyncIterator[None]:
    if connection.is_in_transaction():
        yield
        return
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


class _Stream:
    """The rows of a statement, the next one always at hand: `rows[at]`."""

    def __init__(self, connection: Connection, portion: int, statement: str, *values: Any) -> None:
        self.connection, self.portion = connection, portion
        self.statement, self.values = statement, values
        self.cursor: Any = None
        self.rows: list[Any] = []
        self.at = 0

    async def next(self) -> Any:
        """Return the row at hand, None after the last."""
        if self.at == len(self.rows):
            if self.cursor is None:
                self.cursor = await self.connection.cursor(self.statement, *self.values)
            self.rows, self.at = await self.cursor.fetch(self.portion), 0
        return self.rows[self.at] if self.rows else None


class _Open:
    """A seal whose events are being read."""

    def __init__(self, id_: int, content: bytes, marks: bytes, parts: int) -> None:
        self.id, self.content, self.marks, self.parts = id_, content, marks, parts
        self.read = 0
        """How many of its events are behind, gone ones included."""
        self.whole = True
        self.hash = sha256()
        self.differing: dict[int, tuple[bytes, bytes]] = {}
        """Event -> the mark that was kept of it, and the one it has."""

    def take(self, event: int, found: bytes) -> None:
        self.hash.update(found)
        kept = self.marks[self.read * KEPT : (self.read + 1) * KEPT]
        if kept != found[:KEPT]:
            self.differing[event] = kept, found[:KEPT]
        self.read += 1


class _Reading:
    """One verification under way."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.faults: list[Fault] = []
        self.more = self.seals = self.events = self.unsealed = 0
        self.oldest: int | None = None
        self.rewritten: set[int] = set()
        """Seals whose rows are not what was written."""
        self.holes: list[tuple[int, int]] = []
        """Where the events of seals lie that are gone: above the first id, up to the second."""
        self.floor = LEAST
        """Events up to here are those of earlier seals, which are not looked at."""
        self.settled = 0
        """Events up to here are on their way no more: a seal is over them, or nothing is."""

    async def whole(self, last: int | None, anchors: list[Anchor]) -> Verdict:
        latest = await newest(self.connection)
        begin = max(0, latest.id - last) if latest and last is not None else 0
        self.settled = (await self.connection.fetch(SETTLED))[0][1]
        await self._seals(begin)
        await self._events(begin)
        await self._anchors(anchors, latest.id if latest else 0)
        now = micros(await self.connection.fetchval("select timestamptz_send(clock_timestamp())"))
        return Verdict(
            seals=self.seals,
            events=self.events,
            unsealed=self.unsealed,
            oldest_unsealed_seconds=0.0 if self.oldest is None else max(0, now - self.oldest) / 1e6,
            faults=self.faults,
            more=self.more,
        )

    def fault(self, code: str, seal: int | None, event: int | None, words: str) -> None:
        if len(self.faults) < SHOWN:
            self.faults.append(Fault(code, seal, event, words))
        else:
            self.more += 1

    # ---- the seals ----

    async def _seals(self, begin: int) -> None:
        """Compare each seal with its own digest, and with what the next one says of it."""
        id_, previous, last_id = 0, NOTHING, 0
        if begin and (row := await self.connection.fetchrow(BEFORE, begin)):
            before = Sealed(*row)
            id_, previous, last_id = before.id, before.digest, before.last_id
            self.floor = last_id
        seals = _Stream(self.connection, 50, SEALS, begin)
        while (row := await seals.next()) is not None:
            seals.at += 1
            seal = Sealed(*row)
            self.seals += 1
            follows = seal.id == id_ + 1
            if not follows:
                one = seal.id == id_ + 2
                which = f"Seal {id_ + 1} is" if one else f"Seals {id_ + 1} to {seal.id - 1} are"
                self.fault("seal_missing", id_ + 1, None, f"{which} gone.")
                self.holes.append((last_id, seal.last_id))
            elif seal.previous != previous:
                self._changed(id_, f"seal {seal.id} was made after another one")
            if wrong := _wrong(seal, last_id if follows else None):
                self._changed(seal.id, wrong)
            id_, previous, last_id = seal.id, seal.digest, max(last_id, seal.last_id)

    def _changed(self, seal: int, why: str) -> None:
        self.rewritten.add(seal)
        self.fault("seal_changed", seal, None, f"The row of seal {seal} was changed: {why}.")

    # ---- the events ----

    async def _events(self, begin: int) -> None:
        """Go through the parts of the seals and the events side by side, in the order of ids."""
        parts = _Stream(self.connection, 50, PARTS, begin)
        part = await parts.next()
        first = LEAST if self.floor == LEAST else self.floor + 1
        events = _Stream(self.connection, 1_000, EVENTS, min(first, part[1]) if part else first)
        opened: dict[int, _Open] = {}
        while (part := await parts.next()) is not None:
            parts.at += 1
            id_, start, end, content, marks, count = part
            if count is not None:
                opened[id_] = _Open(id_, content, marks, count)
            seal = opened[id_]
            while (event := await events.next()) is not None and event[0] < start:
                self._outside(events)
            expected = start
            while (event := await events.next()) is not None and event[0] < end:
                expected = self._inside(seal, events, expected, end)
            self._gone(seal, expected, end)
            seal.parts -= 1
            if not seal.parts:
                self._close(opened.pop(id_))
        while await events.next() is not None:
            self._outside(events)

    def _inside(self, seal: _Open, events: _Stream, expected: int, end: int) -> int:
        """Take those events at hand that belong to a seal; return the id that should come next."""
        rows, at = events.rows, events.at
        while at < len(rows) and (id_ := rows[at][0]) < end:
            if id_ > expected:
                self._gone(seal, expected, id_)
            seal.take(id_, mark(rows[at]))
            expected, at = id_ + 1, at + 1
        self.events += at - events.at
        events.at = at
        return expected

    def _outside(self, events: _Stream) -> None:
        """Take an event that no seal is over: on its way, or never written by the portal."""
        id_, at = events.rows[events.at][:2]
        events.at += 1
        if id_ <= self.floor or any(low < id_ <= high for low, high in self.holes):
            return
        if id_ <= self.settled:
            words = f"Event {id_} was put in later: no seal of its time is over it."
            self.fault("event_inserted", None, id_, words)
            return
        self.unsealed += 1
        self.oldest = micros(at) if self.oldest is None else min(self.oldest, micros(at))

    def _gone(self, seal: _Open, first: int, end: int) -> None:
        if first >= end:
            return
        which = f"Event {first} is" if end == first + 1 else f"Events {first} to {end - 1} are"
        self.fault("event_deleted", seal.id, first, f"{which} gone from seal {seal.id}.")
        seal.whole = False
        seal.read += end - first

    def _close(self, seal: _Open) -> None:
        """Say which events of a seal are not those it was made over."""
        if seal.whole and seal.hash.digest() == seal.content:
            return
        owners = {kept: event for event, (kept, _) in seal.differing.items()}
        for event, (_, found) in seal.differing.items():
            if other := owners.get(found):
                words = f"Event {event} of seal {seal.id} holds what event {other} held."
                self.fault("event_exchanged", seal.id, event, words)
            else:
                words = f"Event {event} of seal {seal.id} was changed."
                self.fault("event_changed", seal.id, event, words)
        if seal.whole and not seal.differing and seal.id not in self.rewritten:
            self.fault("event_changed", seal.id, None, f"An event of seal {seal.id} was changed.")

    # ---- what is kept elsewhere ----

    async def _anchors(self, anchors: list[Anchor], highest: int) -> None:
        """Look whether the seals that were the newest once are there, and the same."""
        ids = sorted({anchor.id for anchor in anchors})
        rows = await self.connection.fetch(HELD, ids) if ids else []
        found: dict[int, bytes] = {row[0]: row[1] for row in rows}
        for anchor in anchors:
            which = f"Seal {anchor.id}, the newest at {anchor.at},"
            if anchor.id not in found:
                cut = f": the log ends with seal {highest}" if anchor.id > highest else ""
                self.fault("anchor_missing", anchor.id, None, f"{which} is gone{cut}.")
            elif found[anchor.id] != anchor.digest:
                words = f"{which} is another one now: the log was written anew."
                self.fault("anchor_differs", anchor.id, None, words)


def _wrong(seal: Sealed, highest: int | None) -> str | None:
    """Return what in the row of a seal does not fit the rest of it; None where all does."""
    if seal.digest != digest(seal):
        return "its digest is not that of the row"
    ends = [r.upper for r in seal.members]
    if highest is not None and seal.last_id != max(highest, *(e - 1 for e in ends if e)):
        return "it says another highest id than its events have"
    if seal.size * KEPT != len(seal.marks):
        return "it says another number of events than it is over"
    return None
