"""The facts of 我的待办, as its one statement gives them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.actor import Actor
from lianyan.core.policy import Role, standing
from lianyan.core.shapes import I18n, InstitutionRef
from lianyan.notifications.schemas import Done, Note, TaskProposal
from lianyan.proposals import turn
from lianyan.proposals.acts import Now
from lianyan.proposals.queries.progress import SeenPart, SeenSection
from lianyan.proposals.schemas.officer import QueueItem


class Written(msgspec.Struct):
    """How far a proposal is written, for those who may write."""

    now: Now
    sections: list[SeenSection]
    titles: dict[str, I18n]
    """Section -> its title."""
    parts: list[SeenPart]


class Own(msgspec.Struct):
    """A proposal of the reader's that is under way."""

    proposal: TaskProposal
    own: int
    office: int
    shown: str
    who: str
    names: list[I18n]
    due: datetime | None
    remind: I18n | None
    lead: InstitutionRef | None
    written: Written | None


class Card(msgspec.Struct):
    """An institution's part that waits for the reader's confirmation."""

    item: QueueItem
    scope: dict[str, Any]
    voided: int
    standing: int


class Asking(msgspec.Struct):
    """Somebody who asks to join the reader's institution."""

    id: UUID
    person: str
    institution: InstitutionRef


class OnDesk(msgspec.Struct):
    """A proposal whose turn is the coordinator's."""

    proposal: TaskProposal
    act: str
    due: datetime | None
    params: dict[str, Any]


class Counted(msgspec.Struct):
    """Assignments of the reader's, and when the first is due."""

    n: int
    due: datetime | None
    written: int = 0


class ToSign(msgspec.Struct):
    """A decision that waits for the reader's signature."""

    proposal: TaskProposal
    due: datetime | None


class Hole(msgspec.Struct):
    """A proposal that nobody free of a conflict can handle or approve; its content is not told."""

    number: str
    missing: list[str]
    institutions: list[I18n]


class Facts(msgspec.Struct):
    """Everything that may concern one reader."""

    now: datetime
    own: list[Own]
    cards: list[Card]
    people: list[Asking]
    pending: list[InstitutionRef]
    desk: list[OnDesk]
    nameless: list[I18n]
    asked: Counted
    reviewing: Counted
    sign: list[ToSign]
    holes: list[Hole]
    done: list[Done]
    unread: int
    messages: list[Note]


def asked_of(actor: Actor, link: str) -> dict[str, Any]:
    """Return the values of the statement for one reader."""
    held = standing(actor)
    return {
        **turn.asked(actor),
        "tied": [actor.id, *actor.employers],
        "now": None,
        "offices": list(actor.offices) if actor.scope is None else [],
        "principals": actor.principals,
        "scope": actor.scope,
        "desk": Role.DESK in held,
        "bench": Role.BENCH in held,
        "administrator": Role.ADMINISTRATOR in held,
        "standing_in": "coordinator" not in actor.roles,
        "link": link,
    }
