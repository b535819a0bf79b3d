"""Every text field of applicants and officers takes every hostile text, or refuses it by name."""

import json
import unicodedata

import pytest
from sqlalchemy import select

from lianyan.proposals.models import Answer, Contribution, Invitation, Member, Taking
from proposals.hostile import TEXTS
from proposals.team_world import STAFF

EDGES = "\u200b\u2060\ufeff"


async def raw(team, who, method, path, body, **headers):
    """Send a body whose strings may hold what no UTF-8 text can."""
    content = json.dumps(body).encode()
    found = {"x-lianyan": "1", "origin": "http://127.0.0.1:8000", **team.headers.get(who, {})}
    found |= {name.replace("_", "-"): value for name, value in headers.items()}
    found["content-type"] = "application/json"
    got = await team.client.request(method, f"/api{path}", content=content, headers=found)
    team.client.cookies.clear()
    return got


def stored_as(text, *, one_line):
    """Return what a text becomes: NFC, line breaks as one line feed, a line without its ends."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if not one_line:
        return text
    while True:
        cut = text.strip().strip(EDGES)
        if cut == text:
            return text
        text = cut


def invisible(text):
    return not "".join(
        c
        for c in text
        if not c.isspace() and unicodedata.category(c) not in {"Cf", "Cc"} and c != "\u2800"
    )


def judge(got, text, field, found, *, one_line):
    """Check one answer: refused by name, or stored exactly."""
    assert got.status_code < 500, (text[:40], got.text)
    if got.status_code >= 400:
        assert got.status_code == 400, (text[:40], got.text)
        names = {e["field"] for e in got.json()["errors"]}
        assert names <= {field, "body"}, (text[:40], got.text)
        assert names
        assert got.json()["errors"][0]["detail"]
        return
    want = stored_as(text, one_line=one_line)
    assert found in {want, "" if invisible(want) else want}, (text[:40], found)


@pytest.mark.parametrize(
    "section, question, one_line",
    [
        ("basics", "title", True),
        ("basics", "title_en", True),
        ("basics", "summary", False),
        ("aims", "aims", False),
        ("methods", "methods", False),
        ("terms", "ip_terms", False),
        ("ethics", "ethics_note", False),
    ],
)
async def test_an_answer(team, section, question, one_line):
    proposal = await team.draft()
    rev = 0
    for text in TEXTS:
        path = f"/proposals/{proposal}/sections/{section}"
        got = await raw(
            team, "lead", "PUT", path, {"answers": {question: text}}, if_match=f'"{rev}"'
        )
        if got.status_code == 204:
            rev = int(got.headers["etag"].strip('"'))
        stored = select(Answer.value).where(
            Answer.proposal_id == proposal, Answer.question == question
        )
        found = await team.session.scalar(stored) or ""
        judge(got, text, f"answers.{question}", found, one_line=one_line)
    answers = (await team.get("lead", f"/proposals/{proposal}"))["answers"]
    assert answers.get(question, "") == found


@pytest.mark.parametrize(
    "field, one_line",
    [("task", False), ("special_terms", False), ("what", True), ("unit", True), ("terms", False)],
)
async def test_a_part(team, field, one_line):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    rev = part["rev"]
    for text in TEXTS:
        line = field in {"what", "unit", "terms"}
        body = {"contributions": [STAFF | {field: text}]} if line else {field: text}
        path = f"/participations/{part['id']}"
        got = await raw(team, "lead", "PATCH", path, body, if_match=f'"{rev}"')
        rev = got.json()["rev"] if got.status_code == 200 else rev
        table = Contribution if line else Taking
        stored = select(getattr(table, field)).where(
            (Contribution.participation_id if line else Taking.id) == part["id"]
        )
        found = await team.session.scalar(stored)
        name = f"contributions.0.{field}" if line else field
        judge(got, text, name, found, one_line=one_line)


async def test_a_duty(team):
    proposal = await team.complete(team.b)
    who = {"person_id": str(team.people["member"].id), "institution_id": str(team.b.id)}
    for number, text in enumerate(TEXTS):
        got = await raw(
            team, "lead", "POST", f"/proposals/{proposal}/members", who | {"duty": text},
            idempotency_key=f"m{number}",
        )  # fmt: skip
        made = None
        if got.status_code == 201:
            made = await team.session.get_one(Member, got.json()["id"])
            await team.session.delete(made)
            await team.session.flush()
        judge(got, text, "duty", made.duty if made else "", one_line=True)


async def test_whom_an_invitation_is_for(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    for number, text in enumerate(TEXTS):
        for field in ("name", "email"):
            got = await raw(
                team, "lead", "POST", f"/participations/{part['id']}/invitations", {field: text},
                idempotency_key=f"{field}{number}",
            )  # fmt: skip
            if field == "email":
                assert got.status_code == (201 if text == "" else 400), (text, got.text)
            made = None
            if got.status_code == 201:
                made = await team.session.get_one(Invitation, got.json()["id"])
                made.state = "revoked"
                await team.session.flush()
            if field == "name":
                judge(got, text, field, made.name if made else "", one_line=True)


@pytest.mark.parametrize(
    "act, field",
    [("accept", "name"), ("accept", "contact"), ("changes", "comment"), ("decline", "reason")],
)
async def test_what_an_invited_person_types(team, act, field):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    made = await team.make("lead", f"/participations/{part['id']}/invitations", {})
    token, invitation = made.json()["url"].partition("#")[2], made.json()["id"]
    for number, text in enumerate(TEXTS):
        body = {"name": "王工", field: text} if act == "accept" else {field: text}
        got = await raw(
            team, "nobody", "POST", f"/invitation/{act}", body, x_invitation=token,
            idempotency_key=f"k{number}",
        )  # fmt: skip
        detail = await team.get("lead", f"/proposals/{proposal}")
        row = next(r for r in detail["invitations"] if r["id"] == invitation)
        if field == "contact":
            assert got.status_code in {200, 400}, (text, got.text)
        else:
            found = (
                detail["team"][-1]["person"]["name"] if act == "accept" else row["comment"] or ""
            )
            judge(got, text, field, found, one_line=act == "accept")
        if row["state"] != "sent":
            made = await team.make("lead", f"/participations/{part['id']}/invitations", {})
            token, invitation = made.json()["url"].partition("#")[2], made.json()["id"]


async def test_what_an_officer_types(team):
    proposal = await team.complete(team.b)
    part = await team.part(proposal, team.b)
    path = f"/participations/{part['id']}"
    for text in TEXTS:
        body = {"comments": {"overall": text}}
        got = await raw(
            team, "officer_b", "POST", f"{path}/return", body, if_match=f'"{part["rev"]}"'
        )
        found = await team.part(proposal, team.b)
        if got.status_code == 200:
            judge(got, text, "comments.overall", found["comments"]["overall"], one_line=False)
            await reopen(team, part["id"])
        else:
            judge(got, text, "comments.overall", "", one_line=False)
        got = await raw(
            team,
            "officer_b",
            "POST",
            f"{path}/decline",
            {"reason": text},
            if_match=f'"{part["rev"]}"',
        )
        if got.status_code == 200:
            await reopen(team, part["id"])
        judge(got, text, "reason", text and stored_as(text, one_line=False), one_line=False)
        key = await raw(
            team,
            "officer_b",
            "POST",
            f"{path}/return",
            {"comments": {text: "x"}},
            if_match=f'"{part["rev"]}"',
        )
        assert key.status_code == 400, (text, key.text)
        sent = await raw(team, "officer_b", "POST", f"{path}/confirm", {"scope_hash": text})
        assert sent.status_code in {400, 409}, (text, sent.text)


async def reopen(team, part_id):
    """Put an answered part back to invited."""
    stored = await team.session.get_one(Taking, part_id, populate_existing=True)
    stored.state = "invited"
    await team.session.flush()


async def test_reasons_and_queries(team):
    proposal = await team.complete(team.b)
    rev = (await team.get("lead", f"/proposals/{proposal}"))["rev"]
    for text in TEXTS:
        sent = await raw(team, "lead", "POST", f"/proposals/{proposal}/submit", {"rev_hash": text})
        assert sent.status_code in {400, 409}, (text, sent.text)
        if invisible(text) and "\x1b" not in text:
            got = await raw(
                team,
                "lead",
                "POST",
                f"/proposals/{proposal}/withdraw",
                {"reason": text},
                if_match=f'"{rev}"',
            )
            assert got.status_code == 400, (text, got.text)
        if text.isprintable():
            for where in (
                "/proposals?q=",
                "/proposals?after=",
                "/queue?after=",
                "/proposals?shown=",
            ):
                who = "officer_b" if "queue" in where else "lead"
                found = await team.client.get(
                    f"/api{where.partition('?')[0]}",
                    params={where.partition("?")[2][:-1]: text[:200]},
                    headers=team.headers[who],
                )
                assert found.status_code in {200, 400}, (text, found.text)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe", b'{"answers": {"aims": "\xc0\x80"}}', '{"answers": {"aims": "目"}}'.encode("utf-16"),
        '{"answers": {"aims": "目标"}}'.encode("gb18030"), b"", b"null", b"[]", b"{}", b'"x"', b'{"answers": []}',
        b'{"answers": {"aims": 1}} trailing', b"[" * 50_000, b'{"answers":' * 50_000, b'{"answers": {"aims": {"a": 1}}}',
        b'{"answers": {"aims": true}}', b'{"answers": {}, "x": 1}', b'{"answers": {"aims": "a"}, "answers": 1}',
        b'{"answers": {"\\ud800": 1}}', b'{"answers": {"\\u0000": 1}}',
        b'{"answers": {' + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}}",
    ],
)  # fmt: skip
async def test_a_body_that_is_none(team, body):
    proposal = await team.draft()
    headers = team.headers["lead"] | {"if-match": '"0"', "content-type": "application/json"}
    path = f"/api/proposals/{proposal}/sections/aims"
    got = await team.client.put(path, content=body, headers=headers)
    assert got.status_code in {400, 413}, got.text
    assert got.json()["code"]
    assert (await team.get("lead", f"/proposals/{proposal}"))["answers"] == {}


@pytest.mark.parametrize(
    "months",
    [-0.0, 1e308, 2**53 + 1, 2**63, 10**40, "１２", "1,000", "一百万", [], {}, True, 5, 37],
)
async def test_a_number_that_is_none(team, months):
    proposal = await team.draft()
    got = await raw(
        team,
        "lead",
        "PUT",
        f"/proposals/{proposal}/sections/basics",
        {"answers": {"months": months}},
        if_match='"0"',
    )
    if months == []:
        assert got.status_code == 204
        return
    assert got.status_code == 400
    assert got.json()["errors"][0]["field"] == "answers.months"


@pytest.mark.parametrize(
    "starts",
    ["0000-01", "10000-01", "2027-13", "2027-1", "2027-02-29", "二〇二七-03", "2027-03\n", 202703],
)
async def test_a_month_that_is_none(team, starts):
    proposal = await team.draft()
    got = await raw(
        team,
        "lead",
        "PUT",
        f"/proposals/{proposal}/sections/basics",
        {"answers": {"starts": starts}},
        if_match='"0"',
    )
    assert (got.status_code, got.json()["errors"][0]["field"]) == (400, "answers.starts")


@pytest.mark.parametrize("thing", ["x", "0", "{id}x", "%2e%2e", "{ID}", "{{id}}"])
async def test_an_id_that_is_none(team, thing):
    proposal = await team.complete(team.b)
    path = thing.replace("{{id}}", f"{{{proposal}}}").replace("{id}", proposal)
    got = await team.client.get(f"/api/proposals/{path}", headers=team.headers["stranger"])
    assert got.status_code in {400, 404}
