"""The lists of a large portal: what one page costs the database, however many proposals there are."""

import asyncio
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec

from benchmarks.cpu import EXECUTIONS, Call, Cost, Round, connect, cost, once
from lianyan.core.actor import Reading
from lianyan.demo.scale import fill, readers
from lianyan.embedded import postgres, throwaway
from lianyan.identity.actors import load_actor
from lianyan.migrations import upgrade
from lianyan.proposals.queries import desk, mine

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from plans import HOT, read_whole

ROUNDS, PAGES, GOAL, GROWTH = 9, 5, 200.0, 1.2


class Listed(NamedTuple):
    """A list somebody reads."""

    name: str
    reader: str
    asked: dict[str, str]
    desk: bool = False


LISTS = (
    Listed("researcher who sees 30", "researcher", {}),
    Listed("officer who sees 5,000", "officer", {}),
    Listed("officer, one state of a fifth", "officer", {"shown": "approved"}),
    Listed("coordinator, who sees all", "coordinator", {}, desk=True),
    Listed("coordinator, one state of a fifth", "coordinator", {"state": "peer_review"}, desk=True),
    Listed("coordinator whose employer is in 5,000", "employed", {}, desk=True),
    Listed("coordinator in 20 teams", "in_team", {}, desk=True),
)


class Measured(NamedTuple):
    """What the lists cost at one size, and how the hot statements are planned there."""

    proposals: int
    costs: dict[str, Cost]
    seconds: float
    """To fill the database."""
    whole: list[str]
    """Hot statements that read a big table whole."""
    planned: int


def _page(reading: Reading, listed: Listed, after: str | None) -> Call:
    """Return what asks for one page by the portal's own function, the very statement of its route."""
    if listed.desk:
        asked = desk.Asked(
            call=None, sector=None, whose=None, missing=None, within=None, q=None, limit="20", after=after,
            state=listed.asked.get("state"),
        )  # fmt: skip
        return lambda: desk.page(reading, asked, "http://127.0.0.1")
    shown = listed.asked.get("shown")
    return lambda: mine.page(reading, shown=shown, q=None, role=None, limit=20, after=after)


async def _calls(reading: Reading, listed: Listed) -> list[Call]:
    """Return the first pages of a list, to be asked for in turn."""
    found: list[Call] = []
    after = None
    while len(found) < PAGES:
        found.append(_page(reading, listed, after))
        answer: Any = await found[-1]()
        body = answer if isinstance(answer, bytes) else answer.content
        after = msgspec.json.decode(body)["next"]
        if after is None:
            break
    return found


async def measure(count: int, say: Callable[[str], None]) -> Measured:
    """Fill a database with `count` proposals and return what a page of each list costs there."""
    with throwaway() as folder:
        async with postgres(folder) as server:
            await asyncio.to_thread(upgrade, server.owner_url)
            began = asyncio.get_running_loop().time()
            plan = await fill(server.owner_url, count, say=say)
            seconds = asyncio.get_running_loop().time() - began
            owner = await asyncpg.connect(server.owner_url)
            known = await readers(owner, plan)
            await owner.close()
            await _settle(server.url("postgres"))
            connection = await connect(server.app_url)
            costs = await _costs(connection, known)
            whole = [f"{one.statement}: {one.table}" for one in await read_whole(connection)]
            await connection.close()
            return Measured(count, costs, seconds, whole, len(HOT))


async def _settle(url: str) -> None:
    """Let the disk take what was filled, so that it is not written while pages are measured."""
    connection = await asyncpg.connect(url)
    await connection.execute("checkpoint")
    await connection.close()


async def _costs(connection: Any, known: dict[str, Any]) -> dict[str, Cost]:
    """Measure the lists in turn, round by round, on one warm connection."""
    pid = await connection.fetchval("select pg_backend_pid()")
    calls: dict[str, list[Call]] = {}
    for listed in LISTS:
        token = sha256(known[listed.reader].token.encode()).digest()
        actor = await load_actor(connection, token)
        calls[listed.name] = await _calls(Reading(connection, actor), listed)
        await once(pid, calls[listed.name], 50)
    rounds: dict[str, list[Round]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, pages in calls.items():
            rounds[name].append(await once(pid, pages, EXECUTIONS))
    return {name: cost(each) for name, each in rounds.items()}
