"""Every list, count and search shows exactly what may be read: by brute force, for everybody."""

import os
import random
from collections import Counter
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from figures import figure
from lianyan.proposals.states import SHOWN, State
from matrix import rules
from matrix.crowd import PROPOSALS, Crowd
from tally import added, run_folder, seed

LONG = os.environ.get("LIANYAN_LONG") == "1"
SEED = seed("LIANYAN_LISTS_SEED")
WORLDS = 20 if LONG else 1
FINAL = {"not_accepted", "approved", "rejected", "withdrawn"}
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Look:
    """One person in front of the lists; what is wrong with them is collected."""

    def __init__(self, crowd: Crowd, who: Any, client: Any) -> None:
        self.crowd, self.who, self.client = crowd, who, client
        self.person = crowd.person(who)
        self.all = crowd.rows["proposals"]
        self.may = {p["id"]: crowd.acts(who, p) for p in self.all}
        self.wrong: list[str] = []
        self.compared = 0

    async def get(self, path: str, **params: Any) -> Any:
        return await self.client.get(
            f"/api{path}", params=params, headers=self.crowd.headers[self.who.id]
        )

    async def pages(self, path: str, limit: int = 7, **params: Any) -> list[Any]:
        """Return the rows of all pages; a row twice is wrong."""
        found: list[Any] = []
        after: dict[str, str] = {}
        while True:
            got = await self.get(path, limit=limit, **params, **after)
            assert got.status_code == 200, got.text
            page = got.json()
            assert len(page["items"]) <= limit
            found += page["items"]
            if not page.get("next"):
                return found
            after = {"after": page["next"]}

    def same(self, what: str, found: list[Any], expected: Any) -> None:
        """Compare a list with what it must hold, each once."""
        self.compared += 1
        if len(found) != len(set(found)):
            self.wrong.append(f"{self.called()} {what}: {len(found) - len(set(found))} twice")
        if set(found) != set(expected):
            more, less = set(found) - set(expected), set(expected) - set(found)
            self.wrong.append(f"{self.called()} {what}: too many {more}, missing {less}")

    def called(self) -> str:
        return f"{self.who.name} {sorted(self.person.roles)} ({self.who.id})"

    def those(self, action: str, *states: str) -> list[Any]:
        return [
            p
            for p in self.all
            if action in self.may[p["id"]] and (not states or p["state"] in states)
        ]


def ids(rows: list[Any]) -> list[str]:
    return [str(row["id"]) for row in rows]


async def mine(look: Look) -> None:
    """The own list: what the person, or an institution of theirs, takes part in."""
    crowd, who = look.crowd, look.who
    own, office = [], []
    for p in look.all:
        bond = crowd.bond(who, p)
        if look.person.by_link and not bond.linked:
            continue
        own += [p] * (bond.lead or bond.member)
        office += [p] * bond.partner
    either = {p["id"]: p for p in own + office}
    look.same("mine", ids(await look.pages("/proposals")), ids(list(either.values())))
    look.same("mine, mine", ids(await look.pages("/proposals", role="mine")), ids(own))
    look.same("mine, office", ids(await look.pages("/proposals", role="institution")), ids(office))
    for shown in sorted(set(SHOWN.values())):
        expected = [p for p in either.values() if SHOWN[State(p["state"])] == shown]
        look.same(f"mine {shown}", ids(await look.pages("/proposals", shown=shown)), ids(expected))
    # Whatever is searched, it is found among the own only.
    found = await look.pages("/proposals", q="号", limit=50)
    look.same("mine, searched", ids(found), ids(list(either.values())))
    other = next((p for p in look.all if p["id"] not in either), None)
    if other is not None:
        look.same("mine, another's", ids(await look.pages("/proposals", q=other["title"])), [])
    for row in found:
        assert row["shown"] == SHOWN[State(either_of(look, row)["state"])]


def either_of(look: Look, row: Any) -> Any:
    return next(p for p in look.all if str(p["id"]) == row["id"])


async def desk(look: Look) -> None:
    """The desk: every submitted proposal without a personal conflict, and what the filters leave."""
    if "desk.list" not in rules.acts(look.person):
        assert (await look.get("/desk")).status_code == 403
        return
    seen = look.those("desk.read")
    full = {p["id"] for p in look.those("assignment.read")}

    def state(p: Any) -> str:
        return p["state"] if p["id"] in full else SHOWN[State(p["state"])]

    rows = await look.pages("/desk")
    look.same("desk", ids(rows), ids([p for p in seen if p["state"] not in FINAL]))
    found = await look.pages("/desk", q="号")
    look.same("desk, searched", ids(found), ids(seen))
    for row in found:
        p = either_of(look, row)
        assert row["state"] == state(p)
        assert row["progress_only"] == (p["id"] not in full)
    for asked in sorted({s.value for s in State} | set(SHOWN.values())):
        expected = [p for p in seen if state(p) == asked]
        look.same(f"desk {asked}", ids(await look.pages("/desk", state=asked)), ids(expected))
    page = (await look.get("/desk/overview")).json()
    counts = page["counts"]
    turn = [row for row in rows if row["whose"]["you"]]
    assert (counts["mine"], counts["others"]) == (len(turn), len(rows) - len(turn))
    assert counts["soon"] == len([r for r in rows if r["days_left"] is not None and r["days_left"] <= 3])  # fmt: skip
    assert page["drafts"] == len(
        [p for p in look.all if p["state"] == "draft" and p["submitted_at"] is None]
    )
    look.same("desk, my turn", ids(await look.pages("/desk", whose="me")), ids(turn))
    for code, n in counts["missing"].items():
        lacking = [row for row in rows if code in {m["code"] for m in row["missing"]}]
        assert len(lacking) == n
        look.same(f"desk {code}", ids(await look.pages("/desk", missing=code)), ids(lacking))
    for sector in ("S1", "E1"):
        expected = [p for p in seen if sector in p["sectors"] and p["state"] not in FINAL]
        look.same(f"desk {sector}", ids(await look.pages("/desk", sector=sector)), ids(expected))
    for call in look.crowd.calls:
        expected = [p for p in seen if p["call_id"] == call.id and p["state"] not in FINAL]
        look.same("desk, a call", ids(await look.pages("/desk", call=str(call.id))), ids(expected))
    elsewhere = next((p for p in look.all if p not in seen), None)
    if elsewhere is not None:
        look.same("desk, another", ids(await look.pages("/desk", q=elsewhere["title"])), [])


async def office(look: Look) -> None:
    """The officer's queue and ledger."""
    if "queue.read" not in rules.acts(look.person):
        assert (await look.get("/queue")).status_code == 403
        assert (await look.get("/ledger")).status_code == 403
        assert (await look.get("/ledger.xlsx")).status_code == 403
        return
    offices, tables = look.crowd.offices(look.who), look.crowd.rows
    parts = [t for t in tables["participations"] if t["institution_id"] in offices and t["state"] != "removed"]  # fmt: skip
    state = {p["id"]: p["state"] for p in look.all}
    promised = {c["participation_id"] for c in tables["contributions"]}
    waits = [
        t for t in parts
        if t["state"] in {"invited", "viewed", "void"}
        and (state[t["proposal_id"]] in {"consent_pending", "returned"}
             or (state[t["proposal_id"]] == "draft" and t["id"] in promised))
    ]  # fmt: skip
    queue = [row["participation_id"] for row in await look.pages("/queue", limit=2)]
    look.same("queue", queue, [str(t["id"]) for t in waits])
    ledger = (await look.get("/ledger")).json()["items"]
    look.same("ledger", [row["participation_id"] for row in ledger], [str(t["id"]) for t in parts])
    for row in ledger:
        p = next(p for p in look.all if str(p["id"]) == row["proposal_id"])
        assert row["shown"] == SHOWN[State(p["state"])]
    book = (await look.get("/ledger.xlsx")).content
    titles = [row["title"] for row in ledger]
    assert sorted(_titles(book)) == sorted(titles)
    for home in look.crowd.homes:
        rows = (await look.get("/ledger", institution=str(home.id))).json()["items"]
        expected = [str(t["id"]) for t in parts if t["institution_id"] == home.id]
        look.same("ledger of one", [row["participation_id"] for row in rows], expected)


def _titles(book: bytes) -> list[str]:
    with ZipFile(BytesIO(book)) as archive:
        strings = [
            "".join(t.text or "" for t in item.iter(f"{SHEET}t"))
            for item in ET.fromstring(archive.read("xl/sharedStrings.xml"))  # noqa: S314  our own file
        ]
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314  our own file
    cells = [
        c for c in sheet.iter(f"{SHEET}c") if c.get("t") == "s" and c.get("r", "").startswith("B")
    ]
    return [strings[int(c.findtext(f"{SHEET}v") or 0)] for c in cells][1:]


