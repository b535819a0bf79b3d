"""The demo is told by the real commands, shows what it claims, and is refused where people are."""

import itertools
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import NullPool, func, select, text
from sqlalchemy.ext.asyncio import async_sessionmaker

from conftest import cloned
from lianyan.app import create_app
from lianyan.core.db import ReadPool, engine_of
from lianyan.core.events import Event
from lianyan.core.secrets import decrypt
from lianyan.demo import claims, login, seed
from lianyan.demo.people import institutions, logins
from lianyan.demo.stage import Step
from lianyan.demo.world import read_world
from lianyan.identity.models import Identity, Person, Provider
from lianyan.notifications import followers
from lianyan.proposals.access import differences
from lianyan.proposals.models import Proposal
from lianyan.settings import Settings
from makers import ORIGIN, make_session

pytestmark = pytest.mark.xdist_group("demo")

WORLD = read_world()
WAITING = {
    1: "active",
    6: "panel_review",
    7: "approved",
    8: "active",
    10: "revision_requested",
    11: "conditional",
    13: "closed",
    14: "public_notice",
    18: "active",
    19: "closed",
    21: "rectification",
    22: "approved",
    24: "active",
    26: "closed_failed",
    28: "suspended",
    29: "response",
}
"""Proposals whose story goes on in stages that do not exist yet, and what they will show there."""


class Seeded(NamedTuple):
    """A database with the demo in it, and the portal on it."""

    settings: Settings
    sessions: Any
    client: AsyncClient
    seconds: float

    async def headers(self, key: str) -> dict[str, str]:
        """Return the headers of a browser in which this person of the story is logged in."""
        async with self.sessions.begin() as session:
            name = WORLD.person(key).name
            person = (await session.scalars(select(Person.id).where(Person.name == name))).one()
            token = await make_session(session, person)
        return {"cookie": f"lianyan_session={token}", "x-lianyan": "1", "origin": ORIGIN}

    async def get(self, key: str, path: str) -> Any:
        """Return what this person gets there."""
        got = await self.client.get(path, headers=await self.headers(key))
        assert got.status_code == 200, got.text
        return got.json()

    async def id_of(self, number: int) -> UUID:
        """Return a proposal's id."""
        async with self.sessions() as session:
            like = Proposal.number.like(f"%-{number:04d}")
            found: UUID = (await session.scalars(select(Proposal.id).where(like))).one()
            return found


@asynccontextmanager
async def an_empty_one(server, template, folder):
    async with cloned(server, template) as name:
        yield Settings.from_env(
            {},
            database_url=server.of("app", name),
            owner_database_url=server.of("owner", name),
            data_dir=folder,
            public_url=ORIGIN,
            demo=True,
        )


@pytest.fixture(scope="module")
async def seeded(server, template, tmp_path_factory):
    async with an_empty_one(server, template, tmp_path_factory.mktemp("demo")) as settings:
        began = time.process_time()
        await seed.seed(settings)
        seconds = time.process_time() - began
        url = settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
        engine, pool = engine_of(url, poolclass=NullPool), ReadPool(settings)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        app: Any = create_app(settings, sessions, pool.acquire)
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield Seeded(settings, sessions, client, seconds)
        await pool.close()
        await engine.dispose()


async def test_every_proposal_is_in_the_state_its_story_tells(seeded):
    async with seeded.sessions() as session:
        rows = (
            await session.execute(select(Proposal.number, Proposal.title, Proposal.state))
        ).all()
    found = {row.title: (row.number, row.state) for row in rows}
    assert len(rows) == len(WORLD.proposals) >= 16
    for told in WORLD.proposals:
        number, state = found[told.answers["title"]]
        assert state == told.state
        assert (number is None) == (told.submitted_day is None)
        assert number is None or number.endswith(f"-{told.id:04d}")
    counted = Counter(state for _, state in found.values())
    assert set(counted) == {
        "draft",
        "consent_pending",
        "submitted",
        "formal_check",
        "returned",
        "not_accepted",
        "peer_review",
        "decision_pending",
        "approved",
        "rejected",
        "withdrawn",
    }
    assert counted["approved"] == 11


def test_the_others_wait_for_moves_that_come_later():
    assert seed.waiting() == WAITING


