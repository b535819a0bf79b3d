"""What several clients were answered, and whether any order of their calls explains it.

A history is explained if its calls can be put in a row so that each call that had ended before
another began stands before it, and each answer is the one that a single client, making the calls in
that row, would have been given. A call without an answer may stand anywhere after its beginning, or
nowhere.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, TypeVar

State = TypeVar("State", bound=Hashable)
Answer = tuple[Hashable, ...]


class Call(NamedTuple):
    """One call and what came of it."""

    client: int
    asked: tuple[Hashable, ...]
    began: float
    ended: float = math.inf
    answer: Answer | None = None
    """None: nobody knows."""


Model = Callable[[State, tuple[Hashable, ...], Answer | None], State | None]
"""Says what the state is after a call that got this answer; None: it cannot get this answer."""


def explained(history: Sequence[Call], model: Model[State], start: State) -> list[Call] | None:
    """Return a row of the calls that explains every answer, None if there is none."""
    dead: set[tuple[frozenset[int], State]] = set()

    def search(left: frozenset[int], state: State) -> list[Call] | None:
        if all(history[n].answer is None for n in left):
            return []
        if (left, state) in dead:
            return None
        first = min(history[n].ended for n in left)
        for n in sorted(left):
            call = history[n]
            if call.began > first:
                continue
            after = model(state, call.asked, call.answer)
            if after is None:
                continue
            rest = search(left - {n}, after)
            if rest is not None:
                return [call, *rest]
        dead.add((left, state))
        return None

    return search(frozenset(range(len(history))), start)


def register(
    state: tuple[int, str], asked: tuple[Hashable, ...], answer: Answer | None
) -> tuple[int, str] | None:
    """A text that is saved over its revision: `save rev text` or `read`."""
    rev, text = state
    if asked[0] == "read":
        return state if answer in {None, ("is", rev, text)} else None
    _, known, new = asked
    if new == text:
        right, after = ("saved", rev), state
    elif known != rev:
        right, after = ("stale", rev, text), state
    else:
        right, after = ("saved", rev + 1), (rev + 1, str(new))
    return after if answer in {None, right} else None


SOME = "?"
"""The id of something that was made, perhaps, by a call without an answer."""


def unique(
    state: tuple[str, str] | None, asked: tuple[Hashable, ...], answer: Answer | None
) -> tuple[str, str] | None:
    """A thing of which one may be made: `make key`; the state is its id and its maker's key, or two blanks."""
    made, by = state or ("", "")
    key = str(asked[1])
    if answer is None:
        return (made, by) if made else (SOME, key)
    what, id_ = str(answer[0]), str(answer[1])
    if not made:
        return (id_, key) if what == "made" else None
    if made not in {SOME, id_} or what != ("made" if key == by else "exists"):
        return None
    return id_, by


def places(most: int) -> Model[frozenset[tuple[str, str]]]:
    """A set of people with so many places: `ask person` or `remove id`."""

    def model(
        state: frozenset[tuple[str, str]], asked: tuple[Hashable, ...], answer: Answer | None
    ) -> frozenset[tuple[str, str]] | None:
        what, whom = str(asked[0]), str(asked[1])
        if answer is None:
            raise ValueError(asked)  # these calls are sent again until they are answered
        if what == "remove":
            held = {place for place in state if place[1] == whom}
            right = ("removed",) if held else ("over",)
            return state - held if answer == right else None
        if what == "read":
            return state if answer == ("are", frozenset(person for person, _ in state)) else None
        if any(person == whom for person, _ in state):
            return state if answer == ("assigned_already",) else None
        if len(state) >= most:
            return state if answer == ("quota_reached",) else None
        return state | {(whom, str(answer[1]))} if answer[0] == "made" else None

    return model
