"""The rows of a stretch of proposals, table by table, as COPY takes them."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from lianyan.calls.presets import standard_rubric
from lianyan.demo.scale.plan import APPROVER, COORDINATOR, NOBODYS, SIGNER, Plan, Told
from lianyan.demo.scale.words import institution, title
from lianyan.proposals.states import State

Row = tuple[Any, ...]

COLUMNS: dict[str, tuple[str, ...]] = {
    "proposals": (
        "id", "created_at", "call_id", "form_id", "lead_id", "state", "title", "title_en", "sectors",
        "number", "submitted_at", "stages", "consent_until", "returned_until", "version_id", "rev", "parties",
    ),
    "answers": ("proposal_id", "question", "section", "value"),
    "participations": (
        "id", "created_at", "proposal_id", "institution_id", "role", "state", "task", "position",
        "answered_by", "answered_at", "rev",
    ),
    "contributions": ("id", "created_at", "participation_id", "kind", "what", "amount", "unit", "position"),
    "members": ("id", "created_at", "proposal_id", "person_id", "institution_id", "duty"),
    "versions": ("id", "created_at", "proposal_id", "number", "document", "sha256", "made_by"),
    "check_answers": ("proposal_id", "item", "verdict", "answered_by", "answered_at"),
    "assignments": (
        "id", "created_at", "proposal_id", "reviewer_id", "assigned_by", "state", "due_at",
        "answered_at", "pledged_at",
    ),
    "reviews": (
        "id", "created_at", "assignment_id", "scores", "recommendation", "for_applicants", "saved_at",
        "submitted_at",
    ),
    "decisions": (
        "id", "created_at", "proposal_id", "kind", "state", "version_id", "letter", "drafted_by",
        "drafted_at", "signed_by", "signed_at", "release_id",
    ),
    "projects": (
        "id", "created_at", "proposal_id", "number", "title", "title_en", "summary", "sectors", "fields",
        "institutions", "starts_on", "ends_on", "granted_months", "approved_at", "search_keys",
    ),
}  # fmt: skip
"""Table -> the columns that are written; the others keep their defaults."""

SECTORS = [["EDU"], ["HLT"], ["MFG"], ["EDU", "HLT"], ["CUL"], ["TRA"], ["GOV"], ["EMG"]]
CODES = [json.dumps(codes) for codes in SECTORS]
ROLES = ("lead", "participating", "demonstration")
SUMMARY = "以示例数据说明页面与列表在大量申报书下的样子，内容均为虚构。"
SIX, TWO = Decimal("6.00"), Decimal("2.00")
GIVES = (("staff", "", SIX, "人月"), ("venue", "", TWO, "处"), ("equipment", "", TWO, "台"))
CRITERIA = [one.id for one in standard_rubric().criteria]
SCORES = [json.dumps(dict.fromkeys(CRITERIA, n)) for n in (3, 4, 5)]
MONTHS = [str(n) for n in (12, 18, 24)]


class Writer:
    """What turns told proposals into rows."""

    def __init__(self, plan: Plan, form: Any, stages: list[str], judged: list[str]) -> None:
        """Take what all proposals share."""
        self.plan, self.form, self.stages, self.judged = plan, form, stages, judged
        self.people = [plan.id("people", n) for n in range(plan.people)]
        self.places = [plan.id("institutions", n) for n in range(plan.institutions)]
        self.calls = [plan.id("calls", n) for n in range(plan.calls)]
        self.texts = [str(place) for place in self.places]
        self.names = [_named(self.texts[n], n) for n in range(plan.institutions)]

    def batch(self, first: int, last: int) -> dict[str, list[Row]]:
        """Return the rows of the proposals from `first` to before `last`."""
        rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}
        draws = self.plan.draws(first)
        for n in range(first, last):
            self._proposal(rows, self.plan.told(n, draws.getrandbits(96)))
        return rows

    def _proposal(self, rows: dict[str, list[Row]], told: Told) -> None:
        plan, at = self.plan, told.submitted
        made, draft = at - timedelta(hours=50), told.state is State.DRAFT
        id_, lead = plan.id("proposals", told.n, made), self.people[told.lead]
        version = None if draft else plan.id("versions", told.n, at)
        zh, en = title(told.draw >> 16)
        sectors = SECTORS[(told.draw >> 50) % len(SECTORS)]
        number = None if draft else f"{prefix(told.call)}-{told.n // plan.calls + 1:04d}"
        waiting = told.state is State.CONSENT_PENDING
        late = timedelta(hours=told.draw % 264)
        names = [self.names[party.institution] for party in told.parties]
        rows["proposals"].append((
            id_, made, self.calls[told.call], self.form, lead, told.state.value, zh, en, sectors, number,
            None if draft else at, None if draft else self.stages,
            None if draft else plan.day - timedelta(days=2) + late if waiting else at + timedelta(days=7),
            plan.day - timedelta(days=2) + late if told.state is State.RETURNED else None, version, 2,
            f'{{"lead": {names[0]}, "partners": [{", ".join(names[1:])}]}}',
        ))  # fmt: skip
        aims = f'"{zh}：目标、方法与预期成果。{SUMMARY}"'
        rows["answers"] += [
            (id_, "title", "basics", f'"{zh}"'),
            (id_, "sectors", "basics", CODES[(told.draw >> 50) % len(SECTORS)]),
            (id_, "months", "basics", MONTHS[told.draw % 3]),
            (id_, "aims", "aims", aims),
        ]
        self._parties(rows, told, id_, made)
        if draft:
            return
        document = f'{{"answers":{{"aims":{aims},"title":"{zh}"}},"number":"{number}"}}'
        rows["versions"].append(
            (version, at, id_, 1, document, sha256(document.encode()).digest(), lead)
        )
        self._checked(rows, told, id_)
        self._handling(rows, told, id_, version)
        if told.state is State.APPROVED:
            places = [
                {"id": self.texts[p.institution], "role": ROLES[min(k, 2)]} for k, p in enumerate(told.parties)
            ]  # fmt: skip
            rows["projects"].append((
                plan.id("projects", told.n, plan.day), plan.day, id_, number, zh, en, SUMMARY, sectors, ["01"],
                json.dumps(places), plan.day.date(), (plan.day + timedelta(days=730)).date(), 24,
                plan.day - timedelta(microseconds=told.draw % 50_000_000_000), f"{zh}\n{en}\n{number}".lower(),
            ))  # fmt: skip

    def _parties(self, rows: dict[str, list[Row]], told: Told, id_: Any, made: datetime) -> None:
        plan, lead = self.plan, self.people[told.lead]
        team = [(told.lead, told.parties[0].institution)]
        for k, party in enumerate(told.parties):
            part = plan.id("participations", 4 * told.n + k, made)
            state = _part_state(told, k)
            answered = state in {"consented", "returned", "declined"}
            rows["participations"].append((
                part, made, id_, self.places[party.institution], ROLES[min(k, 2)], state, "承担示例任务", k,
                lead if answered else None, told.submitted if answered else None, 2,
            ))  # fmt: skip
            kind, what, amount, unit = GIVES[(told.draw + k) % 3]
            line = plan.id("contributions", 4 * told.n + k, made)
            rows["contributions"].append((line, made, part, kind, what, amount, unit, 0))
            if party.member is not None:
                team.append((party.member, party.institution))
        for k, (person, place) in enumerate(team):
            rows["members"].append((
                plan.id("members", 4 * told.n + k, made), made, id_, self.people[person], self.places[place], "",
            ))  # fmt: skip

    def _checked(self, rows: dict[str, list[Row]], told: Told, id_: Any) -> None:
        if told.state is State.FORMAL_CHECK:
            for item in self.judged[: 1 + told.draw % len(self.judged)]:
                rows["check_answers"].append(
                    (id_, item, "ok", self.people[COORDINATOR], told.submitted)
                )

    def _handling(self, rows: dict[str, list[Row]], told: Told, id_: Any, version: Any) -> None:
        plan, desk, at = self.plan, self.people[COORDINATOR], told.submitted + timedelta(hours=1)
        under_way = told.state is State.PEER_REVIEW
        for k, reviewer in enumerate(told.reviewers):
            fate = (told.draw >> 5 * k) % 10 if under_way else 9
            assigned = plan.secret("assignments", 4 * told.n + k)
            taken = fate > 1
            rows["assignments"].append((
                assigned, at, id_, self.people[reviewer], desk, "accepted" if taken else "asked",
                due(plan, told.call)[1], at if taken else None, at if taken else None,
            ))  # fmt: skip
            if fate > 4:  # noqa: PLR2004  half of those under way are done
                rows["reviews"].append((
                    plan.secret("reviews", 4 * told.n + k), at, assigned, SCORES[told.draw % 3], "approve", "示例意见。",
                    at, at,
                ))  # fmt: skip
        final = told.state in {State.APPROVED, State.REJECTED}
        fate = told.draw % 4
        if not final and (told.state is not State.DECISION_PENDING or fate == 0):
            return
        signed = final or fate > 1
        release = plan.secret("releases", told.call) if final else None
        rows["decisions"].append((
            plan.secret("decisions", told.n), at, id_, "reject" if told.state is State.REJECTED else "approve",
            "released" if final else "signed" if signed else "drafted", version, "示例通知。", desk, at,
            self.people[SIGNER if signed else APPROVER] if signed else None, at if signed else None, release,
        ))  # fmt: skip


def _named(id_: str, n: int) -> str:
    """Return an institution as `proposals.parties` names it, as the database writes its JSON."""
    zh, en, _ = institution(n)
    name = {"id": id_, "name": {"en": en, "zh": zh}, "short": None}
    return json.dumps(name, ensure_ascii=False)


def _part_state(told: Told, k: int) -> str:
    """Return where a part stands: all confirmed once the proposal has gone on."""
    fate = (told.draw >> 7 * k) % 20
    if told.state is State.DRAFT:
        return "invited" if fate < 16 else "viewed"  # noqa: PLR2004
    if told.state is State.CONSENT_PENDING and (k == 1 or fate < 6):  # noqa: PLR2004
        return {0: "returned", 1: "declined", 2: "viewed", 3: "void"}.get(fate, "invited")
    return "consented"


def prefix(call: int) -> str:
    """Return what the numbers of a call begin with."""
    return f"SCALE-{call + 1:02d}"


def due(plan: Plan, call: int) -> tuple[datetime, datetime, datetime]:
    """Return when a call closes, its reviews end and it is decided: some before the day, some after."""
    closes = plan.day + timedelta(days=1 + call % 9)
    return closes, closes + timedelta(days=10 + call % 30), closes + timedelta(days=50 + call % 30)


def numbers(plan: Plan) -> Iterator[Row]:
    """Return the last number given in each call."""
    for call in range(plan.calls):
        yield plan.id("calls", call), (plan.count - 1 - call) // plan.calls + 1


def releases(plan: Plan) -> Iterator[Row]:
    """Return one release a call, long done."""
    for call in range(plan.calls):
        yield (
            plan.secret("releases", call), plan.day, plan.id("people", COORDINATOR), plan.day, plan.day,
        )  # fmt: skip


def affiliations(plan: Plan) -> Iterator[Row]:
    """Return who works where."""
    for n in range(plan.people):
        yield (
            plan.id("affiliations", n), plan.day, plan.id("people", n),
            plan.id("institutions", plan.home(n) if n else NOBODYS), "confirmed", "login", plan.day,
        )  # fmt: skip
