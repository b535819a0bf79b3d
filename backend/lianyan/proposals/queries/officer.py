"""Officer."""

from typing import Any


async def read(*_: Any, **__: Any) -> Any:
    """Read."""
    raise NotImplementedError


async def queue(*_: Any, **__: Any) -> Any:
    """Read."""
    raise NotImplementedError
