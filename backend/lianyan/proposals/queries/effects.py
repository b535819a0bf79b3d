"""Effects."""

from typing import Any


async def read(*_: Any, **__: Any) -> Any:
    """Read."""
    raise NotImplementedError
