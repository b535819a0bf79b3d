"""How often one source may ask: buckets keyed on what a sender cannot choose, answers of 429.

**Who is counted.** A person where we know who it is, else the network address: as this machine sees
it, or as a proxy of `LIANYAN_TRUSTED_PROXIES` gives it, never as the sender writes it; of IPv6 the
/64, for anybody has all of one. No cookie, header or typed text is a key. So a noisy person stops
nobody else on the campus, and a sender who changes cookies, agents or headers stays one sender.

**Where.** Around the application: before a body is read and before a connection is taken. Only the
database knows whose session a cookie is, and a look there is what a limit is to save. So a session
that the database has confirmed is remembered (the hash of its token -> the person). A request with
a remembered session is counted to its person; every other is counted to its address, and given
back to the address and counted to the person as soon as the actor has been read. A cookie of the
sender's own making is therefore a visitor's request, and one that has ended is forgotten when it
is next looked up. The price: the first request of a session is never refused for its person.

**Dead links** (invitations, administrators' links, forged ends of a login) are counted apart and
tightly, and only when the look-up has found nothing. An address that has tried too many is still
looked up for: a living link works, a dead one is answered with 429 in place of 410. Thereby nobody
can lock out a neighbour behind the same address; a flood is stopped by the bucket of visits.

**How.** The generic cell rate algorithm: one number a key, the moment at which its bucket is empty
again, on the monotonic clock. Each process counts for itself and forgets at its end: with N
processes a sender may get N times the limit. The keys least recently used are forgotten first.
"""

import logging
import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import blake2b
from html import escape
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from lianyan.core.actor import token_of
from lianyan.core.addresses import Addresses
from lianyan.core.events import record
from lianyan.core.logs import note
from lianyan.core.problems import PROBLEM, TooMany, locale_of, written
from lianyan.core.words import say
from lianyan.settings import Rate, Settings

LOG = logging.getLogger("lianyan.limits")

MOST_KEYS = 20_000
"""Keys a bucket remembers, and sessions whose person is known."""
HOUR, DAY = 3600.0, 86_400.0
MOST_EVENTS = 200
"""Events of refusals in an hour; a sender with many addresses cannot fill the log with them."""
DEAD = {404, 410}
LINKS = ("/api/invitation/", "/api/administrator-link/", "/auth/")
"""Where a secret is shown that opens something."""
LANGUAGES = {"zh": "zh-CN", "en": "en"}


def dead_link(request: Request[Any, Any, Any]) -> None:
    """Say that the secret of this request opens nothing, where its status alone does not say so."""
    request.scope["dead_link"] = True  # type: ignore[typeddict-unknown-key]


class Bucket:
    """What each key may do of one kind."""

    __slots__ = ("empty", "most", "name", "room", "step")

    def __init__(self, name: str, rate: Rate, most: int = MOST_KEYS) -> None:
        """Let each key have `rate.most` at once, and as many again in `rate.seconds`."""
        self.name, self.most = name, most
        self.step = rate.seconds / rate.most if rate.most else 0.0
        self.room = float(rate.seconds)
        self.empty: OrderedDict[Hashable, float] = OrderedDict()
        """Key -> when everything counted for it will have run off."""

    def wait(self, key: Hashable, now: float) -> float:
        """Return how many seconds `key` has to wait for its next one: 0.0 for none."""
        if not self.step:
            return 0.0
        over = self.empty.get(key, now) + self.step - now - self.room
        # Sums of small steps are a hair off: the last one of a full bucket is one of it.
        return over if over > self.step * 1e-6 else 0.0

    def count(self, key: Hashable, now: float) -> None:
        """Count one for `key`, never beyond a full bucket."""
        if not self.step:
            return
        empty = min(max(self.empty.get(key, now), now) + self.step, now + self.room)
        self.empty[key] = empty
        self.empty.move_to_end(key)
        if len(self.empty) > self.most:
            self.empty.popitem(last=False)

    def give_back(self, key: Hashable) -> None:
        """Take back one that was counted for `key`."""
        if key in self.empty:
            self.empty[key] -= self.step


