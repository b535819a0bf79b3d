"""Frozen contents: equal content is the same version."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.canonical import digest
from lianyan.proposals.models import Proposal, Version

FINGERPRINT = """
  sha256(convert_to(
    coalesce((select string_agg(s.section || ':' || s.rev, ',' order by s.section collate "C")
      from sections s where s.proposal_id = p.id), '') || ';'
    || coalesce((select string_agg(t.id || ':' || t.rev, ',' order by t.id)
      from participations t where t.proposal_id = p.id and t.state <> 'removed'), ''), 'UTF8'))
"""
"""What identifies the content of proposal `p` by revisions alone; only an edit moves those."""

_DOCUMENT = text(f"""
  select jsonb_build_object(
    'call', p.call_id, 'form', p.form_id,
    'answers', coalesce((select jsonb_object_agg(a.question, a.value) from answers a
      where a.proposal_id = p.id), '{{}}'),
    'participations', coalesce((
      select jsonb_agg(jsonb_build_object('id', t.id, 'institution', t.institution_id,
          'role', t.role, 'task', t.task, 'special_terms', t.special_terms,
          'contributions', coalesce((
            select jsonb_agg(jsonb_build_object('kind', c.kind, 'what', c.what,
                'amount', c.amount::text, 'unit', c.unit, 'value_fen', c.value_fen,
                'terms', c.terms) order by c.position, c.id)
            from contributions c where c.participation_id = t.id), '[]'))
        order by t.position, t.id)
      from participations t where t.proposal_id = p.id and t.state <> 'removed'), '[]')
  ) as document, {FINGERPRINT} as fingerprint
  from proposals p where p.id = :proposal
""").columns(document=JSONB)

_FINGERPRINT = text(f"select {FINGERPRINT} from proposals p where p.id = :proposal")


async def fingerprint(session: AsyncSession, proposal_id: UUID) -> bytes:
    """Return what identifies the present content."""
    await session.flush()
    found: bytes = (await session.scalars(_FINGERPRINT, {"proposal": proposal_id})).one()
    return found


async def freeze(session: AsyncSession, proposal: Proposal, person_id: UUID) -> Version:
    """Return the version of the present content of a locked proposal, made now if there is none."""
    await session.flush()
    row = (await session.execute(_DOCUMENT, {"proposal": proposal.id})).one()
    sha256 = digest(row.document)
    stored = await session.scalar(
        select(Version).where(Version.proposal_id == proposal.id, Version.sha256 == sha256)
    )
    if stored is not None:
        stored.fingerprint = row.fingerprint
        return stored
    last = await session.scalar(
        select(func.max(Version.number)).where(Version.proposal_id == proposal.id)
    )
    made = Version(
        proposal_id=proposal.id,
        number=(last or 0) + 1,
        document=row.document,
        sha256=sha256,
        fingerprint=row.fingerprint,
        made_by=person_id,
    )
    session.add(made)
    await session.flush()
    return made


async def number_of(session: AsyncSession, version_id: UUID | None) -> int | None:
    """Return a version's number."""
    found: Any = await session.scalar(select(Version.number).where(Version.id == version_id))
    return found  # type: ignore[no-any-return]  # a scalar of an unknown statement is Any
