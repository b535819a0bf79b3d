"""PostgreSQL's programs that run and end: copying, checking, dumping."""

import asyncio
from pathlib import Path

from lianyan.embedded.binaries import Binaries
from lianyan.embedded.cluster import environment
from lianyan.embedded.fault import EmbeddedError

LONGEST = 1500


async def run(
    binaries: Binaries, name: str, *arguments: str | Path, password: str | None = None
) -> None:
    """Run a program to its end; raise with what it said unless it ended well."""
    # A password on the command line would be seen by everybody on this machine.
    known = {"PGPASSWORD": password} if password else {}
    process = await asyncio.create_subprocess_exec(
        binaries.program(name),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**environment(), **known},
        umask=0o077,
        start_new_session=True,
        # A limit on the size of files is answered with an error that way, and not with the end.
        restore_signals=False,
    )
    try:
        said, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise EmbeddedError(f"{name}: {said.decode(errors='replace').strip()[-LONGEST:]}")
