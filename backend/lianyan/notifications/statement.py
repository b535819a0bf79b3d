"""The statement behind 我的待办: everything that may concern one reader, read at once.

What an applicant is shown comes from shown states and from dates alone, so that nothing of the
handling can be read off this page before it is released.
"""

from sqlalchemy import text

from lianyan.core.pieces import instant, institution
from lianyan.core.reads import Read
from lianyan.proposals import turn
from lianyan.proposals.access import Right
from lianyan.proposals.acts import MOMENT
from lianyan.proposals.deadlines import PART_STATE
from lianyan.proposals.queries.detail import SECTIONS
from lianyan.proposals.queries.officer import QUEUE
from lianyan.proposals.queries.streams import first_for_desk
from lianyan.proposals.turn import FACTS, HANDLED, HIDDEN, OPEN, SEEN_COLUMNS, free
from lianyan.reviews.queries import MISSING as UNSCORED

OPEN_SHOWN = ("draft", "consent_pending", "submitted", "formal_check", "returned", "in_review")
"""What applicants see of a proposal that is under way."""
EACH = 20
"""Newest proposals of each principal and state."""
TASKS = 50
STOOD_FOR = 1000
"""So many of the desk's rows a stand-in's tasks are looked for in: those no coordinator is free for."""
MESSAGES, LOOKED_AT = 20, 200
DONE_LATELY, DAYS = 40, 30

FINAL = ", ".join(f"'{state}'" for state in turn.FINAL)
EDITED = "('draft', 'consent_pending', 'returned')"
WRITERS = Right.LEAD | Right.TEAM
READING = Right.ASKED | Right.REVIEWER

DONE: dict[str, str] = {
    "proposal.submit": "applicant",
    "proposal.resubmit": "applicant",
    "proposal.take_back": "applicant",
    "proposal.withdraw": "applicant",
    "proposal.withdraw_by_institution": "applicant",
    "participation.confirm": "applicant",
    "participation.return": "applicant",
    "participation.decline": "applicant",
    "participation.added": "applicant",
    "invitation.sent": "applicant",
    "proposal.pass": "desk",
    "proposal.return": "desk",
    "proposal.refuse": "desk",
    "proposal.finish": "desk",
    "proposal.reopen": "desk",
    "proposal.undo": "desk",
    "proposal.restore": "desk",
    "proposal.extend": "desk",
    "participation.extend": "desk",
    "assignment.asked": "desk",
    "decision.drafted": "desk",
    "decision.signed": "bench",
    "decision.sent_back": "bench",
    "review.submitted": "reviewer",
}
"""Events that 最近完成 shows to who did them, and as what they must still see the proposal."""

EMPLOYED = f"""exists (
    select from access e where e.proposal_id = {{proposal}}
      and e.principal = any(cast(:employers as uuid[])) and e.rights & {Right.EMPLOYER:d} <> 0)"""
TIED = f"""exists (
    select from access x where x.proposal_id = {{proposal}} and x.principal = cast(:me as uuid)
      and x.rights & {HIDDEN:d} <> 0)"""


def visible(to: str, proposal: str) -> str:
    """Return the SQL that says whether the reader still sees a proposal in the capacity `to`."""
    tied, employed = TIED.format(proposal=proposal), EMPLOYED.format(proposal=proposal)
    return f"""case {to}
      when 'self' then cast(:scope as uuid) is null
      when 'desk' then cast(:desk as boolean) and not {tied} and not {employed} and exists (
        select from proposals y where y.id = {proposal} and y.submitted_at is not null)
      when 'bench' then cast(:bench as boolean) and not {tied} and not {employed} and exists (
        select from proposals y
        where y.id = {proposal} and y.state in ('decision_pending', 'approved', 'rejected'))
      when 'reviewer' then cast(:scope as uuid) is null and not {tied} and not {employed} and exists (
        select from access a where a.proposal_id = {proposal} and a.principal = cast(:me as uuid)
          and a.rights & {READING:d} <> 0)
      else exists (
        select from access a where a.proposal_id = {proposal}
          and a.principal = any(cast(:principals as uuid[])) and a.shown_state is not null
          and (cast(:scope as uuid) is null or a.proposal_id = cast(:scope as uuid)))
    end"""


