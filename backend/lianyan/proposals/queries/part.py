"""The SQL of one institution's part, as the detail and the officer's page show it."""

from lianyan.proposals.deadlines import CONSENT_UNTIL, PART_STATE
from lianyan.proposals.material import SCOPE, changes
from lianyan.proposals.queries.shaping import also_member, institution, lines_of, people_of, utc

PART = f"""
  jsonb_build_object(
    'id', t.id, 'rev', t.rev, 'institution', {institution("i")}, 'role', t.role,
    'state', {PART_STATE}, 'until', {utc(CONSENT_UNTIL)},
    'task', t.task, 'special_terms', t.special_terms, 'contributions', {lines_of("t")},
    'answered_at', {utc("t.answered_at")},
    'answered_by', (select w.name from people w where w.id = t.answered_by),
    'version', (select v.number from versions v where v.id = t.version_id),
    'comments', t.comments,
    'void', case when t.state = 'void' then jsonb_build_object(
      'at', {utc("t.void_at")}, 'by', (select w.name from people w where w.id = t.void_by),
      'fields', to_jsonb(coalesce(t.void_fields, '{{}}')),
      'changes', {changes("ended.before", "ended.after")}) end,
    'people', {people_of("t")},
    'officer', exists (select from officers o
      where o.institution_id = t.institution_id and o.ended_at is null),
    'also_member', {also_member("t")},
    'scope_hash8', left(encode(t.scope_hash, 'hex'), 8))
"""
"""Participation `t` of institution `i` in proposal `p`; needs `ENDED` joined."""

ENDED = f"""
  left join lateral (
    select k.scope as before, {SCOPE} as after from consents k
    where k.participation_id = t.id and t.state = 'void' order by k.id desc limit 1
  ) ended on true
"""
"""What was last confirmed and what stands now; read only where a confirmation has ended."""
