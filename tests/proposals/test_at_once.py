"""What happens when several do it at once, with real commits: numbers, double clicks, unseen edits."""

import asyncio

from sqlalchemy import select

from lianyan.proposals.models import Taking
from proposals.team_world import STAFF, build, copy


async def test_c95_no_number_is_given_twice(committed):
    async with committed.sessions.begin() as session:
        team = await build(committed.client, session, prefix="N-2026")
    proposals = [await team.complete(team.b)]
    async with committed.sessions.begin() as session:
        proposals += [await copy(session, proposals[0]) for _ in range(19)]
    async with committed.sessions.begin() as session:
        broken = await session.scalar(
            select(Taking).where(Taking.proposal_id == proposals[-1], Taking.role != "lead")
        )
        broken.state = "declined"
    hashes = [(await team.get("lead", f"/proposals/{p}"))["content_hash"] for p in proposals]
    got = await asyncio.gather(
        *(
            team.send("lead", "POST", f"/proposals/{p}/submit", {"rev_hash": h})
            for p, h in zip(proposals, hashes, strict=True)
        )
    )
    assert [g.status_code for g in got[:-1]] == [200] * 19
    assert (got[-1].status_code, got[-1].json()["code"]) == (409, "proposals.incomplete")
    numbers = {g.json()["number"] for g in got[:-1]}
    assert numbers == {f"N-2026-{n:04}" for n in range(1, 20)}
    detail = await team.get("lead", f"/proposals/{proposals[0]}")
    await team.send(
        "lead", "POST", f"/proposals/{proposals[0]}/withdraw", {"reason": "x"}, rev=detail["rev"]
    )
    another = await team.complete(team.b)
    assert (await team.submit(another)).json()["number"] == "N-2026-0020"


async def test_two_clicks_at_once_submit_once(committed):
    async with committed.sessions.begin() as session:
        team = await build(committed.client, session)
    proposal = await team.complete(team.b)
    body = {"rev_hash": (await team.get("lead", f"/proposals/{proposal}"))["content_hash"]}
    path = f"/proposals/{proposal}/submit"
    got = await asyncio.gather(*(team.send("lead", "POST", path, body) for _ in range(8)))
    assert {g.status_code for g in got} == {200}
    assert len({g.json()["number"] for g in got}) == 1
    assert [m["move"] for m in (await team.get("lead", f"/proposals/{proposal}"))["moves"]] == [
        "submit"
    ]


async def test_an_edit_and_a_confirmation_at_once_never_agree_to_unseen_content(committed):
    async with committed.sessions.begin() as session:
        team = await build(committed.client, session)
    proposal = await team.complete(team.b)
    for turn in range(6):
        part = await team.part(proposal, team.b)
        read = await team.get("officer_b", f"/participations/{part['id']}")
        path = f"/participations/{part['id']}/confirm"
        await asyncio.gather(
            team.save("lead", proposal, "aims", {"aims": f"第 {turn} 次。"}, rev=1 + turn),
            team.send("officer_b", "POST", path, {"scope_hash": read["scope_hash"]}),
        )
        after = await team.get("officer_b", f"/participations/{part['id']}")
        assert after["part"]["state"] in {"void", "invited"}
        assert after["scope"]["aims"] == f"第 {turn} 次。"
    await team.contribute(proposal, team.b, STAFF)
