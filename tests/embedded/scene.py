"""Supervisors in processes of their own, and questions to their databases."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from lianyan.embedded.cluster import Home
from lianyan.embedded.supervisor import Server

KEEPER = Path(__file__).with_name("keeper.py")
SOON = 15.0


async def ask(url: str, sql: str, *values: object) -> object:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def remember(server: Server) -> None:
    """Commit one row, to be found after whatever comes."""
    await ask(server.owner_url, "create table kept (word text)")
    await ask(server.owner_url, "insert into kept values ('科研协作')")


async def remembered(url_owner: str) -> bool:
    return await ask(url_owner, "select word from kept") == "科研协作"


async def until(check: Callable[[], Awaitable[object]], patience: float = SOON) -> None:
    deadline = time.monotonic() + patience
    while not await check():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.05)


async def begin(folder: Path, *user: int) -> asyncio.subprocess.Process:
    """Start a supervisor, as another user where one is named."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(KEEPER), str(folder), *map(str, user)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def told(process: asyncio.subprocess.Process) -> tuple[bool, int]:
    """Return whether a supervisor is the parent of its server, and the server's pid."""
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), SOON)
    assert not line.startswith(b"refused"), line.decode()
    own, pid, _ = line.split()
    return own == b"1", int(pid)


@asynccontextmanager
async def keeper(
    folder: Path, *user: int
) -> AsyncIterator[tuple[asyncio.subprocess.Process, bool, int]]:
    """Give a supervisor in a process of its own, whether it is the parent, and the server's pid."""
    process = await begin(folder, *user)
    try:
        yield process, *await told(process)
    finally:
        if process.returncode is None:
            await leave(process)


async def leave(process: asyncio.subprocess.Process) -> None:
    """Let a supervisor end in good order."""
    assert process.stdin
    process.stdin.close()
    await asyncio.wait_for(process.wait(), SOON)


def home(folder: Path) -> Home:
    found = Home.read(folder)
    assert found
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def children(pid: int) -> dict[int, str]:
    """Return the processes under a server, with what each says it is."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = {}
    for child in map(int, listed):
        try:
            found[child] = Path(f"/proc/{child}/cmdline").read_bytes().decode().strip("\0 ")
        except OSError:
            continue
    return found
