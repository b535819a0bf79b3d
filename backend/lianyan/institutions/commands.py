"""What coordinators and administrators do to institutions, and to the platform's profile."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import delete, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core import names
from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict, NotFound
from lianyan.core.revisions import match
from lianyan.core.text import code, line, prose
from lianyan.institutions.domains import check_domain
from lianyan.institutions.identifiers import (
    PROVINCES,
    IdentifierError,
    check_ror,
    check_uscc,
    uscc_province,
)
from lianyan.institutions.models import Domain, Institution, Platform
from lianyan.institutions.schemas import InstitutionChange, NewInstitution, PlatformChange

NAME, SHORT, CITY, CONTACT, RECORD, PURPOSE = 60, 20, 30, 60, 40, 300
MOST = 20
"""So many other names or mail domains an institution may have."""
HOME = "CN"

_COUNTRY = re.compile(r"[A-Z]{2}")

LOCK = text("select pg_advisory_xact_lock(hashtext('institutions'))")
"""Codes and domains are compared over all institutions, so those who write them go one by one."""


async def add(session: AsyncSession, actor: Actor | None, data: NewInstitution) -> UUID:
    """Add an institution and return its id; refuse each wrong field, and what is already taken."""
    found = _checked(msgspec.structs.asdict(data))
    await session.execute(LOCK)
    domains = found.pop("domains")
    if found["country"] == HOME and found["province"] is None and found["code"]:
        found["province"] = uscc_province(found["code"])
    await _free(session, found, domains, None)
    await _parent(session, found.get("parent_id"), None)
    made = Institution(**found, **_derived(found))
    session.add(made)
    await session.flush()
    session.add_all(Domain(domain=d, institution_id=made.id) for d in domains)
    await session.flush()
    await record(session, actor, "institution.added", made.id)
    await _refresh(session, {made.id, made.parent_id} if made.parent_id else set(), domains)
    return made.id


async def change(
    session: AsyncSession, actor: Actor, institution_id: UUID, rev: int, data: InstitutionChange
) -> int:
    """Change what is sent of an institution; return its revision, the old one if nothing changed."""
    await session.execute(LOCK)
    locked = select(Institution).where(Institution.id == institution_id).with_for_update()
    stored = await session.scalar(locked)
    if stored is None:
        raise NotFound
    asked = {k: v for k, v in msgspec.structs.asdict(data).items() if v is not UNSET}
    home = asked.get("country", stored.country)
    found = _checked(asked, country=home if isinstance(home, str) else stored.country)
    domains = found.pop("domains", None)
    before = sorted(
        await session.scalars(select(Domain.domain).where(Domain.institution_id == stored.id))
    )
    now = {
        **{k: getattr(stored, k) for k in found},
        **({} if domains is None else {"domains": before}),
    }
    wanted = {**found, **({} if domains is None else {"domains": sorted(domains)})}
    changed = sorted(k for k, v in wanted.items() if v != now[k])
    if not changed:
        return stored.rev
    match(stored.rev, rev, stored=now)
    await _free(session, found, domains or [], stored.id)
    if "parent_id" in changed:
        await _parent(session, found["parent_id"], stored.id)
    family = {stored.id, stored.parent_id, found.get("parent_id")} - {None}
    for field, value in found.items():
        setattr(stored, field, value)
    for field, value in _derived(_names(stored)).items():
        setattr(stored, field, value)
    stored.rev += 1
    if domains is not None:
        await session.execute(
            delete(Domain).where(Domain.institution_id == stored.id, Domain.domain.not_in(domains))
        )
        session.add_all(
            Domain(domain=d, institution_id=stored.id) for d in domains if d not in before
        )
    await session.flush()
    await record(session, actor, "institution.changed", stored.id, fields=changed)
    moved = set(before) ^ set(domains) if domains is not None else set()
    await _refresh(session, family if "parent_id" in changed else set(), sorted(moved))
    return stored.rev


async def change_platform(
    session: AsyncSession, actor: Actor | None, rev: int, data: PlatformChange
) -> int:
    """Change what is sent of the platform's profile; return its revision."""
    await session.execute(LOCK)
    asked = {k: v for k, v in msgspec.structs.asdict(data).items() if v is not UNSET}
    fields = Fields()
    found: dict[str, Any] = {}
    for field, value in asked.items():
        found[field] = _profile_field(fields, field, value)
    lead = found.get("lead_id")
    if lead is not None and await session.get(Institution, lead) is None:
        fields.wrong("lead_id", "institutions.unknown")
    fields.settle()
    stored = await session.scalar(select(Platform).with_for_update())
    if stored is None:
        missing = [f for f in ("name_zh", "name_en", "contact") if f not in found]
        for field in missing:
            fields.wrong(field, "problems.required")
        fields.settle()
        match(0, rev)
        stored = Platform(id=1, **{"purpose_zh": "", "purpose_en": "", **found})
        session.add(stored)
        changed = sorted(found)
    else:
        now = {k: getattr(stored, k) for k in found}
        changed = sorted(k for k, v in found.items() if v != now[k])
        if not changed:
            return stored.rev
        match(stored.rev, rev, stored=now)
        for field, value in found.items():
            setattr(stored, field, value)
        stored.rev += 1
    await session.flush()
    # One row without an id of its own: the event's subject is the institution that leads, or nobody.
    await record(session, actor, "platform.changed", stored.lead_id or UUID(int=0), fields=changed)
    return stored.rev


