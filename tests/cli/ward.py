"""A portal of its own for `lianyan doctor`, to be made ill."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from conftest import Postgres, cloned
from lianyan.cli import doctor
from lianyan.cli.finding import Finding
from lianyan.core.db import create_engine
from lianyan.settings import Settings
from makers import make_person


class Ward(NamedTuple):
    """The portal, and a superuser's way into its database."""

    settings: Settings
    admin: str

    async def break_(self, *statements: str, values: tuple[Any, ...] = ()) -> None:
        """Change the database past the portal, and past the triggers that would not have it."""
        connection = await asyncpg.connect(self.admin)
        try:
            await connection.execute("set session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose work is kept."""
        engine = create_engine(self.settings)
        try:
            async with async_sessionmaker(engine, expire_on_commit=False).begin() as session:
                yield session
        finally:
            await engine.dispose()

    def with_(self, **values: Any) -> "Ward":
        """Return the same portal with other settings."""
        return Ward(msgspec.structs.replace(self.settings, **values), self.admin)

    async def findings(self, check: str) -> list[Finding]:
        """Return what one check sees."""
        return [found async for found in doctor.examine(self.settings) if found.check == check]

    async def finding(self, check: str) -> Finding:
        """Return the one thing a check sees."""
        (found,) = await self.findings(check)
        return found


@asynccontextmanager
async def ward(server: Postgres, template: str, folder: Path) -> AsyncIterator[Ward]:
    """Give a healthy portal: an administrator, a worker that lives, nothing else."""
    folder.mkdir(mode=0o700, exist_ok=True)
    async with cloned(server, template) as name:
        settings = Settings.from_env({}, data_dir=folder, database_url=server.of("app", name))
        made = Ward(settings, server.of("admin", name))
        await made.break_("insert into workers (id) values (uuidv7())")
        async with made.session() as session:
            await make_person(session, "管理员", roles=["administrator"])
        yield made
