"""Out."""

from typing import Any


async def take_back(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def withdraw(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def withdraw_by_institution(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def delete(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError
