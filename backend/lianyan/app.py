"""The application: every slice, put together."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import async_sessionmaker

from lianyan import pages
from lianyan.calls.routes import HANDLERS as CALLS
from lianyan.core.actor import provide_actor, provide_reading, provide_visitor
from lianyan.core.bodies import StrictRequest
from lianyan.core.clock import Arrival
from lianyan.core.database_errors import problem_of, unavailable
from lianyan.core.db import Acquire, ReadPool, Sessions, create_engine, provide_session
from lianyan.core.idempotency import provide_once
from lianyan.core.limits import Limits
from lianyan.core.logs import note
from lianyan.core.policy import ALLOWED
from lianyan.core.problems import (
    PROBLEM,
    Invalid,
    Problem,
    Refusal,
    answer,
    handle_http,
    handle_problem,
)
from lianyan.core.requests import Requests
from lianyan.core.revisions import provide_rev
from lianyan.decisions.routes import HANDLERS as DECISIONS
from lianyan.identity.actors import load_actor
from lianyan.identity.offices_routes import HANDLERS as OFFICES
from lianyan.identity.open_sessions import HANDLERS as SESSIONS
from lianyan.identity.provider_admin_routes import HANDLERS as PROVIDERS
from lianyan.identity.routes import HANDLERS as IDENTITY
from lianyan.identity.routes import OUTSIDE
from lianyan.institutions.routes import HANDLERS as INSTITUTIONS
from lianyan.notifications.routes import HANDLERS as NOTIFICATIONS
from lianyan.projects.routes import HANDLERS as PROJECTS
from lianyan.proposals.routes import HANDLERS as PROPOSALS
from lianyan.reports.routes import HANDLERS as REPORTS
from lianyan.reviews.routes import HANDLERS as REVIEWS
from lianyan.settings import Settings

LOG = logging.getLogger("lianyan.errors")
SLICES = [
    IDENTITY,
    OFFICES,
    PROVIDERS,
    INSTITUTIONS,
    CALLS,
    PROPOSALS,
    REVIEWS,
    DECISIONS,
    PROJECTS,
    NOTIFICATIONS,
    SESSIONS,
    REPORTS,
]
LARGEST_BODY = 1_000_000
REFUSALS: dict[Any, ResponseSpec] = dict.fromkeys(
    (400, "default"),
    ResponseSpec(Refusal, generate_examples=False, description="A refusal", media_type=PROBLEM),
)
"""What every route may answer too; 400 by its number, where the framework would describe its own."""


def provide_arrival() -> Arrival:
    """Give a handler the moment its request came."""
    return Arrival()


def handle_database(request: Request[Any, Any, Any], error: DBAPIError) -> Response[bytes]:
    """Answer what the database refuses; what is a defect of ours is logged and a 500."""
    problem = unavailable(error, request.app.state.settings.data_dir) or problem_of(error)
    return answer(request, problem) if problem else handle_defect(request, error)


def handle_unreadable(request: Request[Any, Any, Any], _: Exception) -> Response[bytes]:
    """Answer a body that is no JSON text at all."""
    return answer(request, Invalid([], "problems.unreadable"))


def handle_defect(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Log a defect with its traceback and answer without a word of it; a database away is none."""
    number = request.scope.get("request_id")
    if problem := unavailable(error, request.app.state.settings.data_dir):
        note(LOG, logging.WARNING, "database.away", id=number, type=type(error).__name__)
        return answer(request, problem)
    note(LOG, logging.ERROR, "defect", error=error, id=number)
    problem = Problem("problems.defect")
    problem.status = 500
    return answer(request, problem)


def create_app(
    settings: Settings | None = None,
    sessions: Sessions | None = None,
    acquire: Acquire | None = None,
) -> Litestar:
    """Return the portal as an ASGI app; tests give the sessions and the connection reads come from."""
    settings = settings or Settings.from_env()
    engine = None
    pool = ReadPool(settings)
    if sessions is None:
        engine = create_engine(settings)
        sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        await pool.close()
        if engine is not None:
            await engine.dispose()

    state = State(
        {
            "settings": settings,
            "sessions": sessions,
            "acquire": acquire or pool.acquire,
            "load_actor": load_actor,
        }
    )
    api = Router("/api", route_handlers=[handler for handlers in SLICES for handler in handlers])
    app = Litestar(
        [api, *OUTSIDE, *pages.handlers(settings)],
        state=state,
        lifespan=[lifespan],
        dependencies={
            "session": Provide(provide_session),
            "visitor": Provide(provide_visitor),
            "actor": Provide(provide_actor),
            "reading": Provide(provide_reading),
            "once": Provide(provide_once),
            "rev": Provide(provide_rev),
            "arrival": Provide(provide_arrival, sync_to_thread=False),
        },
        exception_handlers={
            Problem: handle_problem,
            HTTPException: handle_http,
            DBAPIError: handle_database,
            UnicodeDecodeError: handle_unreadable,
            RecursionError: handle_unreadable,
            Exception: handle_defect,
        },
        openapi_config=OpenAPIConfig(
            title="Lianyan", version="1", render_plugins=[JsonRenderPlugin()], path="/api/schema"
        ),
        # Answers of the API are small and private; what is large and public is worth packing.
        compression_config=CompressionConfig("gzip", minimum_size=1000, exclude=["/api/"]),
        request_class=StrictRequest,
        request_max_body_size=LARGEST_BODY,
        logging_config=None,
        path=settings.base_path or None,
    )
    if settings.limits:
        app.asgi_handler = Limits(app.asgi_handler, settings, app.state)
    # Outside everything else: what no route answers is stamped and logged too.
    app.asgi_handler = Requests(app.asgi_handler, settings.origin, settings.base_path)
    _demand_actions(app)
    _describe_refusals(app)
    return app


def _demand_actions(app: Litestar) -> None:
    """Stop the start if a route names no action of the table."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if not isinstance(handler, HTTPRouteHandler) or "OPTIONS" in handler.http_methods:
                continue
            path = str(route.path).removeprefix(app.state.settings.base_path)
            if handler.opt.get("action") not in ALLOWED and not path.startswith(pages.OWN):
                message = f"{route.path} names no action of core.policy.ALLOWED"
                raise RuntimeError(message)


def _describe_refusals(app: Litestar) -> None:
    """Let the description of every route name the one shape of all refusals."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler):
                handler.responses = REFUSALS | dict(handler.responses or {})
