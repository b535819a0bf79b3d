"""Submit."""

from typing import Any


async def submit(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def resubmit(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError
