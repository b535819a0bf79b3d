"""Back to any moment since a backup, where the log is kept."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from backup.scene import opened, restore, running
from figures import figure
from lianyan.cli.fault import Fault
from lianyan.embedded import EmbeddedError
from lianyan.embedded.account import choose
from lianyan.embedded.archive import options

pytestmark = pytest.mark.xdist_group("backup")


@pytest.fixture(scope="module")
async def place(scene, cast) -> Path:
    """Give a backup that is young: little of the log comes after it."""
    return await scene.backup()


async def archived(connection) -> None:
    """Have the log so far kept; one in which nothing happened would not be passed on."""
    await connection.execute("select pg_logical_emit_message(true, 'test', 'something happened')")
    segment = await connection.fetchval("select pg_walfile_name(pg_switch_wal())")
    while (
        await connection.fetchval("select last_archived_wal from pg_stat_archiver") or ""
    ) < segment:
        await asyncio.sleep(0.05)


async def test_a_deletion_is_undone(scene, place, target, archive):
    async with opened(scene.home.url("lianyan_owner")) as connection:
        await connection.execute("create table loved (word text)")
        await connection.execute(
            "insert into loved select '科研协作' from generate_series(1, 1000)"
        )
        moment = await connection.fetchval("select clock_timestamp()")
        await asyncio.sleep(0.05)
        await connection.execute("delete from loved")
        await connection.execute("drop table loved")
    async with opened(scene.home.url("postgres")) as connection:
        await archived(connection)
    beijing = moment.astimezone(timezone(timedelta(hours=8))).isoformat()
    began = time.monotonic()
    await restore(place, target, beijing, wal_archive=archive)
    took = time.monotonic() - began
    async with running(target) as connection:
        back = await connection.fetchval("select count(*) from loved where word = '科研协作'")
        assert back == 1000
        assert await connection.fetchval("select count(*) from people") == 7
    name = "back to the moment before a deletion: rows missing of 1,000"
    figure(name, "0", str(1000 - back), held=back == 1000, note=f"{took:.1f} s")


async def test_everything_there_is(scene, place, target, archive, capsys):
    async with opened(scene.home.url("lianyan_owner")) as connection:
        await connection.execute("create table last (word text)")
        await connection.execute("insert into last values ('科研')")
    async with opened(scene.home.url("postgres")) as connection:
        await archived(connection)
    near = Path(os.path.relpath(archive))
    home = await restore(place, target, "latest", wal_archive=near)
    assert "last: 1 instead of no table" in capsys.readouterr().out
    assert home.archive != scene.home.archive, "its log is no continuation of the old one's"
    async with running(target) as connection:
        assert await connection.fetchval("select word from last") == "科研"
    async with opened(scene.home.url("lianyan_owner")) as connection:
        await connection.execute("drop table last")


async def test_a_moment_the_log_does_not_reach_is_refused_with_how_far_it_goes(
    scene, place, target, archive
):
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    async with opened(scene.home.url("postgres")) as connection:
        await archived(connection)
    with pytest.raises(Fault, match=r"ends before.*its last change is of 20.*--until latest"):
        await restore(place, target, later, wal_archive=archive)
    assert {path.name for path in target.iterdir()} <= {"postgres.lock", "postgres.log"}


@pytest.mark.parametrize(
    "until, words",
    [
        ("2026-11-25T10:00:00", r"has no zone: write 2026-11-25T10:00:00\+08:00"),
        ("2020-01-01T00:00:00Z", "leads to no earlier moment"),
        ("gestern", "is no moment"),
    ],
)
async def test_a_moment_that_cannot_be_is_refused(place, target, archive, until, words):
    with pytest.raises(Fault, match=words):
        await restore(place, target, until, wal_archive=archive)
    assert not target.exists()


async def test_without_a_log_there_is_no_later_moment(place, target, tmp_path):
    with pytest.raises(Fault, match="LIANYAN_WAL_ARCHIVE"):
        await restore(place, target, "latest")
    with pytest.raises(EmbeddedError, match="keeps no log"):
        await restore(place, target, "latest", wal_archive=tmp_path)


async def test_a_log_is_kept_once_and_never_over_another(scene, archive):
    kept = next((archive / scene.home.archive).glob("0*.gz"))
    command = options(scene.home, choose(), archive)["archive_command"]
    inner = kept.name.removesuffix(".gz")
    before = kept.read_bytes()
    for content, well in ((None, True), (b"other", False)):
        offered = scene.folder / "offered"
        if content is None:
            unpacked = await asyncio.create_subprocess_shell(f'gzip -dc "{kept}" > {offered}')
            assert await unpacked.wait() == 0
        else:
            offered.write_bytes(content)
        shell = command.replace("%%", "\0").replace("%f", inner).replace("%p", str(offered))
        shell = shell.replace("\0", "%")
        process = await asyncio.create_subprocess_exec("/bin/sh", "-c", shell)
        assert (await process.wait() == 0) is well
    assert kept.read_bytes() == before


async def test_an_archive_that_is_not_there_stops_the_start(scene, tmp_path):
    with pytest.raises(EmbeddedError, match="mount its disk"):
        options(scene.home, choose(), tmp_path / "gone")
