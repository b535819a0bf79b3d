"""Backup and restore of a database that others run."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from backup.scene import Writers, contents, opened, read, settings, written
from conftest import cloned
from kills.journey import build
from lianyan.cli import restore as restoring
from lianyan.cli.backup import DUMP, backup
from lianyan.cli.dump import apart
from lianyan.cli.fault import Fault
from lianyan.cli.rows import counted
from lianyan.embedded import EmbeddedError
from lianyan.settings import Settings

pytestmark = pytest.mark.xdist_group("backup")


@pytest.fixture
async def outside(server, template, tmp_path) -> AsyncIterator[Settings]:
    """Give the settings of a portal with people whose database is not its own."""
    async with cloned(server, template) as name:
        app, owner = server.of("app", name), server.of("owner", name)
        await build(app)
        yield Settings.from_env(
            {}, data_dir=tmp_path / "data", database_url=app, owner_database_url=owner
        )


@pytest.fixture
async def empty(server, outside, tmp_path) -> AsyncIterator[Settings]:
    """Give the settings for a restore: another database, with nothing in it."""
    async with cloned(server, "template0") as name:
        yield settings(
            tmp_path / "other",
            database_url=server.of("app", name),
            owner_database_url=server.of("owner", name),
        )


async def test_every_row_comes_back_and_the_portal_may_use_it(outside, empty, tmp_path):
    place = tmp_path / "backup"
    async with Writers(outside.database_url) as writers:
        assert await backup(outside, place, "file") == 0
    assert await restoring.restore(empty, place, "none", None) == 0
    assert {path.stat().st_mode & 0o77 for path in place.rglob("*")} == {0}
    async with opened(empty.database_url) as connection:
        assert await counted(connection) == read(place).rows
        there = await written(connection)
        assert there
        assert there <= writers.begun.keys()
    again = tmp_path / "again"
    back = msgspec.structs.replace(empty, secret_key=outside.secret_key)
    assert await backup(back, again, "environment") == 0
    assert not (again / "data" / "secret.key").exists(), "a key from elsewhere stays elsewhere"
    assert (empty.data_dir / "secret.key").read_bytes() == (
        outside.data_dir / "secret.key"
    ).read_bytes()
    assert read(again).rows == read(place).rows


async def test_quiet_it_is_equal_in_every_row(outside, empty, tmp_path):
    place = tmp_path / "backup"
    assert await backup(outside, place, "file") == 0
    assert await restoring.restore(empty, place, "none", None) == 0
    async with opened(outside.migration_url) as old, opened(empty.migration_url) as new:
        assert await contents(new) == await contents(old)


async def test_a_database_with_tables_is_left_alone(outside, tmp_path):
    place = tmp_path / "backup"
    await backup(outside, place, "file")
    with pytest.raises(Fault, match="database is not empty"):
        await restoring.restore(outside, place, "file", None)
    with pytest.raises(Fault, match="This backup is a dump: set LIANYAN_DATABASE_URL"):
        await restoring.restore(settings(tmp_path / "x"), place, "none", None)
    with pytest.raises(Fault, match="a dump: it comes back as it is"):
        await restoring.restore(outside, place, "file", "latest")


async def test_a_dump_that_cannot_be_loaded_leaves_nothing(outside, empty, tmp_path):
    place = tmp_path / "backup"
    await backup(outside, place, "file")
    cut(place / DUMP)
    with pytest.raises(Fault, match=r"database\.dump is damaged"):
        await restoring.restore(empty, place, "none", None)
    with pytest.raises(EmbeddedError, match="pg_restore"):
        await restoring._dump(empty, place, read(place))
    async with opened(empty.database_url) as connection:
        assert await counted(connection) == {}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])


def test_a_password_is_not_on_the_command_line():
    found = apart("postgresql://me:p%40ss@db.example:5432/lianyan?sslmode=require")
    assert found == ("postgresql://me@db.example:5432/lianyan?sslmode=require", "p@ss")
