"""Requests to an institution's login service: to public addresses only, bounded in time and size."""

import asyncio
import ipaddress
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from lianyan.settings import is_loopback

CONNECT_S = 3.0
TOTAL_S = 10.0
LARGEST = 1024 * 1024
LONGEST_URL = 2048

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

# IPv6 forms that carry an IPv4 address to somewhere else: NAT64, 6to4, Teredo
CARRIERS = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)


class ProviderFailed(Exception):
    """The institution's login service did not answer as it must; `reason` is for the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Which addresses may be asked."""

    demo: bool = False
    """Allow plain http on this very machine."""
    networks: tuple[Network, ...] = ()
    """Private networks the operator has opened: institutions' login services do live there."""

    def check_url(self, url: str) -> None:
        """Raise ProviderFailed unless `url` is one that may be asked, before any name is looked up."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            _fail("address", url)
        if not host or parts.username is not None or "#" in url or len(url) > LONGEST_URL:
            _fail("address", url)
        if not url.isascii() or any(c <= " " or c in '\\"<>^`{|}' for c in url):
            _fail("address", url)
        if self._local(url):
            return
        if parts.scheme != "https" or port not in {None, 443}:
            _fail("address", url)

    def check_address(self, text: str, url: str) -> None:
        """Raise ProviderFailed unless a connection may be made to the address `text`."""
        try:
            address: Address = ipaddress.ip_address(text)
        except ValueError:
            _fail("address", text)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if self._local(url):
            if not address.is_loopback:
                _fail("address", text)
            return
        if any(address in network for network in self.networks):
            return
        carried = address.version == 6 and any(address in c for c in CARRIERS)  # noqa: PLR2004  IP version
        if carried or not address.is_global or address.is_multicast:
            _fail("address", text)

    def _local(self, url: str) -> bool:
        return self.demo and url.startswith("http://") and is_loopback(url)


def _fail(reason: str, detail: str = "") -> NoReturn:
    raise ProviderFailed(reason, detail[:200])


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of `host`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


@cache
def _certificates() -> ssl.SSLContext:
    """Return the trust of all connections; reading it takes longer than a request."""
    return httpx2.create_ssl_context(trust_env=False)


class _Capped(httpx2.AsyncByteStream):
    """A body that ends in a refusal where it grows too large."""

    def __init__(self, stream: httpx2.AsyncByteStream, cap: int) -> None:
        self.stream, self.cap = stream, cap

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self.stream:
            size += len(part)
            if size > self.cap:
                _fail("too_large")
            yield part

    async def aclose(self) -> None:
        await self.stream.aclose()


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Looks a name up once, checks every address, and connects to what was checked."""

    def __init__(self, guard: Guard, cap: int = LARGEST, resolve: Resolve = resolve) -> None:
        self.guard, self.cap, self.resolve = guard, cap, resolve
        self.inner = httpx2.AsyncHTTPTransport(verify=_certificates(), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` to a checked address; the name stays in Host and in the certificate's check."""
        url, host = str(request.url), request.url.raw_host.decode()
        self.guard.check_url(url)
        try:
            addresses = await self.resolve(host, request.url.port or 443)
        except (OSError, UnicodeError) as error:
            raise ProviderFailed("unreachable", str(error)) from error
        for address in addresses:
            self.guard.check_address(address, url)
        request.headers["accept-encoding"] = "identity"  # a small body can unpack to any size
        return await self._send(request, host, addresses)

    async def _send(
        self, request: httpx2.Request, host: str, addresses: list[str]
    ) -> httpx2.Response:
        failure: Exception = ProviderFailed("unreachable", "no address")
        for address in addresses:
            pinned = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                response = await self.inner.handle_async_request(pinned)
            except httpx2.ConnectError as error:
                failure = error
                continue
            if response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                _fail("encoding")
            stream: Any = response.stream
            return httpx2.Response(
                response.status_code,
                headers=response.headers,
                stream=_Capped(stream, self.cap),
                extensions=response.extensions,
            )
        raise failure

    async def aclose(self) -> None:
        """Close what is open."""
        await self.inner.aclose()


def client_settings(guard: Guard, cap: int = LARGEST) -> dict[str, Any]:
    """Return the arguments that make any client of the library a guarded one."""
    return {
        "transport": GuardedTransport(guard, cap),
        "trust_env": False,
        "follow_redirects": False,
        "timeout": httpx2.Timeout(TOTAL_S, connect=CONNECT_S),
    }


async def bounded(work: Awaitable[T]) -> T:
    """Return what `work` gives within the time for one exchange; every failure is a ProviderFailed."""
    try:
        async with asyncio.timeout(TOTAL_S):
            return await work
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise ProviderFailed("timeout") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise ProviderFailed("unreachable", f"{type(error).__name__}: {error}"[:200]) from error


def json_object(response: httpx2.Response) -> dict[str, Any]:
    """Return the JSON object a response holds; anything else is a ProviderFailed."""
    if response.status_code != httpx2.codes.OK:
        _fail("status", str(response.status_code))
    try:
        found = json.loads(response.content.decode())
    except (ValueError, RecursionError) as error:
        raise ProviderFailed("not_json") from error
    if not isinstance(found, dict):
        _fail("not_json")
    return found


async def get_json(
    guard: Guard, url: str, *, cap: int = LARGEST, bearer: str | None = None
) -> dict[str, Any]:
    """Return the JSON object at `url`."""
    guard.check_url(url)
    headers = {"accept": "application/json"}
    if bearer is not None:
        headers["authorization"] = f"Bearer {bearer}"
    async with httpx2.AsyncClient(**client_settings(guard, cap)) as client:
        return json_object(await bounded(client.get(url, headers=headers)))
