"""`lianyan doctor` on a sound portal and on ailing ones: each thing is really broken."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import asyncpg
import msgspec
import pytest

from cli.ward import Ward, ward
from lianyan.cli import doctor, inside, outside
from lianyan.core import seals
from lianyan.core.events import record
from makers import make_call, make_institution, make_person, make_proposal

LIANYAN = [sys.executable, "-m", "lianyan"]


@pytest.fixture
async def ill(server, template, tmp_path) -> AsyncIterator[Ward]:
    """Give a healthy portal that the test makes ill."""
    async with ward(server, template, tmp_path / "data") as found:
        yield found


async def test_a_sound_portal_lacks_nothing_but_a_backup(ill):
    found = [finding async for finding in doctor.examine(ill.settings)]
    assert {f.check: f.remedy for f in found if f.remedy}.keys() == {"backup"}
    assert {"mail", "administrators", "archive", "providers"} == {f.check for f in found if f.note}
    assert len({f.check for f in found}) == len(found) == 15


# ---- the database ----


async def test_another_version_of_the_server_is_named(ill, monkeypatch):
    monkeypatch.setattr(inside, "MAJOR", 99)
    found = await ill.finding("version")
    assert found.what.startswith("PostgreSQL 18")
    assert "Lianyan needs PostgreSQL 99" in found.remedy


async def test_a_database_where_chinese_is_no_text_is_refused(server, settings):
    connection = await asyncpg.connect(server.of("admin", "postgres"))
    await connection.execute(
        "create database ailing template template0 owner lianyan_owner encoding 'UTF8'"
        " locale_provider libc lc_collate 'C' lc_ctype 'C'"
    )
    try:
        ailing = msgspec.structs.replace(settings, database_url=server.of("app", "ailing"))
        found = {f.check: f async for f in doctor.examine(ailing)}
        assert "Chinese is no text" in found["ctype"].remedy
        assert found["migrations"].what == "tables at None"
        for check in ("migrations", "worker", "jobs", "seals", "access", "providers"):
            assert "lianyan migrate" in found[check].remedy, check
    finally:
        await connection.execute("drop database ailing with (force)")
        await connection.close()


@pytest.mark.parametrize(
    "at, words", [("0001", "Run `lianyan migrate` (to "), ("9999", "install the newer one")]
)
async def test_other_tables_than_this_version_s_are_named(ill, at, words):
    await ill.break_(f"update alembic_version set version_num = '{at}'")
    found = await ill.finding("migrations")
    assert found.what == f"tables at {at}"
    assert words in found.remedy


async def test_a_wrong_clock_is_noticed(ill, monkeypatch):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 90)
    found = await ill.finding("clock")
    assert found.what == "the clocks differ by 90.0 s"
    assert "chrony" in found.remedy


async def test_a_dead_worker_is_noticed(ill):
    await ill.break_("update workers set seen_at = now() - interval '1 minute'")
    found = await ill.finding("worker")
    assert (found.what, "Start `lianyan up`" in found.remedy) == ("no worker is alive", True)


@pytest.mark.parametrize(
    "column, words",
    [("failed_at", "1 jobs were given up"), ("run_at", "a job waits since 60 minutes")],
)
async def test_jobs_that_are_not_done_are_noticed(ill, column, words):
    await ill.break_(
        f"insert into jobs (kind, payload, {column}) values ('x', '{{}}', now() - interval '1 hour')"
    )
    found = await ill.finding("jobs")
    assert found.what == words
    assert "worker" in found.remedy


async def test_a_changed_event_is_noticed(ill):
    async with ill.session() as session:
        person = await make_person(session)
        for _ in range(3):
            await record(session, None, "test.happened", person.id)
    async with ill.session() as session:
        assert await seals.seal(session) == 3
    assert not (found := await ill.finding("seals")).remedy
    assert found.what == "1 seals over 3 events are whole"
    await ill.break_(
        "update events set kind = 'test.forged' where id = (select max(id) from events)"
    )
    found = await ill.finding("seals")
    assert "not as it was sealed" in found.what
    assert "lianyan audit verify" in found.remedy


async def test_events_that_nobody_seals_are_noticed(ill):
    await ill.break_(
        "insert into events (at, kind, subject_id, data)"
        " values (now() - interval '1 hour', 'test.happened', uuidv7(), '{}')"
    )
    found = await ill.finding("seals")
    assert found.what == "1 events, the oldest 60 minutes old, are not sealed"
    assert "worker seals each minute" in found.remedy


async def test_rights_that_differ_are_noticed(ill):
    async with ill.session() as session:
        home = await make_institution(session)
        lead = await make_person(session, institution=home)
        await make_proposal(session, lead, await make_call(session), [home])
    assert (await ill.finding("access")).what == "rights as recomputed"
    await ill.break_("delete from access")
    found = await ill.finding("access")
    assert found.what == "rights differ in 2 rows"
    assert "report it" in found.remedy


async def test_the_three_administrators(ill):
    for role in ("security_administrator", "audit_administrator"):
        found = await ill.finding("administrators")
        assert "三员未分立" in found.what
        assert role in found.note
        assert found.remedy == ""
        async with ill.session() as session:
            await make_person(session, role, roles=[role])
    assert "三员分立" in (await ill.finding("administrators")).what
    await ill.break_("update platform_roles set ended_at = now() where role = 'administrator'")
    assert "lianyan admin invite" in (await ill.finding("administrators")).remedy


# ---- around it ----


@pytest.mark.parametrize("free, well", [(10**10, True), (10**8, False)])
async def test_a_full_disk_is_noticed(ill, tmp_path, monkeypatch, free, well):
    usage = SimpleNamespace(total=10**11, used=10**11 - free, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = outside.folder(ill.with_(wal_archive=tmp_path).settings)
    assert found.what.count("GB free") == 2
    assert ("Make room" in found.remedy) is not well


def test_a_folder_that_cannot_be_written_is_noticed(tmp_path, settings, monkeypatch):
    # Root may write anywhere: the system's answer to an ordinary user is put in its place.
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = outside.folder(msgspec.structs.replace(settings, data_dir=tmp_path))
    assert "cannot be written" in found.what
    assert "LIANYAN_DATA_DIR" in found.remedy


@pytest.mark.parametrize(
    "name, mode, remedy",
    [
        (".", 0o777, "chmod go-w"),
        ("secret.key", 0o644, "chmod 600"),
        ("database.json", 0o640, "chmod 600"),
    ],
)
async def test_what_others_can_read_or_change_is_noticed(ill, name, mode, remedy):
    path = ill.settings.data_dir / name
    if not path.exists():
        path.touch(0o600)
    assert not (await ill.finding("storage")).remedy
    path.chmod(mode)
    found = await ill.finding("storage")
    assert "others" in found.what
    assert f"{remedy} {path.resolve()}" in found.remedy


async def test_a_key_that_is_gone_is_noticed(ill):
    found = outside.key(ill.settings, "none")
    assert "secret.key back from a backup" in found.remedy
    assert not outside.key(ill.settings, "environment").remedy


async def test_an_old_backup_is_noticed(ill):
    note = ill.settings.data_dir / "backup.json"
    assert "Run `lianyan backup FOLDER`" in (await ill.finding("backup")).remedy
    assert not (await ill.with_(demo=True).finding("backup")).remedy
    for days, well in ((3, True), (9, False)):
        finished = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        note.write_text(json.dumps({"finished": finished, "folder": "/backups/1"}))
        found = await ill.finding("backup")
        assert found.what == f"the last backup was made {days} days ago, to /backups/1"
        assert ("another disk" in found.remedy) is not well


async def test_an_archive_that_is_set_and_not_used_is_noticed(ill, tmp_path):
    gone = await ill.with_(wal_archive=tmp_path / "gone").finding("archive")
    assert "Mount its disk" in gone.remedy
    unused = await ill.with_(wal_archive=tmp_path).finding("archive")
    assert "Start the portal again" in unused.remedy


async def test_mail_is_said_not_to_be_there(ill):
    found = await ill.finding("mail")
    assert (found.what, found.remedy) == ("mail is not set up", "")
    assert "Messages stay in the portal" in found.note


# ---- the command ----


def run(*arguments: str, data_dir: os.PathLike[str], **more: str) -> subprocess.CompletedProcess:
    env = {n: v for n, v in os.environ.items() if not n.startswith("LIANYAN_")}
    return subprocess.run(
        [*LIANYAN, "doctor", *arguments],
        env={**env, "LIANYAN_DATA_DIR": str(data_dir), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_where_no_portal_is_it_makes_none(tmp_path):
    said = run(data_dir=tmp_path / "none")
    assert said.returncode == 1
    assert "there is no portal" in said.stdout
    assert not (tmp_path / "none").exists()


async def test_the_command_prints_and_tells_machines(ill):
    data, url = ill.settings.data_dir, ill.settings.database_url
    said = run(data_dir=data, LIANYAN_DATABASE_URL=url)
    assert said.returncode == 1, said.stderr
    assert "✗ no backup was made from here yet\n    Run `lianyan backup" in said.stdout
    assert "· mail is not set up" in said.stdout
    assert said.stdout.endswith("1 to mend.\n")
    assert "LIANYAN_DATABASE_URL" not in said.stdout
    plain = run(data_dir=data, LIANYAN_DATABASE_URL=url, PYTHONIOENCODING="ascii")
    assert "1 to mend." in plain.stdout, plain.stderr
    told = json.loads(run("--json", data_dir=data, LIANYAN_DATABASE_URL=url).stdout)
    assert {f["check"] for f in told if not f["well"]} == {"backup"}
