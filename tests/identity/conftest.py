"""Fixtures of logging in: the real provider, the one that forges, and the way in."""

import pytest

from idp.fixtures import demo_login, forger, unused_port  # noqa: F401  fixtures of this folder
from idp.gate import Gate


@pytest.fixture
async def gate(client, session, settings, demo_login, forger):  # noqa: F811  pytest's way
    """Give the gate; institutions are added by the test."""
    made = Gate(client, session, settings, demo_login, forger)
    yield made
    await made.browser.aclose()


@pytest.fixture
async def forged(gate):
    """Give the gate with the forging provider's institution."""
    await gate.add("forged")
    return gate
