"""The API of institutions' login services: added, checked, tried, activated by a second person, stopped."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.idempotency import Created, Once
from lianyan.core.problems import locale_of
from lianyan.core.revisions import etag
from lianyan.identity import (
    cookies,
    logins,
    provider_admin,
    provider_admin_queries,
    provider_trials,
)
from lianyan.identity.provider_admin_schemas import (
    NewProvider,
    ProviderChange,
    ProviderList,
    ProviderPage,
)
from lianyan.identity.providers import transaction
from lianyan.identity.schemas import Changed, LoginBegun

NO_STORE = {"cache-control": "no-store"}


def _now(provider_id: UUID, rev: int) -> Response[Changed]:
    return Response(Changed(provider_id, rev), headers=etag(rev))


class ProviderAdmin(Controller):
    """Institutions' login services."""

    path = "/admin/providers"
    tags = ["providers"]

    @get(opt={"action": "provider.read"}, status_code=200)
    async def list_(self, reading: NamedDependency[Reading]) -> ProviderList:
        """List the login services of all institutions."""
        return await provider_admin_queries.every(reading)

    @post(opt={"action": "provider.change"}, status_code=201)
    async def add(
        self,
        *,
        state: State,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        data: JSONBody[NewProvider],
    ) -> Response[Created]:
        """Write a login service down, as a draft."""
        key = state.settings.secret_key
        made = await once(lambda: provider_admin.add(session, key, actor, data))
        return Response(made, headers={"location": f"/api/admin/providers/{made.id}"})

    @get("/{provider_id:uuid}", opt={"action": "provider.read"}, status_code=200)
    async def read(
        self, state: State, reading: NamedDependency[Reading], provider_id: FromPath[UUID]
    ) -> Response[ProviderPage]:
        """Show a login service, and what stands before its activation."""
        found = await provider_admin_queries.one(reading, state.settings, provider_id)
        return Response(found, headers=etag(found.rev))

    @patch("/{provider_id:uuid}", opt={"action": "provider.change"}, status_code=200)
    async def change(
        self,
        *,
        state: State,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        provider_id: FromPath[UUID],
        data: JSONBody[ProviderChange],
    ) -> Response[Changed]:
        """Change what is sent of a login service."""
        key = state.settings.secret_key
        return _now(
            provider_id,
            await provider_admin.change(session, key, actor, provider_id, rev=rev, sent=data),
        )

    @post("/{provider_id:uuid}/check", opt={"action": "provider.change"}, status_code=200)
    async def check(
        self,
        state: State,
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        provider_id: FromPath[UUID],
    ) -> Response[Changed]:
        """Ask the provider what it publishes; a draft can be tried from then on."""
        return _now(provider_id, await provider_admin.check(state, actor, provider_id, rev))

    @post("/{provider_id:uuid}/try", opt={"action": "provider.change"}, status_code=200)
    async def try_(
        self,
        request: Request[Any, Any, Any],
        state: State,
        actor: NamedDependency[Actor],
        provider_id: FromPath[UUID],
    ) -> Response[LoginBegun]:
        """Begin a login for trial: it shows what it brings, and opens nothing."""
        async with transaction(state) as session:
            slug = await provider_trials.triable(session, provider_id)
        start = await logins.begin(
            state,
            slug,
            return_to="/",
            hint=None,
            browser=request.cookies.get(cookies.login_cookie(state.settings)),
            again=True,
            locale=locale_of(request),
            trial_by=actor.id,
        )
        return Response(
            LoginBegun(start.url),
            cookies=[cookies.login_of(state.settings, start.browser)],
            headers=NO_STORE,
        )

    @post("/{provider_id:uuid}/activate", opt={"action": "provider.activate"}, status_code=200)
    async def activate(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        provider_id: FromPath[UUID],
    ) -> Response[Changed]:
        """Let people in by it: as somebody else than who wrote it down."""
        return _now(provider_id, await provider_admin.activate(session, actor, provider_id, rev))

    @post("/{provider_id:uuid}/disable", opt={"action": "provider.stop"}, status_code=200)
    async def disable(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        provider_id: FromPath[UUID],
    ) -> Response[Changed]:
        """Let nobody in by it until it is activated again."""
        return _now(provider_id, await provider_admin.disable(session, actor, provider_id, rev))

    @post("/{provider_id:uuid}/retire", opt={"action": "provider.stop"}, status_code=200)
    async def retire(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        provider_id: FromPath[UUID],
    ) -> Response[Changed]:
        """End it for good, with the sessions it has opened."""
        return _now(provider_id, await provider_admin.retire(session, actor, provider_id, rev))


HANDLERS: list[Any] = [ProviderAdmin]
