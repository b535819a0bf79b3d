"""Closing hours and working days: zones, clocks that jump, 29 February, the turn of the year, holidays."""

from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from lianyan.calls.workdays import add_workdays
from lianyan.core.clock import instant
from lianyan.proposals.deadlines import too_late
from proposals.team_world import build

SHANGHAI, BERLIN, NEW_YORK = "Asia/Shanghai", "Europe/Berlin", "America/New_York"
AOE = timezone(timedelta(hours=-12))
FOREVER = "update sessions set idle_expires_at = '3000-01-01', absolute_expires_at = '3000-01-01'"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    "start, number, closing, zone, end",
    [
        # The same hour of the clock on the wall, though the day has 23 or 25 hours.
        (utc(2027, 3, 26, 12), 1, time(17), BERLIN, utc(2027, 3, 29, 15)),
        (utc(2027, 3, 25, 12), 1, time(17), BERLIN, utc(2027, 3, 26, 16)),
        (utc(2027, 10, 29, 12), 1, time(17), BERLIN, utc(2027, 11, 1, 16)),
        (utc(2028, 3, 10, 12), 1, time(23, 59, 59), NEW_YORK, utc(2028, 3, 14, 3, 59, 59)),
        # Close before midnight on one side of the world is the next day on the other.
        (utc(2028, 2, 25, 16), 1, time(18), SHANGHAI, utc(2028, 2, 28, 10)),
        (utc(2028, 2, 25, 15, 59), 1, time(18), SHANGHAI, utc(2028, 2, 28, 10)),
        (utc(2028, 2, 24, 15, 59), 1, time(18), SHANGHAI, utc(2028, 2, 25, 10)),
        # 29 February is a day like any other.
        (utc(2028, 2, 28, 4), 1, time(18), SHANGHAI, utc(2028, 2, 29, 10)),
        (utc(2028, 2, 28, 4), 2, time(18), SHANGHAI, utc(2028, 3, 1, 10)),
        # The turn of the year: 1 January is a holiday where the year's table says so.
        (utc(2025, 12, 30, 4), 2, time(18), SHANGHAI, utc(2026, 1, 4, 10)),
        # The spring festival of 2026: nine days, with two make-up days around it.
        (utc(2026, 2, 13, 4), 1, time(18), SHANGHAI, utc(2026, 2, 14, 10)),
        (utc(2026, 2, 13, 4), 2, time(18), SHANGHAI, utc(2026, 2, 24, 10)),
    ],
)  # fmt: skip
def test_the_last_working_day_ends_at_the_calls_closing_hour(start, number, closing, zone, end):
    assert add_workdays(start, number, closing, zone) == end


def test_an_hour_that_the_clock_leaves_out_is_one_instant():
    """The clock goes from 2:00 to 3:00 on Sunday; a call that closes at 2:30 has made-up Sundays too."""
    gap = datetime(2027, 3, 28, 2, 30, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    assert gap == utc(2027, 3, 28, 1, 30)
    twice = datetime(2027, 10, 31, 2, 30, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    assert twice == utc(2027, 10, 31, 0, 30), "of two such instants the first counts"


CLOSES = {
    "the last second anywhere on earth": datetime(2026, 12, 1, 23, 59, 59, tzinfo=AOE),
    "29 February": datetime(2028, 2, 29, 18, tzinfo=ZoneInfo(SHANGHAI)),
    "the end of the year": datetime(2028, 1, 1, tzinfo=ZoneInfo(SHANGHAI)),
    "the hour that comes twice": datetime(2027, 10, 31, 2, 30, fold=1, tzinfo=ZoneInfo(BERLIN)),
}
CONSENT = {
    # Five working days after the submission, to the closing hour as a clock in Beijing shows it.
    "the last second anywhere on earth": utc(2026, 12, 9, 11, 59, 59),
    "29 February": utc(2028, 3, 7, 10),
    "the end of the year": utc(2028, 1, 6, 16),
    "the hour that comes twice": utc(2027, 11, 5, 1, 30),
}


@pytest.mark.parametrize("name", CLOSES)
async def test_a_close_in_any_zone_is_one_instant(committed, stopped, name):
    closes = CLOSES[name]
    exact = closes.astimezone(UTC)
    await stopped.put(exact, days=-1)
    async with committed.sessions.begin() as session:
        team = await build(
            committed.client, session, opens_at=exact - timedelta(days=30), closes_at=closes,
            reviews_until=exact + timedelta(days=30), decides_at=exact + timedelta(days=60),
        )  # fmt: skip
    await stopped.run(FOREVER)
    starts = {"starts": (exact + timedelta(days=125)).strftime("%Y-%m")}
    proposal = await team.complete(team.b)
    saved = await team.save("lead", proposal, "basics", starts, rev=1)
    assert saved.status_code == 204, saved.text
    read = await team.get("lead", f"/proposals/{proposal}")
    assert read["deadline"]["at"] == instant(exact)
    sent = {"rev_hash": read["content_hash"]}
    path = f"/proposals/{proposal}/submit"
    await stopped.put(exact, milliseconds=1)
    late = await team.send("lead", "POST", path, sent)
    assert late.json()["params"]["at_beijing"] == (
        exact.astimezone(ZoneInfo(SHANGHAI)).strftime("%Y-%m-%d %H:%M:%S")
    )
    await stopped.put(exact)
    got = await team.send("lead", "POST", path, sent)
    assert got.status_code == 200, got.text
    read = await team.get("lead", f"/proposals/{proposal}")
    assert read["deadline"]["at"] == instant(CONSENT[name])


def test_a_refusal_shows_both_instants_and_beijings_clock():
    told = too_late(CLOSES["the last second anywhere on earth"], utc(2026, 12, 2, 12))
    assert told == {
        "at": "2026-12-02T11:59:59Z", "now": "2026-12-02T12:00:00Z",
        "at_beijing": "2026-12-02 19:59:59", "now_beijing": "2026-12-02 20:00:00",
    }  # fmt: skip
