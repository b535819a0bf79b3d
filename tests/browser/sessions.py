"""Sessions of a test's own: what ends them ends nobody else's."""

import secrets
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from browser.visitor import Visitor
from lianyan.demo.world import read_world

COOKIE = "lianyan_session"
OPEN = """
  insert into sessions (token_hash, person_id, authenticated_at, idle_expires_at, absolute_expires_at)
  values ($1, $2, now(), now() + interval '1 hour', now() + interval '1 hour')
"""
STRANGE = "</script><script>ran.push(1)</script><!-- __proto__"


class Sessions:
    """Opens sessions in the portal's database."""

    def __init__(self, query: Callable[..., list[Any]], address: str) -> None:
        """Take the database and the portal's address."""
        self.query, self.address = query, address

    def of(self, visitor: Visitor, key: str) -> str:
        """Let a person of the demo sit before the screen; return the token."""
        name = read_world().person(key).name
        found = self.query("select id from people where name = $1", name)
        return self.enter(visitor, found[0]["id"])

    def enter(self, visitor: Visitor, person: UUID) -> str:
        """Let a person sit before the screen; return the token."""
        token = secrets.token_urlsafe(32)
        self.query(OPEN, sha256(token.encode()).digest(), person)
        cookie = {"name": COOKIE, "value": token, "url": self.address, "httpOnly": True}
        visitor.context.add_cookies([{**cookie, "sameSite": "Lax"}])  # type: ignore[typeddict-item,list-item]
        return token

    def row(self, token: str) -> dict[str, Any]:
        """Return what the database holds of a session and its person."""
        found = self.query(
            "select s.revoked_at, s.idle_expires_at, p.locale, p.rev, p.name from sessions s"
            " join people p on p.id = s.person_id where s.token_hash = $1",
            sha256(token.encode()).digest(),
        )
        return dict(found[0])


@pytest.fixture
def sessions(query: Callable[..., list[Any]], address: str) -> Sessions:
    """Give the sessions of this test."""
    return Sessions(query, address)


@pytest.fixture
def strange(query: Callable[..., list[Any]]) -> Iterator[UUID]:
    """Give a person whose name is an attack; they are gone after the test."""
    made = query(
        "insert into people (name, sort_key, status) values ($1, $1, 'active') returning id",
        STRANGE,
    )[0]["id"]
    yield made
    query("delete from sessions where person_id = $1", made)
    query("delete from people where id = $1", made)
