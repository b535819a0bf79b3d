"""The decision's states, and how long a release is held."""

from datetime import timedelta
from enum import StrEnum

HOLD = timedelta(minutes=10)
"""Between ordering a release and carrying it out; until then it can be taken back whole."""


class Decided(StrEnum):
    """Where a decision is on its way from draft to release."""

    DRAFTED = "drafted"
    SIGNED = "signed"
    SCHEDULED = "scheduled"
    RELEASED = "released"
    CANCELLED = "cancelled"


OPEN = (Decided.DRAFTED, Decided.SIGNED, Decided.SCHEDULED)
"""States that a withdrawal cancels."""
BINDING = (Decided.SIGNED, Decided.SCHEDULED, Decided.RELEASED)
"""States after which the proposal does not go back to its reviewers."""
