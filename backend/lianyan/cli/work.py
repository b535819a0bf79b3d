"""`lianyan work`: do the jobs."""

import asyncio
import pkgutil
import signal
from importlib import import_module
from importlib.util import find_spec

from lianyan.cli import parent
from lianyan.cli.fault import Fault
from lianyan.settings import Settings


async def work(settings: Settings, *, child: bool) -> int:
    """Do jobs and chores until told to stop."""
    if not settings.database_url:
        raise Fault("`lianyan work` needs LIANYAN_DATABASE_URL; `lianyan up` brings a worker.")
    from sqlalchemy.ext.asyncio import async_sessionmaker

    from lianyan.core import jobs
    from lianyan.core.db import create_engine
    from lianyan.core.logs import log_to

    know_jobs()
    log_to()
    if child:
        await parent.allowed()
        parent.stop_with_parent()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    engine = create_engine(settings)
    try:
        await jobs.work(
            async_sessionmaker(engine, expire_on_commit=False, info={"settings": settings}), stop
        )
    finally:
        await engine.dispose()
    return 0


def know_jobs() -> None:
    """Load every slice's commands and followers: what handles jobs and follows events is there."""
    import lianyan
    import lianyan.models

    for module in pkgutil.iter_modules(lianyan.__path__):
        for name in ("commands", "followers"):
            if module.ispkg and module.name != "cli" and find_spec(f"lianyan.{module.name}.{name}"):
                import_module(f"lianyan.{module.name}.{name}")
