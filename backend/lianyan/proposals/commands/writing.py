"""Saving a section."""

from typing import Any


async def save_section(*_: Any, **__: Any) -> Any:
    """Save."""
    raise NotImplementedError