async def test_seeding_is_quick(seeded):
    assert seeded.seconds < 20  # of this process; 5 on a machine that does nothing else


async def test_nothing_but_a_deadline_lies_ahead(seeded):
    ahead = {
        ("access", "due"),
        ("access", "submitted_at"),  # `infinity` for a draft
        ("assignments", "due_at"),
        ("calls", "closes_at"),
        ("calls", "consents_until"),
        ("calls", "decides_at"),
        ("calls", "reviews_until"),
        ("extensions", "before"),
        ("extensions", "until"),
        ("proposals", "consent_until"),
        ("proposals", "returned_until"),
        ("turns", "due"),
        ("turns", "open_until"),
    }
    columns = text(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and data_type = 'timestamp with time zone'"
    )
    async with seeded.sessions() as session:
        for table, column in (await session.execute(columns)).all():
            late = text(
                f"select count(*) from {table} where {column} > now() + interval '1 second'"
            )
            if (table, column) not in ahead and table not in {"sessions", "periods"}:
                assert await session.scalar(late) == 0, (table, column)
        schemas = text("select count(*) from pg_namespace where nspname = 'demo_clock'")
        assert await session.scalar(schemas) == 0


async def test_the_past_is_in_order(seeded):
    async with seeded.sessions() as session:
        times = (await session.scalars(select(Event.at).order_by(Event.id))).all()
        assert all(a <= b for a, b in itertools.pairwise(times))
        assert times[0] < datetime.now(UTC) - timedelta(days=590)
        assert await differences(session) == []


async def test_the_home_page_shows_an_open_call_and_the_register(seeded):
    home = (await seeded.client.get("/api/home")).json()
    (card,) = home["open_calls"]
    closes = datetime.fromisoformat(card["closes_at"])
    assert timedelta(days=4) < closes - datetime.now(UTC) < timedelta(days=6)
    assert [s["key"] for s in card["steps"] if s["current"]] == ["closes"]
    assert home["register"]["total"] == 11
    assert [k["n"] for k in home["members"]["by_kind"]] == [10, 4, 1, 1]
    assert home["platform"]["lead"]["short"]["en"] == "NUIST"


async def test_the_handling_of_25_is_hidden_from_its_institutions(seeded):
    hidden = await seeded.id_of(25)
    other = await seeded.id_of(15)
    coordinator, stand_in = await seeded.headers("ji"), await seeded.headers("ren")
    path = f"/api/proposals/{hidden}/assignments"
    assert (await seeded.client.get(path, headers=coordinator)).status_code == 403
    got = await seeded.client.get(path, headers=stand_in)
    assert got.status_code == 200
    assert len(got.json()["items"]) == 3
    own = await seeded.client.get(f"/api/proposals/{other}/assignments", headers=coordinator)
    assert own.status_code == 200
    rows = (await seeded.get("ji", "/api/desk"))["items"]
    assert {r["number"][-4:] for r in rows if r["progress_only"]} >= {"0025", "0002"}
    reviewer = await seeded.headers("expert-09")
    for url in (path, f"/api/proposals/{hidden}", f"/api/desk/{hidden}"):
        assert (await seeded.client.get(url, headers=reviewer)).status_code in {403, 404}


@pytest.mark.parametrize(
    "officer, number, state",
    [
        ("officer-xushi", 6, "expired"),
        ("ding", 12, "void"),
        ("officer-demohosp", 11, "void"),
        ("officer-tongji", 3, "viewed"),
        ("ji-rare", 31, "invited"),
    ],
)
async def test_officers_find_what_waits_for_them(seeded, officer, number, state):
    items = (await seeded.get(officer, "/api/queue"))["items"]
    found = {i["proposal"]["number"][-4:]: i for i in items if i["proposal"]["number"]}
    assert found[f"{number:04d}"]["state"] == state


async def test_a_partner_has_sent_back_and_the_lead_sees_what_for(seeded):
    proposal = await seeded.get("chou", f"/api/proposals/{await seeded.id_of(10)}")
    returned = [p for p in proposal["participations"] if p["state"] == "returned"]
    assert [set(p["comments"]) for p in returned] == [{"methods", "contributions"}]


