"""What the browser gets that is not JSON: the built front end, its index page, the health answers."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from lianyan.core.actor import Reading
from lianyan.core.problems import NotFound, locale_of
from lianyan.settings import Settings

OWN = ("/assets", "/api/schema")
"""Where routes need no action: static files and the description of the API."""

STATIC = Path(str(files("lianyan"))) / "static"
LANGUAGES = {"zh": "zh-CN", "en": "en"}


@cache
def _index() -> str:
    path = STATIC / "index.html"
    return (
        path.read_text("utf-8")
        if path.exists()
        else '<!doctype html><base href="/"><title>联研</title>'
    )


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

    @get(
        ["/", "/{rest:path}"],
        opt={"action": "page.read"},
        include_in_schema=False,
        sync_to_thread=False,
    )
    def page(request: Request[Any, Any, Any]) -> Response[str]:
        """Answer every page with the index; the browser's router shows the rest."""
        rest = str(request.path_params.get("rest", "/"))
        if rest.startswith("/api/") or "." in rest.rsplit("/", 1)[-1]:
            own = STATIC / rest.lstrip("/")
            if (
                "/" not in rest.strip("/")
                and own.is_file()
                and own.suffix in {".svg", ".ico", ".txt"}
            ):
                kind = "image/svg+xml" if own.suffix == ".svg" else "text/plain; charset=utf-8"
                return Response(own.read_text("utf-8"), media_type=kind)
            raise NotFound
        html = _index().replace('<base href="/" />', f'<base href="{base}" />', 1)
        html = html.replace('lang="zh-CN"', f'lang="{LANGUAGES[locale_of(request)]}"', 1)
        return Response(
            html, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"}
        )

    found: list[Any] = [health, ready, page]
    if (STATIC / "assets").exists():
        found.append(
            create_static_files_router(
                "/assets",
                [STATIC / "assets"],
                include_in_schema=False,
                cache_control=None,
                opt={"action": "page.read"},
            )
        )
    return found
