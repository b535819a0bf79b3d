"""An institution's own ledger (本单位台账)."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from lianyan.core.actor import Reading
from lianyan.core.problems import locale_of
from lianyan.proposals.queries import ledger
from lianyan.proposals.schemas.ledger import Ledger

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class LedgerRoutes(Controller):
    """Everything an institution takes part in."""

    tags = ["ledger"]

    @get("/ledger", opt={"action": "ledger.read"})
    async def list_(
        self, reading: NamedDependency[Reading], institution: FromQuery[UUID | None] = None
    ) -> Ledger:
        """List every proposal and project your institutions are in, with promise and next date."""
        return await ledger.rows(reading, institution)

    @get("/ledger.xlsx", media_type=XLSX, opt={"action": "ledger.read"})
    async def workbook(
        self,
        request: Request[Any, Any, Any],
        reading: NamedDependency[Reading],
        institution: FromQuery[UUID | None] = None,
    ) -> Response[bytes]:
        """Give the same list as an Excel workbook in the reader's language."""
        found = await ledger.rows(reading, institution)
        return Response(
            ledger.workbook(found, locale_of(request)),
            media_type=XLSX,
            headers={"content-disposition": 'attachment; filename="ledger.xlsx"'},
        )
