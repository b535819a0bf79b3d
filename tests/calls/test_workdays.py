"""Terms in working days end at the closing hour of the right day."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from lianyan.calls import workdays
from lianyan.calls.workdays import add_workdays, announced, is_workday

ZONE = "Asia/Shanghai"
CLOSING = time(16)


def after(day, number):
    start = datetime.combine(day, time(12), ZoneInfo(ZONE))
    end = add_workdays(start, number, CLOSING, ZONE)
    assert end.tzinfo is UTC
    assert end.astimezone(ZoneInfo(ZONE)).time() == CLOSING
    return end.astimezone(ZoneInfo(ZONE)).date()


@pytest.mark.parametrize(
    "start, number, end",
    [
        (date(2026, 11, 30), 5, date(2026, 12, 7)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 9, 30), 2, date(2026, 10, 9)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),
        (date(2026, 12, 31), 1, date(2027, 1, 1)),
    ],
)
def test_the_last_day_is_the_right_one(start, number, end):
    assert after(start, number) == end


def test_the_day_is_that_of_the_zone():
    late = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)
    assert add_workdays(late, 1, CLOSING, ZONE) == datetime(2026, 11, 30, 8, tzinfo=UTC)


def test_a_year_without_holidays_says_so():
    assert announced(2026)
    assert not announced(2027)
    assert not announced(2031)
    assert is_workday(date(2031, 10, 1))
    assert not is_workday(date(2031, 10, 4))


def test_the_table_of_a_year_lists_only_what_weekends_do_not_say():
    for number, year in workdays._years().items():
        assert all(d.year == int(number) for d in year.holidays | year.working)
        assert all(d.weekday() < 5 for d in year.holidays)
        assert all(d.weekday() >= 5 for d in year.working)


@pytest.mark.parametrize("number", [0, -1, 1000])
def test_a_senseless_term_is_refused(number):
    with pytest.raises(ValueError, match=str(number)):
        after(date(2026, 11, 30), number)
