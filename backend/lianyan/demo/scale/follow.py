"""What follows from the copied rows and is made by the database: moves, sections, events, access."""

import re
from typing import Any

from lianyan.demo.scale.plan import COORDINATOR, Plan
from lianyan.institutions.domains import providers
from lianyan.proposals.access import EXPECTED, HANDLERS, LOOK_BACK_YEARS
from lianyan.proposals.states import Move, State

M, S = Move, State

_TRUNK = [
    (M.SUBMIT, S.DRAFT, S.CONSENT_PENDING), (M.COMPLETE, S.CONSENT_PENDING, S.SUBMITTED),
    (M.START_CHECK, S.SUBMITTED, S.FORMAL_CHECK), (M.PASS, S.FORMAL_CHECK, S.PEER_REVIEW),
    (M.FINISH, S.PEER_REVIEW, S.DECISION_PENDING), (M.APPROVE, S.DECISION_PENDING, S.APPROVED),
]  # fmt: skip
PATHS: dict[State, list[tuple[Move, State, State]]] = {
    **{step[2]: _TRUNK[:n] for n, step in enumerate(_TRUNK, start=1)},
    S.RETURNED: [*_TRUNK[:3], (M.RETURN, S.FORMAL_CHECK, S.RETURNED)],
    S.NOT_ACCEPTED: [*_TRUNK[:3], (M.REFUSE, S.FORMAL_CHECK, S.NOT_ACCEPTED)],
    S.WITHDRAWN: [*_TRUNK[:2], (M.WITHDRAW, S.SUBMITTED, S.WITHDRAWN)],
    S.REJECTED: [*_TRUNK[:5], (M.REJECT, S.DECISION_PENDING, S.REJECTED)],
}
"""State -> the moves that lead there, seven minutes apart."""
WHO = {
    **dict.fromkeys((M.START_CHECK, M.PASS, M.RETURN, M.REFUSE, M.FINISH), "desk"),
    **dict.fromkeys((M.SUBMIT, M.WITHDRAW), "lead"),
}

_STEPS = ", ".join(
    f"('{state}', {n}, '{move}', '{left}', '{entered}', '{WHO.get(move, '')}')"
    for state, path in PATHS.items()
    for n, (move, left, entered) in enumerate(path)
)
MOVES = f"""
  insert into moves (proposal_id, move, from_state, to_state, actor_id, at, version_id)
  select p.id, s.move, s.gone, s.entered, case s.who when 'desk' then $1 when 'lead' then p.lead_id end,
    p.submitted_at + s.n * interval '7 minutes', p.version_id
  from proposals p join (values {_STEPS}) s (state, n, move, gone, entered, who) on s.state = p.state
  order by p.id, s.n
"""
SECTIONS = """
  insert into sections (proposal_id, section, rev, saved_by, saved_at)
  select p.id, s, 2, p.lead_id, p.created_at
  from proposals p cross join unnest($1::text[]) s order by p.id, s
"""
EVENTS = """
  insert into events (at, kind, actor_id, subject_id, proposal_id, data)
  select at, kind, actor_id, subject_id, proposal_id, data from (
    select p.created_at as at, 'proposal.drafted' as kind, p.lead_id as actor_id, p.id as subject_id,
      p.id as proposal_id, '{}'::jsonb as data
    from proposals p
    union all
    select m.at, 'proposal.' || m.move, m.actor_id, m.proposal_id, m.proposal_id,
      jsonb_build_object('before', m.from_state, 'after', m.to_state)
    from moves m where m.move in ('submit', 'pass')
    union all
    select d.drafted_at, 'decision.released', null, d.id, d.proposal_id, '{}'
    from decisions d where d.state = 'released'
  ) e order by at, subject_id, kind
"""


async def follow(connection: Any, plan: Plan, sections: list[str]) -> int:
    """Write what follows from what is there; return how many rows."""
    desk = plan.id("people", COORDINATOR)
    made = 0
    for sql, *values in ((MOVES, desk), (SECTIONS, sections), (EVENTS,)):
        done = await connection.execute(sql, *values)
        made += int(done.split()[-1])
    return made


async def related(connection: Any) -> int:
    """Make the access rows of everything; return how many.

    It is the very statement that `access.refresh` runs, without its choice of proposals.
    """
    handlers = str(HANDLERS)
    everything = re.sub(r"\b[a-z]+\.(?:proposal_id|id) = any\(:ids\)", "true", EXPECTED)
    everything = re.sub(r"= any\(:people\)", f"in ({handlers})", everything)
    everything = everything.replace(":providers", "$1::text[]").replace(":years", "$2::int")
    done = await connection.execute(
        f"insert into access (proposal_id, principal, rights, shown_state, submitted_at) {everything}",
        sorted(providers()),
        LOOK_BACK_YEARS,
    )
    return int(done.split()[-1])
