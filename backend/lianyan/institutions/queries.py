"""Reads of the institutions slice."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from lianyan.core.actor import Reading
from lianyan.core.names import search_query
from lianyan.core.paging import MOST, from_cursor, page_limit, to_cursor
from lianyan.core.policy import ALLOWED, standing
from lianyan.core.problems import NotFound, invalid
from lianyan.core.reads import Read
from lianyan.core.shapes import I18n
from lianyan.core.text import TextError
from lianyan.core.words import say
from lianyan.identity.models import Officer, Person
from lianyan.institutions.identifiers import (
    IdentifierError,
    check_orcid,
    check_ror,
    check_uscc,
    uscc_warning,
)
from lianyan.institutions.models import Domain, Institution, Platform, Term
from lianyan.institutions.schemas import (
    Counts,
    Directory,
    IdentifierAnswer,
    IdentifierQuery,
    InstitutionDetail,
    InstitutionRow,
    PlatformProfile,
)

LONGEST_QUERY = 100
SHORT = 2
"""So few letters must begin a name, a syllable row or the initials; more may stand anywhere."""

KINDS = ("university", "company", "hospital", "institute")


def json_text(*parts: Any) -> ColumnElement[str]:
    """Return an object of these keys and values as JSON text: what a read passes on."""
    return cast(func.jsonb_build_object(*parts), Text)


def name_json(of: Any) -> ColumnElement[Any]:
    """Return an institution's name in both languages, as JSON."""
    return func.jsonb_build_object("zh", of.name_zh, "en", of.name_en)


def short_json(of: Any) -> ColumnElement[Any]:
    """Return an institution's short name as JSON, the full one where a language has none."""
    return case(
        (and_(of.short_zh.is_(None), of.short_en.is_(None)), null()),
        else_=func.jsonb_build_object(
            "zh",
            func.coalesce(of.short_zh, of.name_zh),
            "en",
            func.coalesce(of.short_en, of.name_en),
        ),
    )


def ref_json(of: Any) -> ColumnElement[Any]:
    """Return an institution as other things name it, as JSON; null for a row that is not there."""
    found = func.jsonb_build_object("id", of.id, "name", name_json(of), "short", short_json(of))
    return case((of.id.is_(None), null()), else_=found)


def needle(query: str | None) -> str:
    """Return what to look for in `search_keys` behind a line feed; empty for no filter."""
    try:
        wanted = search_query((query or "")[:LONGEST_QUERY])
    except TextError as error:
        raise invalid("q", error.code, **error.params) from None
    return f"\n{wanted}" if wanted.isascii() and 0 < len(wanted) <= SHORT else wanted


def _directory() -> Read:
    kind, wanted = bindparam("kind", type_=Text), bindparam("needle", type_=Text)
    after, last = bindparam("after", type_=Text), bindparam("last", type_=UuidType)
    found = (
        select(Institution)
        .where(func.strpos(literal("\n") + Institution.search_keys, wanted) > 0)
        .cte("found")
    )
    i = found.c
    of_kind = or_(kind.is_(None), i.kind == kind)
    order = (i.sort_key.collate("C"), i.id)
    page = (
        select(
            i.sort_key,
            i.id,
            func.jsonb_build_object(
                *("id", i.id, "name", name_json(i), "short", short_json(i)),
                *("kind", i.kind, "standing", i.standing, "country", i.country),
                *("province", i.province, "city", i.city, "aliases", func.to_jsonb(i.aliases)),
            ).label("row"),
        )
        .where(of_kind, or_(after.is_(None), tuple_(*order) > tuple_(after, last)))
        .order_by(*order)
        .limit(bindparam("limit"))
        .cte("page")
    )
    rows = func.jsonb_agg(
        aggregate_order_by(
            func.jsonb_build_array(page.c.sort_key, page.c.row),
            page.c.sort_key.collate("C"),
            page.c.id,
        )
    )
    by_kind = select(i.kind, func.count().label("n")).group_by(i.kind).subquery()
    return Read(
        select(
            json_text(
                "rows",
                func.coalesce(
                    select(rows).select_from(page).scalar_subquery(), func.jsonb_build_array()
                ),
                "counts",
                func.coalesce(
                    select(func.jsonb_object_agg(by_kind.c.kind, by_kind.c.n)).scalar_subquery(),
                    func.jsonb_build_object(),
                ),
                "total",
                select(func.count()).select_from(found).where(of_kind).scalar_subquery(),
            )
        )
    )


def _institution() -> Read:
    parent = aliased(Institution)
    domains = (
        select(func.jsonb_agg(aggregate_order_by(Domain.domain, Domain.domain)))
        .where(Domain.institution_id == Institution.id)
        .scalar_subquery()
    )
    person = func.jsonb_build_object(
        "id", Person.id, "name", Person.name, "name_latin", Person.name_latin
    )
    officers = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        "id", Officer.id, "person", person, "deputy", Officer.deputy
                    ),
                    Officer.deputy,
                    Person.sort_key,
                )
            )
        )
        .join(Person, Person.id == Officer.person_id)
        .where(Officer.institution_id == Institution.id, Officer.ended_at.is_(None))
        .scalar_subquery()
    )
    i = Institution
    none = func.jsonb_build_array()
    return Read(
        select(
            json_text(
                *("id", i.id, "rev", i.rev, "name", name_json(i), "short", short_json(i)),
                *("kind", i.kind, "standing", i.standing, "country", i.country),
                *("province", i.province, "city", i.city, "aliases", func.to_jsonb(i.aliases)),
                *("code", i.code, "ror", i.ror, "domains", func.coalesce(domains, none)),
                *("parent", ref_json(parent), "officers", func.coalesce(officers, none)),
                "own",
                func.jsonb_build_object("short_zh", i.short_zh, "short_en", i.short_en),
                *("can", none),
            )
        )
        .outerjoin(parent, parent.id == i.parent_id)
        .where(i.id == bindparam("id", type_=UuidType))
    )