def _profile_field(fields: Fields, field: str, value: Any) -> Any:
    if field == "lead_id":
        return value
    if field == "record_number":
        return _optional(fields, field, value, RECORD)
    if value is None:
        fields.wrong(field, "problems.required")
        return None
    if field.startswith("purpose"):
        return fields.take(field, prose, value, blank=True, limit=PURPOSE)
    return fields.take(field, line, value, limit=CONTACT if field == "contact" else NAME)


REQUIRED = {"name_zh", "name_en", "kind", "standing", "aliases", "country", "domains"}


def _checked(asked: dict[str, Any], country: str | None = None) -> dict[str, Any]:
    """Return the fields as they are stored; raise Invalid with every one that is wrong."""
    fields = Fields()
    found: dict[str, Any] = {}
    given = asked.get("country", country)
    home = isinstance(given, str) and given.strip().upper() == HOME
    for field, value in asked.items():
        if value is None and field in REQUIRED:
            fields.wrong(field, "problems.required")
        elif field in CHECKS:
            found[field] = CHECKS[field](fields, field, value)
        else:
            found[field] = value
    if found.get("province") is not None and not home:
        fields.wrong("province", "institutions.province_abroad")
    fields.settle()
    return found


def _name(fields: Fields, field: str, value: str) -> str | None:
    return fields.take(field, line, value, limit=NAME)


def _optional(fields: Fields, field: str, value: str | None, limit: int = SHORT) -> str | None:
    return (fields.take(field, line, value, blank=True, limit=limit) if value else None) or None


def _identifier(check: Callable[[str], str]) -> Callable[[Fields, str, str | None], str | None]:
    def checked(fields: Fields, field: str, value: str | None) -> str | None:
        return fields.take(field, check, value) if value and value.strip() else None

    return checked


def _country(fields: Fields, field: str, value: str) -> str | None:
    def check(value: str) -> str:
        found = code(value, "upper")
        if not _COUNTRY.fullmatch(found):
            raise IdentifierError("institutions.country_shape")
        return found

    return fields.take(field, check, value)


def _province(fields: Fields, field: str, value: str | None) -> str | None:
    if value is not None and value not in PROVINCES:
        fields.wrong(field, "institutions.province_unknown")
    return value


