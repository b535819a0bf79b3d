"""One proposal on the desk: the next act, and the checklist with what the portal sees for itself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls import forms
from lianyan.calls.presets import light
from lianyan.calls.workdays import add_workdays
from lianyan.core.actor import Reading
from lianyan.core.db import raw
from lianyan.core.policy import ALLOWED, Role
from lianyan.core.problems import NotFound
from lianyan.core.shapes import I18n, InstitutionRef, PersonRef
from lianyan.institutions.identifiers import IdentifierError, check_ror, check_uscc
from lianyan.proposals import turn
from lianyan.proposals.models import Proposal
from lianyan.proposals.policy import Rights, refuse, roles
from lianyan.proposals.queries.dossier import CHECKED, DOSSIER
from lianyan.proposals.schemas.desk import (
    REASON_CODES,
    Blocker,
    Checking,
    ChecklistItem,
    DeskCallOut,
    DeskExtension,
    DeskMove,
    DeskPart,
    DeskProposal,
    Missing,
    Remind,
    Undo,
    Verdict,
    Whose,
)
from lianyan.proposals.states import State, moves_from

MEMBERS = ("founding", "ordinary")


class Answered(msgspec.Struct):
    """The checker's answer to one item."""

    verdict: Verdict
    note: str
    section: str | None
    rev: int
    answered_at: datetime
    answered_by: PersonRef | None


class Party(msgspec.Struct):
    """What the check looks at of one institution."""

    name: I18n
    role: str
    state: str
    country: str
    standing: str
    code: str | None
    ror: str | None


class Checked(msgspec.Struct):
    """Everything the formal check is computed from."""

    checklist: list[dict[str, Any]]
    answered: dict[str, Answered]
    form: dict[str, Any]
    answers: dict[str, Any]
    terms: dict[str, list[str]]
    parties: list[Party]
    lead_confirmed: bool
    """Whether the lead institution has confirmed that the lead belongs to it."""
    consent: str | None
    min_institutions: int
    decides_at: datetime
    zone: str


class Finding(NamedTuple):
    """What the data show about one item."""

    ok: bool
    params: dict[str, Any] = {}


def _enough(facts: Checked) -> Finding:
    count = sum(party.state != "declined" for party in facts.parties)
    return Finding(
        count >= facts.min_institutions, {"count": count, "limit": facts.min_institutions}
    )


def _lead_is_member(facts: Checked) -> Finding:
    leading = [party for party in facts.parties if party.role == "lead"]
    member = any(party.standing in MEMBERS for party in leading)
    return Finding(member and facts.lead_confirmed, _names(leading))


def _all_confirmed(facts: Checked) -> Finding:
    open_ = [party for party in facts.parties if party.state != "consented"]
    return Finding(not open_ or facts.consent is None, _names(open_))


def _within_limits(facts: Checked) -> Finding:
    gaps = forms.missing(forms.read(facts.form), facts.answers, facts.terms)
    return Finding(not gaps, {"count": len(gaps), "fields": [gap.field for gap in gaps]})


def _ids_valid(facts: Checked) -> Finding:
    wrong = [party for party in facts.parties if not _identified(party)]
    return Finding(not wrong, _names(wrong))


def _identified(party: Party) -> bool:
    """Say whether an institution's code is right; one outside China may have none."""
    try:
        if party.code is not None:
            check_uscc(party.code)
        elif party.country == "CN":
            return False
        elif party.ror is not None:
            check_ror(party.ror)
    except IdentifierError:
        return False
    return True


def _dates_in_range(facts: Checked) -> Finding:
    decided = facts.decides_at.astimezone(ZoneInfo(facts.zone)).date()
    earliest = (decided.replace(day=1) + timedelta(days=32)).strftime("%Y-%m")
    starts = facts.answers.get("starts")
    gaps = forms.missing(forms.read(facts.form), facts.answers, facts.terms)
    wrong = {gap.field for gap in gaps} & {"starts", "months"}
    asked = any(q.id == "starts" for _, q in forms.read(facts.form).questions())
    early = asked and (not isinstance(starts, str) or starts < earliest)
    return Finding(not wrong and not early, {"earliest": earliest, "starts": starts or ""})


def _sectors_chosen(facts: Checked) -> Finding:
    return Finding(bool(facts.answers.get("sectors")) and bool(facts.answers.get("fields")))


COMPUTED: dict[str, Callable[[Checked], Finding]] = {
    "institutions_at_least_two": _enough,
    "lead_is_member": _lead_is_member,
    "all_confirmed": _all_confirmed,
    "within_limits": _within_limits,
    "ids_valid": _ids_valid,
    "dates_in_range": _dates_in_range,
    "sectors_chosen": _sectors_chosen,
}
"""Items that the portal sees for itself; `calls.presets.Computed` names the same."""


def _names(parties: list[Party]) -> dict[str, Any]:
    zh, en = (
        "、".join(party.name.zh for party in parties),
        ", ".join(p.name.en for p in parties),
    )
    return {"count": len(parties), "institutions": {"zh": zh, "en": en}}


def evaluate(facts: Checked) -> list[ChecklistItem]:
    """Return the checklist, computed where it can be, with what the checker has answered."""
    found = []
    for entry in facts.checklist:
        item = str(entry["id"])
        look = COMPUTED.get(item) if entry["computed"] else None
        finding = look(facts) if look else None
        problem = finding is not None and not finding.ok
        answer = facts.answered.get(item)
        found.append(
            ChecklistItem(
                item=item,
                title=I18n(**entry["label"]),
                kind="computed" if look else "judged",
                computed=None if finding is None else "ok" if finding.ok else "problem",
                why=f"desk.why.{item}" if problem else None,
                params=finding.params if finding and problem else {},
                verdict=answer.verdict if answer else None,
                reason=entry.get("reason"),
                note=answer.note if answer else "",
                section=answer.section if answer else None,
                rev=answer.rev if answer else 0,
                answered_by=answer.answered_by if answer else None,
                answered_at=answer.answered_at if answer else None,
            )
        )
    return found


def blocking(checklist: list[ChecklistItem]) -> list[Blocker]:
    """Return what keeps the check from being passed: items without an ok, a person's or computed."""
    found = []
    for item in checklist:
        verdict = item.verdict or item.computed
        if verdict != "ok":
            code = "desk.item_problem" if verdict else "desk.item_open"
            title = {"zh": item.title.zh, "en": item.title.en}
            found.append(Blocker(code, {"title": title}, item.item))
    return found


async def blockers(session: AsyncSession, proposal: Proposal) -> list[Blocker]:
    """Return what keeps the check of `proposal` from being passed."""
    found = await CHECKED.run(await raw(session), id=proposal.id)
    return blocking(evaluate(msgspec.json.decode(found or "null", type=Checked)))


class Dossier(msgspec.Struct, kw_only=True):
    """The row of the page, before policy has looked at it."""

    own: int
    office: int
    employer: int
    closing: str
    """The hour at which the call closes, HH:MM:SS in its zone."""
    leaderless: bool
    """The lead institution has no officer."""
    date_passed: bool
    checked: Checked
    id: UUID
    rev: int
    number: str | None
    title: str
    title_en: str
    real: State
    shown: str
    call: DeskCallOut
    lead: PersonRef
    lead_institution: InstitutionRef | None
    submitted_at: datetime | None
    version: int | None
    sectors: list[str]
    act: str | None
    whose: Whose
    missing: list[Missing]
    due_at: datetime | None
    days_left: int | None
    remind: Remind | None
    participations: list[DeskPart]
    undo: Undo | None
    moves: list[DeskMove]
    extensions: list[DeskExtension]
    now: datetime


async def read(reading: Reading, proposal_id: UUID, link: str) -> DeskProposal:
    """Return the page of one proposal; refuse who may not see it as if it were not there."""
    actor = reading.actor
    found = await DOSSIER.run(
        reading.connection,
        **turn.asked(actor),
        id=proposal_id,
        offices=list(actor.offices),
        link=link,
    )
    if found is None:
        raise NotFound
    row = msgspec.json.decode(found, type=Dossier)
    rights = Rights(row.own, row.office, row.employer, row.submitted_at is not None, row.real)
    role = roles(actor, rights, proposal_id)
    refuse(role, "desk.read")
    if row.number is None or row.submitted_at is None:
        raise NotFound
    desk, acting = Role.DESK in role, Role.COORDINATOR in role
    handled = acting or Role.AUDITOR in role
    checklist = evaluate(row.checked) if handled else []
    blocked = blocking(checklist)
    checking = row.real in {State.SUBMITTED, State.FORMAL_CHECK}
    return DeskProposal(
        id=row.id,
        rev=row.rev,
        number=row.number,
        title=row.title,
        title_en=row.title_en,
        state=row.real if handled else row.shown,
        shown=row.shown,
        progress_only=not handled,
        call=row.call,
        lead=PersonRef(row.lead.id, row.lead.name, row.lead.name_latin, row.lead_institution),
        submitted_at=row.submitted_at,
        version=row.version,
        sectors=row.sectors,
        whose=row.whose if desk else _anothers(row.whose),
        act=row.act if acting else None,
        missing=row.missing,
        due_at=row.due_at,
        days_left=row.days_left,
        remind=row.remind if desk else None,
        form=row.checked.form if handled else {},
        answers=row.checked.answers if handled else {},
        participations=row.participations if handled else _bare(row.participations),
        checklist=checklist,
        check=Checking(acting and checking and not blocked, blocked),
        reason_codes=list(REASON_CODES),
        return_until=_return_until(row) if acting and row.real == State.FORMAL_CHECK else None,
        undo=row.undo if acting else None,
        moves=row.moves if handled else [],
        extensions=row.extensions if handled else [],
        can=_can(role, row),
        now=row.now,
    )


def _anothers(whose: Whose) -> Whose:
    """Return whose turn it is for somebody whose turn it never is: a coordinator's is a colleague's."""
    who = "colleague" if whose.who == "coordinator" else whose.who
    return msgspec.structs.replace(whose, you=False, who=who)


def _bare(parts: list[DeskPart]) -> list[DeskPart]:
    """Return the institutions with their dates and confirmations only."""
    empty: dict[str, Any] = {"task": "", "special_terms": "", "contributions": [], "comments": None}
    return [msgspec.structs.replace(part, **empty, people=[]) for part in parts]


def _return_until(row: Dossier) -> datetime:
    closing = datetime.strptime(row.closing, "%H:%M:%S").time()  # noqa: DTZ007  an hour of the call's zone
    return add_workdays(row.now, light().return_days, closing, row.checked.zone)


ALWAYS = {
    "proposal.check": {State.SUBMITTED, State.FORMAL_CHECK},
    "proposal.extend": {State.DRAFT, State.CONSENT_PENDING, State.RETURNED},
    "assignment.read": {State.PEER_REVIEW, State.DECISION_PENDING, State.APPROVED, State.REJECTED},
    "assignment.add": {State.PEER_REVIEW},
    "record.seen": set(State),
    "decision.read": {State.DECISION_PENDING, State.APPROVED, State.REJECTED},
    "decision.draft": {State.DECISION_PENDING},
}
"""What can be done in which states, beside the moves."""


def _can(role: Role, row: Dossier) -> list[str]:
    """Return the names of what the reader may do now."""
    moves = [f"proposal.{move}" for move in moves_from(row.real)]
    others = [action for action, states in ALWAYS.items() if row.real in states]
    held = {
        "proposal.undo": row.undo is not None,
        "proposal.refuse": row.real == State.FORMAL_CHECK or row.date_passed,
        "proposal.withdraw_by_institution": row.leaderless,
    }
    return [
        action
        for action in moves + others
        if role & ALLOWED.get(action, Role(0)) and held.get(action, True)
    ]
