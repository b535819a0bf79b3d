"""What a large portal holds, as arithmetic: any part of it can be told without making the rest."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from asyncpg.pgproto import pgproto

from lianyan.proposals.states import State

OFFICE, SMALL, NOBODYS = 1, 2, 0
"""Institutions by number: the officer's with thousands of parts, the researcher's, the desk's own."""
HOMES = 8
"""The first that take part like any other; between lie the institutes of those who handle."""
OFFICE_MOST, RESEARCHER_EACH, TIED = 5_000, 10, 20

ADMINISTRATOR, COORDINATOR, STAND_IN, APPROVER, SIGNER = 0, 1, 2, 3, 4
EMPLOYED, IN_TEAM, OFFICER, RESEARCHER = 5, 6, 7, 8
"""Those the lists are measured for, by number: a coordinator employed by OFFICE, one in teams, …"""
STAFF = 20
APART = 10
"""Leads that share no proposal with the researcher: of those the researcher reviews."""

WEIGHTS: dict[State, int] = {
    State.DRAFT: 6,
    State.CONSENT_PENDING: 8,
    State.SUBMITTED: 7,
    State.FORMAL_CHECK: 5,
    State.RETURNED: 5,
    State.PEER_REVIEW: 20,
    State.DECISION_PENDING: 5,
    State.APPROVED: 20,
    State.REJECTED: 15,
    State.NOT_ACCEPTED: 4,
    State.WITHDRAWN: 5,
}
"""Of a hundred proposals; a filter on review or on approved leaves a fifth."""
STATES: tuple[State, ...] = tuple(s for s, weight in WEIGHTS.items() for _ in range(weight))

TABLES = (
    "institutions", "people", "affiliations", "officers", "platform_roles", "calls", "proposals",
    "sections", "answers", "participations", "contributions", "members", "versions", "moves",
    "check_answers", "assignments", "reviews", "releases", "decisions", "projects", "events",
)  # fmt: skip
ORDER = {table: number for number, table in enumerate(TABLES)}


class Party(NamedTuple):
    """An institution's part in a proposal."""

    institution: int
    member: int | None
    """Who of it is in the team besides the lead."""


class Told(NamedTuple):
    """One proposal as the plan tells it: numbers only, every row is made from these."""

    n: int
    draw: int
    state: State
    call: int
    lead: int
    parties: list[Party]
    """The lead's institution first."""
    reviewers: list[int]
    submitted: datetime


class Plan:
    """A portal of `count` proposals on one day."""

    def __init__(self, count: int, *, seed: int, day: datetime) -> None:
        """Work out how many of everything there are."""
        self.count, self.seed = count, seed
        self.day = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.homes = max(20, min(500, count // 200))
        self.institutions = HOMES + self.homes
        self.reviewers = max(12, count // 250)
        self.researchers = max(200, count // 4)
        self.people = STAFF + self.reviewers + APART + self.researchers
        self.calls = max(2, min(40, count // 5_000))
        self.office_parts = min(OFFICE_MOST, count // 5)
        self._office_step = count // self.office_parts
        self._tenth, self._twentieth = count // RESEARCHER_EACH, count // TIED

    def draws(self, first: int) -> random.Random:
        """Return where the draws of the batch that begins with `first` come from."""
        return random.Random(f"{self.seed}:{first}")  # noqa: S311  sample data

    def home(self, person: int) -> int:
        """Return the institution that employs a person."""
        if person in {EMPLOYED, OFFICER}:
            return OFFICE
        if person == RESEARCHER:
            return SMALL
        if person < STAFF + self.reviewers:
            return 3 + person % (HOMES - 3) if person != COORDINATOR else NOBODYS
        return HOMES + (person - STAFF - self.reviewers) % self.homes

    def somebody(self, draw: int) -> int:
        """Return one of the researchers."""
        return STAFF + self.reviewers + APART + draw % self.researchers

    def somebody_at(self, home: int, draw: int) -> int:
        """Return one of the researchers of an institution that takes part like any other."""
        each = self.researchers // self.homes
        return self.somebody((home - HOMES - APART) % self.homes + self.homes * (draw % each))

    def told(self, n: int, draw: int) -> Told:
        """Return the proposal of number `n`."""
        mine = n % self._tenth
        own = {5: "lead", 7: "member", 3: "party", 9: "review"}.get(mine)
        own = own if n < self._tenth * RESEARCHER_EACH else None
        state = STATES[draw % 100]
        lead = self.somebody(draw >> 8)
        if own == "review":
            state, lead = State.PEER_REVIEW, STAFF + self.reviewers + n // self._tenth
        elif own == "lead":
            lead = RESEARCHER
        places = [SMALL if own == "lead" else self.home(lead)]
        if own in {"member", "party"}:
            places.append(SMALL)
        if n % self._office_step == 0 and n // self._office_step < self.office_parts:
            places.append(OFFICE)
        while len(places) < 2 + (draw >> 40) % 10 // 6:
            other = HOMES + (draw >> 12 * len(places)) % self.homes
            while other in places:
                other = HOMES + (other - HOMES + 1) % self.homes
            places.append(other)
        parties = [Party(place, self._member(n, place, lead, draw, own)) for place in places]
        submitted = self.day - timedelta(microseconds=3_600_000_000 + draw % 8_640_000_000_000)
        return Told(
            n, draw, state, n % self.calls, lead, parties, self._reviewing(state, draw, own), submitted
        )  # fmt: skip

    def _member(self, n: int, place: int, lead: int, draw: int, own: str | None) -> int | None:
        if place == SMALL:
            return RESEARCHER if own == "member" else None
        if own == "review":
            return None
        if place == OFFICE:
            return OFFICER if draw % 3 == 0 else None
        if n % self._twentieth == 11 and n < self._twentieth * TIED and place == self.home(lead):  # noqa: PLR2004  any place of the twentieth
            return IN_TEAM
        found = self.somebody_at(place, draw >> 20)
        return found if found != lead and (draw >> place % 16) % 4 else None

    def _reviewing(self, state: State, draw: int, own: str | None) -> list[int]:
        if state not in REVIEWED:
            return []
        many = 2 + (draw >> 33) % 2 if state is State.PEER_REVIEW else 2
        first = (draw >> 24) % self.reviewers
        found = [STAFF + (first + k * 7) % self.reviewers for k in range(many)]
        return [RESEARCHER, *found[1:]] if own == "review" else found

    def id(self, table: str, n: int, at: datetime | None = None) -> Any:
        """Return the id of the `n`-th row of a table; it sorts by `at`, then by `n`."""
        ms = int((at or self.day).timestamp() * 1000)
        found = (ms << 80) | (7 << 76) | (ORDER[table] << 64) | (2 << 62) | n
        return pgproto.UUID(found.to_bytes(16))

    def secret(self, table: str, n: int) -> Any:
        """Return an id that tells neither order nor time."""
        mixed = (n + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128) ^ ORDER[table] << 40
        mixed ^= mixed >> 67
        found = mixed & ~(0xF << 76) & ~(3 << 62) | (4 << 76) | (2 << 62)
        return pgproto.UUID(found.to_bytes(16))


REVIEWED = {State.PEER_REVIEW, State.DECISION_PENDING, State.APPROVED, State.REJECTED}
