"""Where the demo plays: today, who is there, and what has been made so far."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor
from lianyan.core.clock import BEIJING
from lianyan.demo.world import Proposal, World

Deed = Callable[[AsyncSession], Awaitable[None]]


class Step(NamedTuple):
    """Something that happens at a moment; what happens at the same moment keeps its order."""

    at: datetime
    do: Deed


class Stage:
    """What the steps of the story share."""

    def __init__(self, told: World, now: datetime) -> None:
        self.told, self.now = told, now
        self.today: date = now.astimezone(BEIJING).date()
        self.institutions: dict[str, UUID] = {}
        self.providers: dict[str, UUID] = {}
        self.actors: dict[str, Actor] = {}
        self.calls: dict[str, UUID] = {}
        self.proposals: dict[int, UUID] = {}
        self.parts: dict[tuple[int, str], UUID] = {}
        self.decisions: dict[int, UUID] = {}

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        """Return a moment of a day counted from today, by Beijing's clock."""
        return datetime.combine(self.today + timedelta(days=day), time(hour, minute), BEIJING)

    def employers(self, key: str) -> set[str]:
        """Return the institutions a person works at."""
        return {login.institution for login in self.told.person(key).logins}

    def officer(self, slug: str) -> Actor:
        """Return who acts for an institution."""
        held = [p for p in self.told.people if p.officer_of == slug]
        return self.actors[min(held, key=lambda p: p.deputy).key]

    def handler(self, proposal: Proposal) -> Actor:
        """Return a coordinator whose employer takes no part."""
        taking = {part.institution for part in proposal.participations}
        for role in ("coordinator", "stand_in"):
            for person in self.told.people:
                if role in person.roles and not self.employers(person.key) & taking:
                    return self.actors[person.key]
        raise LookupError(proposal.id)

    def join(self, key: str, person_id: UUID) -> None:
        """Note that somebody of the story has an account now."""
        person = self.told.person(key)
        homes = tuple(self.institutions[login.institution] for login in person.logins)
        office = (self.institutions[person.officer_of],) if person.officer_of else ()
        self.actors[key] = Actor(
            id=person_id,
            session_id=uuid4(),
            name=person.name,
            status="active",
            locale=person.locale,
            authenticated_at=self.now,
            roles=frozenset(person.roles),
            institutions=homes,
            employers=homes,
            offices=office,
        )
