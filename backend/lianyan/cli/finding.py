"""What a check of `lianyan doctor` saw."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing looked at: `remedy` is empty where it is well, `note` is only for information."""

    check: str
    what: str
    remedy: str = ""
    note: str = ""
