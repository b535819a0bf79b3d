"""Mine."""

from typing import Any


async def page(*_: Any, **__: Any) -> Any:
    """Read."""
    raise NotImplementedError
