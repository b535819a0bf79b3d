"""Which network a request came from, as far as nobody can choose it."""

import ipaddress
import logging
from functools import lru_cache
from typing import Any

from lianyan.core.logs import note

LOG = logging.getLogger("lianyan.limits")

IPV6_NETWORK = 64
MOST_HOPS = 20
FORWARDED = b"x-forwarded-for"
UNKNOWN = "unknown"


class Addresses:
    """Finds the sender behind the proxies whose word is good."""

    def __init__(self, proxies: tuple[str, ...]) -> None:
        """Believe the proxies in these networks, and nobody else."""
        self.networks = [ipaddress.ip_network(name) for name in proxies]
        self.believes = lru_cache(4096)(self._believes)
        self.warned = False

    def of(self, scope: Any) -> str:
        """Return the network of the sender: an IPv4 address, the /64 of an IPv6 one.

        It is the right-most address of `X-Forwarded-For` that is no listed proxy's: what stands
        left of it was written by the sender.
        """
        client = scope.get("client")
        here = str(client[0]) if client else UNKNOWN
        given = [value for name, value in scope["headers"] if name == FORWARDED]
        if not given:
            return network(here)
        if not self.believes(here):
            self._warn()
            return network(here)
        hops = b",".join(given)[-4096:].decode("latin-1").split(",")
        for hop in reversed(hops[-MOST_HOPS:]):
            before = plain(hop)
            if network(before) == UNKNOWN:
                break  # no address: the proxy that wrote it is the last one we know
            here = before
            if not self.believes(here):
                break
        return network(here)

    def _believes(self, address: str) -> bool:
        found = _parsed(address)
        return found is not None and any(
            found.version == n.version and found in n for n in self.networks
        )

    def _warn(self) -> None:
        """Say once that there is a proxy nobody has listed: all behind it count as one."""
        if not self.warned:
            self.warned = True
            # The remedy: list it in LIANYAN_TRUSTED_PROXIES.
            note(LOG, logging.WARNING, "proxy.not_listed", setting="LIANYAN_TRUSTED_PROXIES")


def plain(hop: str) -> str:
    """Return the address in one entry of the header, without brackets and port."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


@lru_cache(16_384)
def network(address: str) -> str:
    """Return the network that counts as one sender."""
    found = _parsed(address)
    if found is None:
        return UNKNOWN
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.ip_network((found.packed[:8] + bytes(8), IPV6_NETWORK)))