def about(p: str) -> str:
    """Return the SQL of the proposal a task is about."""
    return f"""jsonb_build_object('id', {p}.id, 'title', {p}.title, 'title_en', {p}.title_en,
      'number', {p}.number, 'shown', case {p}.state {turn.SHOWN_CASE} end)"""


def _kinds(to: str) -> str:
    return ", ".join(f"'{kind}'" for kind, seen in DONE.items() if seen == to)


CAPACITY = " ".join(
    f"when e.kind in ({_kinds(to)}) then '{to}'"
    for to in ("applicant", "desk", "bench", "reviewer")
)

CARDS = (
    QUEUE.replace("$1", "cast(:offices as uuid[])")
    .replace("$2", "cast(:me as uuid)")
    .replace("$3", "'-infinity'")
    .replace("$4", "'00000000-0000-0000-0000-000000000000'::uuid")
    .replace("$5", str(TASKS))
)
"""The officer's queue, the very statement of its own page."""

OWN = f"""
  own as materialized (
    select a.proposal_id as id,
      coalesce(bit_or(a.rights) filter (where a.principal = cast(:me as uuid)), 0) as own,
      coalesce(bit_or(a.rights) filter (where a.principal <> cast(:me as uuid)), 0) as office
    from unnest(cast(:principals as uuid[])) o(id)
    cross join unnest(array[{", ".join(f"'{state}'" for state in OPEN_SHOWN)}]) s(state)
    cross join lateral (
      select x.proposal_id, x.principal, x.rights from access x
      where x.principal = o.id and x.shown_state = s.state
        and (cast(:scope as uuid) is null or x.proposal_id = cast(:scope as uuid))
      order by x.submitted_at desc, x.proposal_id desc limit {EACH}) a
    group by a.proposal_id
  ),
  own_seen as (
    select p.id, p.title, p.title_en, p.number, p.state, p.lead_id, p.form_id, p.call_id,
      o.own, o.office, case p.state {turn.SHOWN_CASE} end as shown, c.zone,
      k.open_n, k.refused_n,
      case p.state {turn.SHOWN_CASE} end = 'in_review'
        and c.reviews_until <= (select now from t) as late,
      case case p.state {turn.SHOWN_CASE} end
        when 'draft' then greatest(c.closes_at, p.due_at)
        when 'consent_pending' then coalesce(k.until, p.consent_until)
        when 'returned' then p.returned_until
        when 'submitted' then n.due
        when 'formal_check' then n.due
        when 'in_review' then case
          when c.reviews_until > (select now from t) then c.reviews_until else c.decides_at end
      end as due
    from own o join proposals p on p.id = o.id join calls c on c.id = p.call_id
    left join lateral (
      select count(*) filter (where t.state in {OPEN}) as open_n,
        count(*) filter (where t.state in ('returned', 'declined')) as refused_n,
        min(greatest(t.until, p.consent_until)) filter (where t.state in {OPEN}) as until
      from participations t
      where t.proposal_id = p.id and t.state <> 'removed' and p.state = 'consent_pending'
    ) k on true
    left join lateral (
      select ((cast(:days as date[]))[
            width_bucket((m.at at time zone c.zone)::date, cast(:days as date[])) + c.check_days]
          + (c.closes_at at time zone c.zone)::time) at time zone c.zone as due
      from moves m
      where m.proposal_id = p.id and m.to_state = 'submitted'
        and p.state in ('submitted', 'formal_check')
      order by m.id desc limit 1
    ) n on true
  ),
  own_facts as (
    select s.*, case
        when s.shown in ('draft', 'returned') then 'lead'
        when s.shown = 'consent_pending' and s.refused_n > 0 then 'lead'
        when s.shown = 'consent_pending' then 'officer'
        when s.shown in ('submitted', 'formal_check') then 'coordinator'
        when s.late then 'approver'
        else 'reviewers'
      end as who
    from own_seen s
  )"""

