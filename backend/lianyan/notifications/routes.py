"""The page 我的待办 and the inbox."""

from typing import Any

from litestar import Controller, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.notifications import commands, followers, queries
from lianyan.notifications.schemas import ReadIn, Tasks
from lianyan.proposals.queries.desk import link_to


class TaskPage(Controller):
    """What waits for the reader."""

    path = "/tasks"
    tags = ["tasks"]

    @get(opt={"action": "task.read"}, status_code=200)
    async def read(self, state: State, reading: NamedDependency[Reading]) -> Tasks:
        """Show what you are to do, what waits for others, what you did lately and your messages."""
        return await queries.tasks(reading, link_to(state.settings))


class Inbox(Controller):
    """Messages to the reader."""

    path = "/messages"
    tags = ["tasks"]

    @post("/read", opt={"action": "message.mark"}, status_code=204)
    async def read(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        data: JSONBody[ReadIn],
    ) -> None:
        """Mark messages of yours as read."""
        await commands.mark_read(session, actor, data.ids)


HANDLERS: list[Any] = [TaskPage, Inbox]
FOLLOWED = tuple(followers.TOLD)
"""Kinds of events that tell somebody something, once this module is loaded."""
