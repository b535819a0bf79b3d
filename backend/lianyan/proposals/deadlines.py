"""Until when somebody may do something to a proposal, and why until then: one place for all of it.

Time only closes doors. What has expired is derived here when it is read or written, never stored.
"""

from datetime import datetime
from typing import Any

from lianyan.core.clock import BEIJING, instant
from lianyan.proposals.models import Proposal, Taking
from lianyan.proposals.schemas.refs import Deadline
from lianyan.proposals.states import OPEN, Participation, State

_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN))

CONSENT_UNTIL = (
    f"case when p.state = '{State.CONSENT_PENDING}' then greatest(p.consent_until, t.until) end"
)
"""Until when the officer of participation `t` of proposal `p` may answer; null where no date runs."""

EXPIRED = f"""
  (t.state in ({_OPEN}) and p.state = '{State.CONSENT_PENDING}'
    and greatest(p.consent_until, t.until) < clock_timestamp())
"""
"""Whether participation `t` of proposal `p` has expired."""

PART_STATE = f"case when {EXPIRED} then 'expired' else t.state end"
"""The state of participation `t` as people see it."""

SUBMISSION_UNTIL = "greatest(c.closes_at, p.due_at)"
"""Until when proposal `p` may be submitted to call `c`."""


def submission(closes_at: datetime, due_at: datetime | None) -> Deadline:
    """Return until when a proposal may be submitted: the call's close, or a later date of its own."""
    if due_at is not None and due_at > closes_at:
        return Deadline("submit", due_at, "proposals.deadline_extended")
    return Deadline("submit", closes_at, "proposals.deadline_call")


def consent(proposal: Proposal, part: Taking) -> datetime | None:
    """Return until when an institution's officer may answer; None where no date runs."""
    if proposal.state != State.CONSENT_PENDING:
        return None
    dates = [date for date in (proposal.consent_until, part.until) if date]
    return max(dates) if dates else None


def part_state(proposal: Proposal, part: Taking, now: datetime) -> Participation:
    """Return where an institution's confirmation stands at `now`, expiry included."""
    state = Participation(part.state)
    until = consent(proposal, part)
    if state in OPEN and until is not None and until < now:
        return Participation.EXPIRED
    return state


def deadline(
    state: State,
    *,
    closes_at: datetime,
    due_at: datetime | None = None,
    consent_until: datetime | None = None,
    returned_until: datetime | None = None,
) -> Deadline | None:
    """Return the one instant that counts for the applicants of a proposal in `state`, or None."""
    if state is State.DRAFT:
        return submission(closes_at, due_at)
    if state is State.CONSENT_PENDING and consent_until is not None:
        return Deadline("consent", consent_until, "proposals.deadline_consent")
    if state is State.RETURNED and returned_until is not None:
        return Deadline("resubmit", returned_until, "proposals.deadline_returned")
    return None


def too_late(until: datetime, now: datetime) -> dict[str, Any]:
    """Return what a refusal for lateness tells: both instants, and how a clock in Beijing shows them."""
    return {
        "at": instant(until),
        "now": instant(now),
        "at_beijing": _beijing(until),
        "now_beijing": _beijing(now),
    }


def _beijing(value: datetime) -> str:
    return value.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
