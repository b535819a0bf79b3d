"""Until a release has run, nothing an applicant reads says that anything was decided."""

import pytest

from lianyan.proposals.moving import move
from lianyan.proposals.states import Move, State
from makers import now
from proposals.desk_world import assign, decide, make_at, make_world, sit


@pytest.fixture
async def w(session):
    return await make_world(session)


MARK = "机密标记7f2c"
APPLICANT_PAGES = [
    "/api/tasks",
    "/api/proposals",
    "/api/proposals?shown=approved",
    "/api/proposals?shown=in_review",
    "/api/proposals?role=institution",
    "/api/queue",
    "/api/ledger",
    "/api/session",
    "/api/home",
    "/api/projects",
]


@pytest.mark.parametrize("kind", ["approve", "reject"])
async def test_c23_nothing_an_applicant_reads_changes_before_the_release(w, client, session, kind):
    proposal = await make_at(w, State.PEER_REVIEW)
    for person in w.reviewers[:2]:
        await assign(w, proposal, person, done=True)
    people = {
        who: await sit(w, client, getattr(w, who)) for who in ("lead", "officer_a", "officer_b")
    }
    pages = [*APPLICANT_PAGES, f"/api/proposals/{proposal.id}"]

    async def everything():
        found = {}
        for who, caller in people.items():
            for url in pages:
                got = await caller.get(url)
                assert got.status_code < 500, (url, got.text)
                body = got.json() if got.content else None
                if isinstance(body, dict):
                    body.pop("now", None)
                    body.pop("idle_expires_at", None)
                found[who, url] = (got.status_code, body, got.headers.get("etag"))
        return found

    before = await everything()
    await move(session, None, proposal, Move.FINISH)
    assert await everything() == before
    decision = await decide(w, proposal, kind=kind, note=MARK)
    assert await everything() == before
    decision.state, decision.signed_by, decision.signed_at = "signed", w.approver.id, now()
    await session.flush()
    assert await everything() == before
    decision.state = "scheduled"
    await session.flush()
    found = await everything()
    assert found == before
    assert MARK not in str(found)
