"""A worker that stops in the middle of a job, having written: to be killed there."""

import asyncio
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

from lianyan.core import jobs
from lianyan.core.db import create_engine
from lianyan.settings import Settings


@jobs.handles("note")
async def note(session, payload):
    await session.execute(text("insert into done values (:what)"), {"what": payload["what"]})
    print("in the middle", flush=True)
    await asyncio.sleep(600)


async def main() -> None:
    engine = create_engine(Settings(database_url=os.environ["ADDRESS"]))
    await jobs.run_due(async_sessionmaker(engine, expire_on_commit=False))


asyncio.run(main())
