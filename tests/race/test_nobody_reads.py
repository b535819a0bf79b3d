"""A read that is not told who reads shows nothing: it refuses, and would find no row if it did not."""

import pkgutil
from importlib import import_module
from uuid import UUID, uuid4

import pytest

import lianyan
from lianyan.calls.queries import CALL
from lianyan.core.reads import WHO, Read
from lianyan.notifications.statement import FACTS_OF
from lianyan.proposals.queries.desk import page_of
from lianyan.proposals.queries.detail import DETAIL
from lianyan.proposals.queries.dossier import DOSSIER
from lianyan.proposals.queries.mine import _statement
from lianyan.proposals.queries.streams import Filters
from lianyan.reviews.queries import LIST
from makers import make_call, make_institution, make_person, make_proposal

HOT = {
    "detail": DETAIL,
    "mine": _statement(matched=False),
    "mine, searched": _statement(matched=True),
    "reviews": LIST,
    "tasks": FACTS_OF,
    "call": CALL,
    "dossier": DOSSIER,
    "desk": page_of(Filters(), (0,)),
    "desk, of others too": page_of(Filters(), (0, 1)),
}
SETS = {"principals", "offices", "employers", "tied"}


def reads() -> dict[str, Read]:
    """Return every statement compiled once that a module of the portal holds."""
    found = {}
    for module in pkgutil.walk_packages(lianyan.__path__, "lianyan."):
        if module.name.rpartition(".")[2] in {"__main__", "env"}:
            continue
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, Read):
                found[f"{module.name}.{name}"] = value
    return found


def values(read: Read) -> dict[str, object]:
    """Return a value for every name the statement asks for."""
    found: dict[str, object] = dict.fromkeys(read.asked)
    for name in WHO & read.asked:
        found[name] = [uuid4()] if name in SETS else uuid4()
    return found


def test_every_hot_statement_says_who_reads():
    known = reads()
    for name, read in HOT.items():
        assert read.asked & WHO, name
    asking = {name for name, read in known.items() if read.asked & WHO}
    assert len(asking) >= 6, asking


@pytest.mark.parametrize("name", HOT)
def test_a_reader_who_is_none_or_missing_is_refused(name):
    read = HOT[name]
    read.arguments(values(read))
    for who in WHO & read.asked:
        with pytest.raises(TypeError, match="who reads"):
            read.arguments(values(read) | {who: None})
        if who in SETS:
            with pytest.raises(TypeError, match="who reads"):
                read.arguments(values(read) | {who: [None]})
        left_out = values(read)
        del left_out[who]
        with pytest.raises(TypeError, match="needs"):
            read.arguments(left_out)


@pytest.fixture
async def world_of_one(session):
    home = await make_institution(session)
    lead = await make_person(session, institution=home)
    call = await make_call(session)
    proposal = await make_proposal(session, lead, call, [home])
    return proposal.id, call.id


async def test_where_the_refusal_is_passed_by_null_finds_nothing(
    connection, world_of_one, monkeypatch
):
    """The second wall: run with NULL for the reader, the statements themselves show no row."""
    monkeypatch.setattr("lianyan.core.reads.WHO", frozenset())
    driver = (await connection.get_raw_connection()).driver_connection
    proposal, call = world_of_one
    row = await DETAIL.row(driver, proposal=proposal, person=None, offices=None, employers=None)
    assert (row["own"], row["office"], row["employer"]) == (0, 0, 0)
    rows = await _statement(matched=False).rows(
        driver,
        person=None, principals=None, limit=20,
        at="infinity", last=UUID(int=2**128 - 1),
    )  # fmt: skip
    assert rows == []
    assert '"items": []' in (await LIST.run(driver, me=None, employers=None) or "")
    assert '"my_drafts": []' in (await CALL.run(driver, id=call, person=None) or "")
