"""The portal asks institutions' public addresses only, and never waits or reads without end."""

import asyncio
import gzip
import ipaddress

import httpx2
import pytest

from idp.forger import Reply, reply
from lianyan.identity import outbound
from lianyan.identity.outbound import (
    Guard,
    GuardedTransport,
    ProviderFailed,
    bounded,
    get_json,
    resolve,
)

OPEN, DEMO = Guard(), Guard(demo=True)

PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104  an address that must be refused
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "100.64.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "255.255.255.255",
    "240.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001::7f00:1",
    "not an address",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_is_not_asked(address):
    with pytest.raises(ProviderFailed, match="address"):
        OPEN.check_address(address, "https://idp.example/")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_asked(address):
    OPEN.check_address(address, "https://idp.example/")


def test_a_network_the_operator_opened_is_asked():
    guard = Guard(networks=(ipaddress.ip_network("10.1.0.0/16"),))
    guard.check_address("10.1.2.3", "https://idp.example/")
    with pytest.raises(ProviderFailed):
        guard.check_address("10.2.2.3", "https://idp.example/")


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/",
        "http://127.0.0.1/",
        "ftp://idp.example/",
        "file:///etc/passwd",
        "//idp.example/",
        "",
        "https://",
        "https:///x",
        "https://user@idp.example/",
        "https://user:pw@idp.example/",
        "https://@idp.example/",
        "https://idp.example:8443/",
        "https://idp.example:22/",
        "https://idp.example:99999/",
        "https://idp.example:x/",
        "https://idp.example/#x",
        "https://idp.example/\r\nHost: x",
        "https://idp.example/a b",
        "https://idp.example\\@evil.example/",
        "https://ïdp.example/",
        "https://[::1/",
        "https://idp.example/" + "a" * 3000,
    ],
    ids=lambda u: u[:40],
)
async def test_an_address_of_another_shape_is_refused_before_anything_is_looked_up(url):
    with pytest.raises(ProviderFailed, match="address"):
        await get_json(OPEN, url)


@pytest.mark.parametrize(
    "url", ["https://idp.example/", "https://idp.example:443/x?y=1", "https://xn--dp-fka.example/"]
)
def test_an_ordinary_address_is_fine(url):
    OPEN.check_url(url)
    DEMO.check_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a", "http://localhost:9/a", "http://[::1]:9/"])
def test_the_demo_alone_may_ask_this_machine_without_encryption(url):
    DEMO.check_url(url)
    with pytest.raises(ProviderFailed):
        OPEN.check_url(url)


def test_even_the_demo_asks_nobody_else_without_encryption():
    for url in ("http://idp.example/", "http://10.0.0.1/", "http://localhost.evil.example/"):
        with pytest.raises(ProviderFailed):
            DEMO.check_url(url)
    with pytest.raises(ProviderFailed):
        DEMO.check_address("10.0.0.1", "http://localhost/")
    with pytest.raises(ProviderFailed):
        DEMO.check_address("127.0.0.1", "https://idp.example/")


@pytest.mark.parametrize("host", ["2130706433", "017700000001", "0x7f.1", "127.1", "localhost"])
async def test_other_ways_to_write_this_machine_end_at_the_same_address(host):
    with pytest.raises(ProviderFailed):
        await get_json(OPEN, f"https://{host}/")


async def asked(guard, url, addresses):
    async def lookup(_host, _port):
        return addresses

    transport = GuardedTransport(guard, resolve=lookup)
    async with httpx2.AsyncClient(transport=transport) as client:
        return await client.get(url)


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254"]])
async def test_a_name_that_leads_inside_is_not_followed(addresses):
    with pytest.raises(ProviderFailed, match="address"):
        await asked(OPEN, "https://idp.example/", addresses)


async def test_the_checked_address_is_the_one_connected_to_and_the_name_stays(forger):
    port = forger.issuer.rpartition(":")[2]
    url = f"http://idp.localhost:{port}/jwks"
    answer = await asked(DEMO, url, ["127.0.0.1"])
    assert answer.json()["keys"]
    path, headers, _ = forger.asked[0]
    assert (path, headers["host"]) == ("/jwks", f"idp.localhost:{port}")
    assert headers["accept-encoding"] == "identity"


async def test_a_second_address_is_tried_where_the_first_does_not_answer(forger):
    answer = await asked(DEMO, forger.issuer + "/jwks", ["127.0.0.9", "127.0.0.1"])
    assert answer.status_code == 200


async def test_nobody_at_the_address(unused_port):
    with pytest.raises(ProviderFailed, match="unreachable"):
        await get_json(DEMO, f"http://127.0.0.1:{unused_port}/")
    with pytest.raises(ProviderFailed, match="unreachable"):
        await asked(DEMO, "http://localhost/", [])


async def test_a_name_that_does_not_exist():
    with pytest.raises(ProviderFailed, match="unreachable"):
        await get_json(OPEN, "https://no-such-host.invalid/")


async def test_resolving_gives_each_address_once():
    assert await resolve("127.0.0.1", 80) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "answer, reason",
    [
        (Reply(b"{}", 500), "status"),
        (Reply(b"{}", 204), "status"),
        (Reply(b"", 302, {"location": "http://169.254.169.254/"}), "status"),
        (Reply(b"", 307, {"location": "http://127.0.0.1:1/"}), "status"),
        (Reply(b"<html>"), "not_json"),
        (Reply(b""), "not_json"),
        (Reply(b"[]"), "not_json"),
        (Reply(b"[" * 100_000), "not_json"),
        (Reply(b"\xff\xfe"), "not_json"),
        (Reply(b'{"a":"' + b"x" * 1_100_000 + b'"}'), "too_large"),
        (Reply(gzip.compress(b"0" * 5_000_000), 200, {"content-encoding": "gzip"}), "encoding"),
        (Reply(hang_up=True), "unreachable"),
    ],
)
async def test_an_answer_that_is_none(forger, answer, reason):
    forger.replies["/x"] = answer
    with pytest.raises(ProviderFailed, match=reason):
        await get_json(DEMO, forger.issuer + "/x")
    assert len(forger.asked) == 1


async def test_the_cap_is_the_callers(forger):
    forger.replies["/x"] = reply({"a": "x" * 500})
    assert await get_json(DEMO, forger.issuer + "/x", cap=600)
    with pytest.raises(ProviderFailed, match="too_large"):
        await get_json(DEMO, forger.issuer + "/x", cap=400)


async def test_a_slow_answer_is_given_up(forger, monkeypatch):
    monkeypatch.setattr(outbound, "TOTAL_S", 0.2)
    forger.replies["/x"] = Reply(b"{}", delay=3)
    with pytest.raises(ProviderFailed, match="timeout"):
        await get_json(DEMO, forger.issuer + "/x")


async def test_an_answer_that_trickles_is_given_up_too(monkeypatch):
    monkeypatch.setattr(outbound, "TOTAL_S", 0.1)

    async def trickle():
        while True:
            await asyncio.sleep(0.02)

    with pytest.raises(ProviderFailed, match="timeout"):
        await bounded(trickle())


async def test_a_proxy_of_the_host_is_not_used(forger, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    forger.replies["/x"] = reply({"a": 1})
    assert await get_json(DEMO, forger.issuer + "/x") == {"a": 1}
