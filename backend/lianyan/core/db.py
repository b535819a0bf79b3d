"""The database: base classes of the tables, the write session and the read pool."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

import asyncpg
from litestar import Request
from litestar.datastructures import State
from sqlalchemy import DateTime, MetaData, Pool, Text, event, func
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from lianyan.core.clock import ARRIVED, Arrival
from lianyan.settings import Settings

Connection = asyncpg.Connection
Acquire = Callable[[], AbstractAsyncContextManager[Connection]]
Sessions = async_sessionmaker[AsyncSession]

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Pooling(TypedDict, total=False):
    """How an engine keeps its connections."""

    poolclass: type[Pool]
    pool_size: int
    max_overflow: int
    pool_timeout: float


class Model(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text}


class Entity(Model):
    """A table with an id that sorts by age, and a creation time."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=func.uuidv7(), insert_default=func.uuidv7(monotonic=True)
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Secret(Model):
    """A table whose ids must not tell order or time: random ones."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(
        primary_key=True,
        server_default=func.gen_random_uuid(),
        insert_default=func.gen_random_uuid(),
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


def dsn(url: str) -> str:
    """Return `url` as asyncpg takes it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


GENERIC = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
"""A statement is planned once a connection: to plan those of the lists takes longer than to run them."""
STATEMENTS_KEPT = 512
KEPT: dict[str, Any] = {
    "statement_cache_size": STATEMENTS_KEPT,
    "max_cached_statement_lifetime": 0,
    "max_cacheable_statement_size": 0,  # a whole page is one long statement; keep it too
}


def engine_of(
    url: str, server: Mapping[str, str] | None = None, **options: Unpack[Pooling]
) -> AsyncEngine:
    """Return an engine for the database at `url` whose connections keep statements and their plans."""
    return create_async_engine(
        dsn(url).replace("postgresql://", "postgresql+asyncpg://", 1),
        connect_args={
            "timeout": 5,
            "prepared_statement_cache_size": STATEMENTS_KEPT,
            **KEPT,
            "server_settings": {"application_name": "lianyan", **GENERIC, **(server or {})},
        },
        **options,
    )


def create_engine(settings: Settings) -> AsyncEngine:
    """Return the engine of the writes: time limits set, so that nothing waits for ever."""
    engine = engine_of(
        settings.database_url,
        {
            "lock_timeout": "10s",
            "statement_timeout": "30s",
            "idle_in_transaction_session_timeout": "60s",
        },
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=10,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.driver_connection.add_query_logger(_count)

    @event.listens_for(engine.sync_engine, "checkout")
    def _(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
        # The driver has heard when the server went away; to ask it each time is a journey a request.
        if dbapi_connection.driver_connection.is_closed():
            raise DisconnectionError

    return engine


STATEMENTS: ContextVar[list[int]] = ContextVar("statements")
"""How many statements the present request has run: one number, counted up where they run."""


def _count(_: Any) -> None:
    """Count one statement, whoever runs it."""
    if (found := STATEMENTS.get(None)) is not None:
        found[0] += 1


async def _counted(connection: Any) -> None:
    """Let a connection of the read pool count its statements."""
    connection.add_query_logger(_count)


async def _kept(_: Any) -> None:
    """Leave a connection as it is: reads set nothing, so nothing is to be reset between them."""


class ReadPool:
    """The pool of the reads: no ORM, generic plans, opened at first use on the running loop."""

    def __init__(self, settings: Settings) -> None:
        """Remember where and how wide; nothing connects yet."""
        self.settings = settings
        self.pool: asyncpg.Pool | None = None

    async def open(self) -> asyncpg.Pool:
        """Return the open pool."""
        if self.pool is None:
            self.pool = await asyncpg.create_pool(
                dsn(self.settings.database_url),
                min_size=1,
                max_size=self.settings.read_pool_size,
                **KEPT,
                init=_counted,
                reset=_kept,
                timeout=5,
                command_timeout=10,
                server_settings={
                    "application_name": "lianyan-read",
                    **GENERIC,
                },
            )
        return self.pool

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Give a connection that the caller reads from."""
        pool = self.pool or await self.open()
        async with pool.acquire(timeout=10) as connection:
            yield connection  # type: ignore[misc]  # the pool's proxy answers as a connection

    async def close(self) -> None:
        """Close the pool, if it was ever opened."""
        if self.pool is not None:
            await self.pool.close()
            self.pool = None


async def provide_session(
    request: Request[Any, Any, Any], state: State
) -> AsyncGenerator[AsyncSession, None]:
    """Yield a session whose transaction commits if the handler returns, else rolls back."""
    session: AsyncSession = state.sessions()
    session.info[ARRIVED] = Arrival()
    request.scope["session"] = session  # for `abandon`
    try:
        yield session
        await session.commit()
    except GeneratorExit:
        raise  # another dependency refused: `abandon` has closed the session, or is about to
    except BaseException:
        await _let_go(session)
        await _do_owed(session)
        raise
    await session.close()


OWED = "owed"


def owe(session: AsyncSession, what: Callable[[AsyncSession], Awaitable[object]]) -> None:
    """Have `what`, just done in this transaction, done again by itself if the rest is refused.

    For what was due before the request came, and is carried out by whoever comes first.
    """
    session.info.setdefault(OWED, []).append(what)


async def _do_owed(session: AsyncSession) -> None:
    """Do what the refusal has undone; what fails is left to the worker."""
    for what in session.info.pop(OWED, ()):
        with contextlib.suppress(DBAPIError):
            async with session.begin():
                await what(session)
    await session.close()


async def abandon(scope: Any) -> None:
    """Close the session of a request that was refused before its handler ran.

    Where another dependency refuses, Litestar forgets the generators it has already begun: the
    session would keep its connection and its locks until the garbage collector comes by.
    """
    session = scope.get("session")
    if session is not None and session.in_transaction():
        await _let_go(session)


async def _let_go(session: AsyncSession) -> None:
    """Undo and close; a connection that is lost has undone everything by itself.

    What it says to that would otherwise take the place of the refusal that is on its way.
    """
    with contextlib.suppress(DBAPIError):
        await session.rollback()
    await session.close()


async def raw(session: AsyncSession) -> Connection:
    """Return the driver's connection under `session`, inside its transaction."""
    connection = await session.connection()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return driver  # type: ignore[no-any-return]  # SQLAlchemy types it as Any
