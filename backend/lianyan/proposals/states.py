"""The proposal's states and every move between them; the participation's states."""

from enum import StrEnum


class State(StrEnum):
    """Where a proposal is in its life."""

    DRAFT = "draft"
    CONSENT_PENDING = "consent_pending"
    SUBMITTED = "submitted"
    FORMAL_CHECK = "formal_check"
    RETURNED = "returned"
    NOT_ACCEPTED = "not_accepted"
    PEER_REVIEW = "peer_review"
    DECISION_PENDING = "decision_pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Move(StrEnum):
    """What somebody, or the system, does to a proposal's state."""

    SUBMIT = "submit"
    COMPLETE = "complete"
    TAKE_BACK = "take_back"
    START_CHECK = "start_check"
    PASS = "pass"  # noqa: S105  a move, no word to let anybody in
    RETURN = "return"
    REFUSE = "refuse"
    RESUBMIT = "resubmit"
    FINISH = "finish"
    REOPEN = "reopen"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    WITHDRAW_BY_INSTITUTION = "withdraw_by_institution"
    RESTORE = "restore"
    UNDO = "undo"


class Target(StrEnum):
    """A target that depends on the proposal's stages or on its past."""

    NEXT = "next"
    """Entry state of the first later stage that is on; approved where none is left."""
    BEFORE = "before"
    """The state left by the latest move into the present one, restore and undo not counted."""


NEXT, BEFORE = Target.NEXT, Target.BEFORE
S, M = State, Move

# fmt: off
MOVES: dict[tuple[State, Move], State | Target] = {
    (S.DRAFT,            M.SUBMIT):                  NEXT,
    (S.CONSENT_PENDING,  M.COMPLETE):                S.SUBMITTED,
    (S.CONSENT_PENDING,  M.TAKE_BACK):               S.DRAFT,
    (S.SUBMITTED,        M.TAKE_BACK):               S.DRAFT,
    (S.SUBMITTED,        M.START_CHECK):             S.FORMAL_CHECK,
    (S.FORMAL_CHECK,     M.PASS):                    NEXT,
    (S.FORMAL_CHECK,     M.RETURN):                  S.RETURNED,
    (S.FORMAL_CHECK,     M.REFUSE):                  S.NOT_ACCEPTED,
    (S.RETURNED,         M.RESUBMIT):                NEXT,
    (S.CONSENT_PENDING,  M.REFUSE):                  S.NOT_ACCEPTED,
    (S.RETURNED,         M.REFUSE):                  S.NOT_ACCEPTED,
    (S.PEER_REVIEW,      M.FINISH):                  NEXT,
    (S.DECISION_PENDING, M.REOPEN):                  S.PEER_REVIEW,
    (S.DECISION_PENDING, M.APPROVE):                 NEXT,
    (S.DECISION_PENDING, M.REJECT):                  S.REJECTED,
    (S.DRAFT,            M.WITHDRAW):                S.WITHDRAWN,
    (S.CONSENT_PENDING,  M.WITHDRAW):                S.WITHDRAWN,
    (S.SUBMITTED,        M.WITHDRAW):                S.WITHDRAWN,
    (S.FORMAL_CHECK,     M.WITHDRAW):                S.WITHDRAWN,
    (S.RETURNED,         M.WITHDRAW):                S.WITHDRAWN,
    (S.PEER_REVIEW,      M.WITHDRAW_BY_INSTITUTION): S.WITHDRAWN,
    (S.DECISION_PENDING, M.WITHDRAW_BY_INSTITUTION): S.WITHDRAWN,
    (S.WITHDRAWN,        M.RESTORE):                 BEFORE,
    (S.RETURNED,         M.UNDO):                    BEFORE,
    (S.NOT_ACCEPTED,     M.UNDO):                    BEFORE,
    (S.PEER_REVIEW,      M.UNDO):                    BEFORE,
    (S.DECISION_PENDING, M.UNDO):                    BEFORE,
}

SHOWN: dict[State, str] = {
    S.DRAFT:            "draft",
    S.CONSENT_PENDING:  "consent_pending",
    S.SUBMITTED:        "submitted",
    S.FORMAL_CHECK:     "formal_check",
    S.RETURNED:         "returned",
    S.NOT_ACCEPTED:     "not_accepted",
    S.PEER_REVIEW:      "in_review",
    S.DECISION_PENDING: "in_review",
    S.APPROVED:         "approved",
    S.REJECTED:         "rejected",
    S.WITHDRAWN:        "withdrawn",
}
"""What applicants and their institutions see in place of the state."""
# fmt: on