async def handling(look: Look) -> None:
    """Own reviews, decisions to sign, what is to be released."""
    tables = look.crowd.rows
    done = {r["assignment_id"] for r in tables["reviews"] if r["submitted_at"]}
    state = {p["id"]: p["state"] for p in look.all}
    mine = [
        a for a in tables["assignments"]
        if a["reviewer_id"] == look.who.id and a["state"] in {"asked", "accepted"} and not a["suspended_at"]
        and "assignment.answer" in look.may[a["proposal_id"]]
        and (state[a["proposal_id"]] == "peer_review" or a["id"] in done)
    ]  # fmt: skip
    reviews = (await look.get("/reviews")).json()["items"]
    look.same("reviews", [r["assignment_id"] for r in reviews], [str(a["id"]) for a in mine])
    if "decision.list" in rules.acts(look.person):
        drafted = {d["proposal_id"] for d in tables["decisions"] if d["state"] == "drafted"}
        to_sign = [p for p in look.those("decision.sign", "decision_pending") if p["id"] in drafted]
        rows = [row["proposal"] for row in await look.pages("/decide", limit=1)]
        look.same("decide", ids(rows), ids(to_sign))
    else:
        assert (await look.get("/decide")).status_code == 403
    if "release.read" not in rules.acts(look.person):
        assert (await look.get("/release")).status_code == 403
        return
    page = (await look.get("/release")).json()
    decided = [row["proposal"] for row in [*page["ready"], *page["left_out"]]]
    look.same("release", ids(decided), ids(look.those("decision.draft", "decision_pending")))
    employed = [
        p for p in look.those("desk.read", "peer_review", "decision_pending")
        if "decision.draft" not in look.may[p["id"]]
    ]  # fmt: skip
    look.same("release, not yours", ids([r["proposal"] for r in page["not_yours"]]), ids(employed))
    signed = {d["proposal_id"] for d in tables["decisions"] if d["state"] == "signed"}
    assert page["effects"]["states"] == len(
        [p for p in look.those("decision.draft", "decision_pending") if p["id"] in signed]
    )


async def tasks(look: Look) -> None:
    """The task page names no proposal that its reader may not know, and counts what it shows."""
    got = (await look.get("/tasks")).json()
    named = {t["proposal"]["id"] for t in got["tasks"] if t["proposal"]}
    named |= {w["proposal"]["id"] for w in got["waiting"]}
    known = {str(p["id"]) for p in look.all if look.may[p["id"]]}
    look.same("tasks, known", sorted(named & known), named)
    assert got["sentence"]["total"] == len(got["tasks"])
    assert len(got["waiting"]) <= got["waiting_count"] <= len(known)


async def everybody(look: Look) -> None:
    """What is public is the same for all: projects, institutions, home; people are the confirmed ones."""
    tables = look.crowd.rows
    projects = [str(j["id"]) for j in tables["projects"]]
    look.same("projects", ids(await look.pages("/projects", limit=2)), projects)
    page = (await look.get("/projects")).json()
    assert (page["total"], page["capped"]) == (len(projects), False)
    one = tables["projects"][0]
    found = await look.pages("/projects", q=one["title"])
    expected = [str(j["id"]) for j in tables["projects"] if one["title"] in j["title"]]
    look.same("projects, searched", ids(found), expected)
    homes = [str(i["id"]) for i in tables["institutions"]]
    look.same("institutions", ids(await look.pages("/institutions", limit=4)), homes)
    assert (await look.get("/institutions")).json()["total"] == len(homes)
    home = (await look.get("/home")).json()
    look.same("home", [r["id"] for r in home["register"]["items"]], projects[-99:])
    assert home["register"]["total"] == len(projects)
    people = await look.get("/people", q="管理员")
    if "person.find" not in rules.acts(look.person):
        assert people.status_code == 403
        return
    confirmed = {a["person_id"] for a in tables["affiliations"] if a["status"] == "confirmed"}
    expected = [str(q["id"]) for q in tables["people"]
                if "管理员" in q["name"] and q["status"] == "active" and q["id"] in confirmed]  # fmt: skip
    look.same("people", ids(people.json()["items"]), expected)


async def details(look: Look) -> None:
    """What the detail page answers is what the plain rules say; and a list never holds more."""
    for p in look.crowd.draw.sample(look.all, 6):
        allowed = "proposal.read" in look.may[p["id"]]
        answer = await look.get(f"/proposals/{p['id']}")
        known = 403 if look.may[p["id"]] else 404
        look.compared += 1
        if answer.status_code != (200 if allowed else known):
            look.wrong.append(f"{look.called()} reads {p['title']}: {answer.status_code}")


@pytest.mark.parametrize("number", range(WORLDS))
async def test_every_list_is_what_its_reader_may_read(
    client, session, connection, *, number, tmp_path_factory
):
    crowd = Crowd(random.Random(f"{SEED}:{number}"))
    await crowd.prepare(session)
    driver = (await connection.get_raw_connection()).driver_connection
    await crowd.look(driver)
    wrong: list[str] = []
    compared = 0
    for who in crowd.people:
        look = Look(crowd, who, client)
        for part in (mine, desk, office, handling, tasks, everybody, details):
            await part(look)
        wrong += look.wrong
        compared += look.compared
    counts = Counter({"compared": compared, "wrong": len(wrong), "worlds": 1})
    with added(run_folder(tmp_path_factory), "lists", counts) as total:
        figure(
            "lists, counts and searches equal to what may be read, wrong",
            "0 wrong",
            f"{total['compared']:,} lists of {total['worlds']} worlds of {PROPOSALS} proposals, {total['wrong']} wrong",
            held=not total["wrong"] and total["worlds"] == WORLDS,
            note=f"{len(crowd.people)} people each; seed {SEED}",
        )
    assert not wrong, f"seed {SEED}, {len(wrong)} of {compared}:\n" + "\n".join(wrong[:20])
