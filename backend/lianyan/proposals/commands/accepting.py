"""Accepting an invitation: the one POST that makes somebody part of a team."""

from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core import names
from lianyan.core.actor import Actor
from lianyan.core.events import record
from lianyan.core.fields import Fields
from lianyan.core.problems import Gone
from lianyan.core.text import TextError, line
from lianyan.identity.claims import name as person_name
from lianyan.identity.commands import open_session
from lianyan.identity.models import Affiliation, Person
from lianyan.institutions.domains import check_mail
from lianyan.proposals import access
from lianyan.proposals.commands.inviting import Opened, alive, demand_address, open_link
from lianyan.proposals.commands.team import current, join
from lianyan.proposals.models import Invitation
from lianyan.proposals.schemas.consortium import AcceptIn

PHONE_LONGEST, PHONE_SHORTEST = 30, 5


class Joined(NamedTuple):
    """The proposal joined, and the token of the session opened for somebody without a login."""

    proposal_id: UUID
    token: str | None


async def accept(
    session: AsyncSession, visitor: Actor | None, token: str, key: str, data: AcceptIn
) -> Joined:
    """Take part: as the person logged in, else under the name typed; the link dies with it.

    The same POST again, from the browser that sent it first, succeeds again.
    """
    invitation = await open_link(session, token)
    hashed = sha256(f"{invitation.id}:{key}".encode()).digest()
    if invitation.state == "accepted" and invitation.accepted_by is not None:
        return await _again(session, visitor, invitation, hashed)
    opened = await alive(session, invitation)
    await demand_address(session, invitation, visitor)
    known = _known(visitor, invitation.proposal_id)
    person = (
        await session.get_one(Person, known.id)
        if known
        else await _new_person(session, invitation, data)
    )
    person.status = "active"
    await _belongs(session, known, person.id, opened.part.institution_id)
    invitation.state, invitation.answered_at = "accepted", opened.now
    invitation.accepted_by, invitation.answer_key = person.id, hashed
    await session.flush()
    await _join(session, known, opened, person.id)
    if known is not None:
        return Joined(invitation.proposal_id, None)
    opened_session = await open_session(session, person.id, scope=invitation.proposal_id)
    return Joined(invitation.proposal_id, opened_session)


def _known(visitor: Actor | None, proposal_id: UUID) -> Actor | None:
    """Return who is logged in, unless an invitation to another proposal is all they have."""
    if visitor is None or visitor.scope not in {None, proposal_id}:
        return None
    return visitor


async def _again(
    session: AsyncSession, visitor: Actor | None, invitation: Invitation, hashed: bytes
) -> Joined:
    assert invitation.accepted_by is not None  # noqa: S101  the caller has looked
    still_in = await current(session, invitation.proposal_id, invitation.accepted_by)
    if still_in is None:
        raise Gone("invitations.dead")
    if visitor is not None and visitor.id == invitation.accepted_by:
        return Joined(invitation.proposal_id, None)
    if hashed != invitation.answer_key:
        raise Gone("invitations.dead")
    token = await open_session(session, invitation.accepted_by, scope=invitation.proposal_id)
    return Joined(invitation.proposal_id, token)


async def _new_person(session: AsyncSession, invitation: Invitation, data: AcceptIn) -> Person:
    fields = Fields()
    name = fields.take("name", person_name, data.name) or ""
    contact = fields.take("contact", _contact, data.contact) or ("", "")
    fields.settle()
    email, phone = contact
    person = Person(
        name=name,
        sort_key=names.sort_key(name),
        status="active",
        email=email or invitation.email,
        phone=phone or None,
    )
    session.add(person)
    await session.flush()
    return person


def _contact(typed: str) -> tuple[str, str]:
    """Return (address, telephone number) of what was typed, one of them empty; both may be."""
    said = line(typed, blank=True, longest=320)
    if not said:
        return "", ""
    if "@" in said or "＠" in said:
        return check_mail(said), ""
    plain = said.replace(" ", "").replace("-", "")
    digits = plain.removeprefix("+")
    fits = PHONE_SHORTEST <= len(digits) <= PHONE_LONGEST and digits.isascii()
    if not (fits and digits.isdigit()):
        raise TextError("invitations.contact_unclear")
    return "", plain


async def _belongs(
    session: AsyncSession, actor: Actor | None, person_id: UUID, institution_id: UUID
) -> None:
    """Say where the person says they belong; its officer confirms it, or does not."""
    there = await session.scalar(
        select(Affiliation.id).where(
            Affiliation.person_id == person_id,
            Affiliation.institution_id == institution_id,
            Affiliation.status.in_(["pending", "confirmed"]),
        )
    )
    if there is not None:
        return
    made = Affiliation(person_id=person_id, institution_id=institution_id, source="invitation")
    session.add(made)
    await session.flush()
    await record(
        session, actor, "affiliation.asked", made.id, person=person_id, institution=institution_id
    )


async def _join(
    session: AsyncSession, actor: Actor | None, opened: Opened, person_id: UUID
) -> None:
    invitation = opened.invitation
    if await current(session, invitation.proposal_id, person_id) is None:
        await join(session, actor, invitation.proposal_id, person_id, opened.part.institution_id)
    elif invitation.email is not None:
        await access.refresh(session, invitation.proposal_id)
    await record(
        session,
        actor,
        "invitation.accepted",
        invitation.id,
        proposal_id=invitation.proposal_id,
        participation_id=invitation.participation_id,
        invited_by=invitation.invited_by,
        person_id=person_id,
    )
