"""`lianyan doctor` on a sound database and on ailing ones."""

import shutil
import time
from types import SimpleNamespace

import asyncpg
import msgspec
import pytest

from lianyan.cli import doctor


async def findings(settings) -> dict[str, str]:
    """Return each finding's remedy by its first words."""
    return {found.what: found.remedy async for found in doctor.examine(settings)}


def remedy(found: dict[str, str], words: str) -> str:
    return next(text for what, text in found.items() if words in what)


async def test_a_fresh_portal_lacks_nothing_but_its_worker(settings):
    found = await findings(settings)
    assert "Start `lianyan up`" in remedy(found, "worker")
    assert [what for what, text in found.items() if text] == ["no worker is alive"]


async def test_a_database_where_chinese_is_no_text_is_refused(server, settings):
    connection = await asyncpg.connect(server.of("admin", "postgres"))
    await connection.execute(
        "create database ailing template template0 owner lianyan_owner encoding 'UTF8'"
        " locale_provider libc lc_collate 'C' lc_ctype 'C'"
    )
    try:
        ailing = msgspec.structs.replace(settings, database_url=server.of("app", "ailing"))
        other = await asyncpg.connect(ailing.database_url)
        assert "Chinese is no text" in (await doctor.ctype(ailing, other)).remedy
        assert "lianyan migrate" in (await doctor.migrations(ailing, other)).remedy
        await other.close()
    finally:
        await connection.execute("drop database ailing with (force)")
        await connection.close()


async def test_a_wrong_clock_is_noticed(settings, monkeypatch):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 90)
    assert "chrony" in remedy(await findings(settings), "clocks differ")


@pytest.mark.parametrize("free, well", [(10**10, True), (10**8, False)])
def test_a_full_disk_is_noticed(settings, monkeypatch, free, well):
    usage = SimpleNamespace(total=10**11, used=10**11 - free, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert (doctor.folder(settings).remedy == "") is well
