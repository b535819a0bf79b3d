"""The statements behind a proposal's page on the desk."""

from sqlalchemy import text

from lianyan.core.pieces import instant, institution
from lianyan.core.reads import Read
from lianyan.proposals.access import Right
from lianyan.proposals.states import UNDOABLE
from lianyan.proposals.turn import (
    FACTS,
    MISSING,
    OPEN,
    REMIND,
    SEEN_COLUMNS,
    WHOSE,
    person,
)

UNDOABLE_MOVES = ", ".join(f"'{move.value}'" for move in sorted(UNDOABLE))

WORK = ("section", "participation", "member", "check", "assignment", "review", "decision", "proposal")  # fmt: skip
"""Kinds of events that an undo would pull the ground from under."""
LOOKED = ("view", "viewed", "read", "list", "read_all")
"""Kinds of events that change nothing."""

SINCE = f"""
    e.id > {{event}}
    and split_part(e.kind, '.', 1) in ({", ".join(f"'{kind}'" for kind in WORK)})
    and split_part(e.kind, '.', 2) not in ({", ".join(f"'{kind}'" for kind in LOOKED)})"""
"""SQL that says an event `e` is work done after `event`."""

CHECK = f"""jsonb_build_object(
    'checklist', c.checklist,
    'answered', coalesce((
      select jsonb_object_agg(k.item, jsonb_build_object('verdict', k.verdict, 'note', k.note,
        'section', k.section, 'rev', k.rev, 'answered_at', {instant("k.answered_at")},
        'answered_by', (select {person("q")} from people q where q.id = k.answered_by)))
      from check_answers k where k.proposal_id = p.id), '{{}}'),
    'form', o.document,
    'answers', coalesce((
      select jsonb_object_agg(a.question, a.value) from answers a where a.proposal_id = p.id), '{{}}'),
    'terms', (
      select jsonb_build_object(
        'sectors', coalesce(jsonb_agg(m.code) filter (where m.kind = 'sector'), '[]'),
        'fields', coalesce(jsonb_agg(m.code) filter (where m.kind = 'field'), '[]'))
      from terms m),
    'parties', coalesce((
      select jsonb_agg(jsonb_build_object(
          'name', jsonb_build_object('zh', i.name_zh, 'en', i.name_en), 'role', x.role,
          'state', x.state, 'country', i.country, 'standing', i.standing, 'code', i.code,
          'ror', i.ror) order by x.position, x.id)
      from participations x join institutions i on i.id = x.institution_id
      where x.proposal_id = p.id and x.state <> 'removed'), '[]'),
    'lead_confirmed', exists (
      select from participations x
      join affiliations f on f.institution_id = x.institution_id and f.person_id = p.lead_id
      where x.proposal_id = p.id and x.role = 'lead' and x.state <> 'removed'
        and f.status = 'confirmed'),
    'consent', c.consent, 'min_institutions', c.min_institutions,
    'decides_at', {instant("c.decides_at")}, 'zone', c.zone)"""

CHECKED = Read(
    text(f"""
  select {CHECK}::text
  from proposals p join calls c on c.id = p.call_id join forms o on o.id = p.form_id
  where p.id = cast(:id as uuid)
""")
)
"""What the formal check of one proposal is computed from."""

PEOPLE = f"""coalesce((
          select jsonb_agg({person("q")} order by q.sort_key, q.id)
          from members m join people q on q.id = m.person_id
          where m.proposal_id = f.id and m.institution_id = x.institution_id
            and m.removed_at is null), '[]')"""
OFFICERS = f"""coalesce((
          select jsonb_agg({person("q")} order by u.deputy, u.id)
          from officers u join people q on q.id = u.person_id
          where u.institution_id = x.institution_id and u.ended_at is null), '[]')"""

