"""Working days: Monday to Friday, less holidays, plus make-up days, from a yearly table.

`data/workdays.json` says of each year whether its holidays are in it; a year that is not announced
or not listed has weekends only, and `announced` tells so.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import msgspec

SATURDAY = 5
MOST = 250
"""More working days than a year has is a mistake, not a term."""


class Year(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one year's table holds beyond its weekends."""

    announced: bool
    source: str
    holidays: frozenset[date]
    """Monday to Friday, not worked."""
    working: frozenset[date]
    """Saturdays and Sundays, worked."""


_WEEKENDS_ONLY = Year(announced=False, source="", holidays=frozenset(), working=frozenset())


def add_workdays(start: datetime, number: int, closing: time, zone: str) -> datetime:
    """Return, in UTC, the closing hour of the `number`-th working day after the day of `start`.

    Days are those of `zone`; the day of `start` itself does not count.
    """
    if not 1 <= number <= MOST:
        raise ValueError(number)
    place = ZoneInfo(zone)
    day = start.astimezone(place).date()
    while number:
        day += timedelta(days=1)
        number -= is_workday(day)
    return datetime.combine(day, closing, place).astimezone(UTC)


def is_workday(day: date) -> bool:
    """Say whether people work on `day`."""
    year = _year(day.year)
    if day.weekday() < SATURDAY:
        return day not in year.holidays
    return day in year.working


def announced(year: int) -> bool:
    """Say whether the table knows the holidays of `year`, or counts weekends only."""
    return _year(year).announced


def _year(number: int) -> Year:
    return _years().get(str(number), _WEEKENDS_ONLY)


@cache
def _years() -> dict[str, Year]:
    text = (files("lianyan.calls") / "data" / "workdays.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Year])