STAGES: dict[str, State | None] = {
    "submit": None,
    "consent": State.CONSENT_PENDING,
    "check": State.SUBMITTED,
    "review": State.PEER_REVIEW,
    "approval": State.DECISION_PENDING,
}
"""The optional stages that exist, in their fixed order, with their entry states."""

STAGE_OF: dict[State, str] = {
    State.DRAFT: "submit",
    State.CONSENT_PENDING: "consent",
    State.SUBMITTED: "check",
    State.FORMAL_CHECK: "check",
    State.RETURNED: "submit",
    State.NOT_ACCEPTED: "check",
    State.PEER_REVIEW: "review",
    State.DECISION_PENDING: "approval",
}
"""The stage a state belongs to; NEXT looks for the first later one. `returned` resubmits as `submit`."""

OVER = {State.REJECTED, State.WITHDRAWN, State.NOT_ACCEPTED}
"""States in which a proposal is no shared project of its people."""

UNDOABLE = {Move.PASS, Move.RETURN, Move.REFUSE, Move.FINISH}
NOT_COUNTED = {Move.RESTORE, Move.UNDO}
"""Moves that BEFORE does not look at."""

EDITABLE = {State.DRAFT, State.RETURNED}
"""States whose content the team edits; the lead also in consent_pending after an officer's no."""


def next_state(state: State, stages: list[str]) -> State:
    """Return NEXT from `state` for a proposal with these stages on."""
    order = list(STAGES)
    after = order.index(STAGE_OF[state]) + 1
    for stage in order[after:]:
        entry = STAGES[stage]
        if stage in stages and entry is not None:
            return entry
    return State.APPROVED


def before_state(state: State, moves: list[tuple[Move, State, State]]) -> State | None:
    """Return BEFORE for a proposal in `state`; `moves` are (move, from, to), oldest first."""
    for move, left, entered in reversed(moves):
        if entered == state and move not in NOT_COUNTED:
            return left
    return None


def moves_from(state: State) -> list[Move]:
    """Return the moves that the table knows from `state`."""
    return [move for (source, move) in MOVES if source == state]


class Participation(StrEnum):
    """Where an institution's confirmation stands. Expired is derived from the date, never stored."""

    INVITED = "invited"
    VIEWED = "viewed"
    CONSENTED = "consented"
    RETURNED = "returned"
    DECLINED = "declined"
    EXPIRED = "expired"
    VOID = "void"
    REMOVED = "removed"


P = Participation

# fmt: off
PARTICIPATION_MOVES: dict[tuple[Participation, str], Participation] = {
    (P.INVITED,   "view"):    P.VIEWED,
    (P.INVITED,   "confirm"): P.CONSENTED,
    (P.VIEWED,    "confirm"): P.CONSENTED,
    (P.VOID,      "confirm"): P.CONSENTED,
    (P.INVITED,   "return"):  P.RETURNED,
    (P.VIEWED,    "return"):  P.RETURNED,
    (P.VOID,      "return"):  P.RETURNED,
    (P.INVITED,   "decline"): P.DECLINED,
    (P.VIEWED,    "decline"): P.DECLINED,
    (P.VOID,      "decline"): P.DECLINED,
    (P.RETURNED,  "renew"):   P.INVITED,
    (P.EXPIRED,   "extend"):  P.INVITED,
    (P.CONSENTED, "void"):    P.VOID,
    (P.INVITED,   "remove"):  P.REMOVED,
    (P.VIEWED,    "remove"):  P.REMOVED,
    (P.RETURNED,  "remove"):  P.REMOVED,
    (P.CONSENTED, "remove"):  P.REMOVED,
    (P.VOID,      "remove"):  P.REMOVED,
    (P.DECLINED,  "remove"):  P.REMOVED,
    (P.EXPIRED,   "remove"):  P.REMOVED,
}
# fmt: on

OPEN = {P.INVITED, P.VIEWED, P.VOID}
"""States that wait for the officer and expire with the consent date."""
