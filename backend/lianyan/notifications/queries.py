"""What waits for a reader: tasks from facts, each with the act in place."""

from collections import Counter
from datetime import datetime

import msgspec

from lianyan.core.actor import Reading
from lianyan.notifications.facts import Facts, asked_of
from lianyan.notifications.schemas import CodeCount, Done, Sentence, Task, Tasks
from lianyan.notifications.statement import FACTS_OF
from lianyan.notifications.tasks import tasks_of, waiting_of
from lianyan.proposals.turn import days_between

WAITING, DONE_SHOWN = 20, 8


async def tasks(reading: Reading, link: str) -> Tasks:
    """Return what the reader is to do, what waits for others, what they did lately, their messages."""
    found = await FACTS_OF.run(reading.connection, **asked_of(reading.actor, link))
    facts = msgspec.json.decode(found or "null", type=Facts)
    todo = sorted(tasks_of(facts), key=_order)
    waiting = waiting_of(facts, {t.proposal.id for t in todo if t.proposal})
    counts = Counter(task.code for task in todo)
    due = todo[0].deadline if todo else None
    return Tasks(
        sentence=Sentence(len(todo), [CodeCount(code, n) for code, n in counts.items()]),
        next_due=due,
        next_days_left=days_between(due, facts.now) if due else None,
        waiting_count=len(waiting),
        unread=facts.unread,
        pending=facts.pending,
        tasks=todo,
        waiting=waiting[:WAITING],
        done=_once(facts.done)[:DONE_SHOWN],
        messages=facts.messages,
        now=facts.now,
    )


def _once(done: list[Done]) -> list[Done]:
    """Return what was done, newest first, the same thing done again only once."""
    found: dict[str, Done] = {}
    for one in done:
        of = one.params.get("institution")
        found.setdefault(f"{one.code} {one.proposal and one.proposal.id} {of}", one)
    return list(found.values())


def _order(task: Task) -> tuple[bool, float, str, str]:
    """Return the order of tasks: the nearest date first, those without one last."""
    at: datetime | None = task.deadline
    return at is None, at.timestamp() if at else 0.0, task.code, str(task.proposal and task.proposal.id)  # fmt: skip
