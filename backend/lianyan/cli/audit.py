"""`lianyan audit`: whether the record of what has happened is still as it was sealed."""

import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from lianyan.cli.database import database
from lianyan.cli.fault import Fault
from lianyan.core import anchors
from lianyan.core.anchors import Anchor
from lianyan.core.seals import newest
from lianyan.core.verification import Verdict, verify
from lianyan.settings import Settings

REMEDY = """
The record was changed past the portal: by somebody with the database owner's rights, or by a disk
that fails. Leave this database and its newest backup as they are. Bring a backup from before back
into an empty folder (`lianyan restore`) and compare the events named above with the ones there."""
RESTORED = """
Where the database itself was brought back to an earlier moment, this is expected of later anchors:
put them aside, and begin a new file."""


async def anchor(settings: Settings) -> int:
    """Print the newest seal as one line, to be kept where nobody reaches it from this machine."""
    async with database(settings) as found:
        connection = await asyncpg.connect(found.database_url, timeout=10)
        try:
            latest = await newest(connection)
        finally:
            await connection.close()
    if latest is None:
        raise Fault("Nothing is sealed yet: the worker does it each minute (`lianyan up`).")
    print(anchors.of(latest))
    return 0


async def check(settings: Settings, given: Sequence[str]) -> int:
    """Compare the whole record with its seals, and those with the anchors; return 1 on a fault."""
    known, source = _anchors(settings, given)
    began = time.monotonic()
    async with database(settings) as found:
        connection = await asyncpg.connect(found.database_url, timeout=10)
        try:
            verdict = await verify(connection, anchors=known)
        finally:
            await connection.close()
    for fault in verdict.faults:
        print(f"✗ {fault.words}")
    if verdict.more:
        print(f"✗ … and {verdict.more:,} more")
    print(_summary(verdict, len(known), source, time.monotonic() - began))
    if verdict.good:
        return 0
    print(REMEDY)
    if any(fault.code.startswith("anchor") for fault in verdict.faults):
        print(RESTORED)
    return 1


def _anchors(settings: Settings, given: Sequence[str]) -> tuple[list[Anchor], str]:
    """Return the anchors named on the command line, else those of the data folder."""
    own = settings.data_dir / anchors.FILE
    if not given:
        return _file(own) if own.is_file() else ([], "no anchor")
    found: list[Anchor] = []
    for one in given:
        if line := Anchor.parse(one):
            found.append(line)
        elif Path(one).is_file():
            kept, said = _file(Path(one))
            if not kept:
                raise Fault(f"There is no anchor in {one} ({said}): name a file of them.")
            found += kept
        else:
            raise Fault(
                f"{one!r} is neither a file nor a line that `lianyan audit anchor` printed."
            )
    return found, "the anchors given"


def _file(path: Path) -> tuple[list[Anchor], str]:
    kept, others = anchors.read(path.read_text(encoding="utf-8", errors="replace").splitlines())
    return kept, f"{path}" + (f", in which {others} lines are none" if others else "")


def _summary(verdict: Verdict, known: int, source: str, took: float) -> str:
    held = (
        f"compared with {known:,} anchors ({source})"
        if known
        else f"compared with {source}: nobody would see that the end was cut off"
    )
    waiting = (
        f"; {verdict.unsealed:,} not sealed yet, the oldest {verdict.oldest_unsealed_seconds:,.0f} s old"
        if verdict.unsealed
        else ""
    )
    said = "Everything is as it was sealed." if verdict.seals else "Nothing is sealed yet."
    if not verdict.good:
        said = "Not everything is as it was sealed."
    return f"{verdict.seals:,} seals over {verdict.events:,} events{waiting}; {held}; {took:.1f} s.\n{said}"
