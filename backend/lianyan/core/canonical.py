"""One way to write a document down, so that equal content has equal bytes and one hash (RFC 8785)."""

import hashlib
from typing import Any

import rfc8785


def canonical(document: Any) -> bytes:
    """Return the canonical JSON of plain JSON values; whole numbers only up to 2^53."""
    return rfc8785.dumps(document)


def digest(document: Any) -> bytes:
    """Return the SHA-256 of the canonical JSON of `document`."""
    return hashlib.sha256(canonical(document)).digest()
