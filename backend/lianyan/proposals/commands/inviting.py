"""Invitations by link: made by the lead; whoever holds the link answers it."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.core.actor import Actor
from lianyan.core.clock import came
from lianyan.core.clock import now as clock_now
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.idempotency import Once
from lianyan.core.problems import Conflict, Forbidden, Gone, NotFound
from lianyan.core.text import line, prose
from lianyan.identity.models import Person
from lianyan.institutions.domains import check_mail
from lianyan.proposals import access
from lianyan.proposals.commands.editing import part_of
from lianyan.proposals.commands.team import demand_open_team
from lianyan.proposals.models import Invitation, Proposal, Taking
from lianyan.proposals.policy import find
from lianyan.proposals.schemas.consortium import InvitationIn
from lianyan.proposals.states import State
from lianyan.settings import Settings

NAME_LONGEST, COMMENT_LIMIT = 60, 300
LIVES = timedelta(days=14)
OPEN_AT_ONCE = 50
"""So many unused links a proposal may have at a time."""
TOKEN_LONGEST = 100
ANSWERABLE = {
    State.DRAFT,
    State.CONSENT_PENDING,
    State.SUBMITTED,
    State.FORMAL_CHECK,
    State.RETURNED,
}
"""States in which somebody invited may still join: until the review begins."""


class Link(NamedTuple):
    """An invitation with its token, which is stored nowhere."""

    id: UUID
    token: str


def address(settings: Settings, token: str) -> str:
    """Return the link; what stands behind the # is never sent to a server by itself."""
    return f"{settings.public_url.rstrip('/')}/i#{token}"


def token_hash(token: str) -> bytes:
    """Return what is kept of a token."""
    return sha256(token[:TOKEN_LONGEST].encode("utf-8", "surrogatepass")).digest()


async def invite(
    session: AsyncSession, actor: Actor, once: Once, participation_id: UUID, data: InvitationIn
) -> Link:
    """Make a link that invites one person of an institution.

    A replay cannot repeat the token, so it makes a new one for the same invitation: the first
    answer was lost, and so was its link.
    """
    token = secrets.token_urlsafe(32)

    async def make() -> UUID:
        return await _make(session, actor, participation_id, data, token)

    async def see(made: UUID) -> None:
        await _renew(session, actor, made, token)

    return Link((await once(make, see)).id, token)


async def _make(
    session: AsyncSession, actor: Actor, participation_id: UUID, data: InvitationIn, token: str
) -> UUID:
    part = await part_of(session, participation_id)
    proposal = (await find(session, actor, part.proposal_id, "team.arrange")).proposal
    demand_open_team(proposal)
    fields = Fields()
    name = fields.take("name", line, data.name, blank=True, longest=NAME_LONGEST)
    email = fields.take("email", check_mail, data.email) if data.email else None
    fields.settle()
    await _demand_room(session, proposal.id)
    made = Invitation(
        proposal_id=proposal.id,
        participation_id=part.id,
        token_hash=token_hash(token),
        name=name,
        email=email,
        expires_at=await _expiry(session, proposal),
        invited_by=actor.id,
    )
    session.add(made)
    await session.flush()
    await _note(session, actor, "sent", made)
    return made.id


async def _demand_room(session: AsyncSession, proposal_id: UUID) -> None:
    open_links = await session.scalars(
        select(Invitation.id)
        .where(Invitation.proposal_id == proposal_id, Invitation.state == "sent")
        .limit(OPEN_AT_ONCE)
    )
    if len(open_links.all()) >= OPEN_AT_ONCE:
        raise Conflict("proposals.too_many_links", limit=OPEN_AT_ONCE)


async def _expiry(session: AsyncSession, proposal: Proposal) -> datetime:
    """Return when a link made now dies: in two weeks, or with the submission if that is sooner."""
    now = await clock_now(session)
    until = now + LIVES
    if proposal.state == State.DRAFT:
        call = await session.get_one(Call, proposal.call_id)
        closes = max(call.closes_at, proposal.due_at or call.closes_at)
        if now < closes < until:
            return closes
    return until


async def _renew(session: AsyncSession, actor: Actor, invitation_id: UUID, token: str) -> None:
    invitation, proposal = await _of_lead(session, actor, invitation_id)
    demand_open_team(proposal)
    if invitation.state in {"accepted", "revoked"}:
        raise Conflict("invitations.answered", state=invitation.state)
    await part_of(session, invitation.participation_id)
    invitation.token_hash = token_hash(token)
    invitation.state, invitation.answered_at = "sent", None
    invitation.expires_at = await _expiry(session, proposal)
    await session.flush()
    await _note(session, actor, "sent", invitation)


