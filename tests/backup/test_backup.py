"""`lianyan backup` of a running database."""

import asyncio
import os
import subprocess
import sys
from contextlib import nullcontext

import asyncpg
import pytest

from backup.scene import Writers, contents, opened, read, restore, running, written
from disks import limited, small
from lianyan.cli import backup as backing
from lianyan.cli.fault import Fault
from lianyan.cli.rows import counted
from lianyan.embedded import basebackup
from lianyan.settings import PREFIX

pytestmark = pytest.mark.xdist_group("backup")


async def test_every_row_comes_back(scene, place, target):
    async with opened(scene.home.url("postgres")) as connection:
        before = await contents(connection)
    home = await restore(place, target)
    assert home.passwords == scene.home.passwords
    async with running(target) as connection:
        after = await contents(connection)
        assert await connection.fetchval("select pg_is_in_recovery()") is False
    assert after == before
    assert before["people"][0] > 0
    assert (target / "secret.key").read_bytes() == (
        scene.settings.data_dir / "secret.key"
    ).read_bytes()


async def test_under_writers_each_of_two_at_once_is_one_moment(scene, target, monkeypatch):
    log = basebackup._log

    async def later(*given: object) -> None:
        await asyncio.sleep(0.1)  # much is written after that moment and lies in the same log
        await log(*given)

    monkeypatch.setattr(basebackup, "_log", later)
    async with Writers(scene.home.url("lianyan_app")) as writers:
        other, place = await asyncio.gather(scene.backup(), scene.backup())
    assert read(other).point.name != read(place).point.name
    found = read(place)
    await restore(place, target)
    moment = found.point.at.timestamp()
    async with running(target) as connection:
        there = await written(connection)
        assert await counted(connection) == found.rows
    confirmed = {subject for subject, at in writers.told.items() if at < moment}
    later = {subject for subject, at in writers.begun.items() if at > moment}
    assert len(confirmed) > 8
    assert len(later) > 0, "they wrote on while the backup was finished"
    assert confirmed <= there, "what was confirmed before that moment is in it"
    assert not there & later, "and nothing of what came after"


class Nosy:
    """A connection beside which somebody else tries to write whenever it is asked something."""

    def __init__(self, connection, other):
        self.connection, self.other, self.held = connection, other, 0

    async def fetchval(self, statement):
        return await self.connection.fetchval(statement)

    async def execute(self, statement):
        with pytest.raises(asyncpg.LockNotAvailableError):
            await self.other.execute(
                "insert into events (kind, subject_id, data) values ('test.x', uuidv7(), '{}')"
            )
        self.held += 1
        await self.connection.execute(statement)


async def test_nobody_writes_between_what_is_counted_and_the_moment(scene):
    admin = scene.home.url("postgres")
    async with opened(admin) as holder, opened(admin) as reader, opened(admin) as other:
        await other.execute("set lock_timeout = '50ms'")
        nosy = Nosy(reader, other)
        point = await basebackup._still(holder, nosy, "test")
        assert nosy.held == 2
        await other.execute("reset lock_timeout")
        async with other.transaction():
            await other.execute("delete from workers where seen_at < '2000-01-01'")
            waiting = asyncio.create_task(basebackup._still(holder, Nosy(reader, other), "waits"))
            await asyncio.sleep(0.5)
            assert not waiting.done(), "an open transaction is waited for, and not cut off"
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
    assert point.at


async def test_only_its_owner_can_look_into_it(place):
    for path in (place, *place.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_it_names_every_file(place):
    files = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()}
    assert files == read(place).files.keys() | {"manifest.json"}
    assert not place.with_name(f"{place.name}.unfinished").exists()


async def test_it_overwrites_nothing(scene, place):
    before = (place / "manifest.json").read_bytes()
    with pytest.raises(Fault, match="not empty"):
        await scene.backup(place)
    assert (place / "manifest.json").read_bytes() == before


async def test_an_unfinished_one_is_named_and_left_alone(scene):
    place = scene.place()
    left = place.with_name(f"{place.name}.unfinished")
    left.mkdir()
    with pytest.raises(Fault, match=r"\.unfinished is there.*did not finish"):
        await scene.backup(place)
    assert list(left.iterdir()) == []
    first = asyncio.create_task(scene.backup(other := scene.place()))
    while not other.with_name(f"{other.name}.unfinished").exists():
        await asyncio.sleep(0.01)
    with pytest.raises(Fault, match="under way"):
        await scene.backup(other)
    assert await first == other


async def test_a_place_inside_the_database_is_refused(scene):
    with pytest.raises(Fault, match="inside the database"):
        await scene.backup(scene.home.cluster / "base" / "mine")


async def test_where_no_portal_is_there_is_nothing_to_save(scene, target):
    with pytest.raises(Fault, match="There is no portal"):
        await type(scene)(scene.folder, scene.settings.__replace__(data_dir=target)).backup()
    assert not target.exists()


async def test_a_full_disk_leaves_one_unfinished_folder_and_a_portal_that_runs(scene, monkeypatch):
    place = scene.folder / "small"
    with small(place, 20) as mounted, nullcontext() if mounted else limited(10_000):
        if mounted:
            with pytest.raises(Fault, match="is full"):
                await scene.backup(place / "one")
            assert [path.name for path in place.iterdir()] == ["one.unfinished"]
            monkeypatch.setattr(backing, "_room", enough)
        with pytest.raises(Fault, match=r"is full.*two\.unfinished and may be removed"):
            await scene.backup(place / "two")
        assert not (place / "two").exists()
        with pytest.raises(Fault, match="no finished backup"):
            await restore(place / "two.unfinished", scene.folder / "never")
    async with opened(scene.home.url("lianyan_app")) as connection:
        assert await connection.fetchval("select count(*) from terms")


async def enough(*_: object) -> None:
    """Say that there is room: the disk itself is to refuse."""


def test_the_command_says_what_it_did_and_what_it_holds(scene):
    place = scene.place()
    said = subprocess.run(
        [sys.executable, "-m", "lianyan", "backup", place],
        env={**os.environ, f"{PREFIX}DATA_DIR": str(scene.settings.data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert str(place) in said
    assert "It holds passwords" in said
