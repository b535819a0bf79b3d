"""One running portal for all races, and people with browsers of their own."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)

from kills.rig import Rig, rig
from lianyan.core.db import engine_of
from lianyan.embedded import throwaway
from makers import login

CLIENTS = 8


class Browser:
    """One person's tab, with connections of its own."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        """Take a client and who is logged in."""
        self.client, self.headers = client, headers

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        rev: int | None = None,
        key: str | None = None,
    ) -> httpx2.Response:
        """Send one request."""
        headers = dict(self.headers)
        if rev is not None:
            headers["if-match"] = f'"{rev}"'
        if key is not None:
            headers["idempotency-key"] = key
        return await self.client.request(method, path, json=body, headers=headers)

    async def get(self, path: str) -> Any:
        """Return what is read, which must exist."""
        got = await self.send("GET", path)
        assert got.status_code == 200, got.text
        return got.json()


class Ring:
    """The running portal, and the way into its database."""

    def __init__(self, running: Rig, engine: AsyncEngine, stack: AsyncExitStack) -> None:
        """Keep both."""
        self.rig, self.origin, self.stack = running, running.origin, stack
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.tabs: list[httpx2.AsyncClient] = []

    async def client(self, origin: str = "") -> httpx2.AsyncClient:
        """Return a client with connections of its own, to the server or to what stands before it."""
        made = httpx2.AsyncClient(base_url=f"{origin or self.origin}/api", timeout=30)
        return await self.stack.enter_async_context(made)

    async def open(self, session: AsyncSession, person: Any, number: int = 1) -> list[Browser]:
        """Open as many tabs of one login."""
        headers = {**await login(session, person), "origin": self.origin}
        return [Browser(self.tabs[n % CLIENTS], headers) for n in range(number)]

    async def seats(self, session: AsyncSession, people: list[Any]) -> list[Browser]:
        """Open one tab for each of several people."""
        tabs = [(await self.open(session, person))[0] for person in people]
        for n, tab in enumerate(tabs):
            tab.client = self.tabs[n % CLIENTS]
        return tabs

    async def one(self, sql: str) -> Any:
        """Return the only value of a query, as the superuser reads it."""
        ((value,),) = await self.rig.ask(sql)
        return value


@pytest.fixture(scope="session")
async def ring() -> AsyncIterator[Ring]:
    """Give one portal to all races of this worker."""
    with throwaway() as folder:
        async with rig(folder) as running, AsyncExitStack() as stack, engine(running) as found:
            made = Ring(running, found, stack)
            made.tabs += [await made.client() for _ in range(CLIENTS)]
            yield made


@asynccontextmanager
async def engine(running: Rig) -> AsyncIterator[AsyncEngine]:
    found = engine_of(running.url)
    try:
        yield found
    finally:
        await found.dispose()


def new_key() -> str:
    """Return an idempotency key that nobody has used."""
    return secrets.token_hex(8)
