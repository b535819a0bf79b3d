"""Several write one section: nobody overwrites another unseen, and what is equal is no conflict."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest

from makers import make_call, make_institution, make_person
from proposals.team_world import SECTIONS
from race.conftest import CLIENTS, new_key
from race.long import rounds

pytestmark = pytest.mark.xdist_group("race")

TURNS = 3
"""So many words each of eight writers adds to one text."""


@pytest.fixture(scope="module")
async def seats(ring):
    """Give the tabs of eight people of one team, and a maker of drafts of theirs."""
    async with ring.sessions.begin() as session:
        home, call = await make_institution(session), await make_call(session)
        people = [await make_person(session, f"组员{n}", institution=home) for n in range(CLIENTS)]
        tabs = await ring.seats(session, people)
        mates = [str(person.id) for person in people[1:]]
    body = {"call_id": str(call.id), "institution_id": str(home.id), "again": True}

    async def draft(*, team: bool = True) -> str:
        made = await tabs[0].send("POST", "/proposals", body, key=new_key())
        at = f"/proposals/{made.json()['id']}"
        for mate in mates if team else []:
            member = {"person_id": mate, "institution_id": str(home.id)}
            got = await tabs[0].send("POST", f"{at}/members", member, key=new_key())
            assert got.status_code == 201, got.text
        return at

    return tabs, draft


async def read(tab, at: str) -> tuple[int, str]:
    """Return a section's revision and text as they are stored."""
    found = await tab.get(at)
    rev = next(section["rev"] for section in found["sections"] if section["id"] == "aims")
    return rev, found["answers"].get("aims") or ""


async def saved(ring, at: str) -> list[int]:
    """Return the revisions that were accepted, in their order."""
    id_ = at.rpartition("/")[2]
    rows = await ring.rig.ask(
        "select (data ->> 'rev')::int from events "
        f"where kind = 'section.saved' and subject_id = '{id_}' order by id"
    )
    return [int(row[0]) for row in rows]


async def test_eight_writers_of_one_section_make_one_chain(ring, seats):
    """Each adds its words to what it has read, and begins again where it is refused."""
    tabs, draft = seats
    for _ in rounds("eight writers of one section, each adding to it", 1, 100):
        at = await draft()

        async def write(n: int, at: str = at) -> list[tuple[int, str]]:
            accepted = []
            rev, text = await read(tabs[n], at)
            for turn in range(TURNS):
                word = f"{n}之{turn}。"
                while True:
                    path, sent = f"{at}/sections/aims", {"answers": {"aims": text + word}}
                    got = await tabs[n].send("PUT", path, sent, rev=rev)
                    if got.status_code == 412:
                        told = got.json()["params"]
                        rev, text = told["rev"], told["stored"].get("aims", "")
                        continue
                    assert got.status_code == 204, got.text
                    rev, text = rev + 1, text + word
                    assert got.headers["etag"] == f'"{rev}"'
                    accepted.append((rev, text))
                    break
            return accepted

        chains = await asyncio.gather(*(write(n) for n in range(CLIENTS)))
        chain = sorted(link for found in chains for link in found)
        number = CLIENTS * TURNS
        assert [rev for rev, _ in chain] == list(range(1, number + 1))
        assert all(after.startswith(before) for (_, before), (_, after) in pairwise(chain))
        assert await read(tabs[0], at) == chain[-1]
        words = Counter(chain[-1][1].rstrip("。").split("。"))
        assert words == Counter(f"{n}之{t}" for n in range(CLIENTS) for t in range(TURNS))
        assert await saved(ring, at) == list(range(1, number + 1))


async def test_of_eight_texts_one_is_stored_and_seven_are_shown_it(ring, seats):
    tabs, draft = seats
    at = await draft()
    for rev in rounds("eight texts for one revision", 3):
        texts = [f"第 {rev} 次，{n}。" for n in range(CLIENTS)]
        path = f"{at}/sections/aims"
        got = await asyncio.gather(
            *(
                tab.send("PUT", path, {"answers": {"aims": text}}, rev=rev)
                for tab, text in zip(tabs, texts, strict=True)
            )
        )
        assert Counter(g.status_code for g in got) == {204: 1, 412: CLIENTS - 1}
        won = next(n for n, g in enumerate(got) if g.status_code == 204)
        told = [g.json()["params"] for g in got if g.status_code == 412]
        assert {(t["rev"], t["stored"]["aims"]) for t in told} == {(rev + 1, texts[won])}
        assert {t["saved_by"] for t in told} == {f"组员{won}"}
        assert await read(tabs[0], at) == (rev + 1, texts[won])


async def test_what_is_stored_already_is_no_conflict_however_stale(ring, seats):
    tabs, draft = seats
    at = await draft()
    for n in rounds("a stale save of what is stored already", 2):
        path, body = f"{at}/sections/aims", {"answers": {"aims": f"同一段，第 {n} 次。"}}
        got = await asyncio.gather(*(tab.send("PUT", path, body, rev=n) for tab in tabs))
        late = await tabs[1].send("PUT", path, body, rev=0)
        assert {(g.status_code, g.headers["etag"]) for g in [*got, late]} == {(204, f'"{n + 1}"')}
        assert await saved(ring, at) == list(range(1, n + 2))


async def test_writers_of_different_sections_do_not_meet(ring, seats):
    tabs, draft = seats
    at = await draft()
    names = ["aims", "methods", "terms"]
    for rev in rounds("eight saves of three sections at once", 2):
        texts = {
            name: {question: f"{text}{rev}" for question, text in SECTIONS[name].items()}
            for name in names
        }
        got = await asyncio.gather(
            *(
                tabs[n].send("PUT", f"{at}/sections/{name}", {"answers": texts[name]}, rev=rev)
                for n in range(CLIENTS)
                for name in [names[n % len(names)]]
            )
        )
        assert {(g.status_code, g.headers["etag"]) for g in got} == {(204, f'"{rev + 1}"')}
        accepted = [known for known in range(1, rev + 2) for _ in names]
        assert await saved(ring, at) == accepted
