"""Where the machine plays: people of five institutions, their browsers, and commands as requests."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from httpx2 import AsyncClient, Response
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.institutions.models import Institution
from machine.facts import EVERYBODY, HOME, SECTION, STAFF, Command, Part
from machine.model import Model
from makers import key, login, make_call, make_institution, make_person, now
from proposals.desk_world import CODES
from reviews.scenes import FULL

STAFF_LINE = ("staff", "6", "人月")
LINES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "six": (STAFF_LINE,),
    "seven": (("staff", "7", "人月"),),
    "both": (STAFF_LINE, ("compute", "0.50", "卡时")),
    "none": (),
}
ANSWERS = {
    "title": ["混合现实手术示教", "混合现实手术示教（修订）", ""],
    "months": [24, 36],
    "summary": ["摘要。", "摘要改过。"],
    "aims": ["目标。", "目标二。", ""],
    "data_terms": ["各自所有。", "共同所有。"],
    "ethics_note": ["", "已报伦理委员会。"],
}
COMMENTS = {"overall": "请写清投入。"}
NOBODY = str(UUID(int=0))

ROWS = """
  select jsonb_build_object(
    'proposal', to_jsonb(p),
    'sections', (select jsonb_object_agg(s.section, s.rev) from sections s where s.proposal_id = p.id),
    'answers', (select jsonb_object_agg(a.question, a.value) from answers a where a.proposal_id = p.id),
    'parts', (select jsonb_agg(to_jsonb(t) order by t.id) from participations t where t.proposal_id = p.id),
    'lines', (select jsonb_agg(to_jsonb(l) order by l.id) from contributions l
      join participations t on t.id = l.participation_id where t.proposal_id = p.id),
    'consents', (select jsonb_agg(jsonb_build_object('part', n.participation_id, 'void', n.void_at) order by n.id)
      from consents n join participations t on t.id = n.participation_id where t.proposal_id = p.id),
    'members', (select jsonb_agg(to_jsonb(m) order by m.id) from members m where m.proposal_id = p.id),
    'versions', (select jsonb_agg(jsonb_build_object('id', v.id, 'print', encode(v.fingerprint, 'hex')) order by v.id)
      from versions v where v.proposal_id = p.id),
    'moves', (select jsonb_agg(to_jsonb(m) order by m.id) from moves m where m.proposal_id = p.id),
    'checked', (select jsonb_object_agg(k.item, jsonb_build_object('verdict', k.verdict, 'rev', k.rev))
      from check_answers k where k.proposal_id = p.id),
    'extensions', (select count(*) from extensions e where e.proposal_id = p.id),
    'access', (select jsonb_agg(to_jsonb(a) order by a.principal) from access a where a.proposal_id = p.id),
    'assignments', (select jsonb_agg(to_jsonb(a) order by a.id) from assignments a where a.proposal_id = p.id),
    'reviews', (select jsonb_agg(to_jsonb(r) order by r.id) from reviews r
      join assignments a on a.id = r.assignment_id where a.proposal_id = p.id),
    'decisions', (select jsonb_agg(to_jsonb(d) order by d.created_at, d.drafted_at) from decisions d
      where d.proposal_id = p.id),
    'releases', (select jsonb_agg(to_jsonb(r) order by r.due_at) from releases r),
    'projects', (select count(*) from projects j where j.proposal_id = p.id),
    'events', (select count(*) from events e where e.proposal_id = p.id or e.kind like 'release.%'),
    'messages', (select count(*) from messages m where m.proposal_id = p.id)
  )::text from proposals p where p.id = $1