class Known(NamedTuple):
    """Whose session a token is, as the database has said."""

    person: UUID
    locale: str | None


class Charge(NamedTuple):
    """What a request was counted to."""

    bucket: Bucket
    key: Hashable
    own: Bucket
    """The bucket of the person, where one turns out to have asked."""
    links: bool
    """Whether the request holds a secret that may be dead."""


class Limits:
    """ASGI middleware: counts each request to whoever sent it, refuses what is too much."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        state: State,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap `app`; the events of refusals go to the sessions of `state`."""
        self.app, self.state, self.clock = app, state, clock
        self.base = len(settings.base_path)
        self.reads = Bucket("reads", settings.limit_reads)
        self.writes = Bucket("writes", settings.limit_writes)
        self.searches = Bucket("searches", settings.limit_searches)
        self.visits = Bucket("visits", settings.limit_visits)
        self.visitor_searches = Bucket("visitor_searches", settings.limit_visitor_searches)
        self.logins = Bucket("logins", settings.limit_logins)
        self.dead_links = Bucket("dead_links", settings.limit_dead_links)
        self.known: OrderedDict[bytes, Known] = OrderedDict()
        self.address = Addresses(settings.trusted_proxies)
        self.told = Told()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != ScopeType.HTTP or (path := self._path(scope)) is None:
            await self.app(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope)
        token = token_of(request)
        known = self.known.get(token) if token else None
        charge, now = self._charge(scope, path, known), self.clock()
        wait = charge.bucket.wait(charge.key, now)
        if wait:
            await self._refuse(request, send, charge, wait, known)
            return
        charge.bucket.count(charge.key, now)
        passed = self._watched(request, send) if charge.links else send
        try:
            await self.app(scope, receive, passed)
        finally:
            self._settle(scope, token, known, charge)
        if scope.get("limited"):
            await self._record(self.dead_links, self.address.of(scope))

    # ---- who and what ----

    def _path(self, scope: Any) -> str | None:
        """Return the path inside the portal; None for what is never counted: files and health."""
        path = str(scope["path"])[self.base :]
        if path.startswith("/assets/") or path == "/health":
            return None
        return path

    def _charge(self, scope: Any, path: str, known: Known | None) -> Charge:
        """Return what a request is to be counted to."""
        reads = scope["method"] in {"GET", "HEAD", "OPTIONS"}
        searches = reads and _searches(path, scope["query_string"])
        own = self.searches if searches else self.reads if reads else self.writes
        links = f"{path}/".startswith(LINKS)
        if path.startswith("/api/login/") and not reads:
            return Charge(self.logins, self.address.of(scope), self.logins, links)
        if known is not None:
            return Charge(own, known.person, own, links)
        theirs = self.visitor_searches if searches else self.visits
        return Charge(theirs, self.address.of(scope), own, links)

    def _settle(self, scope: Any, token: bytes | None, known: Known | None, charge: Charge) -> None:
        """Remember whose session it was, forget one that is over, count to the person."""
        if token is None or "actor" not in scope:
            return
        actor = scope["actor"]
        if actor is None:
            self.known.pop(token, None)
            return
        self.known[token] = Known(actor.id, actor.locale)
        self.known.move_to_end(token)
        if len(self.known) > MOST_KEYS:
            self.known.popitem(last=False)
        if known is None and charge.bucket is not self.logins:
            charge.bucket.give_back(charge.key)
            charge.own.count(actor.id, self.clock())

    # ---- dead links ----

    def _watched(self, request: Request[Any, Any, Any], send: Send) -> Send:
        """Return a `send` that counts a dead link, and answers 429 where there were too many."""
        scope: Any = request.scope
        refused = False

        async def watched(message: Message) -> None:
            nonlocal refused
            if refused:
                return
            if message["type"] == "http.response.start" and (
                scope.get("dead_link") or message["status"] in DEAD
            ):
                key, now = self.address.of(scope), self.clock()
                wait = self.dead_links.wait(key, now)
                if wait:
                    refused = True
                    scope["limited"] = self.dead_links.name
                    await _answer(request, send, wait)
                    return
                self.dead_links.count(key, now)
            await send(message)

        return watched

    # ---- refusals ----

    async def _refuse(
        self,
        request: Request[Any, Any, Any],
        send: Send,
        charge: Charge,
        wait: float,
        known: Known | None,
    ) -> None:
        scope: Any = request.scope
        scope["limited"] = charge.bucket.name
        await _answer(request, send, wait, known.locale if known else None)
        await self._record(charge.bucket, charge.key)

    async def _record(self, bucket: Bucket, key: Hashable) -> None:
        """Add an event about a refusal, at most one a key and hour; the person has their answer."""
        if not self.told.first(bucket.name, key, self.clock()):
            return
        person = isinstance(key, UUID)
        subject = key if isinstance(key, UUID) else self.told.alias(key, self.clock())
        by = "person" if person else "address"
        try:
            async with self.state.sessions.begin() as session:
                await record(session, None, "limit.refused", subject, bucket=bucket.name, by=by)
        except Exception as error:  # noqa: BLE001  a database away, or whatever else: nobody waits for it
            note(LOG, logging.WARNING, "limit.not_recorded", type=type(error).__name__)


