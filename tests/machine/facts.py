"""A proposal and its confirmations in plain Python: the rules of the product, written down a second time.

Nothing here is taken from the application: states, moves, who may and what ends a confirmation are
said again by hand, so that the two can disagree.
"""

import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

SECTION = {
    "title": "basics",
    "months": "basics",
    "summary": "basics",
    "aims": "aims",
    "data_terms": "terms",
    "ethics_note": "ethics",
}
SHARED = ("title", "aims", "starts", "months", "data_terms", "ip_terms")
"""Answers that every confirmation is to; the rest is nobody's."""
NEEDED = ("title", "months", "summary", "aims", "data_terms")

HOME = {"lead": "a", "member": "b", **{f"officer_{x}": x for x in "abcd"}}
TEAM = {"lead", "member"}
STAFF = {"coordinator": "x", "coordinator_b": "b"}
EVERYBODY = [
    *HOME, *STAFF, "approver", "r1", "r2", "stranger",
]  # fmt: skip
JUDGED = ("in_scope", "no_duplicate", "ethics_answered", "no_secret_matter")
WAITING = {"invited", "viewed", "void"}
ANSWERABLE = {"draft", "consent_pending", "returned"}
EDITED = {"draft", "returned"}

SHOWN = {"peer_review": "in_review", "decision_pending": "in_review"}
MOVES: dict[str, dict[str, str]] = {
    "draft": {"submit": "lead", "withdraw": "lead"},
    "consent_pending": {"take_back": "lead", "withdraw": "lead", "refuse": "coordinator"},
    "submitted": {"take_back": "lead", "withdraw": "lead"},
    "formal_check": {
        "pass": "coordinator", "return": "coordinator", "refuse": "coordinator", "withdraw": "lead",
    },
    "returned": {
        "resubmit": "lead", "withdraw": "lead", "refuse": "coordinator", "undo": "coordinator",
    },
    "not_accepted": {"undo": "coordinator"},
    "peer_review": {
        "finish": "coordinator", "undo": "coordinator", "withdraw_by_institution": "lead_officer",
    },
    "decision_pending": {
        "reopen": "coordinator", "undo": "coordinator", "withdraw_by_institution": "lead_officer",
    },
    "approved": {},
    "rejected": {},
    "withdrawn": {"restore": "coordinator"},
}  # fmt: skip
"""From each state: the moves people make, and who."""
UNDOABLE = {"pass", "return", "refuse", "finish"}

WHOSE: dict[str, set[str]] = {
    "save": {"lead", "team"},
    "change": {"lead", "team"},
    **{key: {"lead"} for key in ("add", "remove", "submit", "resubmit", "take_back", "withdraw", "delete")},
    "withdraw_by_institution": {"lead_officer", "coordinator"},
    **{key: {"officer"} for key in ("view", "confirm", "send_back", "decline")},
    **{key: {"coordinator"} for key in ("extend", "check", "pass", "return", "refuse", "finish", "reopen", "undo", "restore", "assign", "decide", "order", "recall")},
    "accept": {"reviewer"},
    "review": {"reviewer"},
    "sign": {"approver"},
    "object": {"approver"},
}  # fmt: skip
"""Who does what: nobody else."""


class Command(NamedTuple):
    """Something somebody tries."""

    name: str
    who: str
    what: Any = None
    """The question, institution, item or person it is about."""
    value: Any = None
    stale: bool = False
    """Sent with an old revision, or for a content that is no more."""


@dataclass
class Part:
    """An institution's part."""

    institution: str
    role: str
    state: str = "invited"
    task: str = ""
    terms: str = ""
    lines: tuple[tuple[str, str, str], ...] = ()
    until: bool | None = None
    """Whether its own extension still runs; None where there is none."""
    seen: Any = None
    """The content confirmed."""
    comments: dict[str, str] | None = None


@dataclass
class Moved:
    """A line of the timeline."""

    move: str
    left: str
    entered: str
    who: str | None


@dataclass
class Decision:
    """A decision that is not cancelled."""

    kind: str
    state: str = "drafted"
    sent_back: bool = False
    signed_by: str | None = None


@dataclass
class Facts:
    """The proposal, and what follows from its facts."""

    state: str = "draft"
    answers: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    """Those that are in, by institution."""
    out: set[str] = field(default_factory=set)
    """Those that were in once."""
    team: set[str] = field(default_factory=lambda: set(TEAM))
    timeline: list[Moved] = field(default_factory=list)
    numbered: bool = False
    call_open: bool = True
    due: bool | None = None
    """Whether an extension of the submission runs."""
    consent: bool | None = None
    """Whether the date of the confirmations is still to come."""
    correction: bool | None = None
    reopened: bool = False
    """Somebody has said no while confirmations were out: the lead may edit."""
    checked: dict[str, str] = field(default_factory=dict)
    reviews: dict[str, str] = field(default_factory=dict)
    decision: Decision | None = None
    release: str | None = None
    """ordered, taken_back or done"""
    recalled_by: str | None = None
    release_due: bool = False
    held: bool = True
    """The last move is younger than ten minutes."""
    built_on: bool = False
    """Somebody has worked since the last move."""
    gone: bool = False

    def expired(self, part: Part) -> bool:
        """Say whether a part has not been answered in time."""
        waits = self.state == "consent_pending" and part.state in WAITING
        return waits and not self.consent and not part.until

    def part_state(self, part: Part) -> str:
        """Return a part's state as people see it."""
        return "expired" if self.expired(part) else part.state

    def content(self, part: Part) -> Any:
        """Return what a confirmation of `part` is to."""
        shared = {question: self.answers.get(question) for question in SHARED}
        all_ = sorted((p.institution, p.role) for p in self.parts.values())
        return copy.deepcopy((shared, all_, sorted(part.lines), part.terms))

    def roles(self, who: str) -> set[str]:
        """Return what somebody is to the proposal."""
        if self.gone:
            return set()
        found = set()
        if who == "lead":
            found |= {"lead", "team"}
        if who == "member" and who in self.team:
            found.add("team")
        if who.startswith("officer_") and HOME[who] in self.parts:
            found.add("officer")
            if self.parts[HOME[who]].role == "lead":
                found.add("lead_officer")
        if who in STAFF and self.numbered and self.state != "draft":
            found.add("progress" if STAFF[who] in self.parts else "coordinator")
        if who == "approver" and self.state in {"decision_pending", "approved", "rejected"}:
            found.add("approver")
        if who in self.reviews:
            found.add("reviewer")
        return found

    def allowed(self, who: str) -> set[str]:
        """Return the moves that a refusal names to somebody."""
        roles = self.roles(who)
        found = {m for m, whose in MOVES[self.state].items() if whose in roles}
        if "withdraw_by_institution" in MOVES[self.state] and "coordinator" in roles:
            found.add("withdraw_by_institution")
        return found

    def shown_timeline(self) -> list[tuple[str, str, str]]:
        """Return the timeline as applicants see it."""
        lines = [
            (m.move, SHOWN.get(m.left, m.left), SHOWN.get(m.entered, m.entered))
            for m in self.timeline
        ]
        return [line for line in lines if line[1] != line[2]]
