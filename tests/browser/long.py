"""What only the long form looks at: a test left out is not collected, for a skipped one is a fault."""

import os
from collections.abc import Callable

LONG = os.environ.get("LIANYAN_LONG") == "1"


def long_form(test: Callable[..., None]) -> Callable[..., None] | None:
    """Let a test be one only under `LIANYAN_LONG=1`."""
    return test if LONG else None
