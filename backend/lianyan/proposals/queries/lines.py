"""A row of the desk in the shape of the API: what is missing, whose turn it is, the text of the reminder."""

from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from lianyan.core.clock import BEIJING
from lianyan.core.words import LOCALES, say
from lianyan.proposals.queries.streams import KNOWN, LATE_NOW, MIXED, PROGRESS
from lianyan.proposals.turn import CODES, SOON, days_between

Row = Any
NEVER = datetime.max.replace(tzinfo=UTC)
Named = dict[str, Any]


def written(moment: datetime) -> str:
    """Return an instant as the database writes those of other reads."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def due_of(row: Row) -> datetime | None:
    """Return the row's date, None where there is none (the driver's last instant)."""
    due: datetime = row["due"]
    return None if due.year == MAXYEAR else due


def place_of(row: Row) -> tuple[int, datetime, UUID]:
    """Return what the desk's rows are ordered by."""
    return row["turn"], due_of(row) or NEVER, row["id"]


def counts_of(row: Row) -> list[int]:
    """Return the numbers that are kept of a row, in the order of `Turn.counts`."""
    return [int(number) for number in row["counts"].split(",")]


def line_of(row: Row, link: str, *, acting: bool = True) -> bytes:
    """Return one row as JSON; `link` is where a reminder leads.

    Whoever reads the desk without acting on anything waits for a coordinator like everybody else.
    """
    due = due_of(row)
    days = days_between(due, row["now"], ZoneInfo(row["zone"])) if due else None
    waiting: list[Named] = msgspec.json.decode(row["open_parts"] or "[]")
    found = {
        "id": str(row["id"]),
        "rev": row["rev"],
        "number": row["number"],
        "title": row["title"],
        "title_en": row["title_en"],
        "sectors": row["sectors"],
        "state": row["state"],
        "missing": _missing(row, waiting),
        "whose": {
            "you": acting and row["act"] is not None,
            "who": row["who"] if acting or row["who"] != "coordinator" else "colleague",
            "names": _names(row, waiting),
        },
        "act": row["act"] if acting else None,
        "due_at": written(due) if due else None,
        "days_left": days,
        "hot": days is not None and days <= SOON,
        "progress_only": bool(row["flags"] & PROGRESS),
        "remind": _remind(row, due, waiting, link) if acting else None,
    }
    # The institutions' part is stored as JSON: it is set in as it is.
    parties: str = row["parties"]
    return msgspec.json.encode(found)[:-1] + b"," + parties.encode()[1:]


def _missing(row: Row, waiting: list[Named]) -> list[Named]:
    """Return what is missing, in its order, with the figures and names its sentence needs."""
    open_, returned, declined, all_, unanswered, asked, done, enough = counts_of(row)
    expired = 0
    mixed = row["flags"] & MIXED
    if row["flags"] & LATE_NOW and "expired" in row["codes"]:
        expired = _overdue(waiting, row["now"]) if mixed else open_
    codes = set(row["codes"]) | ({"consent"} if mixed else set())
    if row["flags"] & PROGRESS:
        codes &= set(KNOWN)
    params: dict[str, Named] = {
        "consent": {"count": open_ - expired, "of": all_, "institutions": _both(waiting)},
        "institution_returned": {"count": returned},
        "declined": {"count": declined},
        "expired": {"count": expired},
        "check": {"count": unanswered},
        "reviewers": {"count": asked, "of": enough},
        "reviews": {"count": done, "of": enough},
    }
    return [{"code": c, "params": params.get(c, {})} for c in CODES if c in codes]


def _overdue(waiting: list[Named], now: datetime) -> int:
    """Return how many of confirmations that are due at different dates are overdue."""
    return sum(one["until"] is not None and one["until"] < now.timestamp() for one in waiting)


def _names(row: Row, waiting: list[Named]) -> Any:
    """Return the names of those whose turn it is; reviewers are never named in passing."""
    if row["who"] == "officer":
        return _both(waiting)
    return msgspec.Raw((row["able"] or "[]").encode())


def _both(named: list[Named]) -> list[Named]:
    return [{locale: one[locale] for locale in LOCALES} for one in named]


def _remind(row: Row, due: datetime | None, waiting: list[Named], link: str) -> Named | None:
    """Return the reminder to paste into a chat: who is to act, until when, where."""
    if row["who"] not in {"officer", "lead"} or due is None:
        return None
    said = {}
    for locale in LOCALES:
        title = ("title", "title_en") if locale == "zh" else ("title_en", "title")
        shared = {
            "title": row[title[0]] or row[title[1]],
            "date": date_in(locale, due),
            "link": link,
        }
        if row["who"] == "lead":
            lead = msgspec.json.decode(row["parties"])["lead"]
            home = _bracketed([lead["name"][locale]] if lead else [], locale)
            (who,) = msgspec.json.decode(row["able"])
            name = who[locale] + home
            said[locale] = say(locale, "desk.remind_lead", name=name, **shared)
        else:
            names = [
                one[locale] + _bracketed([o[locale] for o in one["officers"] or []], locale)
                for one in waiting
            ]
            said[locale] = say(
                locale,
                "desk.remind_officers",
                names=_listed(names, locale),
                count=counts_of(row)[0],
                **shared,
            )
    return {"text": said}


def _listed(names: list[str], locale: str) -> str:
    return ("、" if locale == "zh" else ", ").join(names)


def _bracketed(names: list[str], locale: str) -> str:
    if not names:
        return ""
    return f"（{_listed(names, locale)}）" if locale == "zh" else f" ({_listed(names, locale)})"


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def date_in(locale: str, moment: datetime) -> str:
    """Return a time as a reminder says it, Beijing time; midnight is the end of the day before."""
    here = moment.astimezone(BEIJING)
    hour = f"{here:%H:%M}"
    if hour == "00:00":
        here, hour = here - timedelta(days=1), "24:00"
    if locale == "zh":
        return f"{here.month}月{here.day}日 {hour}"
    return f"{here.day} {MONTHS[here.month - 1]}, {hour}"
