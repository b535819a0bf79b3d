"""The form a call asks: an immutable document of sections and typed questions, and what may answer.

An answer is kept as JSON: text as a string, a choice as its code, many as a list of codes, a number
and an amount (in 分) as a whole number, a date as YYYY-MM-DD, a month as YYYY-MM, a table as a list
of rows. `accept` lets an unfinished answer through, `missing` says what is still to be written.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from lianyan.core.canonical import digest
from lianyan.core.problems import FieldError
from lianyan.core.text import LINE_LONGEST, PROSE_LONGEST, TextError, blank, line, prose

Type = Literal["text", "choice", "many", "number", "amount", "date", "month", "table"]
Source = Literal["sectors", "fields"]
Reader = Literal["team", "officers", "coordinators", "reviewers", "approvers", "public"]
Terms = Mapping[str, Collection[str]]
"""The codes of the taxonomies that questions take their options from, by source."""

AMOUNT_MOST = 100_000_000_000_000
"""In 分: a million million yuan; more is a slip of the pen, and JSON numbers end at 2^53."""
NUMBER_MOST = 1_000_000_000
ROWS_MOST = 50
MONTH_LENGTH = 7


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    zh: str
    en: str


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing to choose."""

    id: str
    label: Said
    hint: Said | None = None


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One typed question."""

    id: str
    type: Type
    label: Said
    visible_to: list[Reader]
    hint: Said | None = None
    required: bool = False
    required_if: dict[str, list[str]] = {}
    """Answers to choices of the form, any of which makes this one required."""
    limit: int | None = None
    """Units a text may count."""
    one_line: bool = False
    min: int | None = None
    """Smallest number, or fewest choices or rows of a complete answer."""
    max: int | None = None
    unit: Said | None = None
    source: Source | None = None
    options: list[Option] = []
    columns: list["Question"] = []
    """Questions of each row of a table."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the form that is written and saved alone."""

    id: str
    title: Said
    help: Said
    questions: list[Question] = []
    shows: Literal["contributions"] | None = None
    """What stands here in place of questions."""


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole form."""

    title: Said
    sections: list[Section]

    def section(self, name: str) -> Section | None:
        """Return the section of this id, or None."""
        return next((s for s in self.sections if s.id == name), None)

    def questions(self) -> Iterator[tuple[Section, Question]]:
        """Yield every question with its section, in order."""
        for section in self.sections:
            for question in section.questions:
                yield section, question


class Gap(msgspec.Struct, frozen=True):
    """One thing that a complete proposal still needs."""

    section: str
    field: str
    code: str
    params: dict[str, Any] = {}


class Refused(Exception):
    """An answer that may not be stored."""

    def __init__(self, code: str, /, **params: Any) -> None:
        """Say why; `field` among the parameters is where, below the question."""
        super().__init__(code)
        self.code, self.params = code, params
        self.below: list[str] = []


def read(document: Any) -> Form:
    """Return the form of a stored document."""
    return msgspec.convert(document, Form)


def write(form: Form) -> dict[str, Any]:
    """Return the document that is stored for `form`."""
    document: dict[str, Any] = msgspec.to_builtins(form)
    return document


def form_hash(form: Form) -> bytes:
    """Return the SHA-256 of the form's canonical JSON: equal forms are one form."""
    return digest(write(form))


