"""The list of one's own proposals: newest of each own principal, merged; one statement."""

from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from sqlalchemy import Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from lianyan.core.actor import Actor, Reading
from lianyan.core.paging import to_cursor
from lianyan.core.problems import invalid
from lianyan.core.reads import Read
from lianyan.core.shapes import shaped
from lianyan.core.text import TextError, code, line
from lianyan.proposals.deadlines import SUBMISSION_UNTIL
from lianyan.proposals.queries.cursors import cursor
from lianyan.proposals.queries.shaping import institution, lead_institution, shown, utc
from lianyan.proposals.schemas.mine import ProposalPage
from lianyan.proposals.states import SHOWN

STATES = sorted(set(SHOWN.values()))
QUERY_LONGEST = 100
FIRST = ("infinity", str(UUID(int=2**128 - 1)))
"""The cursor before the first row: drafts stand at infinity."""

WAITS = "('consented', 'removed')"

DEADLINE = f"""
  case p.state
    when 'draft' then jsonb_build_object('kind', 'submit', 'at', {utc(SUBMISSION_UNTIL)},
      'reason', case when p.due_at > c.closes_at then 'proposals.deadline_extended'
        else 'proposals.deadline_call' end)
    when 'consent_pending' then jsonb_build_object('kind', 'consent',
      'at', {utc("p.consent_until")}, 'reason', 'proposals.deadline_consent')
    when 'returned' then case when p.returned_until is not null then
      jsonb_build_object('kind', 'resubmit', 'at', {utc("p.returned_until")},
        'reason', 'proposals.deadline_returned') end
    when 'peer_review' then jsonb_build_object('kind', 'decide', 'at', {utc("c.decides_at")})
    when 'decision_pending' then jsonb_build_object('kind', 'decide', 'at', {utc("c.decides_at")})
  end
"""

LEADS = "case when p.lead_id = :person then 'you' else 'lead' end"

WAITING = f"""
  case {shown("p.state")}
    when 'draft' then jsonb_build_object('who', {LEADS})
    when 'returned' then jsonb_build_object('who', {LEADS})
    when 'consent_pending' then jsonb_build_object(
      'who', case when exists (select from participations t where t.proposal_id = p.id
        and t.institution_id = any(:offices) and t.state not in {WAITS}) then 'you'
        else 'officer' end,
      'names', coalesce((
        select jsonb_agg(jsonb_build_object('zh', i.name_zh, 'en', i.name_en) order by t.position)
        from participations t join institutions i on i.id = t.institution_id
        where t.proposal_id = p.id and t.state not in {WAITS}), '[]'))
    when 'submitted' then jsonb_build_object('who', 'coordinator')
    when 'formal_check' then jsonb_build_object('who', 'coordinator')
    when 'in_review' then jsonb_build_object('who', 'reviewers')
  end
"""

ROW = f"""
  jsonb_build_object(
    'id', p.id, 'number', p.number, 'title', p.title, 'title_en', p.title_en,
    'shown', {shown("p.state")}, 'sectors', to_jsonb(p.sectors),
    'lead', {lead_institution("p")},
    'partners', coalesce((select jsonb_agg({institution("i")} order by t.position)
      from participations t join institutions i on i.id = t.institution_id
      where t.proposal_id = p.id and t.state <> 'removed' and t.role <> 'lead'), '[]'),
    'my_role', case when p.lead_id = :person then 'lead'
      when exists (select from members m where m.proposal_id = p.id and m.person_id = :person
        and m.removed_at is null) then 'member' else 'officer' end,
    'deadline', {DEADLINE}, 'waiting_for', {WAITING}, 'submitted_at', {utc("p.submitted_at")})
"""

MATCH = """
  join proposals q on q.id = a.proposal_id and position(:q in lower(normalize(
    q.title || ' ' || q.title_en || ' ' || coalesce(q.number, ''), NFKC))) > 0
"""
"""The query is part of the title or the number; nothing in it is a pattern."""


@cache
def _statement(*, matched: bool) -> Read:
    """Return the read for a list with or without a query; states and principals are values."""
    binds: list[Any] = [
        bindparam("person", type_=Uuid),
        bindparam("offices", type_=ARRAY(Uuid)),
        bindparam("principals", type_=ARRAY(Uuid)),
        bindparam("states", type_=ARRAY(Text)),
        bindparam("scope", type_=Uuid),
        bindparam("at", type_=Text),
        bindparam("last", type_=Uuid),
        bindparam("limit", type_=Integer),
    ]
    if matched:
        binds.append(bindparam("q", type_=Text))
    return Read(
        text(f"""
          select {ROW}::text as body, found.submitted_at::text as at, p.id
          from (
            select distinct a.proposal_id, a.submitted_at
            from unnest(:principals) own(id) cross join unnest(:states) seen(state)
            cross join lateral (
              select a.proposal_id, a.submitted_at from access a {MATCH if matched else ""}
              where a.principal = own.id and a.shown_state = seen.state
                and (a.submitted_at, a.proposal_id) < (cast(:at as timestamptz), :last)
                and (:scope is null or a.proposal_id = :scope)
              order by a.submitted_at desc, a.proposal_id desc limit :limit) a
            order by a.submitted_at desc, a.proposal_id desc limit :limit) found
          join proposals p on p.id = found.proposal_id
          join calls c on c.id = p.call_id
          order by found.submitted_at desc, p.id desc
        """).bindparams(*binds)
    )


async def page(
    reading: Reading,
    *,
    shown: str | None,
    q: str | None,
    role: str | None,
    limit: int,
    after: str | None,
) -> Response[ProposalPage]:
    """Return one page of the proposals that the reader, or an institution of theirs, takes part in."""
    actor = reading.actor
    if shown is not None and shown not in STATES:
        raise invalid("shown", "problems.bad_choice")
    query = _query(q)
    at, last = cursor(after, FIRST)
    values: dict[str, Any] = {"q": query} if query else {}
    rows = await _statement(matched=bool(query)).rows(
        reading.connection,
        person=actor.id,
        offices=list(actor.offices),
        principals=_principals(actor, role),
        states=[shown] if shown else STATES,
        scope=actor.scope,
        at=at,
        last=last,
        limit=limit + 1,
        **values,
    )
    items = ",".join(row["body"] for row in rows[:limit])
    more = to_cursor(rows[limit - 1]["at"], str(rows[limit - 1]["id"])) if rows[limit:] else None
    following = msgspec.json.encode(more).decode()
    return shaped(ProposalPage, f'{{"items":[{items}],"next":{following}}}')


def _principals(actor: Actor, role: str | None) -> list[UUID]:
    if role == "mine":
        return [actor.id]
    if role == "institution":
        return list(actor.offices)
    return actor.principals


def _query(q: str | None) -> str:
    if not q:
        return ""
    try:
        return code(line(q, blank=True, longest=QUERY_LONGEST))
    except TextError as error:
        raise invalid("q", error.code, **error.params) from None
