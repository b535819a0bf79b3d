"""Reads of the projects slice: the public register."""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BindParameter, DateTime, Integer, Text, Uuid, bindparam, text

from lianyan.core.actor import Reading
from lianyan.core.paging import from_cursor, page_limit, to_cursor
from lianyan.core.pieces import instant
from lianyan.core.problems import NotFound, invalid
from lianyan.core.reads import Read
from lianyan.projects.search import needle

CAP = 1000
"""Nobody is told more than "1000+"."""
LONGEST_CODE = 40

INSTITUTIONS = """
  (select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'role', m.value ->> 'role',
      'name', jsonb_build_object('zh', i.name_zh, 'en', i.name_en),
      'short', case when i.short_zh is null and i.short_en is null then null
        else jsonb_build_object('zh', coalesce(i.short_zh, i.name_zh),
          'en', coalesce(i.short_en, i.name_en)) end) order by m.ordinality), '[]')
    from jsonb_array_elements(j.institutions) with ordinality m
    join institutions i on i.id = (m.value ->> 'id')::uuid)
"""

ROW = f"""
  jsonb_build_object('id', j.id, 'number', j.number, 'title', j.title, 'title_en', j.title_en,
    'sectors', to_jsonb(j.sectors), 'institutions', {INSTITUTIONS},
    'starts', j.starts_on, 'ends', j.ends_on, 'status', 'approved')
"""

# What is counted is the newest thousand: more than "1000+" nobody is told, and a count of all would
# read all. `{looked}` and `{chosen}` are the conditions of a search and of a sector.
REGISTER = f"""
  with counted as materialized (
    select j.sectors from projects j where true {{looked}}
    order by j.approved_at desc, j.id desc limit {CAP + 1}
  ),
  picked as materialized (
    select least(count(*), {CAP}) as n, count(*) > {CAP} as more from (
      select from projects j where true {{looked}} {{chosen}} limit {CAP + 1}) c
  ),
  page as materialized (
    select j.id, j.approved_at, row_number() over (order by j.approved_at desc, j.id desc) as n
    from (
      select j.id, j.approved_at from projects j where true {{looked}} {{chosen}} {{behind}}
      order by j.approved_at desc, j.id desc limit :most + 1) j
  )
  select jsonb_build_object(
      'items', coalesce((select jsonb_agg({ROW} order by p.n)
        from page p cross join lateral (select * from projects x where x.id = p.id offset 0) j
        where p.n <= :most), '[]'),
      'total', picked.n, 'capped', picked.more,
      'by_sector', coalesce((select jsonb_agg(jsonb_build_object('code', s.code, 'n', s.n)
          order by s.n desc, s.code collate "C")
        from (select code, least(count(*), {CAP}) as n from counted f, unnest(f.sectors) as code
          group by code) s), '[]'))::text as body,
    last.approved_at, last.id
  from picked
  left join page last on last.n = :most and exists (select from page p where p.n > :most)
"""

PROJECT = f"""
  select jsonb_build_object('id', j.id, 'number', j.number, 'title', j.title,
    'title_en', j.title_en, 'summary', j.summary, 'sectors', to_jsonb(j.sectors),
    'fields', to_jsonb(j.fields), 'institutions', {INSTITUTIONS}, 'starts', j.starts_on,
    'ends', j.ends_on, 'months', j.granted_months, 'approved_at', {instant("j.approved_at")},
    'status', 'approved')::text
  from projects j where j.id = :id
"""


@cache
def list_of(*, looked: bool, chosen: bool, behind: bool) -> Read:
    """Return the read of a page, with or without a search, a sector, a row it begins behind."""
    binds: list[BindParameter[Any]] = [bindparam("most", type_=Integer())]
    if looked:
        binds.append(bindparam("needle", type_=Text()))
    if chosen:
        binds.append(bindparam("sector", type_=Text()))
    if behind:
        binds.append(bindparam("after", type_=DateTime(timezone=True)))
        binds.append(bindparam("last", type_=Uuid()))
    sql = REGISTER.format(
        looked="and strpos(E'\\n' || j.search_keys, :needle) > 0" if looked else "",
        chosen="and j.sectors @> array[cast(:sector as text)]" if chosen else "",
        behind="and (j.approved_at, j.id) < (:after, :last)" if behind else "",
    )
    return Read(text(sql).bindparams(*binds))


ONE = Read(text(PROJECT).bindparams(bindparam("id", type_=Uuid())))


async def register(
    reading: Reading, q: str | None, sector: str | None, limit: str | None, after: str | None
) -> str:
    """Return a page of the register as JSON, newest first, with how many of each sector it holds.

    The counts by sector are of the search without the choice of a sector, of its newest thousand.
    """
    if sector is not None and (len(sector) > LONGEST_CODE or "\0" in sector):
        raise invalid("sector", "problems.wrong_type")
    at, last = _after(after)
    values: dict[str, Any] = {"most": page_limit(limit)}
    if looked := needle(q):
        values["needle"] = looked
    if sector:
        values["sector"] = sector
    if at is not None:
        values |= {"after": at, "last": last}
    read = list_of(looked=bool(looked), chosen=bool(sector), behind=at is not None)
    row = await read.row(reading.connection, **values)
    cursor = to_cursor(row["approved_at"].isoformat(), str(row["id"])) if row["id"] else None
    return f'{row["body"][:-1]}, "next": {msgspec.json.encode(cursor).decode()}}}'


async def project(reading: Reading, project_id: UUID) -> str:
    """Return one project as JSON; raise NotFound where there is none."""
    body = await ONE.run(reading.connection, id=project_id)
    if body is None:
        raise NotFound
    return body


def _after(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    key = from_cursor(cursor, str, str)
    if key is None:
        return None, None
    try:
        return datetime.fromisoformat(key[0]).astimezone(UTC), UUID(key[1])
    except (ValueError, OverflowError):
        raise invalid("after", "problems.bad_cursor") from None