NAMED = f"""case f.who
      when 'officer' then (
        select jsonb_agg(jsonb_build_object('zh', i.name_zh, 'en', i.name_en) order by o.position, o.id)
        from participations o join institutions i on i.id = o.institution_id
        where o.proposal_id = f.id and o.state in {OPEN})
      when 'lead' then (select jsonb_build_array({turn.named("q")}) from people q where q.id = f.lead_id)
    end"""

MINE = f"""
    select jsonb_agg(jsonb_build_object(
      'proposal', {about("f")}, 'own', f.own, 'office', f.office, 'shown', f.shown,
      'who', f.who, 'names', coalesce({NAMED}, '[]'), 'due', {instant("f.due")},
      'remind', case when f.own & {Right.LEAD:d} <> 0 and f.who = 'officer'
        then {turn.REMIND} -> 'text' end,
      'lead', (
        select {institution("i")} from participations o join institutions i on i.id = o.institution_id
        where o.proposal_id = f.id and o.role = 'lead' and o.state <> 'removed'),
      'written', case when f.own & {WRITERS:d} <> 0 and f.shown in {EDITED} then (
        select jsonb_build_object(
          'now', (select to_jsonb(moment) from (select {MOMENT}) moment),
          'sections', {{sections}},
          'titles', (
            select jsonb_object_agg(e ->> 'id', e -> 'title')
            from jsonb_array_elements(form.document -> 'sections') e),
          'parts', coalesce((
            select jsonb_agg(jsonb_build_object('id', t.id,
                'institution', jsonb_build_object('id', i.id,
                  'name', jsonb_build_object('zh', i.name_zh, 'en', i.name_en)),
                'role', t.role, 'state', {PART_STATE}) order by t.position, t.id)
            from participations t join institutions i on i.id = t.institution_id
            where t.proposal_id = p.id and t.state <> 'removed'), '[]'))
        from proposals p join calls c on c.id = p.call_id join forms form on form.id = p.form_id
        where p.id = f.id) end
    ) order by f.due nulls last, f.id)
    from own_facts f""".replace("{sections}", SECTIONS.replace("f.document", "form.document"))

LOOKED_THROUGH = f"""(case when not cast(:desk as boolean) then 0
      when cast(:standing_in as boolean) then {STOOD_FOR} else {TASKS} end)"""
DESK = f"""
  waiting as materialized ({first_for_desk(LOOKED_THROUGH)}),
  seen as (
    select {SEEN_COLUMNS} from proposals p
    where p.id = any(array(select id from waiting)) and {HANDLED}
  ),
  {FACTS},
  on_desk as (
    select f.id, f.act, f.due, f.codes, f.open_n, f.expired_n, f.asked_n, f.done_n, f.min_reviews,
      f.unanswered_n
    from facts f
    where f.act is not null and not f.progress
      and (not cast(:standing_in as boolean)
        or not exists (select {free("f.id", "'coordinator'")}))
    order by f.due nulls last, f.id limit {TASKS}
  )"""

REVIEWS = f"""
  reviewing as (
    select a.state, a.due_at, r.submitted_at,
      r.recommendation is not null and coalesce(r.for_applicants, '') ~ '\\S'
        and {UNSCORED} = '[]'::jsonb as written
    from assignments a
    join proposals p on p.id = a.proposal_id and p.state = 'peer_review'
    join calls k on k.id = p.call_id
    left join lateral (select * from reviews x where x.assignment_id = a.id offset 0) r on true
    where cast(:scope as uuid) is null and a.reviewer_id = cast(:me as uuid)
      and a.state in ('asked', 'accepted') and a.suspended_at is null and r.submitted_at is null
      and {visible("'reviewer'", "p.id")}
  )"""