"""
"""Everything that belongs to one proposal: what a refusal leaves exactly as it was."""


class Sent(NamedTuple):
    """A request as it went out."""

    who: str
    method: str
    path: str
    body: Any
    headers: dict[str, str]


class Stage:
    """The people, and one proposal at a time."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.homes: dict[str, UUID] = {}
        self.people: dict[str, UUID] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.call = UUID(int=0)
        self.starts = ""
        self.connection: Any = None
        self.count = 0
        self.done: Counter[str] = Counter()

    async def build(self, session: AsyncSession) -> None:
        """Make everybody and the call."""
        for letter, code in zip("abcdx", [*CODES, None], strict=True):
            made = await make_institution(
                session, f"示例单位{letter}", standing="founding", code=code
            )
            self.homes[letter] = made.id
        for who in EVERYBODY:
            home = await session.get_one(
                Institution, self.homes[HOME.get(who) or STAFF.get(who, "x")]
            )
            roles = {"coordinator": ["coordinator"], "coordinator_b": ["coordinator"], "approver": ["approver"],
                     "r1": ["reviewer"], "r2": ["reviewer"]}.get(who, [])  # fmt: skip
            office = home if who.startswith("officer_") else None
            person = await make_person(
                session, who, institution=home, roles=roles, officer_of=office
            )
            self.people[who] = person.id
            self.headers[who] = await login(session, person)
        call = await make_call(session, prefix="机器")
        self.call = call.id
        self.starts = (call.decides_at + timedelta(days=62)).strftime("%Y-%m")

    async def rows(self, proposal: UUID) -> Any:
        """Return everything stored of a proposal, None if there is none."""
        found = await self.connection.fetchval(ROWS, proposal)
        return json.loads(found) if found else None

    async def go(self, sent: Sent) -> Response:
        """Send a request."""
        got = await self.client.request(
            sent.method,
            f"/api{sent.path}",
            json=sent.body,
            headers={**self.headers[sent.who], **sent.headers},
        )
        self.client.cookies.clear()
        return got

    async def get(self, who: str, path: str) -> Response:
        """Read a page."""
        return await self.go(Sent(who, "GET", path, None, {}))

    async def write(self) -> tuple[UUID, Model]:
        """Write a proposal of institutions a, b and c in which nothing is missing."""
        body = {"call_id": str(self.call), "institution_id": str(self.homes["a"]), "again": True}
        made = await self.go(Sent("lead", "POST", "/proposals", body, key()))
        proposal = UUID(made.json()["id"])
        model = Model(parts={"a": Part("a", "lead")})
        basics = {
            "title": ANSWERS["title"][0], "sectors": ["EDU"], "fields": ["11"], "project_type": "basic",
            "starts": self.starts, "months": 24, "summary": ANSWERS["summary"][0],
        }  # fmt: skip
        for section, answers in {
            "basics": basics, "aims": {"aims": "目标。"},
            "methods": {"methods": "方法。", "schedule": "进度。", "outputs": "成果。"},
            "terms": {"data_terms": "各自所有。", "ip_terms": "各自所有。"},
            "ethics": {"human_subjects": "none", "personal_data": "none"},
        }.items():  # fmt: skip
            path = f"/proposals/{proposal}/sections/{section}"
            saved = await self.go(
                Sent("lead", "PUT", path, {"answers": answers}, {"if-match": '"0"'})
            )
            assert saved.status_code == 204, saved.text
            model.answers |= answers
        for letter in "abc":
            commands = [] if letter == "a" else [Command("add", "lead", letter)]
            for command in [*commands, Command("change", "lead", letter, ("lines", LINES["six"]))]:
                done = await self.act(proposal, command)
                assert done.status_code < 300, done.text
                model.happen(command)
        body = {"person_id": str(self.people["member"]), "institution_id": str(self.homes["b"])}
        done = await self.go(Sent("lead", "POST", f"/proposals/{proposal}/members", body, key()))
        assert done.status_code == 201, done.text
        return proposal, model

    async def act(self, proposal: UUID, c: Command) -> Response:
        """Send a command."""
        got = None
        for sent in await self.requests(proposal, c):
            self.last = sent
            got = await self.go(sent)
            if got.status_code >= 300:
                break
        assert got is not None
        return got

    last: Sent

    async def requests(self, proposal: UUID, c: Command) -> list[Sent]:
        """Return a command as the requests a browser sends."""
        rows = await self.rows(proposal)
        at, rev = f"/proposals/{proposal}", rows["proposal"]["rev"] if rows else 1
        match = {"if-match": f'"{rev - c.stale}"'}
        if c.name in {"take_back", "withdraw", "withdraw_by_institution", "pass", "return", "refuse", "finish",
                      "reopen", "undo", "restore"}:  # fmt: skip
            bodies = {
                "refuse": {"code": "R3", "reason": "超出征集范围"},
                "finish": {"waiver": "评审专家不足"} if c.value else {},
                **{
                    key_0: {"reason": "有变化"}
                    for key_0 in ("withdraw", "withdraw_by_institution", "return", "reopen")
                },
            }
            return [Sent(c.who, "POST", f"{at}/{c.name}", bodies.get(c.name), match)]
        build: Any = getattr(self, f"_{c.name}")
        found: list[Sent] = await build(c, at=at, match=match, rows=rows)
        return found

    def _part(self, rows: Any, letter: str) -> dict[str, Any]:
        mine = [
            t
            for t in (rows or {}).get("parts") or []
            if t["institution_id"] == str(self.homes[letter])
        ]
        return max(
            mine,
            key=lambda t: (t["state"] != "removed", t["id"]),
            default={"id": str(uuid4()), "rev": 1},
        )

    async def _save(self, c: Command, *, at: str, rows: Any, **_: Any) -> list[Sent]:
        rev = ((rows or {}).get("sections") or {}).get(SECTION[c.what], 0)
        headers = {"if-match": f'"{rev - c.stale}"'}
        path = f"{at}/sections/{SECTION[c.what]}"
        return [Sent(c.who, "PUT", path, {"answers": {c.what: c.value}}, headers)]

    async def _add(self, c: Command, *, at: str, **_: Any) -> list[Sent]:
        body = {"institution_id": str(self.homes[c.what]), "role": "participating", "task": "做事"}
        return [Sent(c.who, "POST", f"{at}/participations", body, key())]

    async def _change(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        part, (field, value) = self._part(rows, c.what), c.value
        name = {"lines": "contributions", "terms": "special_terms"}.get(field, field)
        if field == "lines":
            value = [dict(zip(("kind", "amount", "unit"), line, strict=True)) for line in value]
        headers = {"if-match": f'"{part["rev"] - c.stale}"'}
        return [Sent(c.who, "PATCH", f"/participations/{part['id']}", {name: value}, headers)]

    async def _remove(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        part = self._part(rows, c.what)
        headers = {"if-match": f'"{part["rev"] - c.stale}"'}
        return [
            Sent(c.who, "POST", f"/participations/{part['id']}/remove", {"reason": ""}, headers)
        ]

    async def _submit(self, c: Command, *, at: str, **_: Any) -> list[Sent]:
        read = await self.get(c.who, at)
        found = read.json().get("content_hash") if read.status_code == 200 and not c.stale else None
        return [Sent(c.who, "POST", f"{at}/{c.name}", {"rev_hash": found or "0" * 64}, {})]

    _resubmit = _submit

    async def _delete(self, c: Command, *, at: str, match: dict[str, str], **_: Any) -> list[Sent]:
        return [Sent(c.who, "DELETE", at, None, match)]

    async def _view(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        return [
            Sent(c.who, "POST", f"/participations/{self._part(rows, c.what)['id']}/view", None, {})
        ]

    async def _confirm(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        path = f"/participations/{self._part(rows, c.what)['id']}"
        read = await self.get(c.who, path)
        found = read.json()["scope_hash"] if read.status_code == 200 and not c.stale else "0" * 64
        return [Sent(c.who, "POST", f"{path}/confirm", {"scope_hash": found}, {})]

    async def _send_back(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        part = self._part(rows, c.what)
        body, headers = {"comments": c.value}, {"if-match": f'"{part["rev"]}"'}
        return [Sent(c.who, "POST", f"/participations/{part['id']}/return", body, headers)]

    async def _decline(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        part = self._part(rows, c.what)
        headers = {"if-match": f'"{part["rev"]}"'}
        return [
            Sent(
                c.who,
                "POST",
                f"/participations/{part['id']}/decline",
                {"reason": "人手不足"},
                headers,
            )
        ]

    async def _extend(self, c: Command, *, at: str, match: dict[str, str], rows: Any) -> list[Sent]:
        self.count += 1
        until = now() + timedelta(days=30, hours=self.count % 2000)
        body = {"until": until.isoformat(), "reason": "系统维护"}
        if c.what is not None:
            body["participation_id"] = self._part(rows, c.what)["id"]
        return [Sent(c.who, "POST", f"{at}/extend", body, match)]

    async def _check(self, c: Command, *, at: str, rows: Any, **_: Any) -> list[Sent]:
        rev = (((rows or {}).get("checked") or {}).get(c.what) or {"rev": 0})["rev"]
        body = {"verdict": c.value, "note": "请改正" if c.value == "problem" else ""}
        return [Sent(c.who, "PUT", f"{at}/check/{c.what}", body, {"if-match": f'"{rev}"'})]

    async def _assign(self, c: Command, *, at: str, **_: Any) -> list[Sent]:
        return [
            Sent(
                c.who, "POST", f"{at}/assignments", {"reviewer_id": str(self.people[c.what])}, key()
            )
        ]

    def _assignment(self, rows: Any, who: str) -> str:
        mine = [
            a
            for a in (rows or {}).get("assignments") or []
            if a["reviewer_id"] == str(self.people[who])
        ]
        return str(mine[-1]["id"]) if mine else str(uuid4())

    async def _accept(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        body = {"assignment_ids": [self._assignment(rows, c.who)], "pledge": True}
        return [Sent(c.who, "POST", "/reviews/accept", body, {})]

    async def _review(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        mine = self._assignment(rows, c.who)
        written = [r for r in (rows or {}).get("reviews") or [] if r["assignment_id"] == mine]
        body = {
            "scores": FULL,
            "recommendation": "approve",
            "for_applicants": "好",
            "for_coordinators": "",
        }
        rev = written[0]["rev"] if written else 0
        return [
            Sent(c.who, "PUT", f"/reviews/{mine}", body, {"if-match": f'"{rev}"'}),
            Sent(c.who, "POST", "/reviews/submit", {"assignment_ids": [mine]}, {}),
        ]

    def _decision(self, rows: Any) -> dict[str, Any]:
        found = (rows or {}).get("decisions") or []
        return found[-1] if found else {"id": str(uuid4()), "rev": 0, "state": ""}

    async def _decide(self, c: Command, *, at: str, rows: Any, **_: Any) -> list[Sent]:
        made = self._decision(rows)
        rev = 0 if made["state"] == "cancelled" else made["rev"]
        body = {"kind": c.value, "letter": f"决定：{c.value}"}
        return [Sent(c.who, "PUT", f"{at}/decision", body, {"if-match": f'"{rev}"'})]

    async def _sign(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        made = self._decision(rows)
        return [
            Sent(
                c.who,
                "POST",
                f"/decisions/{made['id']}/sign",
                None,
                {"if-match": f'"{made["rev"]}"'},
            )
        ]

    async def _object(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        made = self._decision(rows)
        headers = {"if-match": f'"{made["rev"]}"'}
        return [
            Sent(
                c.who, "POST", f"/decisions/{made['id']}/send_back", {"note": "请写明理由"}, headers
            )
        ]

    async def _order(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        return [
            Sent(c.who, "POST", "/release", {"decision_ids": [self._decision(rows)["id"]]}, key())
        ]

    async def _recall(self, c: Command, *, rows: Any, **_: Any) -> list[Sent]:
        releases = (rows or {}).get("releases") or [{"id": str(uuid4())}]
        return [Sent(c.who, "POST", f"/release/{releases[-1]['id']}/take_back", None, {})]
