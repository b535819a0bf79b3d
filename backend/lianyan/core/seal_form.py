"""What a seal is made over: one way to write an event and a seal down as bytes, whoever reads it.

Each event is one line of JSON without blanks, in UTF-8:

    [time, "kind", actor, subject, proposal, data]

Times are microseconds since 1970 (UTC), ids of things are in lower case or null. In `data` the keys
of an object stand in the order of their code points; a number is its exact decimal value, without an
exponent or zeros that say nothing; strings are escaped as RFC 8785 has it. So nothing depends on a
server's time zone, on the order in which it keeps keys, or on how many digits it prints. Data nested
deeper than 64 levels are taken as the text the database gives.

The mark of an event is the SHA-256 of its line, the content of a seal the SHA-256 of the marks of its
events in the order of their ids (which the seal names), and its digest the SHA-256 of

    ["lianyan.seal.1", id, time, previous digest, count, [[first id, last id], ...], highest id,
     content, SHA-256 of the kept marks]
"""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from asyncpg import Range

FORM = "lianyan.seal.1"
NOTHING = bytes(32)
"""What the first seal names as the digest before it."""
KEPT = 8
"""So many bytes of each event's mark a seal keeps, to say which event it was that changed."""
DEEPEST = 64
EPOCH = 946_684_800_000_000
"""PostgreSQL counts microseconds from 2000 on."""

EVENT = """e.id, timestamptz_send(e.at), e.kind, e.actor_id::text, e.subject_id::text,
    e.proposal_id::text, e.data::text"""
"""The columns of an event `e`, as `mark` takes them; none depends on a setting of the server."""

_text = json.JSONEncoder(ensure_ascii=False).encode


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def mark(event: Any) -> bytes:
    """Return the mark of an event: the SHA-256 of its line."""
    return sha256(line(event)).digest()


def line(event: Any) -> bytes:
    """Return the one form of an event, from the columns `EVENT` gives."""
    _, at, kind, actor, subject, proposal, data = event
    return (
        f"[{micros(at)},{_text(kind)},{_id(actor)},{_id(subject)},{_id(proposal)},{document(data)}]"
    ).encode()


def micros(at: bytes) -> int:
    """Return the microseconds since 1970 of a time as the database sends it."""
    return int.from_bytes(at, "big", signed=True) + EPOCH


def _id(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


def document(text: str) -> str:
    """Return the one form of a JSON document that the database wrote as `text`."""
    if text == "{}":
        return text
    try:
        return _written(json.loads(text, parse_int=Number, parse_float=Number), 0)
    except RecursionError:
        return _text(text)


def _written(value: Any, depth: int) -> str:
    if type(value) is str:
        return _text(value)
    if type(value) is Number:
        return _number(value)
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if depth == DEEPEST:
        raise RecursionError
    if type(value) is dict:
        pairs = (f"{_text(key)}:{_written(value[key], depth + 1)}" for key in sorted(value))
        return f"{{{','.join(pairs)}}}"
    return f"[{','.join([_written(one, depth + 1) for one in value])}]"


def _number(text: str) -> str:
    found = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if found == "-0" else found


class Sealed(NamedTuple):
    """The row of a seal, as `SEAL` gives it."""

    id: int
    sealed_at: bytes
    previous: bytes
    size: int
    members: list[Range[int]]
    last_id: int
    content: bytes
    marks: bytes
    digest: bytes


SEAL = """s.id, timestamptz_send(s.sealed_at), s.previous, s.count, s.members, s.last_id, s.content,
    s.marks, s.digest"""
"""The columns of a seal `s`, in the order of `Sealed`."""


def digest(seal: Sealed) -> bytes:
    """Return the digest a seal must have: over everything in its row."""
    ranges = ",".join(f"[{_edge(r.lower, 0)},{_edge(r.upper, 1)}]" for r in seal.members)
    return sha256(
        f'["{FORM}",{seal.id},{micros(seal.sealed_at)},"{seal.previous.hex()}",{seal.size},'
        f'[{ranges}],{seal.last_id},"{seal.content.hex()}","{sha256(seal.marks).hexdigest()}"]'.encode()
    ).digest()


def _edge(value: int | None, beyond: int) -> str:
    return "null" if value is None else str(value - beyond)


def ranges(ids: Iterable[int]) -> list[Range[int]]:
    """Return ascending ids as ranges."""
    found: list[Range[int]] = []
    first = following = None
    for id_ in ids:
        if id_ != following:
            if first is not None:
                found.append(Range(first, following))
            first = id_
        following = id_ + 1
    if first is not None:
        found.append(Range(first, following))
    return found
