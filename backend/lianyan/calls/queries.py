"""Reads of the calls slice, and the public home."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    DateTime,
    SQLColumnExpression,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by, array

from lianyan.calls.forms import write
from lianyan.calls.models import Call, Form
from lianyan.calls.presets import light, standard_form, standard_rubric
from lianyan.calls.schemas import CallDetail, Hole, Named, Preset
from lianyan.core.actor import Reading
from lianyan.core.paging import from_cursor, page_limit, to_cursor
from lianyan.core.policy import ALLOWED, standing
from lianyan.core.problems import NotFound, invalid
from lianyan.core.reads import NOBODY, Read
from lianyan.core.shapes import I18n
from lianyan.core.words import LOCALES, say
from lianyan.identity.offices_queries import HOLES
from lianyan.institutions.models import Institution, Platform, Term
from lianyan.institutions.queries import KINDS, json_text, name_json, ref_json, short_json
from lianyan.projects.models import Project
from lianyan.proposals.models import Proposal

NEWEST = 9
COUNTED = 1000
"""So many projects the home page shows."""
ZONE = "Asia/Shanghai"


def utc(instant: SQLColumnExpression[Any]) -> ColumnElement[str]:
    """Return an instant as the API writes it."""
    return func.to_char(func.timezone("UTC", instant), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')


def _both(zh: Any, en: Any) -> ColumnElement[Any]:
    return func.jsonb_build_object("zh", zh, "en", en)


def _steps() -> ColumnElement[Any]:
    """Return a call's dates as JSON; the one that comes next is current."""
    now = func.now()
    confirmed = func.coalesce(Call.consents_until, Call.closes_at)

    def step(key: str, at: Any, begins: Any) -> ColumnElement[Any]:
        current = now < at if begins is None else and_(begins <= now, now < at)
        return func.jsonb_build_object(
            "key", key, "at", utc(at), "done", at <= now, "current", current
        )

    consents = func.jsonb_build_array(step("consents", Call.consents_until, Call.closes_at))
    return (
        func.jsonb_build_array(
            step("opens", Call.opens_at, None), step("closes", Call.closes_at, Call.opens_at)
        )
        .op("||")(case((Call.consents_until.is_(None), func.jsonb_build_array()), else_=consents))
        .op("||")(
            func.jsonb_build_array(
                step("reviews", Call.reviews_until, confirmed),
                step("decides", Call.decides_at, Call.reviews_until),
            )
        )
    )


def _state() -> ColumnElement[str]:
    """Return where a call stands now; time decides, nothing is stored."""
    return case(
        (func.now() < Call.opens_at, literal("coming")),
        (func.now() < Call.closes_at, literal("open")),
        else_=literal("closed"),
    )


def _card(*more: Any) -> ColumnElement[Any]:
    return func.jsonb_build_object(
        *("id", Call.id, "title", _both(Call.title_zh, Call.title_en)),
        *("summary", _both(Call.summary_zh, Call.summary_en), "prefix", Call.prefix),
        *("opens_at", utc(Call.opens_at), "closes_at", utc(Call.closes_at)),
        *("state", _state(), "zone", Call.zone, "steps", _steps()),
        *("min_institutions", Call.min_institutions),
        *more,
    )


def _calls() -> Read:
    after = bindparam("after", type_=DateTime(timezone=True))
    last = bindparam("last", type_=Uuid)
    return Read(
        select(cast(_card(), Text), Call.closes_at, Call.id)  # type: ignore[arg-type]
        .where(or_(after.is_(None), tuple_(Call.closes_at, Call.id) < tuple_(after, last)))
        .order_by(Call.closes_at.desc(), Call.id.desc())
        .limit(bindparam("limit"))
    )


