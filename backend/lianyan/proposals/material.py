"""What a confirmation is to: the material fields, and the hash over them.

One table says which fields are material and whose they are; one SQL expression reads them, for the
hash as for the page that shows what changed, so that both always speak of the same content.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.canonical import digest

Scope = dict[str, Any]


class Whose(StrEnum):
    """Whose confirmations a field belongs to."""

    ALL = "all"
    """Every institution's."""
    OWN = "own"
    """Only that institution's own."""


ALL, OWN = Whose.ALL, Whose.OWN

MATERIAL: dict[str, Whose] = {
    "title": ALL,
    "aims": ALL,
    "starts": ALL,
    "months": ALL,
    "institutions": ALL,
    "data_terms": ALL,
    "ip_terms": ALL,
    "contributions": OWN,
    "special_terms": OWN,
}
"""The material fields. The field decides, not whether an edit is a typo; nothing else is material."""

QUESTIONS = tuple(f for f, whose in MATERIAL.items() if whose is ALL and f != "institutions")
"""The material fields that are questions of the form, by their ids."""

_ABSENT = "{" + ", ".join(f'"{question}": null' for question in QUESTIONS) + "}"
_ASKED = ", ".join(f"'{question}'" for question in QUESTIONS)

SCOPE = f"""
  ('{_ABSENT}'::jsonb
    || coalesce((select jsonb_object_agg(a.question, a.value) from answers a
      where a.proposal_id = p.id and a.question in ({_ASKED})), '{{}}')
    || jsonb_build_object(
      'institutions', (
        select jsonb_agg(jsonb_build_object('institution', x.institution_id, 'role', x.role)
          order by x.institution_id)
        from participations x where x.proposal_id = p.id and x.state <> 'removed'),
      'contributions', coalesce((
        select jsonb_agg(jsonb_build_object('kind', c.kind, 'what', c.what,
            'amount', c.amount::text, 'unit', c.unit, 'value_fen', c.value_fen, 'terms', c.terms)
          order by c.kind, c.what collate "C", c.unit collate "C", c.amount, c.value_fen,
            c.terms collate "C")
        from contributions c where c.participation_id = t.id), '[]'),
      'special_terms', t.special_terms))
"""
"""The material content of participation `t` of proposal `p`; lines in an order of their own."""

_SCOPES = text(f"""
  select t.id, {SCOPE} as scope from participations t join proposals p on p.id = t.proposal_id
  where p.id = :proposal and t.state = any(:states)
""").columns(scope=JSONB)

_FIELDS = ", ".join(f"'{field}'" for field in MATERIAL)


def _named(value: str) -> str:
    """Return SQL that shows a field's value: institutions by their names, the rest as it is."""
    return f"""
      case when f.field = 'institutions' then (
        select jsonb_agg(jsonb_build_object('institution', jsonb_build_object('id', i.id,
            'name', jsonb_build_object('zh', i.name_zh, 'en', i.name_en)), 'role', e ->> 'role')
          order by e ->> 'role' <> 'lead', i.sort_key collate "C")
        from jsonb_array_elements({value} -> f.field) e
        join institutions i on i.id = (e ->> 'institution')::uuid)
      else {value} -> f.field end
    """


def changes(before: str, after: str) -> str:
    """Return SQL for the differing fields of two scopes: `[{field, before, after}]`, in table order."""
    return f"""
      coalesce((
        select jsonb_agg(jsonb_build_object('field', f.field,
            'before', {_named(before)}, 'after', {_named(after)}) order by f.position)
        from unnest(array[{_FIELDS}]) with ordinality f(field, position)
        where {before} -> f.field is distinct from {after} -> f.field), '[]')
    """


async def scopes(session: AsyncSession, proposal_id: UUID, *states: str) -> dict[UUID, Scope]:
    """Return the material content of each of a proposal's participations in one of `states`."""
    await session.flush()
    rows = await session.execute(_SCOPES, {"proposal": proposal_id, "states": list(states)})
    return {row.id: row.scope for row in rows}


def scope_hash(scope: Scope) -> bytes:
    """Return the SHA-256 of the canonical JSON of a scope."""
    return digest(scope)


def differing(before: Scope, after: Scope) -> list[str]:
    """Return the fields that differ, in the table's order."""
    return [field for field in MATERIAL if before.get(field) != after.get(field)]


SHORT = 8


def token(scope: Scope) -> str:
    """Return what an officer's page sends back: the scope's hash, then a short one of each field.

    The hash decides; the short ones only let a refusal name the fields that changed.
    """
    parts = "".join(digest(scope[field]).hex()[:SHORT] for field in MATERIAL)
    return f"{scope_hash(scope).hex()}-{parts}"


def seen(sent: str, scope: Scope) -> bool:
    """Say whether `sent` was made of this very scope."""
    return sent.partition("-")[0] == scope_hash(scope).hex()


def changed_since(sent: str, scope: Scope) -> list[str]:
    """Return the fields that changed since `sent` was made; all, if it cannot tell."""
    old, new = sent.partition("-")[2], token(scope).partition("-")[2]
    if len(old) != len(new):
        return list(MATERIAL)
    return [
        field
        for number, field in enumerate(MATERIAL)
        if old[number * SHORT :][:SHORT] != new[number * SHORT :][:SHORT]
    ]
