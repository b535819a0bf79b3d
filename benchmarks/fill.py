"""Fill a migrated database with N submitted proposals, their people, institutions and access rows."""

from uuid import UUID

import asyncpg
import msgspec

from lianyan.calls import forms, presets

# Whatever the number of proposals, an officer sees enough of them for whole pages.
INSTITUTIONS, PEOPLE_EACH, LONG = 20, 10, 900

PEOPLE = f"""
  insert into institutions (name_zh, name_en, kind, sort_key, search_keys)
  select '示例大学' || n, 'Demo University ' || n, 'university', lpad(n::text, 6, '0'), 'shilidaxue' || n
  from generate_series(1, {INSTITUTIONS}) n;
  insert into people (name, sort_key, status, demo)
  select '示例用户' || n, lpad(n::text, 9, '0'), 'active', true
  from generate_series(1, {INSTITUTIONS * PEOPLE_EACH}) n;
  create temp table home as
    select p.id as person, i.id as institution, row_number() over (order by p.sort_key) - 1 as n
    from (select id, sort_key, row_number() over (order by sort_key) - 1 as n from people) p
    join (select id, row_number() over (order by sort_key) - 1 as n from institutions) i
      on i.n = p.n % {INSTITUTIONS};
  insert into affiliations (person_id, institution_id, status, source)
  select person, institution, 'confirmed', 'login' from home;
"""

PROPOSALS = f"""
  create temp table made as
    select uuidv7() as id, uuidv7() as version, g.n, l.person as lead, l.institution as a, m.person as member,
      m.institution as b
    from generate_series(1, $1::int) g(n)
    join home l on l.n = (g.n * 7) % {INSTITUTIONS * PEOPLE_EACH}
    join home m on m.n = (g.n * 7 + 1) % {INSTITUTIONS * PEOPLE_EACH}
"""

ROWS = f"""
  insert into proposals (id, call_id, form_id, lead_id, state, title, sectors, number, submitted_at, stages,
    consent_until, version_id)
  select m.id, c.id, c.form_id, m.lead,
    (array['consent_pending', 'submitted', 'formal_check', 'peer_review', 'approved'])[m.n % 5 + 1],
    '面向示例场景的协同研究第 ' || m.n || ' 号', array['EDU', 'HLT'], 'BENCH-' || m.n,
    now() - make_interval(secs => m.n), c.stages, now() + interval '5 days', m.version
  from made m cross join calls c;
  insert into sections (proposal_id, section, rev, saved_by, saved_at)
  select m.id, s ->> 'id', 3, m.lead, now() from made m cross join forms f
  cross join lateral jsonb_array_elements(f.document -> 'sections') s;
  insert into answers (proposal_id, question, section, value)
  select m.id, q ->> 'id', s ->> 'id', case q ->> 'type'
    when 'text' then to_jsonb(repeat('元宇宙协同创新研究', case when (q ->> 'limit')::int > 100 then {LONG // 27} else 2 end))
    when 'many' then '["EDU"]' when 'number' then '24' when 'month' then '"2027-01"' else '"other"' end
  from made m cross join forms f
  cross join lateral jsonb_array_elements(f.document -> 'sections') s
  cross join lateral jsonb_array_elements(s -> 'questions') q;
  insert into participations (proposal_id, institution_id, role, state, position, task)
  select id, a, 'lead', 'invited', 0, '牵头实施' from made
  union all select id, b, 'participating', 'invited', 1, '提供应用场景' from made where a <> b;
  insert into contributions (participation_id, kind, what, amount, unit, position)
  select t.id, k, '', 6, '人月', 0 from participations t cross join unnest(array['staff', 'data', 'venue']) k;
  insert into members (proposal_id, person_id, institution_id)
  select id, lead, a from made union all select id, member, b from made;
  insert into versions (id, proposal_id, number, document, sha256, made_by)
  select version, id, 1, '{{}}', sha256(id::text::bytea), lead from made;
  insert into moves (proposal_id, move, from_state, to_state, actor_id, at)
  select id, 'submit', 'draft', 'consent_pending', lead, now() from made;
"""


async def fill(url: str, count: int) -> tuple[UUID, list[UUID], str]:
    """Fill the database at `url` (its owner's address); return a person, proposals of theirs, a token."""
    light, form = presets.light(), presets.standard_form()
    connection = await asyncpg.connect(url)
    await connection.set_type_codec(
        "jsonb", encoder=_json, decoder=msgspec.json.decode, schema="pg_catalog"
    )
    await connection.execute(PEOPLE)
    form_id = await connection.fetchval(
        "insert into forms (number, document, sha256) values (1, $1, $2) returning id",
        forms.write(form),
        forms.form_hash(form),
    )
    await connection.execute(
        """insert into calls (title_zh, title_en, summary_zh, summary_en, prefix, form_id, rubric, checklist, preset,
             stages, consent, min_institutions, min_reviews, opens_at, closes_at, reviews_until, decides_at)
           values ('征集', 'Call', '示例', 'Demo', 'BENCH', $1, $2, $3, 'light', $4, 'click', 2, 2, now() - interval '30 days',
             now() + interval '30 days', now() + interval '60 days', now() + interval '90 days')""",
        form_id,
        msgspec.to_builtins(presets.standard_rubric()),
        msgspec.to_builtins(light.checklist),
        list(light.stages),
    )
    await connection.execute(PROPOSALS, count)
    await connection.execute(ROWS)
    person, token, ids = await _reader(connection)
    await connection.close()
    return person, ids, token


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _reader(connection: asyncpg.Connection) -> tuple[UUID, str, list[UUID]]:
    """Give the busiest officer a session; everything they can open is theirs by the access relation."""
    import secrets  # noqa: PLC0415
    from hashlib import sha256  # noqa: PLC0415

    person, institution = await connection.fetchrow(
        "select h.person, h.institution from home h join made m on m.lead = h.person group by 1, 2 order by count(*) desc limit 1"
    )
    await connection.execute(
        "insert into officers (institution_id, person_id) values ($1, $2)", institution, person
    )
    token = secrets.token_urlsafe(32)
    await connection.execute(
        """insert into sessions (token_hash, person_id, authenticated_at, idle_expires_at, absolute_expires_at)
           values ($1, $2, now(), now() + interval '1 day', now() + interval '1 day')""",
        sha256(token.encode()).digest(),
        person,
    )
    ids = await connection.fetch(
        "select distinct proposal_id from participations where institution_id = $1 limit 200",
        institution,
    )
    return person, token, [row[0] for row in ids]
