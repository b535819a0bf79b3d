"""Fixtures of the proposals tests."""

import pytest

from proposals.team_world import World, build


@pytest.fixture
async def team(client, session) -> World:
    """Give a world of three institutions with a browser for each of its people."""
    return await build(client, session)