# A proposal that nobody can handle is one that ties each who could, so it is among those that tie
# the one with the fewest ties; where nobody could handle any, it is every one.
HOLES = f"""
  holders as (
    select k.kind, array[q.id] || array(
        select home.institution_id from affiliations home
        where home.person_id = q.id and (home.status in ('pending', 'confirmed')
          or (home.status = 'ended' and home.ended_at > now() - interval '3 years'))) as principals
    from (values ('coordinator', 'desk'), ('stand_in', 'desk'), ('approver', 'bench')) k (role, kind)
    cross join lateral (
      select h.person_id from platform_roles h
      where h.role = k.role and h.ended_at is null offset 0) held
    cross join lateral (select q.id, q.status from people q where q.id = held.person_id offset 0) q
    where cast(:administrator as boolean) and q.status = 'active'
  ),
  fewest as materialized (
    select distinct on (h.kind) h.kind, h.principals from holders h
    order by h.kind, (select count(*) from (
      select from access a where a.principal = any(h.principals) limit 5000) a)
  ),
  in_question as materialized (
    select a.proposal_id as id from fewest f
    cross join lateral (
      select x.proposal_id from access x
      where x.principal = any(f.principals) and x.rights & {HIDDEN | Right.EMPLOYER:d} <> 0) a
    union
    (select w.proposal_id from turns w
      where cast(:administrator as boolean) and w.waits <> 'nobody'
        and (select count(*) from fewest) < 2
      order by w.proposal_id limit {TASKS})
  )"""