def _terms() -> Read:
    def of(kind: str) -> ColumnElement[Any]:
        note = case(
            (Term.note_zh.is_(None), null()),
            else_=func.jsonb_build_object(
                "zh", Term.note_zh, "en", func.coalesce(Term.note_en, Term.note_zh)
            ),
        )
        row = func.jsonb_build_object(
            *("code", Term.code, "zh", Term.zh, "en", Term.en, "note", note),
            *("synonyms", func.to_jsonb(Term.synonyms), "search_keys", Term.search_keys),
        )
        rows = select(func.jsonb_agg(aggregate_order_by(row, Term.position))).where(
            Term.kind == kind
        )
        return func.coalesce(rows.scalar_subquery(), func.jsonb_build_array())

    return Read(select(json_text("sectors", of("sector"), "fields", of("field"))))


def _platform() -> Read:
    p = Platform
    return Read(
        select(
            json_text(
                *("rev", p.rev, "contact", p.contact, "record_number", p.record_number),
                *("name", name_json(p), "lead", ref_json(Institution)),
                "purpose",
                func.jsonb_build_object("zh", p.purpose_zh, "en", p.purpose_en),
            )
        ).outerjoin(Institution, Institution.id == p.lead_id)
    )


DIRECTORY, INSTITUTION, TERMS, PLATFORM = _directory(), _institution(), _terms(), _platform()


class _Found(msgspec.Struct):
    rows: list[tuple[str, InstitutionRow]]
    counts: Counts
    total: int


async def directory(
    reading: Reading,
    *,
    q: str | None,
    kind: str | None,
    limit: str | None = None,
    after: str | None = None,
) -> Directory:
    """Return a page of the institutions that `q` finds, by sound, with how many of each kind."""
    if kind is not None and kind not in KINDS:
        raise invalid("kind", "problems.wrong_type")
    most = page_limit(limit, MOST)
    key = from_cursor(after, str, str)
    body = await DIRECTORY.run(
        reading.connection,
        kind=kind,
        needle=needle(q),
        after=key[0] if key else None,
        last=_id(key[1]) if key else None,
        limit=most + 1,
    )
    found = msgspec.json.decode(body or "", type=_Found)
    rows = found.rows[:most]
    more = len(found.rows) > most
    return Directory(
        items=[row for _, row in rows],
        counts=found.counts,
        total=found.total,
        next=to_cursor(rows[-1][0], str(rows[-1][1].id)) if more else None,
    )


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise invalid("after", "problems.bad_cursor") from None


async def institution(reading: Reading, institution_id: UUID) -> InstitutionDetail:
    """Return one institution, with its officers for those who name them; raise NotFound."""
    body = await INSTITUTION.run(reading.connection, id=institution_id)
    if body is None:
        raise NotFound
    found = msgspec.json.decode(body, type=InstitutionDetail)
    roles = standing(reading.visitor)
    can = [a for a in ("institution.change", "officer.name") if roles & ALLOWED[a]]
    if not can:
        return msgspec.structs.replace(found, own=None, officers=None)
    return msgspec.structs.replace(found, can=can)


async def terms(reading: Reading) -> str:
    """Return the sectors and fields as JSON."""
    return await TERMS.run(reading.connection) or ""


async def platform(reading: Reading) -> PlatformProfile:
    """Return the platform's profile; before anybody wrote one, the product's name with rev 0."""
    body = await PLATFORM.run(reading.connection)
    if body is None:
        name = I18n(say("zh", "app.name"), say("en", "app.name"))
        empty = I18n("", "")
        found = PlatformProfile(0, name, empty, None, "", None)
    else:
        found = msgspec.json.decode(body, type=PlatformProfile)
    may = bool(standing(reading.visitor) & ALLOWED["platform.change"])
    return msgspec.structs.replace(found, can=["platform.change"] if may else [])


CHECKS = {"uscc": check_uscc, "ror": check_ror, "orcid": check_orcid}


def check_identifier(query: IdentifierQuery) -> IdentifierAnswer:
    """Return a code in its one form, or what is wrong with it; a doubtful code passes with a warning."""
    try:
        value = CHECKS[query.kind](query.value[:LONGEST_QUERY])
    except (IdentifierError, TextError) as error:
        return IdentifierAnswer(query.value, ok=False, code=error.code, params=error.params)
    warning = uscc_warning(value) if query.kind == "uscc" else None
    if warning is None:
        return IdentifierAnswer(value, ok=True)
    return IdentifierAnswer(value, ok=True, code=warning.code, params=warning.params)
