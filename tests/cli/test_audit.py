"""`lianyan audit`: run as an operator runs it, on a sound record and on ones that were tampered with."""

import asyncio
import os
import sys

import pytest

from core.sealing import a_log, happen, opened, sealed
from lianyan.core import anchors
from lianyan.core.seals import seal_all
from lianyan.settings import Settings


@pytest.fixture
async def log(server, template):
    async with a_log(server, template) as found:
        await happen(found, 3)
        await sealed(found)
        await happen(found, 2)
        await sealed(found)
        yield found


@pytest.fixture
def lianyan(log, tmp_path):
    """Run the command against the log; give status, output and complaint."""

    async def run(*arguments: str) -> tuple[int, str, str]:
        environment = {n: v for n, v in os.environ.items() if not n.startswith("LIANYAN_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lianyan", "audit", *arguments),
            env={
                **environment,
                "LIANYAN_DATABASE_URL": log.app,
                "LIANYAN_DATA_DIR": str(tmp_path / "data"),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode, out.decode(), err.decode()

    (tmp_path / "data").mkdir()
    return run


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
    status, _, complaint = await lianyan("anchor")
    assert (status, "Nothing is sealed yet" in complaint) == (2, True)
