"""What somebody may do to a proposal at this moment: the policy's table and the state's, together."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.clock import Arrival, came
from lianyan.core.policy import ALLOWED, Role
from lianyan.proposals.deadlines import EXPIRED, SUBMISSION_UNTIL
from lianyan.proposals.states import EDITABLE, MOVES, Move, State

OWN_MOVES = (
    Move.SUBMIT,
    Move.RESUBMIT,
    Move.TAKE_BACK,
    Move.WITHDRAW,
    Move.WITHDRAW_BY_INSTITUTION,
)
"""The moves that applicants and their institutions make."""

CONFIRMABLE = {State.DRAFT, State.CONSENT_PENDING, State.RETURNED}
"""States in which an officer may answer: early in a draft, and again after an edit."""


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """What decides, beside roles and state, what may be done at this moment."""

    at: datetime
    submit_until: datetime
    consent_until: datetime | None = None
    """The latest date of the proposal's confirmations, extensions of single parts included."""
    returned_until: datetime | None = None
    reopened: bool = False
    """An officer's no or an expired part lets the lead edit while others confirm."""
    checked: bool = False
    """The checker has saved an answer."""
    submitted: bool = False
    """It has been submitted once."""
    officered: bool = True
    """The lead institution has an officer, who alone withdraws for it."""


def editable(roles: Role, state: State, now: Now) -> bool:
    """Say whether a holder of `roles` may change the content."""
    if state in EDITABLE:
        return bool(roles & (Role.LEAD | Role.TEAM))
    if state is not State.CONSENT_PENDING or Role.LEAD not in roles or not now.reopened:
        return False
    return now.consent_until is None or now.at <= now.consent_until


def in_time(move: Move, now: Now) -> bool:
    """Say whether the door of `move` is still open."""
    if move in {Move.SUBMIT, Move.TAKE_BACK} and now.at > now.submit_until:
        return False
    if move is Move.TAKE_BACK and now.checked:
        return False
    late = now.returned_until is not None and now.at > now.returned_until
    return not (move is Move.RESUBMIT and late)


def _makers(move: Move, now: Now) -> Role:
    """Return who makes a move of the applicants' own: the coordinator only in a missing officer's place."""
    if move is Move.WITHDRAW_BY_INSTITUTION and now.officered:
        return Role.LEAD_OFFICER
    return ALLOWED[f"proposal.{move}"]


def can(roles: Role, state: State, now: Now) -> list[str]:
    """Return the names of the actions that a holder of `roles` may do now."""
    found = []
    edits = editable(roles, state, now)
    if edits:
        found.append("proposal.edit")
    # Past the date, taking out who has declined or expired is still the lead's way on.
    stuck = state is State.CONSENT_PENDING and now.reopened
    if (edits or stuck) and roles & ALLOWED["proposal.arrange"]:
        found.append("proposal.arrange")
    if state in CONFIRMABLE and roles & ALLOWED["team.arrange"]:
        found.append("team.arrange")
    found += [
        f"proposal.{move}"
        for move in OWN_MOVES
        if (state, move) in MOVES and roles & _makers(move, now) and in_time(move, now)
    ]
    if state is State.DRAFT and not now.submitted and roles & ALLOWED["proposal.delete"]:
        found.append("proposal.delete")
    if state in CONFIRMABLE and Role.OFFICER in roles:
        found += ["participation.confirm", "participation.return", "participation.decline"]
    return found


MOMENT = f"""
  clock_timestamp() as at, {SUBMISSION_UNTIL} as submit_until, p.returned_until,
  (select max(greatest(p.consent_until, t.until)) from participations t
    where t.proposal_id = p.id and t.state <> 'removed') as consent_until,
  (p.reopened or exists (select from participations t where t.proposal_id = p.id
    and (t.state in ('returned', 'declined') or {EXPIRED}))) as reopened,
  exists (select from check_answers k where k.proposal_id = p.id) as checked,
  p.submitted_at is not null as submitted,
  exists (select from participations t join officers o on o.institution_id = t.institution_id
    where t.proposal_id = p.id and t.role = 'lead' and t.state <> 'removed'
      and o.ended_at is null) as officered
"""
"""Columns of `Now` for proposal `p` of call `c`."""

_MOMENT = text(f"""
  select {MOMENT} from proposals p join calls c on c.id = p.call_id where p.id = :proposal
""")


async def moment(session: AsyncSession, proposal_id: UUID, arrival: Arrival | None = None) -> Now:
    """Return what decides now: the database's clock, less what the request has waited here."""
    await session.flush()
    arrival = arrival or came(session)
    row = (await session.execute(_MOMENT, {"proposal": proposal_id})).one()
    now = Now(**row._mapping)  # noqa: SLF001  the public name of a row's mapping
    return msgspec.structs.replace(now, at=now.at - arrival.waited()) if arrival else now
