"""Secrets at rest: what the database keeps of them is of no use without the portal's key, or in another row."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
"""The first byte of every ciphertext: which key and which form."""
NONCE_BYTES = 12


class Unreadable(ValueError):
    """The stored secret does not belong here, was changed, or was written with another key."""


def _place(table: str, row: object, column: str) -> bytes:
    return f"{table}|{row}|{column}".encode()


def encrypt(key: bytes, text: str, table: str, row: object, column: str) -> bytes:
    """Return `text` as it is stored in `column` of that `row`, and only there."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, text.encode(), _place(table, row, column))


def decrypt(key: bytes, stored: bytes, table: str, row: object, column: str) -> str:
    """Return the text that `encrypt` stored at this very place, or raise Unreadable."""
    if stored[:1] != VERSION:
        raise Unreadable("version")
    nonce, rest = stored[1 : 1 + NONCE_BYTES], stored[1 + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, rest, _place(table, row, column)).decode()
    except (InvalidTag, ValueError) as error:
        raise Unreadable("content") from error
