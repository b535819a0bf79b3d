"""`lianyan serve`: the portal on a port, or on the socket its parent opened."""

import gc
import socket

from lianyan.cli.fault import Fault
from lianyan.settings import Settings


async def serve(descriptor: int | None, *, child: bool) -> int:
    """Answer requests until told to stop."""
    settings = Settings.from_env()
    if not settings.database_url:
        raise Fault("`lianyan serve` needs LIANYAN_DATABASE_URL; `lianyan up` brings a database.")
    # The slow imports come before the wait, so that they pass while the database starts; what they
    # make lives for ever, and looking through it for garbage is lost time, now and later.
    gc.disable()
    import uvicorn

    from lianyan.app import create_app
    from lianyan.cli import parent
    from lianyan.cli.wire import Wire
    from lianyan.core.logs import log_to

    app = create_app(settings)
    gc.freeze()
    gc.enable()
    log_to()
    if child:
        await parent.allowed()
        parent.stop_with_parent()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Wire,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Who sent a request is found out in one place, `core.addresses`.
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    sockets = None if descriptor is None else [socket.socket(fileno=descriptor)]
    await uvicorn.Server(config).serve(sockets)
    return 0