async def _of_lead(
    session: AsyncSession, actor: Actor, invitation_id: UUID
) -> tuple[Invitation, Proposal]:
    invitation = await session.get(Invitation, invitation_id)
    if invitation is None:
        raise NotFound
    proposal = (await find(session, actor, invitation.proposal_id, "team.arrange")).proposal
    await session.refresh(invitation)
    return invitation, proposal


async def resend(session: AsyncSession, actor: Actor, invitation_id: UUID) -> str:
    """Return the token of a new link for the same person; the old one is dead."""
    token = secrets.token_urlsafe(32)
    await _renew(session, actor, invitation_id, token)
    return token


async def revoke(session: AsyncSession, actor: Actor, invitation_id: UUID) -> None:
    """Kill a link that nobody has used; one already dead stays so."""
    invitation, _ = await _of_lead(session, actor, invitation_id)
    if invitation.state == "accepted":
        raise Conflict("invitations.answered", state=invitation.state)
    if invitation.state == "revoked":
        return
    invitation.state, invitation.answered_at = "revoked", await clock_now(session)
    await session.flush()
    await _note(session, actor, "revoked", invitation)


class Opened(NamedTuple):
    """A live invitation, its proposal locked, and the institution's part it belongs to."""

    invitation: Invitation
    proposal: Proposal
    part: Taking
    now: datetime


async def open_link(session: AsyncSession, token: str) -> Invitation:
    """Return the invitation a token belongs to, dead or alive; raise Gone for an unknown one."""
    found = await session.scalar(
        select(Invitation).where(Invitation.token_hash == token_hash(token))
    )
    if not token or found is None:
        raise Gone("invitations.dead")
    await session.scalar(
        select(Proposal.id).where(Proposal.id == found.proposal_id).with_for_update()
    )
    await session.refresh(found)
    return found


async def alive(session: AsyncSession, invitation: Invitation) -> Opened:
    """Return the invitation with what it is to; raise Gone if it is used, revoked or over."""
    now = await clock_now(session, came(session))
    proposal = await session.get_one(Proposal, invitation.proposal_id, populate_existing=True)
    part = await session.get_one(Taking, invitation.participation_id, populate_existing=True)
    over = invitation.state != "sent" or invitation.expires_at < now
    if over or State(proposal.state) not in ANSWERABLE or part.state == "removed":
        raise Gone("invitations.dead")
    return Opened(invitation, proposal, part, now)


async def demand_address(
    session: AsyncSession, invitation: Invitation, visitor: Actor | None
) -> None:
    """Raise Forbidden if the link was made for another verified address than the visitor's."""
    if invitation.email is None or visitor is None or visitor.scope is not None:
        return
    person = await session.get_one(Person, visitor.id)
    same = (person.email or "").lower() == invitation.email.lower()
    if not (same and person.email_verified):
        raise Forbidden("invitations.other_address")


async def decline(session: AsyncSession, visitor: Actor | None, token: str, reason: str) -> None:
    """Say no as a person; the link is dead, the institution's own answer is its officer's."""
    opened = await _answering(session, visitor, token)
    fields = Fields()
    said = fields.take("reason", prose, reason, blank=True, limit=COMMENT_LIMIT)
    fields.settle()
    opened.invitation.state, opened.invitation.answered_at = "declined", opened.now
    opened.invitation.comment = said or None
    await session.flush()
    await _note(session, visitor, "declined", opened.invitation)


async def ask_changes(
    session: AsyncSession, visitor: Actor | None, token: str, comment: str
) -> None:
    """Tell the lead what should be different; the link stays alive."""
    opened = await _answering(session, visitor, token)
    fields = Fields()
    said = fields.take("comment", prose, comment, limit=COMMENT_LIMIT)
    fields.settle()
    if opened.invitation.comment == said:
        return
    opened.invitation.comment = said
    await session.flush()
    await _note(session, visitor, "changes", opened.invitation)


async def report(session: AsyncSession, visitor: Actor | None, token: str) -> None:
    """Kill a link that went astray and tell the coordinators."""
    invitation = (await alive(session, await open_link(session, token))).invitation
    invitation.state, invitation.answered_at = "revoked", await clock_now(session)
    await session.flush()
    await _note(session, visitor, "reported", invitation)


async def _answering(session: AsyncSession, visitor: Actor | None, token: str) -> Opened:
    opened = await alive(session, await open_link(session, token))
    await demand_address(session, opened.invitation, visitor)
    return opened


async def _note(
    session: AsyncSession, actor: Actor | None, what: str, invitation: Invitation
) -> None:
    # An address that is invited is a conflict for whoever has it, until the link is dead.
    if invitation.email is not None:
        await access.refresh_around(session, invitation.proposal_id)
    await record(
        session,
        actor,
        f"invitation.{what}",
        invitation.id,
        proposal_id=invitation.proposal_id,
        participation_id=invitation.participation_id,
        invited_by=invitation.invited_by,
    )
