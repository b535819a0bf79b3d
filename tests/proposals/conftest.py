"""Fixtures of the proposals tests."""

import os

import pytest

from proposals.team_world import World, build

# tests/hostile sends every text to every field of every route; these look closer at some of them.
collect_ignore = [] if os.environ.get("LIANYAN_LONG") == "1" else ["test_hostile.py"]


@pytest.fixture
async def team(client, session) -> World:
    """Give a world of three institutions with a browser for each of its people."""
    return await build(client, session)
