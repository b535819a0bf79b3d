"""The letters a release sends: one list, for the preview and for the sending alike."""

from collections.abc import Callable
from typing import Literal
from uuid import UUID

import msgspec

from lianyan.core.db import Connection
from lianyan.core.pieces import institution, person
from lianyan.core.shapes import I18n, InstitutionRef, PersonRef
from lianyan.core.words import LOCALES, say
from lianyan.decisions.schemas import Applied


def applied(of: str) -> str:
    """Return the SQL of what proposal `of` applies for: its months, and its institutions' cash in 分."""
    return f"""
      jsonb_build_object(
        'months', (select case when jsonb_typeof(w.value) = 'number' then w.value end
          from answers w where w.proposal_id = {of}.id and w.question = 'months'),
        'fen', (select sum(c.value_fen) from contributions c
          join participations t on t.id = c.participation_id
          where t.proposal_id = {of}.id and t.state not in ('removed', 'declined')
            and c.kind = 'cash'))
    """


LETTERS = f"""
  with asked as (
    select d.id as decision_id, d.kind, d.letter, d.granted_months, d.granted_fen, p.id,
      p.number, p.title, p.title_en, p.lead_id, {applied("p")} as applied
    from decisions d join proposals p on p.id = d.proposal_id
    where d.id = any($1)
  ),
  everybody as (
    select d.decision_id, d.lead_id as person_id, t.institution_id, 'lead' as role, 0 as place
    from asked d
    left join participations t on t.proposal_id = d.id and t.role = 'lead' and t.state <> 'removed'
    union all
    select d.decision_id, o.person_id, t.institution_id, 'officer',
      1 + (row_number() over (partition by d.decision_id
        order by t.role <> 'lead', t.position, t.id, o.deputy, o.id))::int
    from asked d
    join participations t on t.proposal_id = d.id and t.state not in ('removed', 'declined')
    join officers o on o.institution_id = t.institution_id and o.ended_at is null
  ),
  once as (
    select distinct on (e.decision_id, e.person_id) e.*
    from everybody e order by e.decision_id, e.person_id, e.place
  )
  select coalesce(jsonb_agg(jsonb_build_object(
      'decision_id', d.decision_id, 'proposal_id', d.id, 'number', d.number, 'title', d.title,
      'title_en', d.title_en, 'kind', d.kind, 'letter', d.letter, 'applied', d.applied,
      'granted_months', d.granted_months, 'granted_fen', d.granted_fen, 'to', o.role,
      'person', {person("q")}, 'institution', case when i.id is not null then {institution("i")} end)
    order by d.number, d.id, o.place), '[]')::text
  from once o
  join asked d on d.decision_id = o.decision_id
  join people q on q.id = o.person_id
  left join institutions i on i.id = o.institution_id
"""

FEN = 100
WAN = 10_000


class Letter(msgspec.Struct, frozen=True):
    """A letter to one person about one decision."""

    decision_id: UUID
    proposal_id: UUID
    number: str
    title: str
    title_en: str
    kind: Literal["approve", "reject"]
    letter: str
    applied: Applied
    granted_months: int | None
    granted_fen: int | None
    to: Literal["lead", "officer"]
    person: PersonRef
    institution: InstitutionRef | None

    @property
    def template(self) -> str:
        """Return the message's template."""
        return "letter_approved" if self.kind == "approve" else "letter_rejected"


async def letters_of(connection: Connection, decision_ids: list[UUID]) -> list[Letter]:
    """Return the letters of these decisions: to the lead, and to the officers of each institution.

    Whoever is several of these gets one letter about a proposal, as the first of them.
    """
    return msgspec.json.decode(await connection.fetchval(LETTERS, decision_ids), type=list[Letter])


def subject(letter: Letter) -> I18n:
    """Return the subject in both languages."""
    return _both(
        lambda locale: say(locale, _key("letter_subject", letter), **_words(letter, locale))
    )


def body(letter: Letter) -> I18n:
    """Return the text in both languages; terms that differ stand beside what was applied for."""
    return _both(lambda locale: _body(letter, locale))


def _body(letter: Letter, locale: str) -> str:
    words = _words(letter, locale)
    parts = [
        say(locale, "decisions.letter_greeting", **words),
        say(locale, f"decisions.letter_opening_{letter.to}_{letter.kind}", **words),
    ]
    if letter.kind == "approve":
        parts += _terms(letter, locale)
    parts += [letter.letter, say(locale, "decisions.letter_reviews")]
    return "\n\n".join(parts)


def _terms(letter: Letter, locale: str) -> list[str]:
    """Return what is granted beside what was applied for, a line for each; C-99 asks for both."""
    lines = []
    months, fen = letter.applied.months, letter.applied.fen
    if months is not None or letter.granted_months is not None:
        granted = letter.granted_months if letter.granted_months is not None else months
        lines.append(
            say(
                locale,
                "decisions.letter_months",
                applied=_or_dash(months),
                granted=_or_dash(granted),
            )
        )
    if fen is not None or letter.granted_fen is not None:
        granted = letter.granted_fen if letter.granted_fen is not None else fen
        lines.append(
            say(
                locale,
                "decisions.letter_money",
                applied=_money(fen, locale),
                granted=_money(granted, locale),
            )
        )
    return ["\n".join(lines)] if lines else []


def _words(letter: Letter, locale: str) -> dict[str, str]:
    titles = (letter.title_en, letter.title) if locale == "en" else (letter.title, letter.title_en)
    home = letter.institution.name if letter.institution else I18n("", "")
    return {
        "name": letter.person.name,
        "number": letter.number,
        "title": next((title for title in titles if title), ""),
        "institution": home.zh if locale == "zh" else home.en,
    }


def _or_dash(value: int | None) -> str:
    return "—" if value is None else str(value)


def _money(fen: int | None, locale: str) -> str:
    if fen is None:
        return "—"
    if locale == "zh":
        wan = f"{fen / FEN / WAN:,.6f}".rstrip("0").rstrip(".")
        return f"{wan} 万元"
    return f"CNY {fen // FEN:,}.{fen % FEN:02d}"


def _key(name: str, letter: Letter) -> str:
    return f"decisions.{name}_{letter.kind}"


def _both(of: Callable[[str], str]) -> I18n:
    return I18n(**{locale: of(locale) for locale in LOCALES})