def _call() -> Read:
    drafts = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("id", Proposal.id, "shown", Proposal.state),
                        *("title", Proposal.title, "title_en", Proposal.title_en),
                    ),
                    Proposal.id.desc(),
                )
            )
        )
        .where(
            Proposal.call_id == Call.id,
            Proposal.lead_id == bindparam("person", type_=Uuid),
            Proposal.state == "draft",
        )
        .scalar_subquery()
    )
    item = (
        func.jsonb_array_elements(Call.checklist)
        .table_valued(column("value", JSONB), with_ordinality="n")
        .render_derived(name="item")
    )
    named = func.jsonb_build_object("key", item.c.value["id"], "title", item.c.value["label"])
    checklist = select(func.jsonb_agg(aggregate_order_by(named, item.c.n))).scalar_subquery()
    more = _card(
        *("min_reviews", Call.min_reviews, "consent", Call.consent),
        *("consent_days", Call.consent_days, "check_days", Call.check_days),
        *("reviews_until", utc(Call.reviews_until), "decides_at", utc(Call.decides_at)),
        *("preset", Call.preset, "stages", func.to_jsonb(Call.stages)),
        *("form", Form.document, "rubric", Call.rubric),
        *("checklist", func.coalesce(checklist, func.jsonb_build_array())),
        *("my_drafts", func.coalesce(drafts, func.jsonb_build_array())),
        *("can", func.jsonb_build_array()),
    )
    return Read(
        select(cast(more, Text))
        .join(Form, Form.id == Call.form_id)
        .where(Call.id == bindparam("id", type_=Uuid))
    )


def _profile() -> ColumnElement[Any]:
    found = select(
        func.jsonb_build_object(
            *("name", name_json(Platform), "lead", ref_json(Institution)),
            *("purpose", _both(Platform.purpose_zh, Platform.purpose_en)),
            *("contact", Platform.contact, "record_number", Platform.record_number),
        )
    ).outerjoin(Institution, Institution.id == Platform.lead_id)
    zh, en = (say(locale, "app.name") for locale in LOCALES)
    nobody = func.jsonb_build_object(
        *("name", _both(literal(zh), literal(en)), "purpose", _both(literal(""), literal(""))),
        *("lead", None, "contact", literal(""), "record_number", None),
    )
    return func.coalesce(found.scalar_subquery(), nobody)


def _open_calls() -> ColumnElement[Any]:
    rows = select(func.jsonb_agg(aggregate_order_by(_card(), Call.closes_at, Call.id))).where(
        Call.opens_at <= func.now(), func.now() < Call.closes_at
    )
    return func.coalesce(rows.scalar_subquery(), func.jsonb_build_array())


def _register() -> ColumnElement[Any]:
    newest = select(Project).order_by(Project.id.desc()).limit(NEWEST).cte("newest")
    p = newest.c
    part = (
        func.jsonb_array_elements(p.institutions)
        .table_valued(column("value", JSONB), with_ordinality="n")
        .render_derived(name="part")
    )
    taking = func.jsonb_build_object(
        *("id", Institution.id, "name", name_json(Institution)),
        *("short", short_json(Institution), "role", part.c.value["role"]),
    )
    parts = (
        select(func.jsonb_agg(aggregate_order_by(taking, part.c.n)))
        .select_from(part)
        .join(Institution, Institution.id == cast(part.c.value["id"].astext, Uuid))
        .scalar_subquery()
    )
    row = func.jsonb_build_object(
        *("id", p.id, "number", p.number, "title", p.title, "title_en", p.title_en),
        *("sectors", func.to_jsonb(p.sectors)),
        *("institutions", func.coalesce(parts, func.jsonb_build_array())),
        *("starts", p.starts_on, "ends", p.ends_on, "status", literal("approved")),
    )
    rows = select(func.jsonb_agg(aggregate_order_by(row, p.id.desc()))).select_from(newest)
    # A count of all would read all: counted are the newest, and nobody is told more than "1000+".
    counted = select(Project.sectors).order_by(Project.id.desc()).limit(COUNTED).cte("counted")
    sector = func.unnest(counted.c.sectors).table_valued("code").render_derived(name="sector")
    each = (
        select(sector.c.code, func.count().label("n"), func.min(Term.position).label("position"))
        .select_from(counted)
        .join(sector, literal(True))  # noqa: FBT003  `on true` is how a lateral join is said
        .outerjoin(Term, and_(Term.kind == "sector", Term.code == cast(sector.c.code, Text)))
        .group_by(sector.c.code)
        .subquery()
    )
    count = func.jsonb_build_object("code", each.c.code, "n", each.c.n)
    by_sector = select(func.jsonb_agg(aggregate_order_by(count, each.c.position, each.c.code)))
    return func.jsonb_build_object(
        *("items", func.coalesce(rows.scalar_subquery(), func.jsonb_build_array())),
        *("total", select(func.count()).select_from(counted).scalar_subquery()),
        *("by_sector", func.coalesce(by_sector.scalar_subquery(), func.jsonb_build_array())),
    )


