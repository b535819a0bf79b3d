"""Pages of the lists: each row once, whatever happens between two pages."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from lianyan.proposals import access
from lianyan.proposals.moving import move
from lianyan.proposals.queries.desk import page_of
from lianyan.proposals.queries.streams import Filters
from lianyan.proposals.states import Move, State
from makers import now
from proposals.desk_world import make_at, make_world, sit

AT_ONCE = """
  with made as (
    insert into proposals (call_id, form_id, lead_id, state, title, sectors, number, submitted_at, stages, consent_until)
    select call_id, form_id, lead_id, (array['consent_pending', 'submitted', 'approved'])[1 + n % 3], title, sectors,
      number || '-' || n, submitted_at, stages, consent_until
    from proposals cross join generate_series(1, 119) n where id = :source returning id
  ),
  parts as (
    insert into participations (proposal_id, institution_id, role, state, position)
    select m.id, t.institution_id, t.role, 'invited', t.position from made m, participations t where t.proposal_id = :source
  )
  select array_agg(id) from made
"""


@pytest.fixture
async def w(session):
    return await make_world(session)


@pytest.fixture
async def made(w, session):
    """Make 120 proposals of one instant."""
    source = await make_at(w, State.CONSENT_PENDING, title="同一时刻")
    ids = (await session.execute(text(AT_ONCE), {"source": source.id})).scalar_one()
    await access.refresh_many(session, list(ids))
    return {str(source.id), *map(str, ids)}


async def walk(browser, path, between=None, **asked):
    """Return the ids of all pages, in their order."""
    seen, after, turn = [], {}, 0
    while True:
        got = await browser.get(path, limit=25, **asked, **after)
        assert got.status_code == 200, got.text
        seen += [row["id"] for row in got.json()["items"]]
        if got.json()["next"] is None:
            return seen
        after, turn = {"after": got.json()["next"]}, turn + 1
        if between:
            await between(turn)


LISTS = [
    ("lead", "/api/proposals", {}, 120),
    ("officer_b", "/api/proposals", {}, 120),
    ("lead", "/api/proposals", {"shown": "consent_pending"}, 40),
    ("coordinator", "/api/desk", {}, 80),
    ("coordinator", "/api/desk", {"whose": "others"}, 40),
    ("coordinator", "/api/desk", {"q": "同一"}, 120),
    ("coordinator", "/api/desk", {"state": "approved"}, 40),
]


@pytest.mark.parametrize("listed", LISTS, ids=str)
async def test_c89_rows_of_one_instant_come_once_each(w, client, made, listed):
    who, path, asked, count = listed
    seen = await walk(await sit(w, client, getattr(w, who)), path, **asked)
    assert len(seen) == len(set(seen)) == count
    assert set(seen) <= made


@pytest.mark.parametrize("listed", [LISTS[0], LISTS[3]], ids=str)
async def test_c89_a_row_that_changes_and_one_that_comes_move_no_other(
    w, client, session, made, listed
):
    who, path, *_ = listed
    browser = await sit(w, client, getattr(w, who))
    before = await walk(browser, path)
    late: list[str] = []

    async def between(turn):
        if turn == 1:
            moved = before[-1]
            await session.execute(
                text("update proposals set state = 'withdrawn' where id = :id"), {"id": moved}
            )
            await access.refresh(session, moved)
            late.append(moved)
            late.append(str((await make_at(w, State.SUBMITTED)).id))

    seen = await walk(browser, path, between)
    assert len(seen) == len(set(seen))
    assert [id_ for id_ in seen if id_ not in late] == [id_ for id_ in before if id_ not in late]


async def test_c89_a_row_whose_date_passes_on_the_way_is_still_seen_once(w, client, session, made):
    """It would change its group: the walk keeps the instant it set out at."""
    passing = await make_at(w, State.CONSENT_PENDING, consent_until=now() + timedelta(seconds=0.8))
    browser = await sit(w, client, w.coordinator)

    async def between(turn):
        if turn == 1:
            await asyncio.sleep(0.9)

    seen = await walk(browser, "/api/desk", between)
    assert seen.count(str(passing.id)) == 1
    assert len(seen) == len(set(seen)) == 81
    first = (await browser.get("/api/desk", whose="me", limit=100)).json()["items"]
    assert str(passing.id) in {row["id"] for row in first}


def test_a_page_of_one_group_sets_up_nothing_of_the_other():
    both = page_of(Filters(), (0, 1)).sql
    assert len(page_of(Filters(), (0,)).sql) < len(both) / 2
    assert "employers" not in page_of(Filters(), (0,)).names


async def test_a_page_that_was_full_of_ones_own_turn_goes_on_with_the_others_once_it_is_not(
    w, client, session
):
    """The others are left out of what is set up only as long as nobody misses them."""
    mine = [await make_at(w, State.SUBMITTED) for _ in range(3)]
    other = await make_at(w, State.RETURNED)
    desk = await sit(w, client, w.coordinator)

    async def first():
        got = (await desk.get("/api/desk", limit=2)).json()
        return [row["id"] for row in got["items"]], got["next"] is not None

    own = {str(p.id) for p in mine}
    for _ in range(2):
        seen, more = await first()
        assert set(seen) < own
        assert more
    for proposal in mine[:2]:
        await move(session, None, proposal, Move.WITHDRAW)
    for _ in range(2):
        assert await first() == ([str(mine[2].id), str(other.id)], False)
