"""Which network a request came from: what the sender writes is believed nowhere."""

import logging

import pytest

from lianyan.core.addresses import Addresses, network

PROXIES = ("10.0.0.0/8", "fd00::/8", "192.0.2.10/32")


def scope(peer, *lines):
    return {
        "client": (peer, 1) if peer else None,
        "headers": [(b"host", b"x"), *((b"x-forwarded-for", line.encode()) for line in lines)],
    }


@pytest.mark.parametrize(
    "peer, lines, found",
    [
        ("203.0.113.7", (), "203.0.113.7"),
        ("203.0.113.7", ("198.51.100.1",), "203.0.113.7"),
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("6.6.6.6, 198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("6.6.6.6", "198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", ("6.6.6.6, 198.51.100.1, 10.2.2.2",), "198.51.100.1"),
        ("10.0.0.1", ("198.51.100.1:4711",), "198.51.100.1"),
        ("10.0.0.1", ("[2001:db8::9]:4711",), "2001:db8::/64"),
        ("fd00::1", ("2001:db8::9",), "2001:db8::/64"),
        ("::ffff:10.0.0.1", ("::ffff:198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("10.9.9.9",), "10.9.9.9"),
        ("10.0.0.1", ("unknown",), "10.0.0.1"),
        ("10.0.0.1", ("6.6.6.6, unknown",), "10.0.0.1"),
        ("10.0.0.1", ("6.6.6.6, \x00, 10.4.4.4",), "10.4.4.4"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", ("9" * 60_000,), "10.0.0.1"),
        ("10.0.0.1", ("10.1.1.1, " * 5000,), "10.0.0.1"),
        ("192.0.2.11", ("198.51.100.1",), "192.0.2.11"),
        (None, (), "unknown"),
        ("/run/socket", (), "unknown"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::", (), "2001:db8:1:2::/64"),
    ],
)
def test_the_sender_is_the_last_one_a_listed_proxy_vouches_for(peer, lines, found):
    assert Addresses(PROXIES).of(scope(peer, *lines)) == found


def test_without_a_list_nobody_is_believed_and_the_operator_is_told_once(caplog):
    addresses = Addresses(())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert addresses.of(scope("10.0.0.1", "198.51.100.1")) == "10.0.0.1"
    assert len(caplog.records) == 1
    assert caplog.records[0].fields == {"setting": "LIANYAN_TRUSTED_PROXIES"}
    assert "198.51" not in caplog.text


def test_a_network_of_ipv4_is_one_address():
    assert network("198.51.100.1") != network("198.51.100.2")
