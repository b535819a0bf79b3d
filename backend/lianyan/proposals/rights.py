"""The bits of the access relation."""

from enum import IntFlag


class Right(IntFlag):
    """What a row of `access` gives its principal."""

    LEAD = 1
    TEAM = 2
    PARTY = 4
    """The institution takes part."""
    LEAD_PARTY = 8
    ASKED = 16
    REVIEWER = 32
    CONFLICT = 64
    """A personal conflict: removes all knowledge of the handling."""
    EMPLOYER = 128
    """The institution, its parent or child takes part: whoever it employs does not handle."""
