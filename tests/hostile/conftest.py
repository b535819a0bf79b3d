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
from tally import run_folder


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


@pytest.fixture(scope="module", autouse=True)
def _figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tell after each file what all of them have seen so far, in whichever process they ran."""
    yield
    written(run_folder(tmp_path_factory))
