"""Makers of rows for tests: the least that makes a person, an institution, a call, a proposal exist."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls import forms, presets
from lianyan.calls.models import Call, CallNumber, Form
from lianyan.core.names import search_keys, sort_key
from lianyan.identity.models import Affiliation, Officer, Person, PlatformRole, Session
from lianyan.institutions.models import Institution
from lianyan.proposals import access
from lianyan.proposals.models import Member, Proposal, Taking

ORIGIN = "http://127.0.0.1:8000"


def now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


async def make_institution(session: AsyncSession, name: str = "", **values: Any) -> Institution:
    """Make a member institution; its name is unique unless given."""
    name = name or f"示例大学{secrets.token_hex(3)}"
    made = Institution(
        name_zh=name,
        name_en=values.pop("name_en", f"{name} University"),
        kind=values.pop("kind", "university"),
        sort_key=sort_key(name),
        search_keys=search_keys(name, name),
        **values,
    )
    session.add(made)
    await session.flush()
    return made


async def make_person(
    session: AsyncSession,
    name: str = "示例用户",
    *,
    institution: Institution | None = None,
    roles: Iterable[str] = (),
    officer_of: Institution | None = None,
    **values: Any,
) -> Person:
    """Make a person: active and confirmed at `institution` where one is given."""
    person = Person(
        name=name, sort_key=sort_key(name), status=values.pop("status", "active"), **values
    )
    session.add(person)
    await session.flush()
    home = institution or officer_of
    if home is not None:
        session.add(
            Affiliation(
                person_id=person.id, institution_id=home.id, status="confirmed", source="login"
            )
        )
    if officer_of is not None:
        session.add(Officer(institution_id=officer_of.id, person_id=person.id))
    session.add_all(PlatformRole(person_id=person.id, role=role) for role in roles)
    await session.flush()
    return person


async def make_session(session: AsyncSession, person_id: UUID, scope: UUID | None = None) -> str:
    """Open a session for a person and return its token."""
    token = secrets.token_urlsafe(32)
    session.add(
        Session(
            token_hash=sha256(token.encode()).digest(),
            person_id=person_id,
            proposal_id=scope,
            authenticated_at=now(),
            idle_expires_at=now() + timedelta(hours=12),
            absolute_expires_at=now() + timedelta(days=7),
        )
    )
    await session.flush()
    return token


async def login(session: AsyncSession, person: Person, scope: UUID | None = None) -> dict[str, str]:
    """Return the headers of a browser in which `person` is logged in."""
    token = await make_session(session, person.id, scope)
    return {"cookie": f"lianyan_session={token}", "x-lianyan": "1", "origin": ORIGIN}


def key() -> dict[str, str]:
    """Return the header of a creating POST."""
    return {"idempotency-key": secrets.token_hex(8)}


async def make_call(session: AsyncSession, **values: Any) -> Call:
    """Make an open call of the Light preset with the standard form."""
    light, document = presets.light(), presets.standard_form()
    form = await session.scalar(select(Form).order_by(Form.number.desc()))
    if form is None:
        form = Form(number=1, document=forms.write(document), sha256=forms.form_hash(document))
        session.add(form)
        await session.flush()
    prefix = values.pop("prefix", f"T-{secrets.token_hex(6)}")
    made = Call(
        title_zh="示例征集",
        title_en="Demo call",
        summary_zh="示例",
        summary_en="Demo",
        prefix=prefix,
        form_id=form.id,
        rubric=msgspec.to_builtins(presets.standard_rubric()),
        checklist=msgspec.to_builtins(light.checklist),
        preset="light",
        stages=values.pop("stages", list(light.stages)),
        consent=values.pop("consent", "click"),
        min_institutions=values.pop("min_institutions", 2),
        min_reviews=values.pop("min_reviews", 2),
        opens_at=values.pop("opens_at", now() - timedelta(days=30)),
        closes_at=values.pop("closes_at", now() + timedelta(days=5)),
        reviews_until=values.pop("reviews_until", now() + timedelta(days=30)),
        decides_at=values.pop("decides_at", now() + timedelta(days=45)),
        **values,
    )
    session.add(made)
    await session.flush()
    session.add(CallNumber(call_id=made.id))
    await session.flush()
    return made


async def make_proposal(
    session: AsyncSession,
    lead: Person,
    call: Call,
    institutions: Iterable[Institution] = (),
    *,
    team: Iterable[tuple[Person, Institution]] = (),
    **values: Any,
) -> Proposal:
    """Make a proposal row with its institutions (the first leads) and team, and its access rows.

    For rules about who sees what. What commands do is tested through commands.
    """
    found = list(institutions)
    if values.get("number"):
        values.setdefault("submitted_at", now())
        values.setdefault("stages", list(call.stages))
    made = Proposal(
        call_id=call.id,
        form_id=call.form_id,
        lead_id=lead.id,
        title=values.pop("title", "示例题目"),
        **values,
    )
    session.add(made)
    await session.flush()
    for position, institution in enumerate(found):
        session.add(
            Taking(
                proposal_id=made.id,
                institution_id=institution.id,
                role="participating" if position else "lead",
                position=position,
            )
        )
    members = list(team) or ([(lead, found[0])] if found else [])
    session.add_all(
        Member(proposal_id=made.id, person_id=person.id, institution_id=home.id)
        for person, home in members
    )
    await access.refresh(session, made.id)
    return made
