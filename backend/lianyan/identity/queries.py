"""Reads of the identity slice: who is here, ways to log in, the own account, people of an institution."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core import names
from lianyan.core.actor import Actor, Reading
from lianyan.core.db import Connection
from lianyan.core.policy import ALLOWED, Role, standing
from lianyan.core.problems import Gone, NotFound, invalid
from lianyan.core.shapes import I18n, InstitutionRef
from lianyan.core.text import TextError
from lianyan.identity.claims import UNNAMED
from lianyan.identity.commands import token_hash
from lianyan.identity.offices_queries import INSTITUTION, PERSON
from lianyan.identity.readings import reading_of
from lianyan.identity.schemas import (
    Account,
    AdministratorInvitation,
    DemoPerson,
    Found,
    InstitutionPeople,
    Locale,
    Me,
    NavItem,
    PlatformName,
    ProviderRow,
    Providers,
    SessionNow,
)
from lianyan.institutions.domains import domain_matches

LONGEST_QUERY = 100
MOST_FOUND = 10
MOST_COUNTED = 1000

INSTANT = """to_char({} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

NAV: list[tuple[str, Role]] = [
    ("tasks", Role.PERSON),
    ("proposals", Role.PERSON),
    ("queue", ALLOWED["queue.read"]),
    ("ledger", ALLOWED["ledger.read"]),
    ("people", ALLOWED["affiliation.confirm"]),
    ("reviews", Role(0)),
    ("desk", ALLOWED["desk.list"]),
    ("release", ALLOWED["release.read"]),
    ("decide", ALLOWED["decision.list"]),
    ("calls", Role.ANYONE),
    ("projects", Role.ANYONE),
    ("members", Role.ANYONE),
    ("roles", ALLOWED["role.read"]),
    ("platform", ALLOWED["platform.change"]),
    ("logins", ALLOWED["provider.read"]),
    ("security", ALLOWED["security.read"]),
    ("record", ALLOWED["record.read"]),
]
"""The pages, in their order, and who has them; `reviews` is there for people with that role."""

SESSION = f"""
  select jsonb_build_object(
    'institutions', coalesce((select jsonb_agg({INSTITUTION} order by i.sort_key collate "C")
      from institutions i where i.id = any($2::uuid[])), '[]'),
    'offices', coalesce((select jsonb_agg({INSTITUTION} order by i.sort_key collate "C")
      from institutions i where i.id = any($3::uuid[])), '[]'),
    'waiting', coalesce((select jsonb_agg({INSTITUTION} order by i.sort_key collate "C")
      from affiliations a join institutions i on i.id = a.institution_id
      where a.person_id = $4 and a.status = 'pending'), '[]'),
    'people', (select count(*) from (select from affiliations a
      where a.institution_id = any($3::uuid[]) and a.status = 'pending' limit {MOST_COUNTED}) x),
    'session', (select jsonb_build_object('by_link', s.by_link,
      'idle_expires_at', {INSTANT.format("s.idle_expires_at")}) from sessions s where s.id = $1),
    'platform', (select jsonb_build_object(
      'name', jsonb_build_object('zh', p.name_zh, 'en', p.name_en), 'contact', p.contact,
      'record_number', p.record_number, 'lead', (select {INSTITUTION} from institutions i
        where i.id = p.lead_id)) from platform p))::text
"""

ROLES_OF = """(select coalesce(jsonb_agg(r.role order by r.role), '[]') from (
  select r.role from platform_roles r where r.person_id = p.id and r.ended_at is null
  union select 'officer' from officers o where o.person_id = p.id and o.ended_at is null) r)"""

PROVIDERS = f"""
  select jsonb_build_object(
    'items', coalesce((select jsonb_agg(jsonb_build_object(
        'slug', v.slug, 'institution', {INSTITUTION},
        'name', jsonb_build_object('zh', v.name_zh, 'en', v.name_en),
        'search_keys', i.search_keys, 'issuer', v.issuer,
        'domains', coalesce((select jsonb_agg(d.domain) from institution_domains d
          where d.institution_id = i.id), '[]'))
        order by i.sort_key collate "C", v.slug)
      from providers v join institutions i on i.id = v.institution_id
      where v.status = 'active'), '[]'),
    'people', case when $1 then coalesce((select jsonb_agg(jsonb_build_object(
        'slug', v.slug, 'hint', e.subject, 'name', p.name, 'institution', {INSTITUTION},
        'roles', {ROLES_OF}) order by p.created_at, p.id)
      from identities e join people p on p.id = e.person_id and p.demo
        join providers v on v.id = e.provider_id and v.status = 'active'
        join institutions i on i.id = v.institution_id), '[]')
      end)::text
"""

ACCOUNT = f"""
  select jsonb_build_object(
    'id', p.id, 'rev', p.rev, 'name', p.name, 'name_latin', p.name_latin, 'sort_key', p.sort_key,
    'locale', p.locale, 'email', p.email, 'phone', p.phone, 'orcid', p.orcid,
    'affiliations', coalesce((select jsonb_agg(jsonb_build_object(
        'id', a.id, 'institution', {INSTITUTION}, 'status', a.status, 'department', a.department,
        'since', {INSTANT.format("coalesce(a.confirmed_at, a.created_at)")}) order by a.id)
      from affiliations a join institutions i on i.id = a.institution_id
      where a.person_id = p.id), '[]'))::text
  from people p where p.id = $1
"""

SPOKEN = "regexp_replace(p.sort_key, '1([a-z]+)[1-5][0-9a-f]{5}', '\\1', 'g')"
"""A sort key of a Chinese name as its sounds alone, the way people type them."""

PEOPLE = f"""
  select jsonb_build_object('items', coalesce(jsonb_agg({PERSON}
    order by p.sort_key collate "C", p.id), '[]'))::text
  from (
    select p.* from people p
    where p.status = 'active'
      and exists (select from affiliations a where a.person_id = p.id and a.status = 'confirmed')
      and (strpos(lower(replace(p.name, ' ', '')), $1) > 0
        or strpos(lower(replace(coalesce(p.name_latin, ''), ' ', '')), $1) > 0
        or ($1 ~ '^[a-z]+$' and left({SPOKEN}, length($1)) = $1)
        or exists (select from affiliations a join institutions i on i.id = a.institution_id
          where a.person_id = p.id and a.status = 'confirmed' and length($1) > 1
            and strpos(i.search_keys, $1) > 0))
    order by p.sort_key collate "C", p.id limit {MOST_FOUND}) p
"""

INSTITUTION_PEOPLE = f"""
  select jsonb_build_object('items', coalesce(jsonb_agg(jsonb_build_object(
      'affiliation_id', a.id, 'person', {PERSON}, 'status', a.status, 'department', a.department,
      'since', {INSTANT.format("coalesce(a.confirmed_at, a.created_at)")},
      'officer', o.id is not null and not o.deputy, 'deputy', coalesce(o.deputy, false),
      'can', case when a.status = 'pending' then
          jsonb_build_array('affiliation.confirm', 'affiliation.refuse')
        when a.status = 'confirmed' and o.id is null then jsonb_build_array('affiliation.end')
        else '[]'::jsonb end)
    order by a.status <> 'pending', a.status, p.sort_key collate "C", a.id), '[]'))::text
  from affiliations a join people p on p.id = a.person_id
    left join officers o on o.person_id = p.id and o.institution_id = a.institution_id
      and o.ended_at is null
  where a.institution_id = any($1::uuid[]) and a.status in ('pending', 'confirmed')
"""


class _Session(msgspec.Struct):
    by_link: bool
    idle_expires_at: datetime


class _SessionPage(msgspec.Struct):
    institutions: list[InstitutionRef]
    offices: list[InstitutionRef]
    waiting: list[InstitutionRef]
    people: int
    session: _Session | None
    platform: PlatformName | None


class _ProviderRow(msgspec.Struct):
    slug: str
    institution: InstitutionRef
    name: I18n
    search_keys: str
    issuer: str
    domains: list[str]

    def shown(self) -> ProviderRow:
        return ProviderRow(self.slug, self.institution, self.name, self.search_keys, self.issuer)


class _ProvidersPage(msgspec.Struct):
    items: list[_ProviderRow]
    people: list[DemoPerson] | None


async def session_now(
    reading: Reading, *, demo: bool, locale: Locale, platform: I18n
) -> SessionNow:
    """Return who is here and what they may open; `platform` is its name until somebody wrote one."""
    actor = reading.visitor
    body = await reading.connection.fetchval(
        SESSION,
        actor.session_id if actor else None,
        list(actor.institutions) if actor else [],
        list(actor.offices) if actor else [],
        actor.id if actor else None,
    )
    found = msgspec.json.decode(body, type=_SessionPage)
    return SessionNow(
        person=_me(actor, found) if actor else None,
        demo=demo,
        locale=locale,
        now=datetime.now(UTC),
        nav=_nav(actor, found.people),
        platform=found.platform or PlatformName(platform, None, "", None),
        tag=actor.tag if actor else None,
        idle_expires_at=found.session.idle_expires_at if found.session else None,
    )


def _me(actor: Actor, found: _SessionPage) -> Me:
    return Me(
        id=actor.id,
        name=actor.name,
        name_missing=actor.name == UNNAMED,
        locale=msgspec.convert(actor.locale, Locale | None),
        status="active" if actor.status == "active" else "pending",
        institutions=found.institutions,
        offices=found.offices,
        waiting=found.waiting,
        roles=sorted(actor.roles),
        scope=actor.scope,
        administrator_link=bool(found.session and found.session.by_link),
    )


def _nav(actor: Actor | None, waiting: int) -> list[NavItem]:
    stands = standing(actor)
    reviewer = actor is not None and "reviewer" in actor.roles
    return [
        NavItem(key, waiting if key == "people" and waiting else None)
        for key, roles in NAV
        if stands & roles or (key == "reviews" and reviewer)
    ]


async def providers(reading: Reading, *, q: str | None, last: str | None, demo: bool) -> Providers:
    """Return the ways to log in that `q` finds: a name, its sound or initials, or a mail address.

    Of an address only the domain is used; one that no institution has registered finds all.
    """
    body = await reading.connection.fetchval(PROVIDERS, demo)
    found = msgspec.json.decode(body, type=_ProvidersPage)
    for row in found.items:
        row.search_keys += f"\n{_own_keys(row.name.zh, row.name.en)}"
    known = {row.slug for row in found.items}
    return Providers(
        items=[row.shown() for row in _matching(found.items, (q or "")[:LONGEST_QUERY])],
        last=last if last in known else None,
        demo_people=found.people,
    )


@lru_cache(maxsize=2000)
def _own_keys(zh: str, en: str) -> str:
    """Return what finds a login service by its own name, which tells those of one institution apart."""
    return names.search_keys(zh, en)


def _matching(rows: list[_ProviderRow], asked: str) -> Iterable[_ProviderRow]:
    if "@" in asked:
        at = [(d, row) for row in rows for d in row.domains if domain_matches(asked, d)]
        nearest = max((len(d) for d, _ in at), default=0)
        return [row for d, row in at if len(d) == nearest] or rows
    try:
        return [row for row in rows if names.matches(row.search_keys, asked)]
    except TextError as error:
        raise invalid("q", error.code, **error.params) from None


async def account(reading: Reading) -> Account:
    """Return what the person says about themselves."""
    body = await reading.connection.fetchval(ACCOUNT, reading.actor.id)
    found = msgspec.json.decode(body, type=Account)
    return msgspec.structs.replace(
        found,
        sort_key=reading_of(found.sort_key or ""),
        name="" if found.name == UNNAMED else found.name,
    )


async def people(reading: Reading, q: str | None) -> Found:
    """Return at most ten confirmed people whose name or institution `q` finds."""
    try:
        wanted = names.search_query((q or "")[:LONGEST_QUERY])
    except TextError as error:
        raise invalid("q", error.code, **error.params) from None
    if not wanted:
        raise invalid("q", "problems.required")
    return msgspec.json.decode(await reading.connection.fetchval(PEOPLE, wanted), type=Found)


async def institution_people(reading: Reading, institution: UUID | None) -> InstitutionPeople:
    """Return the people of one institution, or of all, whose officer asks; raise NotFound."""
    offices: list[UUID] = list(reading.actor.offices)
    if institution is not None:
        if institution not in offices:
            raise NotFound
        offices = [institution]
    body: Any = await reading.connection.fetchval(INSTITUTION_PEOPLE, offices)
    return msgspec.json.decode(body, type=InstitutionPeople)


async def administrator_link(connection: Connection, token: str) -> AdministratorInvitation:
    """Return what a link opens; raise Gone for one that is used, over or never was."""
    row: Any = await connection.fetchrow(
        "select name, institution, expires_at from administrator_links"
        " where token_hash = $1 and used_at is null and expires_at > now()",
        token_hash(token),
    )
    if row is None:
        raise Gone("identity.link_dead")
    return AdministratorInvitation(*row)
