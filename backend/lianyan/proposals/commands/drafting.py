"""Starting a proposal."""

from typing import Any


async def start(*_: Any, **__: Any) -> Any:
    """Start."""
    raise NotImplementedError


async def see(*_: Any, **__: Any) -> Any:
    """See."""
    raise NotImplementedError
