"""Lianyan (联研): the portal where a research consortium proposes, reviews and approves projects."""

__version__ = "0.1.0"
