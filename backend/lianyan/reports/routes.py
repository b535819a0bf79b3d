"""The API of the record: what happened, who saw what, how far it is sealed."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from lianyan.core.actor import Reading
from lianyan.core.problems import invalid
from lianyan.reports import queries
from lianyan.reports.schemas import RecordPage, SealState, SeenPage


class Record(Controller):
    """The record."""

    path = "/record"
    tags = ["record"]

    @get(opt={"action": "record.read"}, status_code=200)
    async def list_(
        self,
        *,
        reading: NamedDependency[Reading],
        kind: FromQuery[str | None] = None,
        person_id: FromQuery[UUID | None] = None,
        proposal_id: FromQuery[UUID | None] = None,
        number: FromQuery[str | None] = None,
        since: Annotated[str | None, QueryParameter(name="from")] = None,
        until: Annotated[str | None, QueryParameter(name="to")] = None,
        after: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
    ) -> RecordPage:
        """List what happened, the newest first; `kind` may be the first part of one."""
        asked = queries.Asked(
            kind=kind,
            person=person_id,
            proposal=proposal_id,
            number=number,
            since=since,
            until=until,
            after=after,
            limit=limit,
        )
        return await queries.record(reading, asked)

    @get("/seals", opt={"action": "record.read"}, status_code=200)
    async def seals(self, reading: NamedDependency[Reading]) -> SealState:
        """Say how far the record is sealed."""
        return await queries.seals(reading)

    @get("/seen", opt={"action": "record.read"}, status_code=200)
    async def seen(
        self,
        reading: NamedDependency[Reading],
        person_id: FromQuery[UUID | None] = None,
        after: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
    ) -> SeenPage:
        """List what confidential matter a person has read."""
        if person_id is None:
            raise invalid("person_id", "problems.required")
        return await queries.seen_by(reading, person_id, after, limit)


@get("/proposals/{proposal_id:uuid}/seen", opt={"action": "record.seen"}, tags=["record"])
async def seen_of(
    reading: NamedDependency[Reading],
    proposal_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> SeenPage:
    """List who has read confidential matter of a proposal."""
    return await queries.seen_of(reading, proposal_id, after, limit)


@get("/security", opt={"action": "security.read"}, tags=["security"])
async def security(
    reading: NamedDependency[Reading],
    after: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> RecordPage:
    """List logins, sessions, roles and alarms, the newest first."""
    return await queries.security(reading, after, limit)


HANDLERS: list[Any] = [Record, seen_of, security]
