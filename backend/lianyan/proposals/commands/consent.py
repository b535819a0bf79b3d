"""Officers."""

from typing import Any


async def view(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def confirm(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def return_(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def decline(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def confirm_many(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError
