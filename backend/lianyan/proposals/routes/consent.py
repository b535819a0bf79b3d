"""Officers: what waits for their institution's confirmation, and their answers."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.clock import Arrival
from lianyan.core.paging import page_limit
from lianyan.core.revisions import etag
from lianyan.proposals.commands import consent
from lianyan.proposals.queries import officer
from lianyan.proposals.schemas.officer import (
    Confirmed,
    ConfirmedMany,
    ConfirmIn,
    ConfirmManyIn,
    DeclineIn,
    OfficerRead,
    Queue,
    ReturnIn,
)
from lianyan.proposals.schemas.refs import Saved


class QueueRoutes(Controller):
    """An officer's queue."""

    path = "/queue"
    tags = ["consent"]

    @get(opt={"action": "queue.read"})
    async def list_(
        self,
        reading: NamedDependency[Reading],
        institution: FromQuery[UUID | None] = None,
        limit: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
    ) -> Queue:
        """List what waits for your confirmation, the nearest date first."""
        return await officer.queue(reading, institution, limit=page_limit(limit), after=after)

    @post("/confirm", status_code=200, opt={"action": "queue.confirm"})
    async def confirm_many(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        arrival: NamedDependency[Arrival],
        data: JSONBody[ConfirmManyIn],
    ) -> ConfirmedMany:
        """Confirm several at once; each has its own outcome."""
        return await consent.confirm_many(session, actor, data.items, arrival=arrival)


class Consents(Controller):
    """An institution's part, as its officer reads and answers it."""

    path = "/participations/{participation_id:uuid}"
    tags = ["consent"]

    @get(opt={"action": "participation.read"})
    async def read(
        self, reading: NamedDependency[Reading], participation_id: FromPath[UUID]
    ) -> OfficerRead:
        """Read your institution's part with the whole proposal and what a confirmation is to."""
        return await officer.read(reading, participation_id)

    @post("/view", status_code=204, opt={"action": "participation.read"})
    async def view(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        participation_id: FromPath[UUID],
    ) -> None:
        """Note that the officer has opened it."""
        await consent.view(session, actor, participation_id)

    @post("/confirm", status_code=200, opt={"action": "participation.confirm"})
    async def confirm(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        arrival: NamedDependency[Arrival],
        participation_id: FromPath[UUID],
        data: JSONBody[ConfirmIn],
    ) -> Confirmed:
        """Confirm for the institution exactly the content that was shown."""
        return await consent.confirm(
            session, actor, participation_id, data.scope_hash, arrival=arrival
        )

    @post("/return", status_code=200, opt={"action": "participation.return"})
    async def return_(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        participation_id: FromPath[UUID],
        data: JSONBody[ReturnIn],
    ) -> Response[Saved]:
        """Send it back to the lead with comments by section."""
        now = await consent.return_(session, actor, participation_id, data.comments, rev=rev)
        return Response(Saved(participation_id, now), headers=etag(now))

    @post("/decline", status_code=200, opt={"action": "participation.decline"})
    async def decline(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        participation_id: FromPath[UUID],
        data: JSONBody[DeclineIn],
    ) -> Response[Saved]:
        """Say that the institution does not take part."""
        now = await consent.decline(session, actor, participation_id, data.reason, rev=rev)
        return Response(Saved(participation_id, now), headers=etag(now))
