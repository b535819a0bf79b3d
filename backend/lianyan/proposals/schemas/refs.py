"""Small shapes that several answers share."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n


class Deadline(msgspec.Struct, frozen=True, omit_defaults=True):
    """One instant that counts for the reader, and why it is this one."""

    kind: str
    """submit, consent, resubmit, check, review or decide."""
    at: datetime
    reason: str | None = None
    """Catalogue key: where the instant comes from, such as an extension for this proposal."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stage on the way of a proposal."""

    stage: str
    done: bool = False
    current: bool = False
    at: datetime | None = None
    expected: datetime | None = None


class Progress(msgspec.Struct, frozen=True):
    """Where a proposal is on its way: `step` of `of`."""

    step: int
    of: int
    steps: list[Step]


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something the reader is to do: a catalogue key, and where."""

    code: str
    params: dict[str, Any] = {}
    section: str | None = None
    participation: UUID | None = None


class WaitingFor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose turn it is."""

    who: str
    """you, lead, officer, coordinator, reviewers or approver."""
    names: list[I18n] = []
    """The institutions whose officers are waited for."""


class Saved(msgspec.Struct, frozen=True):
    """The answer to a change: the thing and its new revision."""

    id: UUID
    rev: int
