"""Fixtures: one database server a worker, one migrated template, one rolled-back transaction a test."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from httpx2 import ASGITransport, AsyncClient
from litestar import Litestar
from sqlalchemy import event
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)

from lianyan.core.db import Acquire, Connection, ReadPool, Sessions, engine_of
from lianyan.embedded import postgres, throwaway
from lianyan.migrations import upgrade
from lianyan.settings import Settings

ORIGIN = "http://127.0.0.1:8000"


class Postgres(NamedTuple):
    """A server, as tests reach it."""

    admin: str
    """Address of its superuser, without a database name at the end."""
    app: str
    owner: str

    def of(self, role: str, database: str) -> str:
        """Return the address of `database` for a role: admin, app or owner."""
        return urlsplit(getattr(self, role))._replace(path=f"/{database}").geturl()


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Postgres]:
    """Give this worker's server: `LIANYAN_TEST_POSTGRES` (a superuser's address), else an own one."""
    given = os.environ.get("LIANYAN_TEST_POSTGRES")
    if given:
        base = given.rpartition("/")[0].rpartition("@")[2]
        yield Postgres(
            given, f"postgresql://lianyan_app:a@{base}/x", f"postgresql://lianyan_owner:o@{base}/x"
        )
        return
    with throwaway() as folder:
        async with postgres(folder, options={"fsync": "off"}) as found:
            yield Postgres(found.url("postgres"), found.app_url, found.owner_url)


async def _admin(server: Postgres, *statements: str) -> None:
    connection = await asyncpg.connect(server.of("admin", "postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def template(server: Postgres) -> AsyncIterator[str]:
    """Give the name of a migrated database that nobody is connected to: clones start from it."""
    name = f"template_{uuid4().hex[:12]}"
    await _admin(server, f"create database {name} owner lianyan_owner")
    await asyncio.to_thread(upgrade, server.of("owner", name))
    yield name
    await _admin(server, f"drop database {name} with (force)")


@asynccontextmanager
async def cloned(server: Postgres, template: str) -> AsyncIterator[str]:
    """Give the name of a database of the caller's own, made from the template."""
    name = f"test_{uuid4().hex[:12]}"
    await _admin(server, f"create database {name} template {template} owner lianyan_owner")
    try:
        yield name
    finally:
        await _admin(server, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
async def database(server: Postgres, template: str) -> AsyncIterator[str]:
    """Give the app's address of the database that rolled-back tests share."""
    async with cloned(server, template) as name:
        yield server.of("app", name)


@pytest.fixture(scope="session")
def settings(database: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give the settings of the app under test."""
    return _settings(database, tmp_path_factory.mktemp("data"))


def _settings(url: str, folder: Path, **more: Any) -> Settings:
    return Settings.from_env(
        {}, database_url=url, data_dir=folder, public_url=ORIGIN, demo=True, limits=False, **more
    )


@pytest.fixture(scope="session")
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    """Give the engine of the rolled-back tests."""
    engine = engine_of(database)
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection whose work is undone after the test."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()


@pytest.fixture
def sessions(connection: AsyncConnection) -> Sessions:
    """Give sessions inside the test's own transaction."""
    return async_sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )


@pytest.fixture
async def session(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Give one such session; what it flushes, the app sees."""
    async with sessions() as session:
        yield session


@pytest.fixture(scope="session")
def built(settings: Settings) -> Litestar:
    """Give the app itself, built once: putting every route together costs more than most tests."""
    return _app(settings, _nowhere, _nowhere)  # type: ignore[arg-type]  # replaced by each test's own


def _nowhere() -> Any:
    raise LookupError  # a test that wants the app asks for `app` or `client`


@pytest.fixture
def app(
    built: Litestar, settings: Settings, sessions: Sessions, connection: AsyncConnection
) -> Litestar:
    """Give the app, reading and writing on the test's own connection."""

    @asynccontextmanager
    async def acquire() -> AsyncIterator[Connection]:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        yield driver

    built.state.update({"settings": settings, "sessions": sessions, "acquire": acquire})
    return built


def _app(settings: Settings, sessions: Sessions, acquire: Acquire) -> Litestar:
    from lianyan.app import create_app  # noqa: PLC0415  tests of one table need not load every slice

    return create_app(settings, sessions, acquire)


def _client(app: Litestar) -> AsyncClient:
    return AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False),
        base_url=ORIGIN,
        headers={"x-lianyan": "1", "origin": ORIGIN},
    )


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[AsyncClient]:
    """Give a client that calls the app on this very loop, so that it can share the connection."""
    async with _client(app) as client:
        yield client


class Committed(NamedTuple):
    """An app on a database of its own, where commits are real and requests run side by side."""

    client: AsyncClient
    sessions: Sessions
    url: str
    app: Litestar


@pytest.fixture
async def committed(server: Postgres, template: str, tmp_path: Path) -> AsyncIterator[Committed]:
    """Give an app whose transactions commit, for tests of concurrency."""
    async with cloned(server, template) as name:
        url = server.of("app", name)
        settings = _settings(url, tmp_path)
        engine = engine_of(url, pool_size=10)
        pool = ReadPool(settings)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        app = _app(settings, sessions, pool.acquire)
        try:
            async with _client(app) as client:
                yield Committed(client, sessions, url, app)
        finally:
            await pool.close()
            await engine.dispose()


@pytest.fixture(scope="session")
async def own_log(server: Postgres, template: str) -> AsyncIterator[Any]:
    """Give a database whose record commits, and is emptied by each test that takes it."""
    from core.sealing import a_log  # noqa: PLC0415  it takes databases from here

    async with a_log(server, template) as found:
        yield found


@pytest.fixture
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Collect the SQL that SQLAlchemy runs during the test; reads by asyncpg are not in it."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine.sync_engine, "before_cursor_execute", note)
