"""Reads of who holds which role on the platform, who acts for an institution, and what is missing."""

from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.problems import NotFound
from lianyan.identity.heirs import UNDIVIDED
from lianyan.identity.offices_schemas import Candidates, RoleList

LOOK_BACK_YEARS = 3
"""So long a former employer is one, as in `proposals.access`."""

INSTITUTION = """
  jsonb_build_object('id', i.id, 'name', jsonb_build_object('zh', i.name_zh, 'en', i.name_en),
    'short', case when coalesce(i.short_zh, i.short_en) is not null then
      jsonb_build_object('zh', coalesce(i.short_zh, i.name_zh), 'en', coalesce(i.short_en, i.name_en)) end)
"""
PERSON = f"""
  jsonb_build_object('id', p.id, 'name', p.name, 'name_latin', p.name_latin, 'institution', (
    select {INSTITUTION} from affiliations f join institutions i on i.id = f.institution_id
    where f.person_id = p.id and f.status = 'confirmed' order by f.id limit 1))
"""

HOLES = f"""
  select jsonb_build_object('institution', {INSTITUTION}, 'missing', m.missing)::text as hole
  from institutions i cross join (values ('coordinator'), ('approver')) as m(missing)
  where i.standing <> 'observer' and not exists (
    select from platform_roles r join people p on p.id = r.person_id and p.status = 'active'
    where r.ended_at is null
      and case m.missing when 'approver' then r.role = 'approver'
        else r.role in ('coordinator', 'stand_in') end
      and not exists (
        select from affiliations f join institutions e on e.id = f.institution_id
        where f.person_id = p.id and (e.id = i.id or e.id = i.parent_id or e.parent_id = i.id)
          and (f.status in ('pending', 'confirmed')
            or (f.status = 'ended' and f.ended_at > now() - interval '{LOOK_BACK_YEARS} years'))))
  order by i.sort_key collate "C", i.id, m.missing desc
"""
"""Each member institution for which nobody free of a conflict coordinates, or approves."""

ROLES = f"""
  select jsonb_build_object(
    'items', coalesce((
      select jsonb_agg(jsonb_build_object('id', r.id, 'role', r.role, 'person', {PERSON},
          'since', to_char(r.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        order by r.role, p.sort_key collate "C", p.id)
      from platform_roles r join people p on p.id = r.person_id where r.ended_at is null), '[]'),
    'holes', coalesce((select jsonb_agg(h.hole::jsonb) from ({HOLES}) h), '[]'),
    'undivided', array({UNDIVIDED}), 'can', '[]'::jsonb)::text
"""

CANDIDATES = f"""
  select jsonb_build_object('items', coalesce((
      select jsonb_agg(jsonb_build_object('person', {PERSON}, 'status', a.status,
        'officer', exists (select from officers o where o.person_id = p.id
          and o.institution_id = a.institution_id and o.ended_at is null))
        order by p.sort_key collate "C", p.id)
      from affiliations a join people p on p.id = a.person_id
      where a.institution_id = t.id and a.status in ('pending', 'confirmed')), '[]'))::text
  from institutions t where t.id = $1
"""


async def roles(reading: Reading, can: list[str]) -> RoleList:
    """Return who holds which role, and the institutions for which somebody is missing."""
    found = msgspec.json.decode(await reading.connection.fetchval(ROLES), type=RoleList)
    return msgspec.structs.replace(found, can=can)


async def candidates(reading: Reading, institution_id: UUID) -> Candidates:
    """Return the people of an institution, those who wait for a confirmation included."""
    body = await reading.connection.fetchval(CANDIDATES, institution_id)
    if body is None:
        raise NotFound
    return msgspec.json.decode(body, type=Candidates)
