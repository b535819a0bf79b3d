"""An officer's answers: seen, confirmed, sent back, not taking part."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.clock import Arrival, came
from lianyan.core.clock import now as clock_now
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Conflict, FieldError, Forbidden, Problem, Stale, invalid
from lianyan.core.text import prose
from lianyan.proposals import versions
from lianyan.proposals.acts import CONFIRMABLE
from lianyan.proposals.commands.editing import complete, part_of
from lianyan.proposals.deadlines import part_state
from lianyan.proposals.form import form_of
from lianyan.proposals.material import Scope, changed_since, scope_hash, scopes, seen, token
from lianyan.proposals.models import Consent, Member, Proposal, Taking
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.officer import (
    Confirmed,
    ConfirmedMany,
    ConfirmItem,
    ConfirmOutcome,
)
from lianyan.proposals.states import PARTICIPATION_MOVES, SHOWN, Participation, State

MANY_MOST = 50
REASON_LIMIT, COMMENT_LIMIT = 300, 500
OVERALL = "overall"
"""A comment to the whole, beside those by section."""


class Answering(NamedTuple):
    """A part that its officer may answer for, its proposal locked."""

    part: Taking
    proposal: Proposal
    state: Participation
    now: datetime


async def _open(
    session: AsyncSession,
    actor: Actor,
    participation_id: UUID,
    action: str,
    arrival: Arrival | None = None,
) -> Answering:
    part = await part_of(session, participation_id)
    proposal = (await find(session, actor, part.proposal_id, action)).proposal
    await session.refresh(part)
    if part.institution_id not in actor.offices:
        raise Forbidden("proposals.not_your_institution")
    now = await clock_now(session, arrival or came(session))
    return Answering(part, proposal, part_state(proposal, part, now), now)


def _demand(opened: Answering, move: str) -> Participation:
    """Return where `move` leads the part; raise Conflict if it leads nowhere now."""
    state = State(opened.proposal.state)
    if state not in CONFIRMABLE:
        raise Conflict("proposals.not_confirmable", state=SHOWN[state])
    if opened.state is Participation.EXPIRED:
        raise Conflict("proposals.consent_expired", state=opened.state.value, move=move)
    target = PARTICIPATION_MOVES.get((opened.state, move))
    if target is None:
        allowed = [m for (source, m) in PARTICIPATION_MOVES if source == opened.state]
        raise Conflict("proposals.part_state", state=opened.state.value, move=move, allowed=allowed)
    return target


async def view(session: AsyncSession, actor: Actor, participation_id: UUID) -> None:
    """Note that an officer has opened it; a second time changes nothing."""
    opened = await _open(session, actor, participation_id, "participation.read")
    target = PARTICIPATION_MOVES.get((opened.state, "view"))
    if target is None or State(opened.proposal.state) not in CONFIRMABLE:
        return
    opened.part.state = target.value
    await session.flush()
    await _note(session, actor, "view", opened.part)


async def confirm(
    session: AsyncSession,
    actor: Actor,
    participation_id: UUID,
    sent: str,
    *,
    arrival: Arrival | None = None,
) -> Confirmed:
    """Confirm exactly the content that `sent` was made of; raise Conflict if it has changed since.

    The content is frozen if it was not yet, and the submission completes with the last confirmation.
    """
    action = "participation.confirm"
    opened = await _open(session, actor, participation_id, action, arrival)
    part, proposal = opened.part, opened.proposal
    scope = (await scopes(session, proposal.id, part.state))[part.id]
    if opened.state is Participation.CONSENTED and seen(sent, scope):
        return await _confirmed(session, part, scope)
    target = _demand(opened, "confirm")
    if not seen(sent, scope):
        raise scope_changed(sent, scope)
    version = await versions.freeze(session, proposal, actor.id)
    also_member = await _is_member(session, actor, proposal)
    session.add(
        Consent(
            participation_id=part.id,
            person_id=actor.id,
            version_id=version.id,
            scope_hash=scope_hash(scope),
            scope=scope,
            also_member=also_member,
        )
    )
    part.state = target.value
    part.scope_hash, part.version_id = scope_hash(scope), version.id
    part.answered_by, part.answered_at, part.comments = actor.id, opened.now, None
    part.void_at = part.void_by = part.void_fields = None
    await session.flush()
    await _note(session, actor, "confirm", part, version_id=version.id, also_member=also_member)
    await complete(session, proposal)
    return Confirmed(part.id, version.number, token(scope), also_member)


def scope_changed(sent: str, scope: Scope) -> Conflict:
    """Return the refusal of a confirmation to content that is no more; it names what changed."""
    fields = changed_since(sent, scope)
    return Conflict(
        "proposals.scope_changed",
        errors=[FieldError(field, "proposals.field_changed") for field in fields],
        fields=fields,
        scope_hash=token(scope),
    )


async def _confirmed(session: AsyncSession, part: Taking, scope: Scope) -> Confirmed:
    consent = (
        await session.scalars(
            select(Consent)
            .where(Consent.participation_id == part.id, Consent.void_at.is_(None))
            .order_by(Consent.id.desc())
            .limit(1)
        )
    ).one()
    number = await versions.number_of(session, consent.version_id) or 0
    return Confirmed(part.id, number, token(scope), consent.also_member)


async def _is_member(session: AsyncSession, actor: Actor, proposal: Proposal) -> bool:
    if proposal.lead_id == actor.id:
        return True
    found = await session.scalar(
        select(Member.id).where(
            Member.proposal_id == proposal.id,
            Member.person_id == actor.id,
            Member.removed_at.is_(None),
        )
    )
    return found is not None


async def confirm_many(
    session: AsyncSession,
    actor: Actor,
    items: list[ConfirmItem],
    *,
    arrival: Arrival | None = None,
) -> ConfirmedMany:
    """Confirm each item by itself: one that is refused leaves the others as they are."""
    if not 1 <= len(items) <= MANY_MOST:
        raise invalid("items", "problems.out_of_range", min=1, max=MANY_MOST)
    found = {}
    # Locked in one order, so that two officers with the same items never wait for each other.
    for item in await _in_order(session, items):
        try:
            async with session.begin_nested():
                made = await confirm(
                    session, actor, item.participation_id, item.scope_hash, arrival=arrival
                )
        except Problem as problem:
            found[item.participation_id] = ConfirmOutcome(
                participation_id=item.participation_id,
                outcome="refused",
                code=problem.code,
                params=problem.params,
            )
        else:
            found[item.participation_id] = ConfirmOutcome(
                participation_id=item.participation_id, outcome="confirmed", version=made.version
            )
    return ConfirmedMany([found[item.participation_id] for item in items])


async def _in_order(session: AsyncSession, items: list[ConfirmItem]) -> list[ConfirmItem]:
    ids = [item.participation_id for item in items]
    rows = await session.execute(
        select(Taking.id, Taking.proposal_id).where(or_(*[Taking.id == part for part in ids]))
    )
    proposals = {row.id: row.proposal_id for row in rows}
    return sorted(items, key=lambda i: str(proposals.get(i.participation_id, "")))


async def return_(
    session: AsyncSession,
    actor: Actor,
    participation_id: UUID,
    comments: dict[str, str],
    *,
    rev: int,
) -> int:
    """Send the part back to the lead with comments by section; return its revision."""
    opened = await _open(session, actor, participation_id, "participation.return")
    part, proposal = opened.part, opened.proposal
    said = await _comments(session, proposal, comments)
    if opened.state is Participation.RETURNED and part.comments == said:
        return part.rev
    part.state = _demand(opened, "return").value
    _match(part, rev)
    await _answer(session, actor, opened, said)
    await _note(session, actor, "return", part)
    return part.rev


async def _comments(
    session: AsyncSession, proposal: Proposal, comments: dict[str, str]
) -> dict[str, str]:
    form = await form_of(session, proposal.form_id)
    known = {section.id for section in form.sections} | {OVERALL}
    fields = Fields()
    said = {}
    for place, comment in list(comments.items())[: len(known) + 1]:
        if place not in known:
            fields.wrong("comments", "proposals.no_such_section")
            continue
        said[place] = fields.take(f"comments.{place}", prose, comment, limit=COMMENT_LIMIT) or ""
    if not comments:
        fields.wrong("comments", "problems.required")
    fields.settle()
    return said


async def decline(
    session: AsyncSession, actor: Actor, participation_id: UUID, reason: str, *, rev: int
) -> int:
    """Say that the institution does not take part; return the part's revision."""
    opened = await _open(session, actor, participation_id, "participation.decline")
    part = opened.part
    fields = Fields()
    said = fields.take("reason", prose, reason, limit=REASON_LIMIT) or ""
    fields.settle()
    if opened.state is Participation.DECLINED:
        return part.rev
    if part.role == "lead":
        raise Conflict("proposals.lead_cannot_decline")
    part.state = _demand(opened, "decline").value
    _match(part, rev)
    await _answer(session, actor, opened, {OVERALL: said})
    await _note(session, actor, "decline", part)
    return part.rev


def _match(part: Taking, rev: int) -> None:
    if part.rev != rev:
        raise Stale("proposals.part_changed", rev=part.rev, stored={})


async def _answer(
    session: AsyncSession, actor: Actor, opened: Answering, comments: dict[str, str]
) -> None:
    part = opened.part
    part.comments, part.answered_by, part.answered_at = comments, actor.id, opened.now
    if opened.proposal.state == State.CONSENT_PENDING:
        opened.proposal.reopened = True
    await session.flush()


async def _note(
    session: AsyncSession, actor: Actor, what: str, part: Taking, **data: object
) -> None:
    await record(
        session,
        actor,
        f"participation.{what}",
        part.id,
        proposal_id=part.proposal_id,
        institution_id=part.institution_id,
        **data,
    )
