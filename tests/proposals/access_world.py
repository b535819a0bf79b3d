"""A small consortium with its people logged in, and the way their requests are sent."""

import random
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient

from lianyan.core.db import Sessions
from lianyan.institutions.models import Domain
from lianyan.projects.commands import register
from makers import key, login, make_call, make_institution, make_person, make_proposal, now

MAILS = [
    "a@corp.example", "b@corp.example", "a@lab.example", "b@mail.lab.example", "a@163.com", None,
]  # fmt: skip


class Consortium:
    """The people with their browsers, their institutions and six proposals."""

    def __init__(self, client: AsyncClient, sessions: Sessions, driver: Any) -> None:
        self.client, self.sessions, self.driver = client, sessions, driver
        self.headers: dict[UUID, dict[str, str]] = {}
        self.draw = random.Random()
        self.links: list[str] = []
        self.done: list[str] = []

    async def prepare(self, session: Any) -> None:
        """Make seven institutions, two of which only lend staff, their people and six proposals in as many states."""
        a, b, c, d, e, f, g = [await make_institution(session) for _ in range(7)]
        c.parent_id = a.id
        session.add(Domain(domain="other.example", institution_id=e.id))
        homes = [a, b, c, d, e]
        people = [
            await make_person(session, f"人{n}", institution=homes[n % 5], email=MAILS[n % 6])
            for n in range(8)
        ]
        staff = [
            await make_person(session, f"员{n}", institution=home, roles=[role], email=MAILS[5 - n])
            for n, (home, role) in enumerate(
                [(f, "coordinator"), (g, "stand_in"), (g, "approver"), (f, "reviewer"),
                 (g, "reviewer"), (c, "reviewer")]
            )
        ]  # fmt: skip
        self.officers = {h.id: await make_person(session, "管理员", officer_of=h) for h in homes}
        admin = await make_person(session, "系统", institution=e, roles=["administrator"])
        for person in [*people, *staff, *self.officers.values(), admin]:
            self.headers[person.id] = await login(session, person)
        self.admin, self.desk = admin.id, [staff[0].id, staff[1].id]
        self.people, self.homes = list(self.headers), [h.id for h in homes]
        self.call = await make_call(session)
        states = (
            "draft",
            "consent_pending",
            "formal_check",
            "peer_review",
            "decision_pending",
            "approved",
        )
        for n, state in enumerate(states):
            sent = {} if n == 0 else {"number": f"S-{n}", "submitted_at": now()}
            made = await make_proposal(
                session, people[n], self.call, [homes[n % 5], homes[(n + 1) % 5]], state=state,
                team=[(people[n], homes[n % 5]), (people[(n + 2) % 8], homes[(n + 1) % 5])], **sent,
            )  # fmt: skip
            if state == "approved":
                await register(session, made, 12, None)
        await session.flush()

    # ---- looking for somebody and something ----

    async def some(self, sql: str, *values: Any) -> Any:
        """Return one row of a query, whichever; None where there is none."""
        rows = await self.driver.fetch(sql, *values)
        return self.draw.choice(rows) if rows else None

    async def proposal(self, *states: str) -> Any:
        return await self.some(
            "select * from proposals where $1::text[] = '{}' or state = any($1) order by id", list(states)
        )  # fmt: skip

    async def send(
        self,
        who: UUID | None,
        method: str,
        path: str,
        body: Any = None,
        rev: int | None = None,
        *,
        token: str = "",
    ) -> Any:
        more = {"if-match": f'"{rev}"'} if rev is not None else key() if method == "POST" else {}
        more = more | ({"x-invitation": token} if token else {})
        headers = self.headers.get(who, {}) if who else {}
        got = await self.client.request(
            method, f"/api{path}", json=body, headers={**headers, **more}
        )
        self.client.cookies.clear()
        assert got.status_code < 500, got.text
        self.done.append(f"{method} {path} {got.status_code}")
        return got

    async def as_desk(self, proposal: UUID, method: str, path: str, body: Any = None) -> Any:
        """Send as whichever coordinator is let in."""
        for who in self.draw.sample(self.desk, len(self.desk)):
            row = await self.some("select rev from proposals where id = $1", proposal)
            post = "assignments" not in path and "dismissals" not in path
            got = await self.send(who, method, path, body, row["rev"] if post else None)
            if got.status_code not in {403, 404}:
                return got
        return None
