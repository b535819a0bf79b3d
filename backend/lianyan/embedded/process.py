"""The server process: what another run left behind, start, stop."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from lianyan.embedded.account import Account
from lianyan.embedded.binaries import Binaries
from lianyan.embedded.cluster import Home, environment
from lianyan.embedded.fault import EmbeddedError, is_full

log = logging.getLogger("lianyan.embedded")

FAST_STOP, HARD_STOP = 30.0, 10.0
LOG_LIMIT = 10_000_000
# A killed server's last children hold its shared memory for a moment longer.
LINGERING = "is still in use"
SILENT = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
"""The log tells what went wrong, and neither the statement nor any value: those are people's words."""
NOT_YET = (
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.PostgresConnectionError,
    OSError,
    TimeoutError,
)
NOBODY_YET = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


async def clear(home: Home) -> None:
    """Stop the server an earlier run left on this cluster, and remove a pid file that lies."""
    note = home.cluster / "postmaster.pid"
    try:
        pid = int(note.read_text().split("\n", 1)[0])
    except FileNotFoundError:
        return
    except ValueError:
        pid = 0
    if pid > 0 and _serves(pid, home.cluster):
        log.info("stopping the server an earlier run left behind (pid %d)", pid)
        for how, patience in ((signal.SIGINT, FAST_STOP), (signal.SIGQUIT, HARD_STOP)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            if await _gone(pid, home.cluster, patience):
                break
        else:
            raise EmbeddedError(
                f"A PostgreSQL (pid {pid}) on {home.cluster} does not stop: end it."
            )
    note.unlink(missing_ok=True)


async def _gone(pid: int, cluster: Path, patience: float) -> bool:
    deadline = asyncio.get_running_loop().time() + patience
    while _serves(pid, cluster):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _serves(pid: int, cluster: Path) -> bool:
    """Say whether `pid` is a living PostgreSQL on `cluster`, not a zombie and not a stranger."""
    proc = Path(f"/proc/{pid}")
    if not Path("/proc/self").exists():
        asked = subprocess.run(  # noqa: S603  a number and fixed words
            ["/bin/ps", "-o", "stat=,command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return not asked.stdout.startswith("Z") and str(cluster) in asked.stdout
    try:
        name, _, rest = (proc / "stat").read_text().rpartition(")")
        if rest.split()[0] in "ZX" or not name.endswith("(postgres"):
            return False
        if os.fsencode(cluster) in (proc / "cmdline").read_bytes().split(b"\0"):
            return True
        return (proc / "cwd").readlink() == cluster
    except OSError:
        return False


async def start(
    home: Home, binaries: Binaries, account: Account, options: Mapping[str, str]
) -> Process:
    """Start the server and return it when it answers a query."""
    for attempt in range(100):
        process = await _spawn(home, binaries, account, options)
        try:
            if await _answers(home, process):
                return process
        except BaseException:
            await stop(process)
            raise
        said = _tail(home)
        if LINGERING not in said or attempt == 99:  # noqa: PLR2004
            break
        await asyncio.sleep(0.1)
    if is_full(said):
        raise EmbeddedError(
            f"The disk of {home.cluster} is full, and PostgreSQL cannot start: make room there. "
            "Nothing that was confirmed is lost."
        )
    raise EmbeddedError(f"PostgreSQL ended at once (status {process.returncode}): {said}")


async def _spawn(
    home: Home, binaries: Binaries, account: Account, options: Mapping[str, str]
) -> Process:
    home.prepare_socket(account)
    note = home.data_dir / "postgres.log"
    if note.exists() and note.stat().st_size > LOG_LIMIT:
        note.replace(note.with_suffix(".log.1"))
    given = {
        "listen_addresses": "",
        "unix_socket_directories": str(home.socket),
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%a ",
        **SILENT,
        **options,
    }
    descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        return await asyncio.create_subprocess_exec(
            binaries.program("postgres"),
            "-D",
            home.cluster,
            *(part for name, value in given.items() for part in ("-c", f"{name}={value}")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(),
            cwd="/",
            # Ctrl-C in a terminal reaches the whole group; the order of stopping is ours.
            start_new_session=True,
            **account.spawn,
        )


async def _answers(home: Home, process: Process) -> bool:
    """Wait until the server answers a query, however long it recovers; False if it ended."""
    waited, pause = 0.0, 0.01
    while process.returncode is None:
        try:
            if await can_connect(home):
                return True
        except NOBODY_YET:
            await home.admit()
            continue
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(pause * 1.5, 0.2)
        if waited > 10:  # noqa: PLR2004
            log.warning("PostgreSQL is still recovering, see %s", home.data_dir / "postgres.log")
            waited = 0.0
    return False


async def can_connect(home: Home) -> bool:
    """Say whether the application can log in."""
    try:
        connection = await asyncpg.connect(home.url("lianyan_app"), timeout=5)
    except NOT_YET:
        return False
    await connection.close()
    return True


async def stop(process: Process) -> None:
    """Stop the server: fast, then hard."""
    for how, patience in ((signal.SIGINT, FAST_STOP), (signal.SIGQUIT, HARD_STOP)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
            return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _tail(home: Home) -> str:
    note = home.data_dir / "postgres.log"
    return note.read_bytes()[-1000:].decode(errors="replace").strip() if note.exists() else ""
