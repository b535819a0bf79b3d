"""The hot reads of applicants: one actor statement and one page statement, shaped as declared."""

import asyncio
from contextlib import contextmanager

import msgspec
import pytest

from lianyan.core.reads import Read
from lianyan.proposals.queries.detail import DETAIL
from lianyan.proposals.queries.mine import _statement
from lianyan.proposals.schemas.ledger import Ledger
from lianyan.proposals.schemas.mine import ProposalPage
from lianyan.proposals.schemas.officer import OfficerRead, Queue


@contextmanager
def counted(driver):
    """Collect the statements that the driver's connection runs."""
    seen = []
    driver.add_query_logger(lambda record: seen.append(record.query))
    try:
        yield seen
    finally:
        driver._query_loggers.clear()


@pytest.fixture
async def driver(connection):
    return (await connection.get_raw_connection()).driver_connection


@pytest.mark.parametrize(
    "path", ["/proposals/{id}", "/proposals", "/proposals?q=气象&shown=draft", "/queue", "/ledger"]
)
async def test_a_page_is_two_statements(team, driver, path):
    proposal = await team.complete(team.b, team.c)
    await team.confirm("officer_b", proposal, team.b)
    await team.contribute(proposal, team.b, {"kind": "venue", "amount": "1", "unit": "处"})
    with counted(driver) as seen:
        await team.get("officer_b", path.replace("{id}", proposal))
        await asyncio.sleep(0)  # the driver tells its loggers at the loop's next turn
    assert len(seen) == 2, seen


@pytest.mark.parametrize(
    "path, shape",
    [
        ("/proposals", ProposalPage),
        ("/queue", Queue),
        ("/ledger", Ledger),
        ("/participations/{part}", OfficerRead),
    ],
)
async def test_an_answer_is_what_its_shape_says(team, path, shape):
    proposal = await team.complete(team.b, team.c)
    await team.submit(proposal)
    part = await team.part(proposal, team.b)
    path = path.replace("{part}", part["id"])
    got = await team.client.get(f"/api{path}", headers=team.headers["officer_b"])
    found = msgspec.json.decode(got.content, type=shape, strict=True)
    assert set(got.json()) == {f.name for f in msgspec.structs.fields(shape)}
    if "items" in got.json():
        row = msgspec.structs.fields(shape)[0].type.__args__[0]
        assert set(got.json()["items"][0]) == {f.name for f in msgspec.structs.fields(row)}
        assert len(found.items) == 1


async def test_a_read_demands_every_value_and_no_other(driver):
    for read in (
        DETAIL,
        *(_statement(matched=m, shown=s) for m in (True, False) for s in (True, False)),
    ):
        assert isinstance(read, Read)
        with pytest.raises(TypeError):
            await read.row(driver)


async def test_the_acts_on_offer_are_the_acts_that_work(team):
    proposal = await team.complete(team.b)
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert set(detail["can"]) == {
        "proposal.edit", "proposal.arrange", "team.arrange", "proposal.submit", "proposal.withdraw", "proposal.delete",
    }  # fmt: skip
    officer = await team.get("officer_b", f"/proposals/{proposal}")
    assert set(officer["can"]) == {
        "participation.confirm", "participation.return", "participation.decline",
    }  # fmt: skip
    assert officer["todo"][0]["code"] == "proposals.todo_confirm"
    part = await team.part(proposal, team.a)
    read = await team.get("officer_a", f"/participations/{part['id']}")
    assert set(read["can"]) == {"participation.confirm", "participation.return"}
    await team.submit(proposal)
    detail = await team.get("lead", f"/proposals/{proposal}")
    assert set(detail["can"]) == {"team.arrange", "proposal.take_back", "proposal.withdraw"}
