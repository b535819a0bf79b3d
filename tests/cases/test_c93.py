"""C-93: a title in one language is never a blank line for the reader of the other."""

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from lianyan.core.words import say
from lianyan.proposals.models import Proposal, Taking
from makers import now
from proposals.team_world import STAFF, build
from reviews.scenes import make_reviewed, make_scene, make_sent, sit

TITLES = [("只有中文", ""), ("", "English only"), ("中文题目", "English: a subtitle")]


REFUSALS = {"Refusal", "FieldRefusal"}
"""Their title is a sentence of ours, in the reader's language (RFC 9457)."""


def shapes(app: Any) -> dict[str, Any]:
    """Return the fields of every shape that the API answers with."""
    components = app.openapi_schema.to_schema()["components"]["schemas"]
    return {name: shape.get("properties", {}) for name, shape in components.items()}


def test_c93_whatever_shows_a_title_of_people_has_both(app):
    for name, fields in shapes(app).items():
        if name not in REFUSALS and fields.get("title", {}).get("type") == "string":
            assert fields.get("title_en", {}).get("type") == "string", name


def cells(workbook: bytes) -> list[list[str]]:
    """Return the texts of a workbook's only sheet."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        said = re.findall(r"<si>(.*?)</si>", parts.read("xl/sharedStrings.xml").decode(), re.DOTALL)
        texts = ["".join(re.findall(r"<t[^>]*>(.*?)</t>", one, re.DOTALL)) for one in said]
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    found = []
    for row in re.findall(r"<row [^>]*>(.*?)</row>", sheet, re.DOTALL):
        columns = {}
        for column, number in re.findall(r'<c r="([A-Z]+)\d+"[^>]* t="s"><v>(\d+)</v>', row):
            columns[column] = texts[int(number)]
        found.append([columns.get(column, "") for column in "ABC"])
    return found


@pytest.mark.parametrize("title, title_en", TITLES)
async def test_c93_the_ledger_has_a_column_for_each_and_fills_neither_from_the_other(
    client, session, title, title_en
):
    team = await build(client, session)
    proposal = await team.draft()
    await team.save(
        "lead", proposal, "basics", {"title": title or None, "title_en": title_en or None}
    )
    await team.contribute(proposal, team.a, STAFF)
    row = (await team.get("officer_a", "/ledger"))["items"][0]
    assert (row["title"], row["title_en"]) == (title, title_en)
    got = await client.get("/api/ledger.xlsx", headers=team.headers["officer_a"])
    assert cells(got.content)[1][1:] == [title, title_en]


@pytest.mark.parametrize("title, title_en", TITLES)
async def test_c93_tasks_and_messages_carry_both(client, session, title, title_en):
    team = await build(client, session)
    proposal = await team.complete(team.b)
    await team.submit(proposal)
    await session.execute(
        update(Proposal).where(Proposal.id == proposal).values(title=title, title_en=title_en)
    )
    page = await team.get("officer_b", "/tasks")
    found = [t["proposal"] for t in page["tasks"] if t.get("proposal")]
    found += [m["proposal"] for m in page["messages"] if m.get("proposal")]
    assert len(found) > 1
    assert {(p["title"], p["title_en"]) for p in found} == {(title, title_en)}


@pytest.mark.parametrize("title, title_en", TITLES)
async def test_c93_a_letters_subject_takes_the_readers_title_or_else_the_other(
    client, session, title, title_en
):
    scene = await make_scene(session)
    proposal = await make_sent(scene, "decision_pending", title=title, title_en=title_en)
    await make_reviewed(scene, proposal, scene.reviewers[0])
    desk, bench = (
        await sit(scene, client, scene.coordinator),
        await sit(scene, client, scene.approver),
    )
    sent = {"kind": "approve", "letter": "同意立项。"}
    made = (await desk.put(f"/proposals/{proposal.id}/decision", sent, 0)).json()
    await bench.post(f"/decisions/{made['id']}/sign", rev=made["rev"])
    letters = (await desk.get("/release/letters", decision=made["id"])).json()["items"]
    assert letters
    for letter in letters:
        for locale, own, other in (("zh", title, title_en), ("en", title_en, title)):
            subject = letter["subject"][locale]
            assert (own or other) in subject
            assert "None" not in subject
            assert not own or not other or other not in subject, "never a mixture of both"
    assert say(
        "zh", "decisions.letter_subject_approve", title="题目", number="1", name="", institution=""
    )


async def test_c93_a_reminder_takes_the_title_that_there_is(client, session):
    scene = await make_scene(session)
    proposal = await make_sent(
        scene,
        "consent_pending",
        title="",
        title_en="English only",
        consent_until=now() + timedelta(days=3),
    )
    await session.execute(
        update(Taking).where(Taking.proposal_id == proposal.id).values(state="invited")
    )
    desk = await sit(scene, client, scene.coordinator)
    page = (await desk.get(f"/desk/{proposal.id}")).json()
    assert page["remind"]
    for locale in ("zh", "en"):
        assert "English only" in page["remind"]["text"][locale]
