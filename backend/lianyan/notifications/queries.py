"""What waits for a reader."""

from lianyan.core.actor import Reading
from lianyan.notifications.schemas import Tasks


async def tasks(reading: Reading) -> Tasks:
    """Return the reader's page."""
    raise NotImplementedError
