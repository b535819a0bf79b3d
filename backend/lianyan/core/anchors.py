"""What is kept of the seals outside the database: without it nobody sees that their end was cut off."""

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

from lianyan.core.seal_form import Sealed, micros

FILE = "anchors.log"

_LINE = re.compile(r"lianyan seal (\d{1,18}) (\S{1,40}) ([0-9a-f]{64})")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Anchor(NamedTuple):
    """The seal that was the newest at some moment."""

    id: int
    at: str
    digest: bytes

    def __str__(self) -> str:
        """Return it as one line."""
        return f"lianyan seal {self.id} {self.at} {self.digest.hex()}"

    @classmethod
    def parse(cls, line: str) -> Self | None:
        """Return the anchor a line says, None where it says none."""
        found = _LINE.fullmatch(line.strip())
        return cls(int(found[1]), found[2], bytes.fromhex(found[3])) if found else None


def of(seal: Sealed) -> Anchor:
    """Return a seal's anchor."""
    at = _BEGINNING + timedelta(microseconds=micros(seal.sealed_at))
    return Anchor(seal.id, at.strftime("%Y-%m-%dT%H:%M:%SZ"), seal.digest)


def read(lines: Iterable[str]) -> tuple[list[Anchor], int]:
    """Return the anchors of a file, and how many of its lines are none."""
    written = [line for line in lines if line.strip()]
    found = [anchor for line in written if (anchor := Anchor.parse(line))]
    return found, len(written) - len(found)


def append(path: Path, anchor: Anchor) -> bool:
    """Put an anchor at the end of a file, for good; say whether it was not the last one there."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, 200, max(0, size - 200)).decode(errors="replace")
        if tail.rstrip("\n").rpartition("\n")[2] == str(anchor):
            return False
        # One write, and after a torn one a new line: what a loss of power left is not built upon.
        torn = "" if not tail or tail.endswith("\n") else "\n"
        os.write(descriptor, f"{torn}{anchor}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True
