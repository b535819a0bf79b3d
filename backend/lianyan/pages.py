"""What the browser gets that is not JSON: the built front end, its index page, the health answers."""

import logging
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from litestar import HttpMethod, Request, Response, get, route
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from lianyan.calls import queries as calls
from lianyan.core.actor import Reading, token_of
from lianyan.core.logs import note
from lianyan.core.problems import NotFound, locale_of
from lianyan.core.shapes import I18n
from lianyan.core.words import say
from lianyan.identity import queries as identity
from lianyan.identity.schemas import Locale
from lianyan.settings import Settings

LOG = logging.getLogger("lianyan.errors")

OWN = ("/assets", "/api/schema")
"""Where routes need no action: static files and the description of the API."""

STATIC = Path(str(files("lianyan"))) / "static"
LANGUAGES: dict[str, str] = {"zh": "zh-CN", "en": "en"}
KINDS = {".svg": "image/svg+xml", ".txt": "text/plain"}
YEAR = 31_536_000


@cache
def _index() -> str:
    path = STATIC / "index.html"
    return path.read_text("utf-8") if path.exists() else "<!doctype html><title>联研</title>"


def _block(url: str, body: str) -> str:
    """Return an answer of the API as a block of data inside the page; `<` cannot end it."""
    safe = body.replace("<", "\\u003c")
    return f'<script type="application/json" data-url="{url}">{safe}</script>'


async def first_answers(request: Request[Any, Any, Any], *, front: bool) -> str:
    """Return what the page asks for first, so that it need not ask: the session, and the home page.

    Where the database does not answer there are none: the page still comes, and says so itself.
    """
    state = request.app.state
    locale: Locale = "en" if locale_of(request) == "en" else "zh"
    try:
        async with state.acquire() as connection:
            token = token_of(request)
            actor = await state.load_actor(connection, token) if token else None
            request.scope["actor"] = actor  # type: ignore[typeddict-unknown-key]  # for the log line and the limits
            reading = Reading(connection, actor)
            now = await identity.session_now(
                reading,
                demo=state.settings.demo,
                locale=(actor.locale if actor else None) or locale,
                platform=I18n(say("zh", "app.name"), say("en", "app.name")),
            )
            blocks = _block("api/session", msgspec.json.encode(now).decode())
            if front:
                blocks += _block("api/home", await calls.home(reading))
            return blocks
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        note(LOG, logging.WARNING, "page.without_answers", type=type(error).__name__)
        return ""


def handlers(settings: Settings) -> list[ControllerRouterHandler]:
    """Return the handlers of everything outside the API."""
    base = f"{settings.base_path}/"

    @get("/health", opt={"action": "health.read"}, include_in_schema=False, sync_to_thread=False)
    def health() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    @get("/ready", opt={"action": "health.read"}, include_in_schema=False)
    async def ready(reading: NamedDependency[Reading]) -> dict[str, str]:
        """Say that the database answers too."""
        await reading.connection.fetchval("select 1")
        return {"status": "ok"}

    # Chat programs look at a link with HEAD before they show it.
    @route(
        ["/", "/{rest:path}"],
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        opt={"action": "page.read"},
        include_in_schema=False,
    )
    async def page(request: Request[Any, Any, Any]) -> Response[str]:
        """Answer every page with the index; the browser's router shows the rest."""
        rest = str(request.path_params.get("rest", "/"))
        if rest.startswith("/api/") or "." in rest.rsplit("/", 1)[-1]:
            return _file(rest)
        host = request.headers.get("host", "")
        if settings.demo and host.startswith("localhost:") and not settings.origin.endswith(host):
            # The demo's login knows one name of this machine; cookies and origin go with it.
            there = f"{settings.origin}{request.url.path}"
            return Response("", status_code=307, headers={"location": there})
        html = _index().replace('<base href="/" />', f'<base href="{base}" />', 1)
        html = html.replace('lang="zh-CN"', f'lang="{LANGUAGES[locale_of(request)]}"', 1)
        blocks = await first_answers(request, front=rest == "/")
        html = html.replace("</head>", f"{blocks}</head>", 1)
        return Response(html, media_type="text/html", headers={"cache-control": "no-store"})

    found: list[Any] = [health, ready, page]
    if (STATIC / "assets").exists():
        found.append(
            create_static_files_router(
                "/assets",
                [STATIC / "assets"],
                include_in_schema=False,
                # The names carry a hash of the content.
                cache_control=CacheControlHeader(max_age=YEAR, public=True, immutable=True),
                opt={"action": "page.read"},
            )
        )
    return found


def _file(rest: str) -> Response[str]:
    """Return one of the few files beside the index, or nothing that is there."""
    own = STATIC / rest.lstrip("/")
    if "/" in rest.strip("/") or own.suffix not in KINDS or not own.is_file():
        raise NotFound
    return Response(own.read_text("utf-8"), media_type=KINDS[own.suffix])
