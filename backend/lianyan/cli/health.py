"""`lianyan health`: whether the server beside this command is ready, for what watches a container."""

import asyncio
import urllib.error
import urllib.request

from lianyan.settings import Settings

PATIENCE = 4.0


async def health(settings: Settings) -> int:
    """Ask the server at its own port; return 0 if it can serve people, else 1 and say why."""
    host = "[::1]" if settings.host in {"::", "::1"} else "127.0.0.1"
    address = f"http://{host}:{settings.port}{settings.base_path}/ready"
    try:
        await asyncio.to_thread(_ask, address)
    except urllib.error.HTTPError as error:
        print(f"The server is not ready: {error.code}. `lianyan doctor` says more.")
        return 1
    except OSError as error:
        print(f"Nothing answers at {address}: {error}.")
        return 1
    return 0


def _ask(address: str) -> None:
    with urllib.request.urlopen(address, timeout=PATIENCE):  # noqa: S310  this machine, over HTTP
        pass
