"""A proposal of three institutions written over HTTP, for tests of what applicants and officers do."""

from typing import Any, NamedTuple
from uuid import UUID

from httpx2 import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import Call
from lianyan.identity.models import Person
from lianyan.institutions.models import Institution
from lianyan.proposals import access
from makers import key, login, make_call, make_institution, make_person

BASICS = {
    "title": "面向中小学科学课的沉浸式气象实验",
    "title_en": "Immersive weather experiments",
    "sectors": ["EDU"],
    "fields": ["11"],
    "project_type": "demonstration",
    "starts": "2027-03",
    "months": 24,
    "summary": "摘要。",
}
SECTIONS: dict[str, dict[str, Any]] = {
    "basics": BASICS,
    "aims": {"aims": "说明目标。"},
    "methods": {"methods": "方法。", "schedule": "进度。", "outputs": "成果。"},
    "terms": {"data_terms": "各自所有。", "ip_terms": "各自所有。"},
    "ethics": {"human_subjects": "none", "personal_data": "none"},
}
"""Everything the standard form requires, by section."""
STAFF = {"kind": "staff", "amount": "6", "unit": "人月"}


class World(NamedTuple):
    """People of three institutions, an open call, and a browser for each of them."""

    client: AsyncClient
    session: AsyncSession
    call: Call
    a: Institution
    b: Institution
    c: Institution
    people: dict[str, Person]
    headers: dict[str, dict[str, str]]

    async def get(self, who: str, path: str) -> Any:
        """Return what `who` reads, which must exist."""
        got = await self.client.get(f"/api{path}", headers=self.headers[who])
        assert got.status_code == 200, got.text
        return got.json()

    async def send(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        rev: int | None = None,
        **more: str,
    ) -> Response:
        """Send a change as `who`."""
        headers = {**self.headers.get(who, {"x-lianyan": "1", "origin": "http://127.0.0.1:8000"})}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if rev is not None:
            headers["if-match"] = f'"{rev}"'
        return await self.client.request(method, f"/api{path}", json=body, headers=headers)

    async def make(self, who: str, path: str, body: Any, **more: str) -> Response:
        """Send a creating POST as `who`."""
        named: Any = {**key(), **more}
        return await self.send(who, "POST", path, body, **named)

    async def draft(self, **more: Any) -> str:
        """Start a proposal led by institution a; return its id."""
        body = {"call_id": str(self.call.id), "institution_id": str(self.a.id), **more}
        made = await self.make("lead", "/proposals", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def save(
        self, who: str, proposal: str, section: str, answers: dict[str, Any], rev: int = 0
    ) -> Response:
        """Save one section."""
        return await self.send(
            who, "PUT", f"/proposals/{proposal}/sections/{section}", {"answers": answers}, rev=rev
        )

    async def part(self, proposal: str, institution: Institution | UUID) -> dict[str, Any]:
        """Return an institution's part as the lead reads it."""
        of = getattr(institution, "id", institution)
        detail = await self.get("lead", f"/proposals/{proposal}")
        return next(p for p in detail["participations"] if p["institution"]["id"] == str(of))

    async def contribute(
        self, proposal: str, institution: Institution, *lines: dict[str, Any], who: str = "lead"
    ) -> Response:
        """Set what an institution brings."""
        part = await self.part(proposal, institution)
        return await self.send(
            who,
            "PATCH",
            f"/participations/{part['id']}",
            {"contributions": list(lines)},
            rev=part["rev"],
        )

    async def complete(self, *partners: Institution) -> str:
        """Write a proposal with these partners so that nothing is missing; return its id."""
        proposal = await self.draft(again=True)
        for section, answers in SECTIONS.items():
            saved = await self.save("lead", proposal, section, answers)
            assert saved.status_code == 204, saved.text
        for partner in partners:
            body = {"institution_id": str(partner.id), "role": "participating", "task": "做事"}
            made = await self.make("lead", f"/proposals/{proposal}/participations", body)
            assert made.status_code == 201, made.text
        for institution in (self.a, *partners):
            saved = await self.contribute(proposal, institution, STAFF)
            assert saved.status_code == 200, saved.text
        return proposal

    async def submit(self, proposal: str, act: str = "submit") -> Response:
        """Submit the content as the lead reads it now."""
        detail = await self.get("lead", f"/proposals/{proposal}")
        return await self.send(
            "lead", "POST", f"/proposals/{proposal}/{act}", {"rev_hash": detail["content_hash"]}
        )

    async def confirm(self, who: str, proposal: str, institution: Institution) -> Response:
        """Confirm as the officer what the officer reads now."""
        part = await self.part(proposal, institution)
        read = await self.get(who, f"/participations/{part['id']}")
        return await self.send(
            who, "POST", f"/participations/{part['id']}/confirm", {"scope_hash": read["scope_hash"]}
        )

    async def states(self, proposal: str) -> dict[str, str]:
        """Return the confirmations' states by the institutions' letters."""
        detail = await self.get("lead", f"/proposals/{proposal}")
        letters = {str(self.a.id): "a", str(self.b.id): "b", str(self.c.id): "c"}
        return {
            letters.get(p["institution"]["id"], "?"): p["state"] for p in detail["participations"]
        }

    async def shown(self, proposal: str) -> str:
        """Return the proposal's state as its lead sees it."""
        return str((await self.get("lead", f"/proposals/{proposal}"))["shown"])


async def build(client: AsyncClient, session: AsyncSession, **call: Any) -> World:
    """Make the world."""
    institutions = [
        await make_institution(session, name, name_en=f"{name_en} University")
        for name, name_en in (
            ("甲示例大学", "Alpha"),
            ("乙示例公司", "Beta"),
            ("丙示例医院", "Gamma"),
        )
    ]
    a, b, c = institutions
    people = {
        "lead": await make_person(session, "示例用户甲", institution=a),
        "mate": await make_person(session, "示例用户丙", institution=a),
        "member": await make_person(session, "示例用户乙", institution=b),
        "officer_a": await make_person(session, "管理员甲", officer_of=a),
        "officer_b": await make_person(session, "管理员乙", officer_of=b),
        "officer_c": await make_person(session, "管理员丙", officer_of=c),
        "stranger": await make_person(session, "路人", institution=await make_institution(session)),
    }
    made = await make_call(session, **call)
    headers = {name: await login(session, person) for name, person in people.items()}
    return World(client, session, made, a, b, c, people, headers)


async def copy(session: AsyncSession, proposal: str) -> str:
    """Return the id of a new draft with the same content."""
    made = await session.scalar(
        text("""
          insert into proposals (call_id, form_id, lead_id, title)
          select call_id, form_id, lead_id, title from proposals where id = :of returning id
        """),
        {"of": proposal},
    )
    for table, columns in (
        ("answers", "question, section, value"),
        ("sections", "section, rev, saved_by, saved_at"),
        ("participations", "institution_id, role, position"),
        ("members", "person_id, institution_id"),
    ):
        await session.execute(
            text(f"""
              insert into {table} (proposal_id, {columns})
              select :to, {columns} from {table} where proposal_id = :of
            """),
            {"of": proposal, "to": made},
        )
    await session.execute(
        text("""
          insert into contributions (participation_id, kind, amount, unit, position)
          select id, 'staff', 6, '人月', 0 from participations where proposal_id = :to
        """),
        {"to": made},
    )
    await access.refresh(session, made)
    return str(made)
