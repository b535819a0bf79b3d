"""Disks for tests: one that costs nothing, and a small one, so that it can be full."""

import contextlib
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  each test makes a folder of its own there


def roomy() -> Path | None:
    """Return where a folder costs no disk; a new database waits for a disk at each of 1,500 files."""
    there = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 3 * 10**9
    return MEMORY if there else None


@contextlib.contextmanager
def small(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a disk of this size at the new `folder`; give False where this user may not mount."""
    folder.mkdir(mode=0o711)
    options = f"size={megabytes}m,mode=0711"
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", folder]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    print("a disk of its own" if mounted else "no right to mount: a limit on the size of files")
    try:
        yield mounted
    finally:
        # Who has just ended may hold it for a moment.
        for _ in range(50 if mounted else 0):
            if subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)


@contextlib.contextmanager
def limited(size: int) -> Iterator[None]:
    """Let this process and those it starts write no file longer than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
