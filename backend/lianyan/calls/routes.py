"""The calls API and the public home."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls import commands, queries
from lianyan.calls.schemas import CallDetail, CallList, Home, NewCall, Preset
from lianyan.core.actor import Actor, Reading
from lianyan.core.idempotency import Created, Once
from lianyan.core.shapes import shaped


class HomePage(Controller):
    """The public home."""

    path = "/home"
    tags = ["home"]

    @get(opt={"action": "home.read"}, status_code=200)
    async def read(self, reading: NamedDependency[Reading]) -> Response[Home]:
        """Show open calls, the newest projects and the members."""
        return shaped(Home, await queries.home(reading))


class Calls(Controller):
    """Calls for proposals."""

    path = "/calls"
    tags = ["calls"]

    @get(opt={"action": "call.read"}, status_code=200)
    async def list_(
        self,
        reading: NamedDependency[Reading],
        limit: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
    ) -> Response[CallList]:
        """List the calls, those that close last first."""
        return shaped(CallList, await queries.calls(reading, limit=limit, after=after))

    @get("/preset", opt={"action": "call.open"}, status_code=200)
    async def preset(self, reading: NamedDependency[Reading]) -> Preset:
        """Show what a new call is made from, and which stand-ins are missing."""
        return await queries.preset(reading)

    @get("/{call_id:uuid}", opt={"action": "call.read"}, status_code=200)
    async def read(self, reading: NamedDependency[Reading], call_id: FromPath[UUID]) -> CallDetail:
        """Show one call with its form, dates and rules."""
        return await queries.call(reading, call_id)

    @post(opt={"action": "call.open"}, status_code=201)
    async def open(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        data: JSONBody[NewCall],
    ) -> Response[Created]:
        """Open a call from the Light preset."""
        made = await once(lambda: commands.open_call(session, actor, data))
        return Response(made, headers={"location": f"/api/calls/{made.id}"})


HANDLERS: list[Any] = [HomePage, Calls]
