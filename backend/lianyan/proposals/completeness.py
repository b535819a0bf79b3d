"""What a proposal still needs before it can be submitted, and what only deserves a look."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls import forms
from lianyan.core.db import Connection
from lianyan.core.shapes import I18n
from lianyan.proposals.deadlines import PART_STATE
from lianyan.proposals.form import form_of, form_read, terms, terms_read
from lianyan.proposals.models import Proposal
from lianyan.proposals.schemas.submission import Gap

CONTENT = f"""
  coalesce((select jsonb_object_agg(a.question, a.value) from answers a
    where a.proposal_id = p.id), '{{}}') as answers,
  (select jsonb_agg(jsonb_build_object('id', t.id, 'role', t.role, 'state', {PART_STATE},
      'institution', jsonb_build_object('zh', i.name_zh, 'en', i.name_en),
      'lines', (select count(*) from contributions k where k.participation_id = t.id),
      'people', (select count(*) from members m where m.proposal_id = p.id
        and m.institution_id = t.institution_id and m.removed_at is null),
      'officers', (select count(*) from officers o
        where o.institution_id = t.institution_id and o.ended_at is null))
    order by t.position, t.id)
    from participations t join institutions i on i.id = t.institution_id
    where t.proposal_id = p.id and t.state <> 'removed') as parts,
  c.min_institutions
"""
"""What the gaps of proposal `p` of call `c` are computed from."""

_CONTENT = text(f"""
  select {CONTENT} from proposals p join calls c on c.id = p.call_id where p.id = :proposal
""").columns(answers=JSONB, parts=JSONB)

CONTENT_READ = f"""
  select found.answers::text as answers, found.parts::text as parts, found.min_institutions,
    found.form_id
  from (select {CONTENT}, p.form_id from proposals p join calls c on c.id = p.call_id
    where p.id = $1) found
"""


class Part(msgspec.Struct, frozen=True):
    """An institution's part, as far as completeness asks."""

    id: UUID
    role: str
    state: str
    institution: I18n
    lines: int
    people: int
    officers: int


class Content(msgspec.Struct, frozen=True):
    """A proposal's content, as far as completeness asks."""

    form: forms.Form
    terms: dict[str, set[str]]
    answers: dict[str, Any]
    parts: list[Part]
    min_institutions: int


async def content(session: AsyncSession, proposal: Proposal) -> Content:
    """Return the present content of a proposal."""
    await session.flush()
    row = (await session.execute(_CONTENT, {"proposal": proposal.id})).one()
    return Content(
        form=await form_of(session, proposal.form_id),
        terms=await terms(session),
        answers=row.answers,
        parts=msgspec.convert(row.parts, list[Part]),
        min_institutions=row.min_institutions,
    )


async def content_read(connection: Connection, proposal_id: UUID) -> Content:
    """Return the present content of a proposal, on a read's connection."""
    row: Any = await connection.fetchrow(CONTENT_READ, proposal_id)
    return Content(
        form=await form_read(connection, row["form_id"]),
        terms=await terms_read(connection),
        answers=msgspec.json.decode(row["answers"]),
        parts=msgspec.json.decode(row["parts"], type=list[Part]),
        min_institutions=row["min_institutions"],
    )


def blocking(found: Content) -> list[Gap]:
    """Return what stops a submission, in the form's order, each with where to mend it."""
    gaps = [
        Gap(code=gap.code, params=gap.params, section=gap.section, question=gap.field)
        for gap in forms.missing(found.form, found.answers, found.terms)
    ]
    section = next((s.id for s in found.form.sections if s.shows == "contributions"), None)
    for part in found.parts:
        named = {"institution": {"zh": part.institution.zh, "en": part.institution.en}}
        if part.state == "declined":
            gaps.append(Gap(code="proposals.gap_declined", params=named, participation=part.id))
        elif not part.lines:
            gaps.append(
                Gap(
                    code="proposals.gap_no_contribution",
                    params=named,
                    section=section,
                    participation=part.id,
                )
            )
    if len(found.parts) < found.min_institutions:
        count = {"count": len(found.parts), "min": found.min_institutions}
        gaps.append(Gap(code="proposals.gap_too_few_institutions", params=count))
    return gaps


def advisory(found: Content) -> list[Gap]:
    """Return what deserves a look before a submission but does not stop it."""
    gaps = []
    for part in found.parts:
        named = {"institution": {"zh": part.institution.zh, "en": part.institution.en}}
        if not part.people:
            gaps.append(Gap(code="proposals.gap_nobody", params=named, participation=part.id))
        if not part.officers:
            gaps.append(Gap(code="proposals.gap_no_officer", params=named, participation=part.id))
        elif part.state not in {"consented", "declined"}:
            gaps.append(Gap(code="proposals.gap_unconfirmed", params=named, participation=part.id))
    return gaps