class Told:
    """Which refusals have had their event: one a key and hour, and not many in all."""

    def __init__(self) -> None:
        """Have told nothing yet."""
        self.until: OrderedDict[Hashable, float] = OrderedDict()
        self.all = Bucket("events", Rate(MOST_EVENTS, int(HOUR)))
        self.secret, self.secret_until = b"", 0.0

    def first(self, bucket: str, key: Hashable, now: float) -> bool:
        """Say whether this refusal is the first of its key in an hour, and remember it."""
        if self.until.get((bucket, key), now) > now or self.all.wait("", now):
            return False
        self.all.count("", now)
        self.until[bucket, key] = now + HOUR
        self.until.move_to_end((bucket, key))
        if len(self.until) > MOST_KEYS:
            self.until.popitem(last=False)
        return True

    def alias(self, key: Hashable, now: float) -> UUID:
        """Return a name for an address that stays the same for a day and leads back to nobody."""
        if now >= self.secret_until:
            self.secret, self.secret_until = os.urandom(32), now + DAY
        digest = blake2b(str(key).encode(), key=self.secret, digest_size=16).digest()
        return UUID(bytes=digest, version=4)


def _searches(path: str, query: bytes) -> bool:
    """Say whether a read searches: the picker of the login page looks through few rows."""
    if b"q=" not in query or not path.startswith("/api/") or path == "/api/providers":
        return False
    return any(part.startswith(b"q=") and len(part) > len(b"q=") for part in query.split(b"&"))


async def _answer(
    request: Request[Any, Any, Any], send: Send, wait: float, locale: str | None = None
) -> None:
    """Say that it was too much, and when to come back: to a program as a problem, else as a page."""
    seconds = max(1, math.ceil(wait))
    locale = locale or locale_of(request)
    api = "/api/" in request.scope["path"]
    problem = TooMany("problems.too_many_requests", count=seconds)
    body = written(problem, locale) if api else _page(locale, seconds)
    headers = [
        (b"content-type", (PROBLEM if api else "text/html; charset=utf-8").encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"retry-after", str(seconds).encode()),
    ]
    await send({"type": "http.response.start", "status": TooMany.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _page(locale: str, seconds: int) -> bytes:
    """Return a page that says so and comes back by itself."""
    title = escape(say(locale, "problems.title_429"))
    words = escape(say(locale, "problems.too_many_requests", count=seconds))
    return (
        f'<!doctype html><html lang="{LANGUAGES[locale]}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{seconds}"><title>{title}</title>'
        f"<h1>{title}</h1><p>{words}</p></html>"
    ).encode()
