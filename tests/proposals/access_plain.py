"""The access relation said again, row by row in plain Python: no SQL but reading whole tables.

Written from the rules (who takes part, who is asked, what a personal conflict is), to be compared
with what the product keeps.
"""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from lianyan.core.db import Connection
from lianyan.institutions.domains import providers
from lianyan.proposals.access import Right

TABLES = (
    "proposals", "members", "participations", "institutions", "assignments", "ties", "dismissals",
    "invitations", "people", "platform_roles", "projects", "institution_domains",
)  # fmt: skip
OVER = {"rejected", "withdrawn", "not_accepted"}
SEEN_AS = {"peer_review": "in_review", "decision_pending": "in_review"}


class Row(NamedTuple):
    """What the relation says of one principal and one proposal."""

    rights: int
    shown: str | None
    submitted: str


async def stored(connection: Connection) -> dict[tuple[UUID, UUID], Row]:
    """Return the relation as it is kept."""
    found = await connection.fetch(
        "select *, submitted_at::text as submitted from access order by proposal_id"
    )
    return {
        (r["proposal_id"], r["principal"]): Row(r["rights"], r["shown_state"], r["submitted"])
        for r in found
    }


async def recomputed(connection: Connection) -> dict[tuple[UUID, UUID], Row]:
    """Return what the relation must be."""
    tables = {name: await connection.fetch(f"select * from {name}") for name in TABLES}
    facts = Facts(tables, await connection.fetchval("select current_date"))
    times = await connection.fetch("select id, submitted_at::text as at from proposals")
    submitted = {row["id"]: row["at"] or "infinity" for row in times}
    made: dict[tuple[UUID, UUID], Right] = {}
    for proposal in facts.proposals:
        for principal, right in facts.rights(proposal):
            at = (proposal["id"], principal)
            made[at] = made.get(at, Right(0)) | right
    shown = {p["id"]: SEEN_AS.get(p["state"], p["state"]) for p in facts.proposals}
    return {
        (of, who): Row(
            int(right),
            shown[of] if right & (Right.TEAM | Right.PARTY) else None,
            submitted[of],
        )
        for (of, who), right in made.items()
    }


class Facts:
    """Whole tables, and the rules over them."""

    def __init__(self, tables: dict[str, list[Any]], today: date) -> None:
        self.tables = tables
        self.proposals = tables["proposals"]
        self.mail = {p["id"]: p["email"].lower() for p in tables["people"] if p["email"]}
        self.handlers = {r["person_id"] for r in tables["platform_roles"] if r["ended_at"] is None}
        self.teams = {p["id"]: self._team(p) for p in self.proposals}
        ends = {j["proposal_id"]: j["ends_on"] for j in tables["projects"]}
        past = _three_years_before(today)
        self.live = {
            p["id"]
            for p in self.proposals
            if p["state"] not in OVER and ends.get(p["id"], today) > past
        }

    def of(self, table: str, proposal: UUID) -> list[Any]:
        return [row for row in self.tables[table] if row["proposal_id"] == proposal]

    def _team(self, proposal: Any) -> set[UUID]:
        members = self.of("members", proposal["id"])
        return {proposal["lead_id"]} | {m["person_id"] for m in members if not m["removed_at"]}

    def rights(self, proposal: Any) -> list[tuple[UUID, Right]]:
        """Return who gets which bit of one proposal."""
        id_ = proposal["id"]
        found = [(proposal["lead_id"], Right.LEAD)]
        found += [(person, Right.TEAM) for person in self.teams[id_]]
        for part in self.of("participations", id_):
            if part["state"] == "removed":
                continue
            found.append((part["institution_id"], Right.PARTY))
            if part["role"] == "lead":
                found.append((part["institution_id"], Right.LEAD_PARTY))
            found += [(near, Right.EMPLOYER) for near in self._family(part["institution_id"])]
        for asked in self.of("assignments", id_):
            if asked["suspended_at"] is None and asked["state"] == "asked":
                found.append((asked["reviewer_id"], Right.ASKED))
            if asked["suspended_at"] is None and asked["state"] == "accepted":
                found.append((asked["reviewer_id"], Right.REVIEWER))
        set_aside = {(d["person_id"], d["rule"]) for d in self.of("dismissals", id_)}
        for person in self.handlers:
            if any((person, rule) not in set_aside for rule in self.personal(id_, person)):
                found.append((person, Right.CONFLICT))
        return found

    def _family(self, institution: UUID) -> set[UUID]:
        parents = {i["id"]: i["parent_id"] for i in self.tables["institutions"]}
        below = {id_ for id_, parent in parents.items() if parent == institution}
        return ({institution, parents[institution]} | below) - {None}

    def personal(self, proposal: UUID, person: UUID) -> set[str]:
        """Return the rules by which a person is too near to a proposal's people."""
        team, found = self.teams[proposal], set()
        if person in team:
            found.add("team")
        if any(t["person_id"] == person for t in self.of("ties", proposal)):
            found.add("declared_tie")
        for other in self.live - {proposal}:
            fellows = self.teams[other]
            if person in fellows and (team & fellows) - {person}:
                found.add("shared_project")
        own = self.mail.get(person)
        if own is None:
            return found
        theirs = {self.mail[member] for member in team if member in self.mail}
        theirs |= {
            i["email"].lower()
            for i in self.of("invitations", proposal)
            if i["state"] == "sent" and i["email"]
        }
        if own in theirs:
            found.add("same_address")
        host = own.partition("@")[2]
        if self._private(host) and host in {mail.partition("@")[2] for mail in theirs}:
            found.add("same_domain")
        return found

    def _private(self, host: str) -> bool:
        if host in providers():
            return False
        held = [d["domain"] for d in self.tables["institution_domains"]]
        return not any(host == domain or host.endswith(f".{domain}") for domain in held)


def _three_years_before(day: date) -> date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 3, day=28 if leap else day.day)
