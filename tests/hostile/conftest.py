"""The world of the hostile tests: everybody, a proposal in every state, and one link that is known."""

from collections.abc import Iterator

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from actors import World, make_world
from hostile.cases import TOKEN
from hostile.counted import note, written
from lianyan.proposals.commands.inviting import token_hash
from lianyan.proposals.models import Invitation
from lianyan.proposals.states import State


@pytest.fixture
async def world(session) -> World:
    """Give the world."""
    made = await make_world(session)
    link = made.things[State.DRAFT].invitation
    await session.execute(
        update(Invitation).where(Invitation.id == link).values(token_hash=token_hash(TOKEN))
    )
    await session.commit()
    return made


@pytest.fixture
def client(client: AsyncClient) -> AsyncClient:
    """Give a client whose answers are counted."""
    client.event_hooks["response"].append(note)
    return client


@pytest.fixture(scope="session", autouse=True)
def _figures() -> Iterator[None]:
    yield
    written()
