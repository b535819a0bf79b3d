"""An institution's own ledger: on screen, and as a workbook that opens right."""

from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.clock import BEIJING
from lianyan.core.shapes import I18n, InstitutionRef
from lianyan.core.words import say
from lianyan.proposals.deadlines import PART_STATE
from lianyan.proposals.queries.mine import DEADLINE
from lianyan.proposals.queries.shaping import institution, lead_institution, lines_of, shown, utc
from lianyan.proposals.schemas.detail import ContributionOut
from lianyan.proposals.schemas.ledger import Ledger, LedgerRow

MOST = 5_000

LEDGER = f"""
  select jsonb_build_object('proposal_id', p.id, 'participation_id', t.id, 'number', p.number,
    'title', p.title, 'title_en', p.title_en,
    'call', jsonb_build_object('zh', c.title_zh, 'en', c.title_en),
    'institution', {institution("i")}, 'role', t.role, 'promise', {lines_of("t")},
    'shown', {shown("p.state")}, 'consent', {PART_STATE}, 'next', {DEADLINE},
    'lead', {lead_institution("p")}, 'submitted_at', {utc("p.submitted_at")})::text as body
  from access a
  join participations t on t.proposal_id = a.proposal_id and t.institution_id = a.principal
    and t.state <> 'removed'
  join proposals p on p.id = a.proposal_id
  join calls c on c.id = p.call_id
  join institutions i on i.id = t.institution_id
  where a.principal = any($1) and a.shown_state is not null
  order by a.submitted_at desc, p.id desc, t.id limit {MOST}
"""


async def rows(reading: Reading, office: UUID | None) -> Ledger:
    """Return every proposal and project the reader's institutions are in, drafts first."""
    offices = [of for of in reading.actor.offices if office in {None, of}]
    found = await reading.connection.fetch(LEDGER, offices)
    return Ledger([msgspec.json.decode(row["body"], type=LedgerRow) for row in found])


COLUMNS = {
    "number": 18,
    "title": 48,
    "title_en": 48,
    "institution": 26,
    "role": 12,
    "promise": 48,
    "state": 18,
    "consent": 12,
    "next": 14,
    "until": 18,
    "lead": 26,
    "submitted_at": 18,
}
"""The workbook's columns with their widths; the heads are `proposals.ledger_<column>`."""


def workbook(ledger: Ledger, locale: str) -> bytes:
    """Return the ledger as an Excel workbook: every text a text, times in Beijing time."""
    content = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    import xlsxwriter  # noqa: PLC0415  a tenth of a second at the start, for a rare download

    book = xlsxwriter.Workbook(content, options)
    sheet = book.add_worksheet(say(locale, "proposals.ledger"))
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    plain = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top"})
    for column, (name, width) in enumerate(COLUMNS.items()):
        sheet.write_string(0, column, say(locale, f"proposals.ledger_{name}"), head)
        sheet.set_column(column, column, width)
    for number, row in enumerate(ledger.items, start=1):
        for column, cell in enumerate(_cells(row, locale)):
            if isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell.astimezone(BEIJING), moment)
            else:
                sheet.write_string(number, column, cell, plain)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(ledger.items), 1), len(COLUMNS) - 1)
    book.close()
    return content.getvalue()


def _cells(row: LedgerRow, locale: str) -> list[Any]:
    """Return one row's cells; a title stands in its own language's column only."""
    return [
        row.number or "",
        row.title,
        row.title_en,
        _name(row.institution, locale),
        say(locale, f"public.role_{row.role}"),
        promise(row.promise, locale),
        say(locale, f"status.proposal.{row.shown}"),
        say(locale, f"status.participation.{row.consent}"),
        say(locale, f"proposal.until_{row.next.kind}") if row.next else "",
        row.next.at if row.next else "",
        _name(row.lead, locale) if row.lead else "",
        row.submitted_at or "",
    ]


def _name(of: InstitutionRef, locale: str) -> str:
    return _say(of.name, locale)


def _say(text: I18n, locale: str) -> str:
    return text.en if locale == "en" else text.zh


def promise(lines: list[ContributionOut], locale: str) -> str:
    """Return an institution's promise in one sentence."""
    stop = "、" if locale == "zh" else "; "
    return stop.join(_line(line, locale) for line in lines)


def _line(line: ContributionOut, locale: str) -> str:
    amount = line.amount.removesuffix(".00")
    words = [say(locale, f"taxonomy.contribution_{line.kind}"), line.what, f"{amount} {line.unit}"]
    return " ".join(word for word in words if word)
