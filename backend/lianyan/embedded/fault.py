"""What stands in the way of the embedded database."""

import errno
import os

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The disk has no room, or gives this user no more of it."""


class EmbeddedError(RuntimeError):
    """The embedded database cannot run; the text says why and what helps."""


def is_full(said: str) -> bool:
    """Say whether a program complains of a full disk, by the words of the system."""
    return any(os.strerror(number) in said for number in FULL)
