"""A stored secret can be read with its key, at its place, and in no other way."""

import pytest

from lianyan.core.secrets import Unreadable, decrypt, encrypt

KEY = bytes(range(32))
PLACE = ("providers", 7, "secret")


@pytest.mark.parametrize("text", ["", "s3cret", "密钥𠮷", "x" * 10_000])
def test_what_is_stored_comes_back(text):
    stored = encrypt(KEY, text, *PLACE)
    assert decrypt(KEY, stored, *PLACE) == text
    assert text == "" or text.encode() not in stored


def test_the_same_secret_never_looks_the_same():
    assert len({encrypt(KEY, "s", *PLACE) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "place", [("people", 7, "secret"), ("providers", 8, "secret"), ("providers", 7, "x")]
)
def test_a_secret_moved_to_another_place_is_of_no_use(place):
    with pytest.raises(Unreadable):
        decrypt(KEY, encrypt(KEY, "s", *PLACE), *place)


def test_another_key_reads_nothing():
    with pytest.raises(Unreadable):
        decrypt(KEY[::-1], encrypt(KEY, "s", *PLACE), *PLACE)


@pytest.mark.parametrize("change", [0, 1, 13, -1])
def test_a_changed_byte_is_noticed(change):
    stored = bytearray(encrypt(KEY, "s", *PLACE))
    stored[change] ^= 1
    with pytest.raises(Unreadable):
        decrypt(KEY, bytes(stored), *PLACE)


@pytest.mark.parametrize("stored", [b"", b"\x01", b"\x01" + b"a" * 12, b"\x01" + b"a" * 5])
def test_what_is_cut_short_is_unreadable(stored):
    with pytest.raises(Unreadable):
        decrypt(KEY, stored, *PLACE)
