"""What time it is: the database's clock decides, the process only says how long it has waited."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BEIJING = ZoneInfo("Asia/Shanghai")


class Arrival:
    """The moment a request reached this process, on the monotonic clock."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        """Take the moment."""
        self.at = time.monotonic()

    def waited(self) -> timedelta:
        """Return how long the request has been inside this process."""
        return timedelta(seconds=time.monotonic() - self.at)


async def now(session: AsyncSession, arrival: Arrival | None = None) -> datetime:
    """Return the database's time, less what `arrival` has waited in this process.

    A deadline is judged by this instant, so a full pool or a queue here costs nobody the deadline,
    and no client's clock counts.
    """
    found: datetime = (await session.scalars(text("select clock_timestamp()"))).one()
    return found - arrival.waited() if arrival else found


ARRIVED = "arrived"
"""Where a session keeps the arrival of the request it writes for."""


def came(session: AsyncSession) -> Arrival | None:
    """Return when the request came that `session` writes for; None where no request does."""
    found: Arrival | None = session.info.get(ARRIVED)
    return found


def instant(value: datetime) -> str:
    """Return `value` as the API writes instants: UTC, `Z`."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
