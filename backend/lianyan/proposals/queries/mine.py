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
from lianyan.proposals.queries.lines import written
from lianyan.proposals.queries.shaping import utc
from lianyan.proposals.rights import Right
from lianyan.proposals.schemas.mine import ProposalPage
from lianyan.proposals.states import SHOWN, State

STATES = sorted(set(SHOWN.values()))
QUERY_LONGEST = 100
FIRST = ("infinity", str(UUID(int=2**128 - 1)))
"""The cursor before the first row: drafts stand at infinity."""

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
"""The one date that counts for the applicants of proposal `p`, as the ledger shows it."""

ROW = f"""
  p.id, p.number, p.title, p.title_en, p.state, p.sectors, p.parties, p.submitted_at,
  found.submitted_at::text as at,
  case p.state when 'draft' then {SUBMISSION_UNTIL} when 'consent_pending' then p.consent_until
    when 'returned' then p.returned_until when 'peer_review' then c.decides_at
    when 'decision_pending' then c.decides_at end as due,
  coalesce(p.due_at > c.closes_at, false) as extended,
  case when p.lead_id = :person then 'lead' when {{member}} then 'member' else 'officer' end as my_role,
  case when p.state = 'consent_pending' then unconfirmed_parts(p.id)::text end as waited
"""
MEMBER = f"found.rights & {Right.TEAM:d} <> 0"
MEMBER_APART = """
    exists (select from members m where m.proposal_id = p.id and m.person_id = :person and m.removed_at is null)
"""
"""Where the list is of the institutions alone, the rows found do not say what the person is."""

MATCH = """
  join proposals q on q.id = a.proposal_id and position(:q in lower(normalize(
    q.title || ' ' || q.title_en || ' ' || coalesce(q.number, ''), NFKC))) > 0
"""
"""The query is part of the title or the number; nothing in it is a pattern."""


@cache
def _statement(
    *, matched: bool, shown: bool = False, scope: bool = False, apart: bool = False
) -> Read:
    """Return the read for a list with or without a query, of one state or of all, of one proposal.

    Each own principal has its newest rows from an index, so that a page costs what it shows.
    """
    binds: list[Any] = [
        bindparam("person", type_=Uuid),
        bindparam("principals", type_=ARRAY(Uuid)),
        bindparam("at", type_=Text),
        bindparam("last", type_=Uuid),
        bindparam("limit", type_=Integer),
    ]
    if matched:
        binds.append(bindparam("q", type_=Text))
    if shown:
        binds.append(bindparam("shown", type_=Text))
    if scope:
        binds.append(bindparam("scope", type_=Uuid))
    state = "a.shown_state = :shown" if shown else "a.shown_state is not null"
    return Read(
        text(f"""
          select {ROW.format(member=MEMBER_APART if apart else MEMBER)}
          from (
            select a.proposal_id, a.submitted_at, bit_or(a.rights) as rights
            from unnest(:principals) own(id) cross join lateral (
              select a.proposal_id, a.submitted_at, a.rights from access a {MATCH if matched else ""}
              where a.principal = own.id and {state}
                and (a.submitted_at, a.proposal_id) < (cast(:at as timestamptz), :last)
                {"and a.proposal_id = :scope" if scope else ""}
              order by a.submitted_at desc, a.proposal_id desc limit :limit) a
            group by a.proposal_id, a.submitted_at
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
    if shown:
        values["shown"] = shown
    if actor.scope is not None:
        values["scope"] = actor.scope
    principals = _principals(actor, role)
    read = _statement(matched=bool(query), shown=shown is not None, scope=actor.scope is not None)
    rows = await read.rows(
        reading.connection,
        person=actor.id,
        principals=principals,
        at=at,
        last=last,
        limit=limit + 1,
        **values,
    )
    items = b",".join(_line(row, actor) for row in rows[:limit])
    more = to_cursor(rows[limit - 1]["at"], str(rows[limit - 1]["id"])) if rows[limit:] else None
    following = msgspec.json.encode(more)
    return shaped(ProposalPage, b'{"items":[' + items + b'],"next":' + following + b"}")


KINDS = {
    State.DRAFT: "submit",
    State.CONSENT_PENDING: "consent",
    State.RETURNED: "resubmit",
    State.PEER_REVIEW: "decide",
    State.DECISION_PENDING: "decide",
}
WAITS = {"submitted": "coordinator", "formal_check": "coordinator", "in_review": "reviewers"}


def _line(row: Any, actor: Actor) -> bytes:
    """Return one row as JSON."""
    state = State(row["state"])
    found = {
        "id": str(row["id"]),
        "number": row["number"],
        "title": row["title"],
        "title_en": row["title_en"],
        "shown": SHOWN[state],
        "sectors": row["sectors"],
        "my_role": row["my_role"],
        "deadline": _deadline(row, state),
        "waiting_for": _waiting(row, state, actor),
        "submitted_at": written(row["submitted_at"]) if row["submitted_at"] else None,
    }
    # The institutions' part is stored as JSON: it is set in as it is.
    parties: str = row["parties"]
    return msgspec.json.encode(found)[:-1] + b"," + parties.encode()[1:]


def _deadline(row: Any, state: State) -> dict[str, Any] | None:
    """Return the one date that counts, and why it is that one."""
    kind = KINDS.get(state)
    if kind is None or row["due"] is None:
        return None
    found = {"kind": kind, "at": written(row["due"])}
    if state is State.DRAFT:
        why = "extended" if row["extended"] else "call"
    elif kind == "decide":
        return found
    else:
        why = "consent" if kind == "consent" else "returned"
    return {**found, "reason": f"proposals.deadline_{why}"}


def _waiting(row: Any, state: State, actor: Actor) -> dict[str, Any] | None:
    """Return whom the proposal waits for, as its own people may know it."""
    if state in {State.DRAFT, State.RETURNED}:
        return {"who": "you" if row["my_role"] == "lead" else "lead"}
    if state is State.CONSENT_PENDING:
        named = msgspec.json.decode(row["waited"] or "[]")
        offices = {str(office) for office in actor.offices}
        own = any(one["id"] in offices for one in named)
        names = [{"zh": one["zh"], "en": one["en"]} for one in named]
        return {"who": "you" if own else "officer", "names": names}
    who = WAITS.get(SHOWN[state])
    return {"who": who} if who else None


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