async def test_the_lead_of_12_finds_what_to_correct(seeded):
    proposal = await seeded.get("yi", f"/api/proposals/{await seeded.id_of(12)}")
    assert proposal["shown"] == "returned"
    assert {n["section"] for n in proposal["check_notes"]} == {"methods", "ethics"}
    void = [p for p in proposal["participations"] if p["state"] == "void"]
    assert [p["institution"]["short"]["en"] for p in void] == ["CUC"]
    due = datetime.fromisoformat(proposal["deadline"]["at"])
    assert timedelta(days=6) < due - datetime.now(UTC) < timedelta(days=8)


async def test_the_reviewer_has_begun_and_the_approver_has_to_sign(seeded):
    assert len((await seeded.get("expert-07", "/api/reviews"))["items"]) == 3
    (item,) = (await seeded.get("gui", "/api/decide"))["items"]
    assert item["proposal"]["number"].endswith("-0027")


async def test_the_next_number_comes_after_them_all(seeded):
    async with seeded.sessions() as session:
        numbers = text("""
          select count(*) from call_numbers n
          where n.last <> (select max(right(p.number, 4)::int) from proposals p where p.call_id = n.call_id)
        """)
        assert await session.scalar(numbers) == 0


async def test_each_login_opens_one_account(seeded):
    async with seeded.sessions() as session:
        providers = {p.id: p for p in await session.scalars(select(Provider))}
        assert {p.slug for p in providers.values()} == {i.slug for i in WORLD.institutions}
        for provider in providers.values():
            assert provider.issuer == login.issuer(8790, provider.slug)
            key = seeded.settings.secret_key
            secret = decrypt(key, provider.secret, "providers", provider.id, "secret")
            assert secret == login.client_secret(seeded.settings, provider.slug)
        identities = (await session.scalars(select(Identity))).all()
        people = await session.scalar(select(func.count()).select_from(Person))
    found = {(providers[i.provider_id].slug, i.subject) for i in identities}
    shown = {(i.slug, p.sub) for i in institutions() for p in i.people}
    assert found == shown
    assert people == len(WORLD.people)


def test_the_table_of_logins_names_who_can_do_what():
    rows = logins()
    assert all(len(row) == 3 and all(row) for row in rows)
    assert "示例用户己" in {row[0] for row in rows}


async def test_the_demo_is_not_written_twice(seeded):
    with pytest.raises(seed.SeedError, match="already"):
        await seed.seed(seeded.settings)


async def test_a_real_person_keeps_the_demo_out(server, template, tmp_path):
    async with an_empty_one(server, template, tmp_path) as settings:
        connection = await asyncpg.connect(settings.owner_database_url)
        await connection.execute("insert into people (name, sort_key) values ('张三', 'x')")
        with pytest.raises(seed.SeedError, match="real people"):
            await seed.seed(settings)
        assert await connection.fetchval("select count(*) from institutions") == 0
        await connection.close()


async def test_without_the_owner_it_says_what_it_needs(server, template, tmp_path):
    async with an_empty_one(server, template, tmp_path) as found:
        settings = Settings.from_env(
            {}, database_url=found.database_url, data_dir=tmp_path, public_url=ORIGIN, demo=True
        )
        with pytest.raises(seed.SeedError, match="LIANYAN_OWNER_DATABASE_URL"):
            await seed.seed(settings)


class Nothing:
    def steps(self) -> list[Step]:
        return []


async def test_a_story_that_does_not_come_true_leaves_nothing(
    server, template, tmp_path, monkeypatch
):
    async def untrue(*_: object) -> None:
        raise claims.Untrue

    monkeypatch.setattr(seed, "openings", lambda _: [])
    monkeypatch.setattr(seed, "releasing", lambda _: [Step(datetime.now(UTC), untrue)])
    monkeypatch.setattr(seed, "Writing", lambda *_: Nothing())
    monkeypatch.setattr(seed, "Handling", lambda *_: Nothing())
    async with an_empty_one(server, template, tmp_path) as settings:
        with pytest.raises(claims.Untrue):
            await seed.seed(settings)
        connection = await asyncpg.connect(settings.owner_database_url)
        assert await connection.fetchval("select count(*) from people") == 0
        await connection.close()


def test_events_tell_people():
    assert seed.TELLS_PEOPLE is followers
