"""What an institution brings: its lines, checked and stored as one list."""

import re
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.fields import Fields
from lianyan.core.problems import invalid
from lianyan.core.text import line, prose
from lianyan.proposals.models import Contribution
from lianyan.proposals.schemas.consortium import ContributionIn

LINES_MOST = 30
AMOUNT = re.compile(r"\d{1,12}(?:\.\d{1,2})?", re.ASCII)
VALUE_MOST = 100_000_000_000_000
"""In 分; JSON numbers end at 2^53."""
CASH_UNITS = {"万元": 1_000_000, "元": 100}
"""Units of cash, with how many 分 they are."""


class Line(NamedTuple):
    """One line as it is stored."""

    kind: str
    what: str
    amount: Decimal
    unit: str
    value_fen: int | None
    terms: str


def check(lines: list[ContributionIn]) -> list[Line]:
    """Return the lines as they are stored; raise Invalid naming `contributions.<n>.<field>`."""
    if len(lines) > LINES_MOST:
        raise invalid(
            "contributions", "proposals.too_many_lines", count=len(lines), limit=LINES_MOST
        )
    fields = Fields()
    found = [_line(fields, f"contributions.{number}", given) for number, given in enumerate(lines)]
    fields.settle()
    return [made for made in found if made is not None]


def _line(fields: Fields, at: str, given: ContributionIn) -> Line | None:
    what = fields.take(f"{at}.what", line, given.what, blank=True, limit=80)
    unit = fields.take(f"{at}.unit", line, given.unit, limit=20)
    terms = fields.take(f"{at}.terms", prose, given.terms, blank=True, limit=200)
    value = given.value_fen
    if value is not None and not 0 <= value <= VALUE_MOST:
        fields.wrong(f"{at}.value_fen", "problems.out_of_range", min=0, max=VALUE_MOST)
        value = None
    if not AMOUNT.fullmatch(given.amount):
        fields.wrong(f"{at}.amount", "proposals.not_an_amount")
        return None
    amount = Decimal(given.amount)
    if given.kind == "cash" and unit is not None:
        if unit not in CASH_UNITS:
            fields.wrong(f"{at}.unit", "proposals.cash_unit")
            return None
        value = int(amount * CASH_UNITS[unit])
        if value > VALUE_MOST:
            fields.wrong(f"{at}.amount", "proposals.not_an_amount")
    if what is None or unit is None or terms is None:
        return None
    return Line(given.kind, what, amount, unit, value, terms)


async def stored(session: AsyncSession, participation_id: UUID) -> list[Line]:
    """Return the lines of an institution's part in their order."""
    rows = await session.scalars(
        select(Contribution)
        .where(Contribution.participation_id == participation_id)
        .order_by(Contribution.position)
    )
    return [Line(c.kind, c.what, c.amount, c.unit, c.value_fen, c.terms) for c in rows]


async def replace(session: AsyncSession, participation_id: UUID, lines: list[Line]) -> None:
    """Store the lines in place of those that are there."""
    await session.execute(
        delete(Contribution).where(Contribution.participation_id == participation_id)
    )
    session.add_all(
        Contribution(participation_id=participation_id, position=position, **made._asdict())
        for position, made in enumerate(lines)
    )
    await session.flush()


def plain(lines: list[Line]) -> list[dict[str, object]]:
    """Return lines as a refusal shows them."""
    return [made._asdict() | {"amount": f"{made.amount:.2f}"} for made in lines]
