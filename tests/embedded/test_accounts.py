"""As root and as an ordinary user."""

import asyncio
import os
import pwd
import signal
from pathlib import Path

import asyncpg
import pytest

from embedded.scene import SOON, alive, begin, home, keeper, leave, remember, remembered, until
from lianyan.embedded import find, postgres
from lianyan.embedded.account import Account, choose
from lianyan.embedded.binaries import within_reach
from lianyan.embedded.supervisor import Server

ROOT = os.geteuid() == 0


@pytest.fixture
def ordinary(monkeypatch) -> int:
    """Give an ordinary user's number: another one where this is root, else the caller's."""
    if not ROOT:
        return os.geteuid()
    user = pwd.getpwnam("nobody")
    programs = within_reach(find(), Account(user.pw_uid, user.pw_gid, drop=True))
    monkeypatch.setenv("LIANYAN_PG_BIN", str(programs.folder))
    return user.pw_uid


@pytest.fixture
def become(ordinary) -> tuple[int, ...]:
    return (ordinary,) if ROOT else ()


@pytest.fixture
def own(folder, ordinary) -> Path:
    """Give a folder of the ordinary user's."""
    made = folder / "own"
    made.mkdir(mode=0o700)
    if ROOT:
        os.chown(made, ordinary, -1)
    return made / "data"


async def test_an_ordinary_user_starts_kills_and_starts_again(own, ordinary, become):
    async with keeper(own, *become) as (process, parent, pid):
        assert parent
        assert Path(f"/proc/{pid}").stat().st_uid == ordinary
        found = Server(home(own), own=False)
        await remember(found)
        assert {path.stat().st_uid for path in (own, *own.rglob("*"))} == {ordinary}
        assert own.stat().st_mode & 0o777 == 0o700
        os.kill(pid, signal.SIGKILL)

        async def back() -> bool:
            try:
                return await remembered(found.owner_url)
            except (OSError, asyncpg.PostgresError):
                return False

        await until(back)
        process.kill()
        await process.wait()
    async with keeper(own, *become) as (_, parent, _):
        assert parent
        assert await remembered(found.owner_url)


async def test_three_starts_at_once_by_an_ordinary_user_share_one_server(own, become):
    started = [await begin(own, *become) for _ in range(3)]
    try:
        lines = [await asyncio.wait_for(process.stdout.readline(), SOON) for process in started]
        assert sorted(line[:1] for line in lines) == [b"0", b"0", b"1"], lines
    finally:
        for process in started:
            await leave(process)


async def test_another_user_s_folder_is_refused_with_the_way_out(own, become):
    """As root: the folder is root's, the caller is not."""
    async with keeper(own, *become):
        pass
    if not ROOT:
        own.chmod(0o500)
        (own / "postgres.lock").chmod(0o400)
    else:
        os.chown(own, 0, 0)
        os.chown(own / "postgres.lock", 0, 0)
        own.parent.chmod(0o711)
        own.chmod(0o711)
    process = await begin(own, *become)
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), SOON)
    assert b"belongs to another user: run this as that one" in line
    assert await process.wait() == 2
    own.chmod(0o700)


async def test_root_takes_over_what_an_ordinary_user_made_and_gives_it_back(own, ordinary, become):
    async with keeper(own, *become):
        await remember(Server(home(own), own=False))
    own.parent.chmod(0o711)
    async with postgres(own) as server:
        assert await remembered(server.owner_url)
        assert server.pid
        assert Path(f"/proc/{server.pid}").stat().st_uid == ordinary, "the owner's, never root's"
    assert not alive(server.pid)
    async with keeper(own, *become):
        assert await remembered(server.owner_url)


async def test_root_never_runs_the_server_itself(folder):
    async with postgres(folder) as server:
        assert server.pid
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert server.home.cluster.stat().st_mode & 0o777 == 0o700
        assert choose(server.home.cluster).drop is ROOT
