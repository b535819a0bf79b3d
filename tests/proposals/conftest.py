"""Fixtures of the proposals tests."""

import os

import pytest

from proposals.desk_world import make_world, sit
from proposals.team_world import World, build

# tests/hostile sends every text to every field of every route; these look closer at some of them.
collect_ignore = [] if os.environ.get("LIANYAN_LONG") == "1" else ["test_hostile.py"]


@pytest.fixture
async def team(client, session) -> World:
    """Give a world of three institutions with a browser for each of its people."""
    return await build(client, session)


@pytest.fixture
async def w(session):
    """Give the coordinators' world."""
    return await make_world(session)


@pytest.fixture
async def desk(w, client):
    """Give the desk, with a coordinator at it."""
    return await sit(w, client, w.coordinator)
