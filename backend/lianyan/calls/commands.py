"""Opening a call."""

import re
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.forms import form_hash, write
from lianyan.calls.models import Call, CallNumber, Form
from lianyan.calls.presets import light, standard_form, standard_rubric
from lianyan.calls.queries import ZONE
from lianyan.calls.schemas import Hole, NewCall
from lianyan.calls.workdays import add_workdays
from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict
from lianyan.core.text import code, line, prose
from lianyan.identity.offices_queries import HOLES

TITLE, SUMMARY = 60, 400
FARTHEST_YEARS = 10
MOST_INSTITUTIONS, MOST_REVIEWS = 20, 5
DATES = ("opens_at", "closes_at", "reviews_until", "decides_at")

_PREFIX = re.compile(r"[A-Z0-9](?:[A-Z0-9]|-(?=[A-Z0-9])){1,19}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|z|[+-]\d{2}:?\d{2})?"
)


class DateError(ValueError):
    """A date that cannot be taken: `code` is the key of the sentence that says why."""

    def __init__(self, code: str) -> None:
        """Say what is wrong."""
        super().__init__(code)
        self.code = code


def instant(value: str) -> datetime:
    """Return a written instant in UTC; raise DateError for one without a zone or of another shape."""
    found = _INSTANT.fullmatch(value.strip()[:40])
    if found is None:
        day_only = _DAY.fullmatch(value.strip()[:40])
        raise DateError("calls.time_missing" if day_only else "calls.instant_shape")
    if found[3] is None:
        raise DateError("calls.zone_missing")
    try:
        return datetime.fromisoformat(value.strip().upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DateError("calls.instant_shape") from None


async def open_call(session: AsyncSession, actor: Actor | None, data: NewCall) -> UUID:
    """Open a call from the Light preset with the standard form and rubric; return its id.

    Refused, field by field, for dates that are no instants or out of order; for a prefix another
    call has; and while some institution has nobody free of a conflict to handle its proposals.
    """
    now = (await session.scalars(select(func.now()))).one()
    fields = Fields()
    values = {
        "title_zh": fields.take("title_zh", line, data.title_zh, limit=TITLE),
        "title_en": fields.take("title_en", line, data.title_en, limit=TITLE),
        "summary_zh": fields.take("summary_zh", prose, data.summary_zh, limit=SUMMARY),
        "summary_en": fields.take("summary_en", prose, data.summary_en, limit=SUMMARY),
        "prefix": fields.take("prefix", _prefix, data.prefix),
    }
    if not 1 <= data.min_institutions <= MOST_INSTITUTIONS:
        fields.wrong("min_institutions", "problems.out_of_range", min=1, max=MOST_INSTITUTIONS)
    least = light().min_reviews
    if not least <= data.min_reviews <= MOST_REVIEWS:
        fields.wrong("min_reviews", "problems.out_of_range", min=least, max=MOST_REVIEWS)
    dates = {key: fields.take(key, instant, getattr(data, key)) for key in DATES}
    rules = light() if data.min_institutions > 1 else light().single()
    confirmed = _order(fields, dates, now, rules.consent_days if rules.consent else None)
    fields.settle()
    await session.execute(text("select pg_advisory_xact_lock(hashtext('calls'))"))
    if await session.scalar(select(Call.id).where(Call.prefix == values["prefix"])) is not None:
        raise Conflict("calls.prefix_taken", prefix=values["prefix"])
    await _no_holes(session)
    made = Call(
        **values,
        **dates,
        form_id=await _form(session),
        rubric=msgspec.to_builtins(standard_rubric()),
        checklist=[msgspec.to_builtins(item) for item in rules.checklist],
        preset=rules.id,
        stages=rules.stages,
        consent=rules.consent,
        min_institutions=data.min_institutions,
        min_reviews=data.min_reviews,
        max_reviews=rules.max_reviews,
        zone=ZONE,
        consent_days=rules.consent_days,
        consents_until=confirmed,
        check_days=rules.check_days,
        opened_by=actor.id if actor else None,
    )
    session.add(made)
    await session.flush()
    session.add(CallNumber(call_id=made.id))
    await session.flush()
    await record(session, actor, "call.opened", made.id)
    return made.id


def _prefix(value: str) -> str:
    found = code(line(value, limit=20), "upper")
    if not _PREFIX.fullmatch(found):
        raise DateError("calls.prefix_shape")
    return found


def _order(
    fields: Fields, dates: dict[str, datetime | None], now: datetime, consent_days: int | None
) -> datetime | None:
    """Name each date that is not after the one before it; return until when institutions confirm."""
    farthest = now.year + FARTHEST_YEARS
    for key, at in dates.items():
        if at is not None and not now.year - 1 <= at.year <= farthest:
            fields.wrong(key, "calls.date_far", years=FARTHEST_YEARS)
            dates[key] = None
    opens, closes, reviews, decides = (dates[key] for key in DATES)
    if closes and closes <= now:
        fields.wrong("closes_at", "calls.closes_in_past")
    elif opens and closes and closes <= opens:
        fields.wrong("closes_at", "calls.closes_before_opens")
    confirmed = None
    if closes and consent_days:
        hour = closes.astimezone(ZoneInfo(ZONE)).time()
        confirmed = add_workdays(closes, consent_days, hour, ZONE)
    if closes and reviews:
        if reviews <= closes:
            fields.wrong("reviews_until", "calls.reviews_before_closes")
        elif confirmed and reviews <= confirmed:
            fields.wrong("reviews_until", "calls.reviews_before_consents", days=consent_days)
    if reviews and decides and decides <= reviews:
        fields.wrong("decides_at", "calls.decides_before_reviews")
    return confirmed


async def _no_holes(session: AsyncSession) -> None:
    """Raise Conflict naming each institution for which nobody could coordinate, or approve."""
    rows = (await session.execute(text(HOLES))).scalars().all()
    if rows:
        holes = [msgspec.json.decode(row, type=Hole) for row in rows]
        names = dict.fromkeys(h.institution.name.zh for h in holes)
        raise Conflict(
            "calls.holes",
            institutions="、".join(names),
            count=len(names),
            holes=[msgspec.to_builtins(h) for h in holes],
        )


async def _form(session: AsyncSession) -> UUID:
    """Return the id of the standard form's row, stored at its first use; a form never changes."""
    form = standard_form()
    digest = form_hash(form)
    number = select(func.coalesce(func.max(Form.number), 0) + 1).scalar_subquery()
    await session.execute(
        upsert(Form)
        .values(number=number, document=write(form), sha256=digest)
        .on_conflict_do_nothing()
    )
    return (await session.scalars(select(Form.id).where(Form.sha256 == digest))).one()
