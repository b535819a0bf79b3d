"""Around every request: its id, its one log line, the headers of every answer, where it may come from."""

import json
import logging
import re
import time
from typing import Any
from uuid import uuid4

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send

from lianyan.core.db import STATEMENTS, abandon
from lianyan.core.logs import note
from lianyan.core.problems import Invalid

LOG = logging.getLogger("lianyan.requests")

SAFE = {"GET", "HEAD", "OPTIONS"}
BAD_QUERY = re.compile(r"%(?:00|[Dd]8)|[\x00-\x1f\x7f]")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'; "
    "manifest-src 'self'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-frame-options": "DENY",
}


class Requests:
    """ASGI middleware: stamps, refuses foreign changes, measures, logs one JSON line a request."""

    def __init__(self, app: ASGIApp, origin: str, base: str = "") -> None:
        """Wrap `app`; changes under `base` are taken from pages of `origin` only."""
        self.app, self.origin, self.api = app, origin, f"{base}/api/"
        self.headers = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
        if origin.startswith("https://"):
            self.headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        http: Any = scope
        started, request_id, status = time.perf_counter(), uuid4().hex[:16], 500
        answered, statements = False, [0]
        STATEMENTS.set(statements)
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key]

        async def stamped(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                answered, status = True, message["status"]
                headers = list(message.get("headers", []))
                headers += [(b"x-request-id", request_id.encode()), *self.headers]
                message["headers"] = headers
            await send(message)

        async def whole() -> HTTPReceiveMessage:
            message: Any = await receive()
            if message["type"] == "http.disconnect" and not answered:
                # Nobody will read this; but it is no fault of ours, and is not logged as one.
                raise Invalid([], "problems.unreadable")
            return message  # type: ignore[no-any-return]  # as it came

        refused = self.refusal(scope)
        try:
            if refused is None:
                await self.app(scope, whole, stamped)
            else:
                await _plain(stamped, *refused)
        finally:
            await abandon(scope)
            handler = scope.get("route_handler")
            actor: Any = scope.get("actor")
            line = {
                "id": request_id,
                "route": getattr(handler, "name", None) or getattr(handler, "handler_name", None),
                "method": http["method"],
                "actor": str(actor.id) if actor else None,
                "status": status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "sql": statements[0],
            }
            if limited := http.get("limited"):
                line["limit"] = limited
            note(LOG, logging.INFO, "request", **line)

    def refusal(self, scope: Any) -> tuple[int, str] | None:
        """Return status and code for a request that is refused before anything reads it."""
        query = scope.get("query_string", b"")
        try:
            text = query.decode("ascii")
            scope["path"].encode("utf-8")
        except UnicodeError:
            return 400, "problems.unreadable"
        if "\x00" in scope["path"] or BAD_QUERY.search(text):
            return 400, "problems.unreadable"
        if scope["method"] in SAFE or not scope["path"].startswith(self.api):
            return None
        headers = {k.lower(): v for k, v in scope["headers"]}
        origin = headers.get(b"origin", b"").decode("latin-1")
        site = headers.get(b"sec-fetch-site", b"").decode("latin-1")
        if headers.get(b"x-lianyan") != b"1" or (origin and origin != self.origin):
            return 403, "problems.foreign_origin"
        if site and site not in {"same-origin", "none"}:
            return 403, "problems.foreign_origin"
        return None


async def _plain(send: Send, status: int, code: str) -> None:
    from lianyan.core.words import say  # noqa: PLC0415  rare, keeps the import light

    body = {
        "type": f"/problems/{code}", "status": status, "code": code, "title": say("zh", f"problems.title_{status}"),
        "detail": say("zh", code), "params": {}, "errors": [],
    }  # fmt: skip
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
