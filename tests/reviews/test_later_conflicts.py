"""C-17 from outside: whatever makes a conflict, by whichever command, stops the review at once."""

import pytest
from sqlalchemy import func, select

from lianyan.core.events import Event
from lianyan.identity.models import PlatformRole
from lianyan.proposals import access
from lianyan.proposals.access import Right
from lianyan.proposals.derived import Access
from makers import make_proposal
from reviews.scenes import make_assigned, make_scene, make_sent, sit


@pytest.fixture
async def here(client, session):
    """A proposal by lead and partner under review by one reviewer, and a draft of the reviewer's."""
    here = await make_scene(session)
    here.reviewer = here.reviewers[0]
    here.proposal = await make_sent(here, team=[(here.lead, here.a), (here.partner, here.b)])
    here.assignment = await make_assigned(here, here.proposal, here.reviewer)
    here.draft = await make_proposal(session, here.reviewer, here.call, [here.e, here.b])
    here.theirs = await sit(here, client, here.reviewer)
    assert (await here.theirs.get(f"/reviews/{here.assignment.id}")).status_code == 200
    return here


async def stopped(session, here):
    """Assert that the review is suspended, once, and closed to the reviewer."""
    count = select(func.count()).select_from(Event).where(Event.kind == "assignment.suspended")
    assert await session.scalar(count) == 1
    got = await here.theirs.get(f"/reviews/{here.assignment.id}")
    assert (got.status_code, got.json()["code"]) == (403, "reviews.suspended")
    assert await access.differences(session) == []


async def test_c17_an_author_who_joins_the_reviewers_own_team_stops_the_review(session, here):
    got = await here.theirs.post(
        f"/proposals/{here.draft.id}/members",
        {"person_id": str(here.partner.id), "institution_id": str(here.b.id), "duty": ""},
    )
    assert got.status_code == 201, got.text
    await stopped(session, here)


async def test_c17_an_employer_who_takes_part_stops_the_review(session, here):
    got = await here.theirs.post("/settings/affiliations", {"institution_id": str(here.b.id)})
    assert got.status_code == 201, got.text
    await stopped(session, here)


async def test_a_handler_who_joins_a_colleague_loses_the_handling_elsewhere(client, session, here):
    session.add(PlatformRole(person_id=here.reviewers[3].id, role="coordinator"))
    await session.flush()
    desk = await sit(here, client, here.reviewers[3])
    where = f"/proposals/{here.proposal.id}/assignments"
    assert (await desk.get(where)).status_code == 200
    for person, home in ((here.partner, here.b), (here.reviewers[3], here.e)):
        got = await here.theirs.post(
            f"/proposals/{here.draft.id}/members",
            {"person_id": str(person.id), "institution_id": str(home.id), "duty": ""},
        )
        assert got.status_code == 201, got.text
    assert (await desk.get(where)).status_code == 404
    row = await session.scalar(
        select(Access.rights).where(
            Access.proposal_id == here.proposal.id, Access.principal == here.reviewers[3].id
        )
    )
    assert Right(row) & Right.CONFLICT
    assert await access.differences(session) == []