STATEMENT = f"""
  with t as materialized (select clock_timestamp() as now),
  {OWN},
  {DESK},
  {HOLES},
  {REVIEWS},
  cards as ({CARDS}),
  noted as materialized (
    select m.*, {visible("m.params ->> 'to'", "m.proposal_id")} as visible
    from (
      select * from messages m
      where m.person_id = cast(:me as uuid)
        and (m.hold_until is null or m.hold_until <= (select now from t))
      order by m.id desc limit {LOOKED_AT}) m
  )
  select jsonb_build_object(
    'now', {instant("(select now from t)")},
    'own', coalesce(({MINE}), '[]'),
    'cards', coalesce((
      select jsonb_agg(jsonb_build_object('item', k.body::jsonb, 'scope', k.scope::jsonb,
          'voided', (
            select count(*) from participations o, participations x
            where x.id = k.id and o.proposal_id = x.proposal_id and o.id <> x.id and o.state = 'void'),
          'standing', (
            select count(*) from participations o, participations x
            where x.id = k.id and o.proposal_id = x.proposal_id and o.id <> x.id
              and o.state = 'consented')) order by k.sort::timestamptz, k.id)
      from cards k), '[]'),
    'people', coalesce((
      select jsonb_agg(jsonb_build_object('id', n.id, 'person', n.name, 'institution', n.institution)
        order by n.id)
      from (
        select f.id, q.name, {institution("i")} as institution
        from affiliations f join people q on q.id = f.person_id
        join institutions i on i.id = f.institution_id
        where f.status = 'pending' and f.institution_id = any(cast(:offices as uuid[]))
        order by f.id limit {TASKS}) n), '[]'),
    'pending', coalesce((
      select jsonb_agg({institution("i")} order by f.id)
      from affiliations f join institutions i on i.id = f.institution_id
      where f.person_id = cast(:me as uuid) and f.status = 'pending'), '[]'),
    'desk', coalesce((
      select jsonb_agg(jsonb_build_object('proposal', {about("p")}, 'act', d.act,
          'due', {instant("d.due")}, 'params', jsonb_strip_nulls(jsonb_build_object(
            'expired', nullif(d.expired_n, 0), 'unanswered', nullif(d.unanswered_n, 0),
            'assigned', d.asked_n, 'done', d.done_n, 'of', d.min_reviews)))
        order by d.due nulls last, d.id)
      from on_desk d join proposals p on p.id = d.id), '[]'),
    'nameless', coalesce((
      select jsonb_agg(jsonb_build_object('zh', i.name_zh, 'en', i.name_en)
        order by i.sort_key collate "C", i.id)
      from institutions i
      where cast(:desk as boolean) and i.standing <> 'observer' and not exists (
        select from officers u where u.institution_id = i.id and u.ended_at is null)), '[]'),
    'asked', (select jsonb_build_object('n', count(*), 'due', {instant("min(r.due_at)")})
      from reviewing r where r.state = 'asked'),
    'reviewing', (
      select jsonb_build_object('n', count(*), 'written', count(*) filter (where r.written),
        'due', {instant("min(r.due_at)")})
      from reviewing r where r.state = 'accepted'),
    'sign', coalesce((
      select jsonb_agg(jsonb_build_object('proposal', {about("p")}, 'due', {instant("s.due")})
        order by s.due, p.id)
      from (
        select d.proposal_id, d.due from turns d
        where cast(:bench as boolean) and d.state = 'decision_pending' and d.waits = 'others'
          and d.who = 'approver' and d.signer_id <> cast(:me as uuid)
          and {visible("'bench'", "d.proposal_id")}
        order by d.due, d.proposal_id limit {TASKS}) s
      join proposals p on p.id = s.proposal_id), '[]'),
    'holes', coalesce((
      select jsonb_agg(jsonb_build_object('number', h.number, 'missing', h.missing,
          'institutions', (
            select jsonb_agg(jsonb_build_object('zh', i.name_zh, 'en', i.name_en)
              order by o.position, o.id)
            from participations o join institutions i on i.id = o.institution_id
            where o.proposal_id = h.id and o.state <> 'removed')) order by h.id)
      from (
        select * from (select p.id, p.number, array_remove(array[
          case when not exists (select {free("p.id", "'coordinator', 'stand_in'")})
            then 'coordinator' end,
          case when not exists (select {free("p.id", "'approver'")}) then 'approver' end
        ], null) as missing
        from proposals p
        where p.id in (select id from in_question) and p.submitted_at is not null
          and p.state not in ({FINAL}, 'draft')) x
        where x.missing <> '{{}}' order by x.id limit {TASKS}) h), '[]'),
    'done', coalesce((
      select jsonb_agg(jsonb_build_object('at', {instant("d.at")}, 'code', d.kind,
          'params', jsonb_strip_nulls(jsonb_build_object(
            'institution', (
              select jsonb_build_object('zh', i.name_zh, 'en', i.name_en)
              from participations o join institutions i on i.id = o.institution_id
              where o.id = d.subject_id),
            'version', d.data -> 'version')),
          'proposal', {about("p")}) order by d.id desc)
      from (
        select e.* from events e
        where e.actor_id = cast(:me as uuid) and e.at > (select now from t) - interval '{DAYS} days'
          and e.kind in ({", ".join(f"'{kind}'" for kind in DONE)})
          and {visible(f"case {CAPACITY} end", "e.proposal_id")}
        order by e.id desc limit {DONE_LATELY}) d
      join proposals p on p.id = d.proposal_id), '[]'),
    'unread', (select count(*) from noted n where n.visible and n.read_at is null),
    'messages', coalesce((
      select jsonb_agg(jsonb_build_object('id', n.id, 'at', {instant("n.created_at")},
          'template', n.template, 'read', n.read_at is not null,
          'params', n.params || jsonb_strip_nulls(jsonb_build_object(
            'institution', (
              select jsonb_build_object('zh', i.name_zh, 'en', i.name_en) from institutions i
              where i.id = coalesce(n.params ->> 'institution_id', n.params ->> 'institution')::uuid),
            'person', (
              select q.name from people q where q.id = (n.params ->> 'person_id')::uuid))),
          'proposal', (select {about("p")} from proposals p where p.id = n.proposal_id)
        ) order by n.id desc)
      from (select * from noted v where v.visible order by v.id desc limit {MESSAGES}) n), '[]')
  )::text
"""

FACTS_OF = Read(text(STATEMENT))