DOSSIER = Read(
    text(f"""
  with t as materialized (select clock_timestamp() as now),
  seen as (select {SEEN_COLUMNS} from proposals p where p.id = cast(:id as uuid)),
  {FACTS},
  last as (
    select m.move, m.actor_id, m.at, (
        select max(e.id) from events e
        where e.proposal_id = m.proposal_id and e.kind = 'proposal.' || m.move) as event
    from moves m where m.proposal_id = cast(:id as uuid) order by m.id desc limit 1
  )
  select jsonb_build_object(
    'own', (
      select coalesce(bit_or(a.rights), 0) from access a
      where a.proposal_id = f.id and a.principal = cast(:me as uuid)),
    'office', (
      select coalesce(bit_or(a.rights), 0) from access a
      where a.proposal_id = f.id and a.principal = any(cast(:offices as uuid[]))),
    'employer', case when f.progress then {Right.EMPLOYER:d} else 0 end,
    'closing', to_char(c.closes_at at time zone c.zone, 'HH24:MI:SS'),
    'leaderless', not exists (
      select from participations x join officers u on u.institution_id = x.institution_id
      where x.proposal_id = f.id and x.role = 'lead' and x.state <> 'removed'
        and u.ended_at is null),
    'date_passed', case f.real
      when 'returned' then coalesce(f.returned_until < t.now, true)
      when 'consent_pending' then coalesce(greatest(f.consent_until, (
        select max(x.until) from participations x
        where x.proposal_id = f.id and x.state in {OPEN})) < t.now, true)
      else false end,
    'checked', {CHECK},
    'id', f.id, 'rev', f.rev, 'number', f.number, 'title', f.title, 'title_en', f.title_en,
    'real', f.real, 'shown', f.shown,
    'call', jsonb_build_object('id', c.id,
      'title', jsonb_build_object('zh', c.title_zh, 'en', c.title_en), 'prefix', c.prefix,
      'closes_at', {instant("c.closes_at")}, 'reviews_until', {instant("c.reviews_until")},
      'decides_at', {instant("c.decides_at")}, 'min_institutions', c.min_institutions,
      'min_reviews', c.min_reviews, 'consent_days', c.consent_days),
    'lead', (select {person("q")} from people q where q.id = f.lead_id),
    'lead_institution', (
      select {institution("i")} from participations x join institutions i on i.id = x.institution_id
      where x.proposal_id = f.id and x.role = 'lead' and x.state <> 'removed'),
    'submitted_at', {instant("f.submitted_at")},
    'version', (select v.number from versions v where v.id = p.version_id),
    'sectors', to_jsonb(f.sectors), 'act', f.act, 'whose', {WHOSE}, 'missing', {MISSING},
    'due_at', {instant("f.due")}, 'days_left', f.days_left, 'remind', {REMIND},
    'participations', coalesce((
      select jsonb_agg(jsonb_build_object('id', x.id, 'institution', {institution("i")},
          'role', x.role,
          'state', case when f.real = 'consent_pending' and x.state in {OPEN}
            and greatest(x.until, f.consent_until) < t.now then 'expired' else x.state end,
          'until', case when f.real = 'consent_pending' and x.state in {OPEN}
            then {instant("greatest(x.until, f.consent_until)")} end,
          'task', x.task, 'special_terms', x.special_terms, 'comments', x.comments,
          'contributions', coalesce((
            select jsonb_agg(jsonb_build_object('kind', b.kind, 'what', b.what,
                'amount', trim_scale(b.amount)::text, 'unit', b.unit, 'value_fen', b.value_fen,
                'terms', b.terms) order by b.position, b.id)
            from contributions b where b.participation_id = x.id), '[]'),
          'people', {PEOPLE}, 'officers', {OFFICERS}, 'answered_at', {instant("x.answered_at")}
        ) order by x.position, x.id)
      from participations x join institutions i on i.id = x.institution_id
      where x.proposal_id = f.id and x.state <> 'removed'), '[]'),
    'undo', (
      select jsonb_build_object('move', l.move, 'until', {instant("(l.at + interval '10 minutes')")})
      from last l
      where l.move in ({UNDOABLE_MOVES}) and l.actor_id = cast(:me as uuid)
        and t.now <= l.at + interval '10 minutes'
        and not exists (
          select from events e where e.proposal_id = f.id and {SINCE.format(event="l.event")})),
    'moves', coalesce((
      select jsonb_agg(jsonb_build_object('move', m.move, 'from', m.from_state, 'to', m.to_state,
          'at', {instant("m.at")}, 'reason', m.reason, 'reason_code', m.reason_code,
          'by', (select {person("q")} from people q where q.id = m.actor_id)) order by m.id)
      from moves m where m.proposal_id = f.id), '[]'),
    'extensions', coalesce((
      select jsonb_agg(jsonb_build_object('kind', n.kind, 'until', {instant("n.until")},
          'reason', n.reason, 'at', {instant("n.created_at")},
          'by', (select {person("q")} from people q where q.id = n.granted_by),
          'institution', (
            select {institution("i")} from participations x
            join institutions i on i.id = x.institution_id where x.id = n.participation_id)
        ) order by n.id)
      from extensions n where n.proposal_id = f.id), '[]'),
    'now', {instant("t.now")}
  )::text
  from facts f cross join t
  join proposals p on p.id = f.id join calls c on c.id = f.call_id join forms o on o.id = f.form_id
""")
)
"""Everything the page of one proposal shows, with the bits that say what its reader may know."""