def accept(
    section: Section, answers: Mapping[str, Any], terms: Terms
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the answers of one section as they are stored, and what is wrong with which.

    Only the questions that are answered are looked at; an empty answer is None.
    """
    stored: dict[str, Any] = {}
    errors: list[FieldError] = []
    known = {question.id: question for question in section.questions}
    for field, value in answers.items():
        question = known.get(field)
        if question is None:
            errors.append(FieldError(field[:80], "form.unknown_question"))
            continue
        try:
            stored[field] = answer(question, value, terms)
        except Refused as refused:
            where = ".".join([field, *refused.below])
            errors.append(FieldError(where, refused.code, refused.params))
    return stored, errors


def answer(question: Question, value: Any, terms: Terms) -> Any:
    """Return `value` as it is stored for `question`, None for no answer, or raise Refused."""
    if value is None or value in ("", []):
        return None
    return _ACCEPT[question.type](question, value, terms)


def missing(form: Form, answers: Mapping[str, Any], terms: Terms) -> list[Gap]:
    """Return what a complete proposal still needs, in the form's order.

    A stored answer that the form or the taxonomies no longer take is named too.
    """
    gaps = []
    for section, question in form.questions():
        required = question.required or any(
            answers.get(other) in chosen for other, chosen in question.required_if.items()
        )
        if refused := _unfinished(question, answers.get(question.id), terms, required=required):
            gaps.append(Gap(section.id, question.id, refused.code, refused.params))
    return gaps


def _unfinished(question: Question, value: Any, terms: Terms, *, required: bool) -> Refused | None:
    try:
        stored = answer(question, value, terms)
    except Refused as refused:
        return refused
    if stored is None:
        return Refused("form.required") if required else None
    if question.type in {"many", "table"} and question.min and len(stored) < question.min:
        return Refused("form.too_few", count=len(stored), limit=question.min)
    if question.type == "table":
        needed = [column.id for column in question.columns if column.required]
        if any(row.get(name) is None for row in stored for name in needed):
            return Refused("form.row_unfinished")
    return None


def _text(question: Question, value: Any, _: Terms) -> str | None:
    if not isinstance(value, str):
        raise Refused("form.wrong_type")
    gate, longest = (line, LINE_LONGEST) if question.one_line else (prose, PROSE_LONGEST)
    try:
        text = gate(value, blank=True, limit=question.limit, longest=longest)
    except TextError as error:
        raise Refused(error.code, **error.params) from None
    return None if blank(text) else text


def _choice(question: Question, value: Any, terms: Terms) -> str:
    if not isinstance(value, str):
        raise Refused("form.wrong_type")
    if value not in _codes(question, terms):
        raise Refused("form.not_an_option")
    return value


def _many(question: Question, value: Any, terms: Terms) -> list[str]:
    if not isinstance(value, list):
        raise Refused("form.wrong_type")
    if question.max and len(value) > question.max:
        raise Refused("form.too_many", count=len(value), limit=question.max)
    chosen = [_choice(question, item, terms) for item in value]
    if len(set(chosen)) < len(chosen):
        raise Refused("form.chosen_twice")
    return chosen


def _number(question: Question, value: Any, _: Terms) -> int:
    low = 0 if question.min is None else question.min
    high = NUMBER_MOST if question.max is None else question.max
    return _whole(value, low, high)


def _amount(question: Question, value: Any, _: Terms) -> int:
    low = 0 if question.min is None else question.min
    high = AMOUNT_MOST if question.max is None else question.max
    return _whole(value, low, high)


def _date(_: Question, value: Any, __: Terms) -> str:
    return _day(value, "form.not_a_date")


def _month(_: Question, value: Any, __: Terms) -> str:
    if not isinstance(value, str) or len(value) != MONTH_LENGTH:
        raise Refused("form.not_a_month")
    return _day(f"{value}-01", "form.not_a_month")[:MONTH_LENGTH]


def _table(question: Question, value: Any, terms: Terms) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise Refused("form.wrong_type")
    limit = question.max or ROWS_MOST
    if len(value) > limit:
        raise Refused("form.too_many", count=len(value), limit=limit)
    return [_row(question, str(number), row, terms) for number, row in enumerate(value)]


def _row(question: Question, number: str, row: Any, terms: Terms) -> dict[str, Any]:
    known = {column.id: column for column in question.columns}
    if not isinstance(row, dict) or not set(row) <= set(known):
        raise Refused("form.wrong_type")
    stored = {}
    for name, cell in row.items():
        try:
            stored[name] = answer(known[name], cell, terms)
        except Refused as refused:
            refused.below = [number, name]
            raise
    return stored


_ACCEPT = {
    "text": _text,
    "choice": _choice,
    "many": _many,
    "number": _number,
    "amount": _amount,
    "date": _date,
    "month": _month,
    "table": _table,
}


def _codes(question: Question, terms: Terms) -> Collection[str]:
    if question.source:
        return terms[question.source]
    return {option.id for option in question.options}


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused("form.not_a_whole_number")
    if not low <= value <= high:
        raise Refused("form.out_of_range", min=low, max=high)
    return value


def _day(value: Any, refusal: str) -> str:
    try:
        found = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused(refusal) from None
    # `fromisoformat` takes week dates and dates without hyphens too: one form is stored.
    if found.isoformat() != value:
        raise Refused(refusal)
    return found.isoformat()
