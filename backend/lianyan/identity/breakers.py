"""A login service that does not answer is left alone for a while: whoever comes is told at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from lianyan.identity.outbound import ProviderFailed

FAILURES = 5
"""So often in a row it may not answer."""
REST_S = 30.0
"""So long nobody asks it then."""
AT_ONCE = 20
"""So many exchanges with one provider are under way; more wait their turn."""
SILENCE = frozenset({"unreachable", "timeout", "status"})
"""Failures that say nothing about the one who logs in."""


class Breaker:
    """What one process knows of how a provider answers."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now, self.failures, self.until = now, 0, 0.0
        self.turn = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def asking(self, *, heals: bool = True) -> AsyncIterator[None]:
        """Let one exchange happen; raise ProviderFailed at once while the provider is left alone.

        After the rest one failure more begins the next; one answer ends it, where it `heals`: what
        may have been answered from what is kept here says nothing about the provider.
        """
        async with self.turn:
            if self.now() < self.until:
                raise ProviderFailed("resting")
            try:
                yield
            except ProviderFailed as failure:
                if failure.reason in SILENCE:
                    self.failures += 1
                    if self.failures >= FAILURES:
                        self.until = self.now() + REST_S
                else:
                    self.failures = 0
                raise
            if heals:
                self.failures = 0


KNOWN: dict[UUID, Breaker] = {}


def breaker_of(provider_id: UUID) -> Breaker:
    """Return this process's breaker of a provider."""
    return KNOWN.setdefault(provider_id, Breaker())
