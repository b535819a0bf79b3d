"""The moves as a table: complete, reachable, and with a way on from every state."""

import pytest

from lianyan.core.policy import ALLOWED, Role
from lianyan.proposals.states import (
    BEFORE,
    MOVES,
    NEXT,
    PARTICIPATION_MOVES,
    SHOWN,
    STAGES,
    Move,
    Participation,
    State,
    before_state,
    moves_from,
    next_state,
)

ALL = list(STAGES)
SYSTEM = {Move.COMPLETE, Move.START_CHECK, Move.APPROVE, Move.REJECT}
FINAL = {State.APPROVED, State.REJECTED}


def test_every_move_by_a_person_has_a_row_in_the_policy():
    assert {f"proposal.{m}" for m in Move if m not in SYSTEM} <= set(ALLOWED)


def test_every_state_can_be_reached():
    reached = {State.DRAFT, State.APPROVED}
    reached |= {t for t in MOVES.values() if isinstance(t, State)}
    reached |= {next_state(s, ALL) for (s, _), t in MOVES.items() if t == NEXT}
    assert reached == set(State)


def test_every_state_is_shown_somehow():
    assert set(SHOWN) == set(State)
    assert SHOWN[State.PEER_REVIEW] == SHOWN[State.DECISION_PENDING]


@pytest.mark.parametrize("state", [s for s in State if s not in FINAL])
def test_every_state_that_is_not_final_has_a_way_on(state):
    assert moves_from(state)


def test_c03_whoever_is_waited_for_has_a_way_on():
    staff = {State.SUBMITTED: Move.START_CHECK, State.FORMAL_CHECK: Move.PASS, State.PEER_REVIEW: Move.FINISH,
             State.DECISION_PENDING: Move.REOPEN, State.RETURNED: Move.REFUSE, State.WITHDRAWN: Move.RESTORE,
             State.CONSENT_PENDING: Move.REFUSE, State.NOT_ACCEPTED: Move.UNDO}  # fmt: skip
    for state, move in staff.items():
        assert (state, move) in MOVES
    lead = {
        State.DRAFT: Move.SUBMIT,
        State.RETURNED: Move.RESUBMIT,
        State.CONSENT_PENDING: Move.TAKE_BACK,
    }
    for state, move in lead.items():
        assert (state, move) in MOVES
        assert ALLOWED[f"proposal.{move}"] & Role.LEAD


def test_next_is_the_first_later_stage_that_is_on():
    assert next_state(State.DRAFT, ALL) == State.CONSENT_PENDING
    assert next_state(State.DRAFT, ["submit", "check", "review", "approval"]) == State.SUBMITTED
    assert next_state(State.FORMAL_CHECK, ["submit", "check", "approval"]) == State.DECISION_PENDING
    assert next_state(State.FORMAL_CHECK, ["submit", "check"]) == State.APPROVED
    assert next_state(State.RETURNED, ALL) == State.CONSENT_PENDING
    assert next_state(State.DECISION_PENDING, ALL) == State.APPROVED


def test_before_is_the_state_left_by_the_latest_move_into_this_one():
    s = State
    moves = [
        (Move.SUBMIT, s.DRAFT, s.CONSENT_PENDING),
        (Move.WITHDRAW, s.CONSENT_PENDING, s.WITHDRAWN),
        (Move.RESTORE, s.WITHDRAWN, s.CONSENT_PENDING),
        (Move.COMPLETE, s.CONSENT_PENDING, s.SUBMITTED),
    ]
    assert before_state(s.SUBMITTED, moves) == s.CONSENT_PENDING
    # The restore does not count: what led into consent_pending is the submit.
    assert before_state(s.CONSENT_PENDING, moves) == s.DRAFT
    assert before_state(s.PEER_REVIEW, moves) is None


def test_only_withdrawn_and_undone_moves_lead_back():
    assert {move for (_, move), t in MOVES.items() if t == BEFORE} == {Move.RESTORE, Move.UNDO}


def test_a_participation_leaves_every_state_but_removed():
    for state in Participation:
        leaves = any(source == state for source, _ in PARTICIPATION_MOVES)
        assert leaves == (state is not Participation.REMOVED)
