"""The form that a proposal pins, parsed once: a form never changes, so it is kept."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls import forms
from lianyan.calls.models import Form
from lianyan.core.db import Connection
from lianyan.institutions.models import Term

_KEPT: dict[UUID, forms.Form] = {}
_MOST = 200
SOURCES = {"sector": "sectors", "field": "fields"}


def _keep(form_id: UUID, document: Any) -> forms.Form:
    if len(_KEPT) >= _MOST:
        _KEPT.clear()
    form = _KEPT[form_id] = forms.read(document)
    return form


async def form_of(session: AsyncSession, form_id: UUID) -> forms.Form:
    """Return a form by its id."""
    if form_id in _KEPT:
        return _KEPT[form_id]
    return _keep(form_id, await session.scalar(select(Form.document).where(Form.id == form_id)))


async def form_read(connection: Connection, form_id: UUID) -> forms.Form:
    """Return a form by its id, on a read's connection."""
    if form_id in _KEPT:
        return _KEPT[form_id]
    found = await connection.fetchval("select document::text from forms where id = $1", form_id)
    return _keep(form_id, msgspec.json.decode(found))


def asks_terms(section: forms.Section) -> bool:
    """Say whether a section has questions whose options are the taxonomies."""
    return any(question.source for question in section.questions)


async def terms(session: AsyncSession) -> dict[str, set[str]]:
    """Return the codes of the taxonomies, by source."""
    found: dict[str, set[str]] = {source: set() for source in SOURCES.values()}
    for kind, code in await session.execute(select(Term.kind, Term.code)):
        found[SOURCES[kind]].add(code)
    return found


async def terms_read(connection: Connection) -> dict[str, set[str]]:
    """Return the codes of the taxonomies, by source, on a read's connection."""
    found: dict[str, set[str]] = {source: set() for source in SOURCES.values()}
    for row in await connection.fetch("select kind, code from terms"):
        found[SOURCES[row["kind"]]].add(row["code"])
    return found


def missing_of(
    section: forms.Section, answers: dict[str, Any], codes: dict[str, set[str]]
) -> list[forms.Gap]:
    """Return what one section still needs."""
    return forms.missing(forms.Form(section.title, [section]), answers, codes)
