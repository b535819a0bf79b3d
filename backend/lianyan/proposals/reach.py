"""Which proposals a change reaches beyond its own: those whose `access` rows it may alter.

Wider than need be does no harm, for rows that are right already stay as they are.
"""

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

AROUND = text("""
  with ever as (
    select p.lead_id as person_id from proposals p where p.id = :proposal
    union
    select m.person_id from members m where m.proposal_id = :proposal
  )
  select m.proposal_id from ever e join members m on m.person_id = e.person_id
  union
  select p.id from ever e join proposals p on p.lead_id = e.person_id
  union
  select cast(:proposal as uuid)
""")
"""A proposal and all others of anybody who is, or was, in its team: what shared projects tie."""

OF_PERSON = text("""
  with own as (
    select p.id from proposals p where p.lead_id = :person
    union
    select m.proposal_id from members m where m.person_id = :person
  ),
  fellows as (
    select p.lead_id as person_id from own o join proposals p on p.id = o.id
    union
    select m.person_id from own o join members m on m.proposal_id = o.id
  ),
  domain as (
    select split_part(lower(q.email), '@', 2) as name from people q
    where q.id = :person and q.email is not null and not exists (
      select from institution_domains d
      where split_part(lower(q.email), '@', 2) = d.domain
         or split_part(lower(q.email), '@', 2) like '%.' || d.domain)
  ),
  near as (
    select q.id as person_id from domain d
    join people q on split_part(lower(q.email), '@', 2) = d.name
    where d.name <> all(cast(:providers as text[]))
    union
    select q.id from people o join people q on lower(q.email) = lower(o.email) where o.id = :person
    union
    select person_id from fellows
  )
  select a.proposal_id from access a where a.principal = :person
  union
  select t.proposal_id from ties t where t.person_id = :person
  union
  select m.proposal_id from near n join members m on m.person_id = n.person_id
  union
  select p.id from near n join proposals p on p.lead_id = n.person_id
  union
  select i.proposal_id from invitations i
  where i.state = 'sent' and i.email is not null and exists (
    select from people o where o.id = :person
      and split_part(lower(i.email), '@', 2) = split_part(lower(o.email), '@', 2))
""").bindparams(bindparam("providers", type_=ARRAY(TEXT)))
"""The proposals in which a person's conflicts, or those with the person's address, may count."""

OF_DOMAINS = text("""
  with near as (
    select q.id as person_id from people q, unnest(cast(:domains as text[])) d(name)
    where split_part(lower(q.email), '@', 2) = d.name
       or split_part(lower(q.email), '@', 2) like '%.' || d.name
  )
  select m.proposal_id from near n join members m on m.person_id = n.person_id
  union
  select p.id from near n join proposals p on p.lead_id = n.person_id
  union
  select i.proposal_id from invitations i, unnest(cast(:domains as text[])) d(name)
  where i.state = 'sent' and (split_part(lower(i.email), '@', 2) = d.name
    or split_part(lower(i.email), '@', 2) like '%.' || d.name)
""").bindparams(bindparam("domains", type_=ARRAY(TEXT)))
"""The proposals with an address below one of these mail domains."""

OVER = text("""
  select m.proposal_id from projects j
  join members s on s.proposal_id = j.proposal_id
  join members m on m.person_id = s.person_id
  where j.ends_on <= current_date - make_interval(years => :years)
    and j.ends_on > current_date - make_interval(years => :years, days => :days)
""")
"""The proposals of the people of projects whose time as a tie has ended within so many days."""
