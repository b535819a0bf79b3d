"""What `lianyan restore` refuses, with a remedy, before it touches anything."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from backup.scene import read, restore, running, settings
from lianyan.cli import manifest
from lianyan.cli import restore as restoring
from lianyan.cli.fault import Fault
from lianyan.embedded import EmbeddedError, postgres

pytestmark = pytest.mark.xdist_group("backup")


@pytest.fixture
def changed(place: Path):
    """Give a function that rewrites the manifest; the old one is put back afterwards."""
    note = place / manifest.NAME
    kept = note.read_bytes()

    def change(**values: object) -> None:
        note.unlink()
        manifest.write(place, msgspec.structs.replace(read_kept(kept), **values))

    yield change
    note.write_bytes(kept)


def read_kept(text: bytes) -> manifest.Manifest:
    return msgspec.json.decode(text, type=manifest.Manifest)


async def refused(place: Path, target: Path, words: str, **more: object) -> None:
    with pytest.raises(Fault, match=words):
        await restore(place, target, **more)
    assert not target.exists(), "nothing was touched"


def victim(place: Path) -> Path:
    """Return a file of the database itself."""
    return max((place / "cluster" / "base").rglob("[0-9]*"), key=lambda path: path.stat().st_size)


async def test_one_damaged_bit_is_named(place, target):
    path = victim(place)
    with path.open("r+b") as file:
        file.seek(4000)
        old = file.read(1)
        file.seek(4000)
        file.write(bytes([old[0] ^ 1]))
    try:
        await refused(place, target, f"{path.name} is damaged")
    finally:
        with path.open("r+b") as file:
            file.seek(4000)
            file.write(old)


async def test_a_missing_file_a_link_and_a_shorter_file_are_named(place, target):
    path = victim(place)
    aside = place.with_name("aside")
    path.rename(aside)
    await refused(place, target, f"{path.name} is missing")
    path.symlink_to(aside)
    await refused(place, target, f"{path.name} is no plain file")
    path.unlink()
    path.write_bytes(aside.read_bytes()[:-1])
    await refused(place, target, f"{path.name} is damaged")
    aside.rename(path)


async def test_a_link_on_the_way_is_refused(place, target):
    base = place / "cluster" / "base"
    aside = place.with_name("aside")
    base.rename(aside)
    base.symlink_to(aside)
    try:
        await refused(place, target, "cluster/base is missing")
    finally:
        base.unlink()
        aside.rename(base)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "cluster/../../x", "."])
async def test_a_name_that_leads_outside_is_refused(place, target, changed, name):
    changed(files={**read(place).files, name: manifest.Kept(0, "")})
    await refused(place, target, "is no name in a backup")


async def test_a_manifest_that_was_changed_or_cut_is_refused(place, target, changed):
    note = place / manifest.NAME
    text = note.read_text()
    note.write_text(text.replace('"people": ', '"people": 1'))
    await refused(place, target, "its checksum differs")
    note.write_text(text[: len(text) // 2])
    await refused(place, target, "is damaged")
    note.unlink()
    await refused(place, target, "no finished backup")
    note.write_text(json.dumps({"format": manifest.FORMAT + 1}))
    await refused(place, target, "does not know")
    note.write_text(text)


async def test_a_backup_of_a_newer_portal_or_another_postgresql_is_refused(place, target, changed):
    changed(portal="999.0.0")
    await refused(place, target, r"Lianyan 999\.0\.0 made this backup.*Install that version")
    changed(revision="9999")
    await refused(place, target, "tables at 9999")
    changed(postgres="17.2")
    await refused(place, target, "copy for PostgreSQL 17")


async def test_a_folder_that_holds_anything_is_refused(place, target):
    target.mkdir()
    (target / "mine").write_text("keep")
    with pytest.raises(Fault, match=r"not empty \(it holds mine\)"):
        await restore(place, target)
    assert (target / "mine").read_text() == "keep"


async def test_another_key_is_refused(place, target, changed):
    other = settings(target).__replace__(secret_key=os.urandom(32))
    with pytest.raises(Fault, match="LIANYAN_SECRET_KEY is not the key"):
        await restoring.restore(other, place, "environment", None)
    changed(key="environment")
    await refused(place, target, "set LIANYAN_SECRET_KEY")


async def test_rows_that_differ_are_no_restore(place, target, changed):
    changed(rows={**read(place).rows, "people": 10_000})
    with pytest.raises(Fault, match="people: 7 instead of 10000"):
        await restore(place, target)
    assert {path.name for path in target.iterdir()} <= {"postgres.lock", "postgres.log"}


async def test_a_killed_restore_is_no_portal(place, target):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lianyan", "restore", str(place)),
        env={**os.environ, "LIANYAN_DATA_DIR": str(target)},
    )
    while not (target / "postgres" / "PG_VERSION").exists():
        await asyncio.sleep(0.001)
    process.kill()
    await process.wait()
    assert not (target / "database.json").exists()
    with pytest.raises(EmbeddedError, match=f"did not finish: remove {target}/postgres, empty"):
        async with postgres(target):
            pass
    with pytest.raises(Fault, match="not empty"):
        await restore(place, target)
    shutil.rmtree(target)
    await restore(place, target)


async def test_under_a_private_folder_root_restores_elsewhere(place, target):
    private = target.parent / "private"
    private.mkdir(mode=0o700)
    home = await restore(place, private / "data")
    try:
        assert home.cluster.is_relative_to(private) is (os.geteuid() != 0)
        assert private.stat().st_mode & 0o777 == 0o700
        async with running(private / "data") as connection:
            assert await connection.fetchval("select count(*) from people") == 7
    finally:
        shutil.rmtree(home.cluster)
        shutil.rmtree(home.socket, ignore_errors=True)


async def test_a_portal_that_runs_is_not_restored_over(scene, place):
    with pytest.raises(Fault, match="not empty"):
        await restore(place, scene.settings.data_dir)


async def test_older_tables_are_migrated_next(place, target, changed, capsys):
    changed(revision="0001")
    await restore(place, target)
    assert f"LIANYAN_DATA_DIR={target} lianyan up (it migrates the tables from 0001 to" in (
        capsys.readouterr().out
    )
