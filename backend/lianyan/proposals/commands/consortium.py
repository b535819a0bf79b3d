"""Institutions and team."""

from typing import Any


async def add_part(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def change_part(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def remove_part(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def add_member(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def remove_member(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError
