"""From facts to tasks: what each role is to do, in the words of the catalogue area `tasks`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from lianyan.core.policy import Role
from lianyan.core.shapes import I18n
from lianyan.core.words import LOCALES, say
from lianyan.notifications.facts import Card, Facts, Hole, OnDesk, Own
from lianyan.notifications.schemas import Task, TaskAct, TaskProposal, Waiting, Why
from lianyan.proposals.access import Right
from lianyan.proposals.material import token
from lianyan.proposals.queries.progress import Seen, todo
from lianyan.proposals.schemas.refs import Todo
from lianyan.proposals.states import State
from lianyan.proposals.turn import days_between

LEADS_ONLY = {"proposals.todo_submit", "proposals.todo_resubmit"}
"""Acts of the lead, named in nobody else's task."""

SETTLED = {
    "returned": "answer_return",
    "declined": "replace_institution",
    "expired": "expired",
}
"""States of a part in a proposal under confirmation -> the lead's task."""

ON_DESK = {
    "check": "check",
    "extend": "extend",
    "assign": "assign",
    "finish": "finish",
    "draft": "draft_decision",
    "revise": "revise_decision",
    "release": "release",
}
"""The coordinator's next act -> the task."""

TELLS = {
    "check": ("unanswered",),
    "extend": ("expired",),
    "assign": ("assigned", "of"),
    "finish": ("done", "of"),
}
"""What the task of an act tells beside the proposal."""


def tasks_of(facts: Facts) -> Iterator[Task]:
    """Yield everything the reader is to do."""
    confirming = {card.item.proposal.id for card in facts.cards if not _idle(card)}
    for card in facts.cards:
        if not _idle(card):
            yield _confirm(card, facts.now)
    for own in facts.own:
        # Who confirms for an institution and is in the team too is asked for one thing, not two.
        if Right.LEAD in Right(own.own) or own.proposal.id not in confirming:
            yield from _own(own, facts.now)
    for asking in facts.people:
        yield _task(
            "confirm_person",
            facts.now,
            params={
                "affiliation_id": str(asking.id),
                "person": asking.person,
                "institution": _named(asking.institution.name),
            },
            acts=[
                TaskAct("affiliation.confirm", "confirm_person", primary=True),
                TaskAct("affiliation.confirm", "refuse_person"),
                _open("people", "/institution/people"),
            ],
        )
    yield from _desk(facts)
    yield from _reviews(facts)
    for signing in facts.sign:
        yield _task(
            "sign",
            facts.now,
            signing.proposal,
            due=signing.due,
            kind="decide",
            acts=[TaskAct("decision.sign", "sign", link="/decide", primary=True)],
        )
    for hole in facts.holes:
        yield _hole(hole, facts.now)


def _task(
    code: str,
    now: datetime,
    proposal: TaskProposal | None = None,
    *,
    due: datetime | None = None,
    kind: str | None = None,
    params: dict[str, Any] | None = None,
    why: list[Why] | None = None,
    acts: list[TaskAct],
) -> Task:
    return Task(
        code=code,
        proposal=proposal,
        params=params or {},
        why=why or [],
        deadline=due,
        deadline_kind=kind if due else None,
        days_left=days_between(due, now) if due else None,
        acts=acts,
    )


def _open(label: str, link: str, *, primary: bool = False) -> TaskAct:
    return TaskAct("open", label, link=link, primary=primary)


def _named(*names: I18n) -> dict[str, str]:
    """Return names as one parameter of a sentence, in both languages."""
    return {"zh": "、".join(n.zh for n in names), "en": ", ".join(n.en for n in names)}


def _idle(card: Card) -> bool:
    """Say whether a card of the queue asks nothing now: its date is over, or its reader still writes."""
    writing = card.item.proposal.shown == "draft" and card.item.also_member
    return writing or card.item.state == "expired"


def _confirm(card: Card, now: datetime) -> Task:
    """Return the task of one confirmation, with the card the queue shows."""
    item = card.item
    item.scope_hash = token(card.scope)
    of = item.proposal
    acts = [
        TaskAct("participation.confirm", "confirm", primary=True),
        TaskAct("participation.return", "return"),
    ]
    if item.role != "lead":
        acts.append(TaskAct("participation.decline", "decline"))
    acts.append(_open("read", f"/institution/confirm/{item.participation_id}"))
    task = _task(
        "reconfirm" if item.state == "void" else "confirm",
        now,
        TaskProposal(of.id, of.title, of.title_en, of.number, of.shown),
        due=item.until,
        kind="consent",
        params={"others_void": card.voided, "others_standing": card.standing},
        acts=acts,
    )
    task.card = item
    return task