def _several(check: Callable[..., str]) -> Callable[[Fields, str, list[str]], list[str]]:
    def checked(fields: Fields, field: str, values: list[str]) -> list[str]:
        if len(values) > MOST:
            fields.wrong(field, "institutions.too_many", limit=MOST)
            return []
        found = [fields.take(f"{field}.{n}", check, v) for n, v in enumerate(values)]
        return list(dict.fromkeys(v for v in found if v is not None))

    return checked


CHECKS: dict[str, Callable[[Fields, str, Any], Any]] = {
    "name_zh": _name,
    "name_en": _name,
    "short_zh": _optional,
    "short_en": _optional,
    "aliases": _several(lambda value: line(value, limit=NAME)),
    "code": _identifier(check_uscc),
    "ror": _identifier(check_ror),
    "country": _country,
    "province": _province,
    "city": lambda fields, field, value: _optional(fields, field, value, CITY),
    "domains": _several(check_domain),
}


def _names(stored: Institution) -> dict[str, Any]:
    columns = ("name_zh", "name_en", "short_zh", "short_en", "aliases")
    return {column: getattr(stored, column) for column in columns}


def _derived(found: dict[str, Any]) -> dict[str, str]:
    """Return how the institution is ordered, and what finds it."""
    all_names = (found[k] for k in ("name_zh", "name_en", "short_zh", "short_en"))
    return {
        "sort_key": names.sort_key(found["name_zh"]),
        "search_keys": names.search_keys(*all_names, *found["aliases"]),
    }


async def _free(
    session: AsyncSession, found: dict[str, Any], domains: list[str], own: UUID | None
) -> None:
    """Raise Conflict naming the institution that already has the code, the ROR id or a domain."""
    for field, column in (("code", Institution.code), ("ror", Institution.ror)):
        if found.get(field):
            taken = select(Institution).where(column == found[field])
            other = await session.scalar(taken.where(Institution.id != own) if own else taken)
            if other is not None:
                raise Conflict(
                    f"institutions.{field}_taken", value=found[field], **_who(other), field=field
                )
    for domain in domains:
        holder = await session.get(Domain, domain)
        if holder is not None and holder.institution_id != own:
            other = await session.get_one(Institution, holder.institution_id)
            raise Conflict("institutions.domain_taken", domain=domain, **_who(other))


def _who(other: Institution) -> dict[str, Any]:
    return {"institution": other.name_zh, "institution_en": other.name_en}


async def _parent(session: AsyncSession, parent: UUID | None, own: UUID | None) -> None:
    """Refuse a parent that does not exist, or that stands below the institution itself."""
    fields = Fields()
    seen: set[UUID] = set()
    at = parent
    while at is not None and at not in seen:
        seen.add(at)
        above = await session.get(Institution, at)
        if above is None:
            fields.wrong("parent_id", "institutions.unknown")
            break
        if at == own:
            fields.wrong("parent_id", "institutions.parent_below")
            break
        at = above.parent_id
    fields.settle()


async def _refresh(session: AsyncSession, family: set[Any], domains: list[str]) -> None:
    """Take note, in every proposal concerned, of the conflicts that a new parent or domain makes or ends."""
    from lianyan.proposals import access  # noqa: PLC0415  proposals builds on institutions
    from lianyan.proposals.models import Taking  # noqa: PLC0415
    from lianyan.reviews.commands import suspend_conflicted  # noqa: PLC0415

    reached: set[UUID] = set()
    if family:
        kin = select(Institution.id).where(
            or_(Institution.id.in_(family), Institution.parent_id.in_(family))
        )
        concerned = select(Taking.proposal_id).where(Taking.institution_id.in_(kin))
        reached |= set(await session.scalars(concerned))
        await access.refresh_many(session, sorted(reached))
    if domains:
        reached |= set(await access.refresh_domains(session, domains))
    for proposal_id in sorted(reached):
        await suspend_conflicted(session, proposal_id)
