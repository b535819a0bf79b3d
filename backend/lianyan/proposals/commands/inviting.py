"""Invitations by link."""

from typing import Any


async def invite(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def revoke(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def resend(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def accept(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def decline(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def ask_changes(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


async def report(*_: Any, **__: Any) -> Any:
    """Do."""
    raise NotImplementedError


def address(*_: Any) -> str:
    """Return the address."""
    raise NotImplementedError