def _own(own: Own, now: datetime) -> Iterator[Task]:
    """Yield what lead and team are to do about a proposal of theirs."""
    if own.written is None:
        return
    bits = Right(own.own)
    lead = Right.LEAD in bits
    roles = (Role.LEAD if lead else Role(0)) | Role.TEAM
    state = State(own.shown)
    if state is State.CONSENT_PENDING:
        if lead:
            yield from _settle(own, now)
        return
    moment = own.written.now
    closes = moment.submit_until if state is State.DRAFT else moment.returned_until
    if closes is not None and now > closes:
        return
    seen = Seen(own.written.sections, own.written.parts, [])
    left = [t for t in todo(roles, state, moment, seen, ()) if lead or t.code not in LEADS_ONLY]
    if not lead and not any(t.section for t in left):
        return
    base = f"/proposals/{own.proposal.id}"
    section = next((t.section for t in left if t.section), own.written.sections[0].id)
    acts = [_open("continue_writing", f"{base}/write/{section}", primary=True)]
    if lead:
        acts.append(_open("check_and_submit", f"{base}/submit"))
    yield _task(
        "complete_draft" if state is State.DRAFT else "correct",
        now,
        own.proposal,
        due=own.due,
        kind="submit" if state is State.DRAFT else "resubmit",
        params={"my_role": "lead" if lead else "member", "count": len(left)},
        why=[_why(base, t, own.written.titles) for t in left],
        acts=acts,
    )


def _why(base: str, found: Todo, titles: dict[str, I18n]) -> Why:
    if found.section:
        params = {**found.params, "section": _named(titles[found.section])}
        return Why(found.code, params, f"{base}/write/{found.section}")
    if found.participation:
        return Why(found.code, found.params, f"{base}/team")
    return Why(found.code, found.params, f"{base}/submit")


def _settle(own: Own, now: datetime) -> Iterator[Task]:
    """Yield a task for each institution that said no, asked for changes or let its date pass."""
    parts = own.written.parts if own.written else []
    for part in parts:
        code = SETTLED.get(part.state)
        if code:
            yield _task(
                code,
                now,
                own.proposal,
                due=own.due,
                kind="consent",
                params={
                    "participation_id": str(part.id),
                    "institution": _named(part.institution.name),
                },
                acts=[_open(code, f"/proposals/{own.proposal.id}/team", primary=True)],
            )


def _desk(facts: Facts) -> Iterator[Task]:
    """Yield the coordinator's turn; releases are one task, for they go out together."""
    ready = [found for found in facts.desk if found.act == "release"]
    for found in facts.desk:
        if found.act != "release":
            yield _on_desk(found, facts.now)
    if ready:
        yield _task(
            "release",
            facts.now,
            ready[0].proposal if len(ready) == 1 else None,
            due=ready[0].due,
            kind="decide",
            params={"count": len(ready)},
            acts=[_open("release", "/release", primary=True)],
        )
    if facts.nameless:
        yield _task(
            "name_officer",
            facts.now,
            params={"count": len(facts.nameless), "institutions": _named(*facts.nameless)},
            acts=[_open("name_officer", "/admin/members", primary=True)],
        )


def _on_desk(found: OnDesk, now: datetime) -> Task:
    code = ON_DESK[found.act]
    kind = {"draft": "decide", "revise": "decide", "assign": "review", "finish": "review"}
    return _task(
        code,
        now,
        found.proposal,
        due=found.due,
        kind=kind.get(found.act, "check"),
        params={key: found.params[key] for key in TELLS.get(found.act, ()) if key in found.params},
        acts=[_open(code, f"/desk/{found.proposal.id}", primary=True)],
    )


def _reviews(facts: Facts) -> Iterator[Task]:
    """Yield the reviewer's tasks: one page accepts all, one submits all."""
    if facts.asked.n:
        yield _task(
            "review_answer",
            facts.now,
            due=facts.asked.due,
            kind="review",
            params={"count": facts.asked.n},
            acts=[_open("review_answer", "/reviews", primary=True)],
        )
    found = facts.reviewing
    if found.n:
        done = found.written == found.n
        code = "submit_reviews" if done else "review"
        yield _task(
            code,
            facts.now,
            due=found.due,
            kind="review",
            params={"count": found.n if done else found.n - found.written, "of": found.n},
            acts=[_open(code, "/reviews", primary=True)],
        )


def _hole(hole: Hole, now: datetime) -> Task:
    """Return the administrator's task; of the proposal it tells number and institutions only."""
    roles = [I18n(*(say(locale, f"messages.role.{role}") for locale in LOCALES)) for role in hole.missing]  # fmt: skip
    return _task(
        "name_stand_in",
        now,
        params={
            "number": hole.number,
            "missing": _named(*roles),
            "institutions": _named(*hole.institutions),
        },
        acts=[_open("name_stand_in", "/admin/roles", primary=True)],
    )


def waiting_of(facts: Facts, mine: set[UUID]) -> list[Waiting]:
    """Return the reader's proposals that are with somebody else; `mine` have a task already."""
    return [
        Waiting(
            proposal=own.proposal,
            my_role=_my_role(own),
            lead=own.lead,
            who=own.who,
            names=own.names,
            expected=own.due,
            remind=own.remind,
        )
        for own in facts.own
        if own.proposal.id not in mine
    ]


def _my_role(own: Own) -> str:
    bits = Right(own.own)
    if Right.LEAD in bits:
        return "lead"
    return "member" if Right.TEAM in bits else "officer"