def _members() -> ColumnElement[Any]:
    i = Institution
    each = (
        select(
            i.kind,
            func.count().label("n"),
            func.jsonb_agg(aggregate_order_by(name_json(i), i.sort_key.collate("C"), i.id)).label(
                "names"
            ),
        )
        .where(i.standing != "observer")
        .group_by(i.kind)
        .subquery()
    )
    row = func.jsonb_build_object("kind", each.c.kind, "n", each.c.n, "names", each.c.names)
    place = func.array_position(array([literal(kind) for kind in KINDS]), each.c.kind)
    rows = select(func.jsonb_agg(aggregate_order_by(row, place))).scalar_subquery()
    total = select(func.coalesce(func.sum(each.c.n), 0)).scalar_subquery()
    return func.jsonb_build_object(
        "total", total, "by_kind", func.coalesce(rows, func.jsonb_build_array())
    )


HOME = Read(
    select(
        json_text(
            *("platform", _profile(), "open_calls", _open_calls()),
            *("register", _register(), "members", _members()),
        )
    )
)
CALLS, CALL = _calls(), _call()


async def home(reading: Reading) -> str:
    """Return the public home page as JSON: the profile, open calls, newest projects, members."""
    return await HOME.run(reading.connection) or ""


async def calls(reading: Reading, *, limit: str | None, after: str | None) -> bytes:
    """Return a page of the calls as JSON, those that close last first."""
    most = page_limit(limit)
    key = from_cursor(after, str, str)
    rows = await CALLS.rows(
        reading.connection,
        after=_instant(key[0]) if key else None,
        last=_id(key[1]) if key else None,
        limit=most + 1,
    )
    page = rows[:most]
    more = len(rows) > most
    may = bool(standing(reading.visitor) & ALLOWED["call.open"])
    return msgspec.json.encode(
        {
            "items": [msgspec.Raw(row[0].encode()) for row in page],
            "next": to_cursor(page[-1][1].isoformat(), str(page[-1][2])) if more else None,
            "can": ["call.open"] if may else [],
        }
    )


async def call(reading: Reading, call_id: UUID) -> CallDetail:
    """Return one call with its form and rules, and the reader's own drafts in it; raise NotFound."""
    person = reading.visitor.id if reading.visitor else NOBODY
    body = await CALL.run(reading.connection, id=call_id, person=person)
    if body is None:
        raise NotFound
    found = msgspec.json.decode(body, type=CallDetail)
    may = found.state == "open" and bool(standing(reading.visitor) & ALLOWED["proposal.draft"])
    return msgspec.structs.replace(found, can=["proposal.draft"] if may else [])


async def preset(reading: Reading) -> Preset:
    """Return what a call is opened from, and the institutions whose stand-ins are missing."""
    rows = await reading.connection.fetch(HOLES)
    rules = light()
    return Preset(
        preset=rules.id,
        stages=rules.stages,
        form=write(standard_form()),
        rubric=msgspec.to_builtins(standard_rubric()),
        checklist=[Named(i.id, I18n(i.label.zh, i.label.en)) for i in rules.checklist],
        consent_days=rules.consent_days,
        check_days=rules.check_days,
        min_institutions=rules.min_institutions,
        min_reviews=rules.min_reviews,
        zone=ZONE,
        holes=[msgspec.json.decode(row[0], type=Hole) for row in rows],
    )


def _instant(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise invalid("after", "problems.bad_cursor") from None
    if found.tzinfo is None:
        raise invalid("after", "problems.bad_cursor")
    return found


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise invalid("after", "problems.bad_cursor") from None
