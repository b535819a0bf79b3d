"""What follows from the copied rows and is made by the database: moves, sections, events, access."""

import re
from typing import Any

from lianyan.demo.scale.plan import COORDINATOR, Plan
from lianyan.institutions.domains import providers
from lianyan.proposals import kept
from lianyan.proposals.access import EXPECTED, GONE, HANDLERS, LOOK_BACK_YEARS, SHARED
from lianyan.proposals.rights import Right
from lianyan.proposals.states import Move, State
from lianyan.proposals.turn import workdays

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


SHARED_OF_ALL = f"""
      with team as materialized (
        select p.id, p.lead_id as person_id from proposals p
        union select m.proposal_id, m.person_id from members m where m.removed_at is null
      )
      select m.id, r.person_id, 'shared_project'
      from team r
      join team s on s.id = r.id and s.person_id <> r.person_id
      join team m on m.person_id = s.person_id and m.id <> s.id
      join proposals o on o.id = s.id
      left join projects j on j.proposal_id = o.id
      where r.person_id = any(:people) and o.state not in ({GONE})
        and (j.id is null or j.ends_on > current_date - make_interval(years => :years))"""
"""The same the other way round, from those who matter: what is right for all at once."""
_OF_SOME = re.compile(r"\b[a-z]+\.(?:proposal_id|id) = any\(:ids\)")


async def derived(connection: Any) -> int:
    """Make the rows of access and of turns of everything; return how many.

    They are the very statements that `access.refresh` and `kept.refresh` run, without their choice
    of proposals.
    """
    whose = _OF_SOME.sub("true", kept.EXPECTED).replace("cast(:days as date[])", "$1::date[]")
    await connection.execute(
        f"create temp table told on commit drop as {whose.replace(':me', 'null')}", workdays()
    )
    await connection.execute("analyze told")
    rights = _OF_SOME.sub("true", EXPECTED.replace(SHARED, f"({SHARED_OF_ALL})"))
    rights = re.sub(r"= any\(:people\)", f"in ({HANDLERS})", rights)
    rights = rights.replace(":providers", "$1::text[]").replace(":years", "$2::int")
    seen = await connection.execute(
        f"""insert into access (proposal_id, principal, rights, shown_state, submitted_at, due)
          select e.*, case when e.rights & {Right.EMPLOYER:d} <> 0 then k.apart end
          from ({rights}) e left join told k on k.proposal_id = e.proposal_id""",
        sorted(providers()),
        LOOK_BACK_YEARS,
    )
    waiting = await connection.execute(
        f"""insert into turns ({", ".join(kept.COLUMNS)})
          select {", ".join(f"k.{name}" for name in kept.COLUMNS[:-1])}, coalesce(b.barred, '{{}}')
          from told k left join (
            select proposal_id, array_agg(principal order by principal) as barred from access
            where rights & {kept.BARS:d} <> 0 group by proposal_id) b on b.proposal_id = k.proposal_id"""
    )
    return int(waiting.split()[-1]) + int(seen.split()[-1])
