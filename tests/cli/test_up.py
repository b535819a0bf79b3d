"""`lianyan up` and what can happen to it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lianyan.cli import up
from lianyan.embedded import throwaway
from lianyan.settings import Settings
from portal import Portal, free_port, portal

LIANYAN = [sys.executable, "-m", "lianyan"]
SOON = 20.0

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]


@pytest.fixture(scope="module")
def running() -> Iterator[Portal]:
    """Give one portal that these tests take turns to hurt: each leaves it well."""
    with throwaway() as folder, portal(LIANYAN, folder, *options()) as found:
        yield found


def options() -> list[str]:
    return ["--port", str(free_port()), "--no-demo"]


def until(check, patience: float = SOON) -> None:
    deadline = time.monotonic() + patience
    while not check():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_a_killed_server_comes_back_and_no_caller_is_refused(running):
    pid = running.children()["serve"]
    os.kill(pid, signal.SIGKILL)
    assert running.get("ready")[0] == 200, "who called meanwhile has waited"
    assert running.children()["serve"] != pid


@pytest.mark.parametrize("what", ["work", "postgres"])
def test_a_killed_worker_or_database_comes_back(running, what):
    until(lambda: what in running.children())
    pid = running.children()[what]
    os.kill(pid, signal.SIGKILL)
    until(lambda: running.children().get(what, pid) != pid)

    def well() -> bool:
        try:
            status, _ = running.get("ready")
        except OSError:
            return False
        return bool(status == 200)

    until(well)


def test_a_killed_parent_takes_all_along_and_the_next_start_ends_in_good_order():
    with throwaway() as folder:
        first = Portal(LIANYAN, folder, *options()).ready()
        until(lambda: "work" in first.children())
        children = first.children()
        first.end(signal.SIGKILL)
        until(lambda: gone(children["serve"]) and gone(children["work"]))
        with portal(LIANYAN, folder, *options()) as second:
            assert second.get("ready")[0] == 200
            until(lambda: {"postgres", "serve", "work"} <= second.children().keys())
            children |= second.children()
            assert second.end(signal.SIGTERM) == 0
        assert all(gone(pid) for pid in children.values())
        assert not (folder / "data" / "up.json").exists()


def test_a_second_one_on_the_same_folder_says_where_the_first_is(running):
    said = subprocess.run(
        [*LIANYAN, "up"],
        cwd=running.folder,
        env={**os.environ, "LIANYAN_DATA_DIR": str(running.folder / "data")},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout
    assert running.address in said


def test_a_taken_port_that_was_asked_for_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        asked = Portal(LIANYAN, tmp_path, "--port", str(port), "--no-demo")
        assert asked.process.wait(20) == 2
        asked.end()
        assert "--port" in "".join(asked.said)


def test_commands_reach_the_database_of_a_running_portal(running):
    env = {**os.environ, "LIANYAN_DATA_DIR": str(running.folder / "data")}
    migrate = [*LIANYAN, "migrate"]
    said = subprocess.run(migrate, env=env, capture_output=True, text=True, timeout=30, check=True)
    assert "The database is at" in said.stdout
    assert running.get("ready")[0] == 200, "and leave it running"


def test_a_taken_port_is_passed_over_unless_it_was_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(port=port, public_url=f"http://127.0.0.1:{port}")
        listener, found = up._listen(settings, chosen=False)
    with listener:
        assert found.port == listener.getsockname()[1] != port
        assert found.public_url == f"http://127.0.0.1:{found.port}"


def test_an_invitation_leads_to_the_running_portal(running):
    env = {**os.environ, "LIANYAN_DATA_DIR": str(running.folder / "data")}
    command = [*LIANYAN, "admin", "invite", "--name", "王五", "--institution", "示例大学"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=True)
    assert said.stdout.startswith(f"{running.address}welcome#administrator=")


def test_a_wrong_setting_is_named_in_one_sentence(tmp_path):
    env = {**os.environ, "LIANYAN_POOL_SIZE": "many", "LIANYAN_DATA_DIR": str(tmp_path)}
    said = subprocess.run([*LIANYAN, "up"], env=env, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stderr == "LIANYAN_POOL_SIZE must be a whole number from 1 to 200; it is 'many'.\n"


def test_demo_people_are_refused_on_a_public_address(tmp_path):
    url = "https://portal.example.edu"
    env = {**os.environ, "LIANYAN_PUBLIC_URL": url, "LIANYAN_DATA_DIR": str(tmp_path)}
    command = [*LIANYAN, "up", "--demo"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "LIANYAN_DEMO=1" in said.stderr
