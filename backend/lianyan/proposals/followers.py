"""What time alone does to a proposal's access: a shared project stops being a tie when it is long over."""

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.jobs import every
from lianyan.proposals import access

DAILY = 24 * 60 * 60
CATCHES_UP = 30
"""Days of projects looked at: so long may no worker have run. Until then a conflict only stands longer."""


@every(DAILY, "access.over")
async def _over(session: AsyncSession) -> None:
    await access.refresh_over(session, CATCHES_UP)
