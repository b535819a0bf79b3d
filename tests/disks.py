"""A disk that is small, so that it can be full."""

import contextlib
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path


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
