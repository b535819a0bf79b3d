"""The embedded database through everything that can happen to its processes."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from embedded.scene import alive, ask, home, keeper, leave, remember, remembered, until
from lianyan.embedded import EmbeddedError, postgres
from lianyan.embedded.account import Account
from lianyan.embedded.cluster import LONGEST
from lianyan.embedded.supervisor import Server


@pytest.fixture
def zombie() -> Iterator[int]:
    """Give the pid of a process that has ended and that nobody has buried."""
    dead = subprocess.Popen(["true"])
    assert os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    yield dead.pid
    dead.wait()


async def test_a_fresh_start_gives_two_roles_and_finds_chinese(folder):
    async with postgres(folder) as server:
        assert server.own
        await ask(server.owner_url, "create extension pg_trgm")
        assert await ask(server.app_url, "select array_length(show_trgm('科研'), 1)") == 3
        assert await ask(server.app_url, "select '科' ~ '^[[:alpha:]]$'")
        assert await ask(server.app_url, "select current_setting('timezone')") == "UTC"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(server.app_url, "create table mine (id int)")
    assert (folder / "database.json").stat().st_mode & 0o777 == 0o600
    assert not (server.home.cluster / "postmaster.pid").exists()


async def test_a_warm_start_keeps_the_rows_and_takes_less_than_a_second(folder):
    async with postgres(folder) as server:
        await remember(server)
    began = time.monotonic()
    async with postgres(folder) as server:
        assert time.monotonic() - began < 1
        assert await remembered(server.owner_url)


async def test_the_shell_s_locale_and_settings_do_not_matter(folder, monkeypatch):
    for name, value in {"LC_ALL": "POSIX", "PGPORT": "1", "PGHOST": "elsewhere"}.items():
        monkeypatch.setenv(name, value)
    async with postgres(folder) as server:
        found = await ask(
            server.app_url, "select datctype from pg_database where datname = 'lianyan'"
        )
        assert found in {"C.UTF-8", "en_US.UTF-8"}


async def test_a_killed_supervisor_leaves_an_orphan_that_the_next_one_replaces(folder):
    async with keeper(folder) as (process, own, pid):
        assert own
        await remember(Server(home(folder), own=False))
        process.kill()
        await process.wait()
        assert alive(pid)
    async with postgres(folder) as server:
        assert server.own
        assert server.pid != pid
        assert await remembered(server.owner_url)
        assert not alive(pid)


async def test_a_killed_server_comes_back_by_itself(folder):
    async with postgres(folder) as server:
        await remember(server)
        pid = server.pid
        assert pid
        os.kill(pid, signal.SIGKILL)

        async def back() -> bool:
            try:
                return server.pid != pid and await remembered(server.owner_url)
            except (OSError, asyncpg.PostgresError):
                return False

        await until(back)


async def test_both_killed_lose_nothing(folder):
    async with keeper(folder) as (process, _, pid):
        await remember(Server(home(folder), own=False))
        process.kill()
        os.kill(pid, signal.SIGKILL)
        await process.wait()
    async with postgres(folder) as server:
        assert await remembered(server.owner_url)


@pytest.mark.parametrize("what", ["stranger", "zombie", "rubbish", "nobody"])
async def test_a_pid_file_that_lies_is_removed(folder, zombie, what):
    async with postgres(folder) as server:
        await remember(server)
    note = server.home.cluster / "postmaster.pid"
    named = {"stranger": os.getpid(), "zombie": zombie, "rubbish": "x", "nobody": 2**22 - 1}
    note.write_text(f"{named[what]}\n{server.home.cluster}\n1\n5432\n")
    os.chown(note, server.home.cluster.stat().st_uid, -1)
    async with postgres(folder) as server:
        assert await remembered(server.owner_url)


async def test_a_reused_pid_of_another_database_is_left_alone(folder):
    async with postgres(folder / "one") as other:
        async with postgres(folder / "two") as server:
            await remember(server)
        note = server.home.cluster / "postmaster.pid"
        note.write_text(f"{other.pid}\n{server.home.cluster}\n1\n5432\n")
        async with postgres(folder / "two") as server:
            assert await remembered(server.owner_url)
            assert await ask(other.app_url, "select 1") == 1
        assert other.pid
        assert alive(other.pid)


async def test_three_starts_at_once_on_a_new_folder_share_one_server(folder):
    folder = folder / "new"
    async with AsyncExitStack() as stack:
        entered = [stack.enter_async_context(keeper(folder)) for _ in range(3)]
        keepers = await asyncio.gather(*entered)
        assert sorted(own for _, own, _ in keepers) == [False, False, True]
        follower = next(process for process, own, _ in keepers if not own)
        await leave(follower)
        assert await ask(home(folder).url("lianyan_app"), "select 1") == 1
    assert not (home(folder).cluster / "postmaster.pid").exists()


async def test_a_cluster_of_another_version_is_refused_with_the_way_out(folder):
    async with postgres(folder) as server:
        pass
    (server.home.cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 17.*pg_dump.*pg_restore"):
        async with postgres(folder):
            pass


async def test_lost_passwords_are_named_and_nothing_is_overwritten(folder):
    (folder / "postgres").mkdir()
    with pytest.raises(EmbeddedError, match=r"database\.json"):
        async with postgres(folder):
            pass


async def test_a_wrong_folder_of_programs_is_refused(folder, tmp_path):
    with pytest.raises(EmbeddedError, match="LIANYAN_PG_BIN"):
        async with postgres(folder, pg_bin=tmp_path):
            pass


async def test_a_long_path_still_has_a_socket(folder):
    deep = folder / ("long" * 30)
    deep.mkdir(mode=0o711)
    async with postgres(deep) as server:
        assert len(os.fsencode(server.home.socket)) <= LONGEST
        assert await ask(server.app_url, "select 1") == 1
    server.home.socket.rmdir()


def test_a_private_folder_is_out_of_reach_and_stays_private(tmp_path):
    outer = tmp_path / "private"
    (outer / "inner").mkdir(parents=True)
    outer.chmod(0o700)
    stranger = Account(outer.stat().st_uid + 12345, outer.stat().st_gid + 12345, drop=True)
    assert not stranger.reaches(outer / "inner")
    assert outer.stat().st_mode & 0o777 == 0o700
    assert Account(os.getuid(), os.getgid(), drop=True).reaches(outer / "inner")


async def test_under_a_private_folder_root_keeps_the_cluster_elsewhere_others_inside(folder):
    private = folder / "private"
    private.mkdir(mode=0o700)
    data = private / "data"
    async with postgres(data) as server:
        cluster, socket = server.home.cluster, server.home.socket
        assert cluster.is_relative_to(folder) is (os.geteuid() != 0)
        assert cluster.stat().st_uid != 0
        assert private.stat().st_mode & 0o777 == 0o700
        await remember(server)
    async with postgres(data) as server:
        assert server.home.cluster == cluster
        assert await remembered(server.owner_url)
    shutil.rmtree(cluster)
    shutil.rmtree(socket)
