"""`lianyan audit` on a sound record and on ones that were tampered with."""

import asyncio
import sys

import pytest

from core.sealing import empty, happen, opened, sealed
from lianyan import cli
from lianyan.cli.fault import Fault
from lianyan.core import anchors
from lianyan.core.seals import seal_all
from lianyan.settings import Settings


@pytest.fixture
async def log(own_log):
    """Give a record of two seals, over three events and two."""
    await empty(own_log)
    for count in (3, 2):
        await happen(own_log, count)
        await sealed(own_log)
    return own_log


@pytest.fixture
def environment(log, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("LIANYAN_DATABASE_URL", log.app)
    monkeypatch.setenv("LIANYAN_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def lianyan(environment, capsys):
    """Run the command as its words say; give status, output and complaint."""

    async def run(*arguments: str) -> tuple[int, str, str]:
        given = cli.parser().parse_args(["audit", *arguments])
        try:
            return await given.run(given), capsys.readouterr().out, ""
        except Fault as fault:
            return 2, capsys.readouterr().out, str(fault)

    return run


async def test_the_command_itself_ends_with_a_status(log, environment):
    await superuser(log, "delete from events where id = 1")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lianyan", "audit", "verify"), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, "✗ Event 1 is gone" in said.decode()) == (1, True)


async def superuser(log, *statements: str) -> None:
    async with opened(log.admin) as admin:
        await admin.execute("set session_replication_role = replica")
        for statement in statements:
            await admin.execute(statement)


async def test_a_sound_record_is_said_to_be_so(log, lianyan, tmp_path):
    status, said, _ = await lianyan("verify")
    assert (status, "2 seals over 5 events; compared with no anchor" in said) == (0, True)
    log.sessions.configure(
        info={"settings": Settings(data_dir=tmp_path / "data")},
    )
    async with log.sessions.begin() as session:
        await seal_all(session)
    await happen(log, 1)
    status, said, _ = await lianyan("verify")
    assert status == 0
    assert "5 events; 1 not sealed yet" in said
    assert "1 anchors" in said
    assert "Everything is as it was sealed" in said
    kept = (tmp_path / "data" / anchors.FILE).read_text()
    status, line, _ = await lianyan("anchor")
    assert (status, line) == (0, kept)
    for given in (line.strip(), str(tmp_path / "data" / anchors.FILE)):
        assert (await lianyan("verify", "--anchor", given))[0] == 0


async def test_what_was_tampered_with_is_named_with_a_remedy(log, lianyan):
    await superuser(
        log, "update events set kind = 'x.y' where id = 2", "delete from events where id = 5"
    )
    status, said, _ = await lianyan("verify")
    assert status == 1
    assert "✗ Event 2 of seal 1 was changed." in said
    assert "✗ Event 5 is gone from seal 2." in said
    assert "lianyan restore" in said
    assert "put them aside" not in said


async def test_a_cut_end_is_found_by_an_anchor_kept_elsewhere(log, lianyan, tmp_path):
    _, line, _ = await lianyan("anchor")
    await superuser(log, "delete from seals where id = 2", "delete from events where id > 3")
    assert (await lianyan("verify"))[0] == 0, "the database alone does not betray it"
    kept = tmp_path / "elsewhere"
    kept.write_text(f"rubbish\n{line}")
    for given in (line, str(kept)):
        status, said, _ = await lianyan("verify", "--anchor", given)
        assert status == 1
        assert "✗ Seal 2, the newest at" in said
        assert "the log ends with seal 1" in said
        assert "put them aside" in said


async def test_what_is_no_anchor_is_refused_with_words(log, lianyan, tmp_path):
    (tmp_path / "empty").write_text("\nrubbish\n")
    for given, words in (
        ("rubbish", "neither a file nor"),
        (str(tmp_path / "empty"), "no anchor in"),
    ):
        status, said, complaint = await lianyan("verify", "--anchor", given)
        assert (status, said, words in complaint) == (2, "", True)
    await superuser(log, "truncate seals")
    assert "Nothing is sealed yet" in (await lianyan("verify"))[1]
    status, _, complaint = await lianyan("anchor")
    assert (status, "Nothing is sealed yet" in complaint) == (2, True)
