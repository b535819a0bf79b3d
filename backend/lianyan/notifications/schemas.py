"""What the page 我的待办 gives and takes."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.shapes import I18n, InstitutionRef
from lianyan.proposals.schemas.officer import QueueItem


class TaskProposal(msgspec.Struct):
    """The proposal a task is about."""

    id: UUID
    title: str
    title_en: str
    number: str | None
    shown: str


class TaskAct(msgspec.Struct, omit_defaults=True):
    """Something that can be done at once: catalogue `tasks.act.<label>`."""

    action: str
    """The action of the policy table, or `open` for a link only."""
    label: str
    params: dict[str, Any] = {}
    link: str | None = None
    """Path on the site."""
    primary: bool = False


class Why(msgspec.Struct, omit_defaults=True):
    """One thing that is to be done first: `code` is a full catalogue key."""

    code: str
    params: dict[str, Any] = {}
    link: str | None = None


class Task(msgspec.Struct, kw_only=True):
    """One thing the reader is to do: catalogue `tasks.title.<code>`."""

    code: str
    """confirm, reconfirm, confirm_person, complete_draft, correct, answer_return,
    replace_institution, expired, check, extend, assign, finish, draft_decision, revise_decision,
    release, sign, review_answer, review, submit_reviews, name_officer, name_stand_in."""
    proposal: TaskProposal | None
    params: dict[str, Any]
    why: list[Why]
    deadline: datetime | None
    deadline_kind: str | None
    days_left: int | None
    acts: list[TaskAct]
    card: QueueItem | None = None
    """For confirm and reconfirm: the whole card, so that the act is in place."""


class Waiting(msgspec.Struct):
    """A proposal of the reader's that is with somebody else."""

    proposal: TaskProposal
    my_role: str
    lead: InstitutionRef | None
    who: str
    """officer, lead, coordinator, reviewers or approver."""
    names: list[I18n]
    expected: datetime | None
    remind: I18n | None
    """A reminder to paste, where the reader may remind."""


class Done(msgspec.Struct):
    """Something the reader did lately: catalogue `tasks.done.<code>`, the code with its dot."""

    at: datetime
    code: str
    params: dict[str, Any]
    proposal: TaskProposal | None


class Note(msgspec.Struct):
    """A message of the inbox: catalogue `messages.<template>`."""

    id: UUID
    at: datetime
    template: str
    params: dict[str, Any]
    """With `institution` (I18n) and `person` (name) filled in where the template has them."""
    proposal: TaskProposal | None
    read: bool


class CodeCount(msgspec.Struct):
    """How many tasks of one code there are: catalogue `tasks.sentence.<code>`."""

    code: str
    n: int


class Sentence(msgspec.Struct):
    """The page's first sentence in parts: 您有 2 件事：确认 1 项变更，补齐 1 份草稿."""

    total: int
    by: list[CodeCount]


class Tasks(msgspec.Struct, kw_only=True):
    """Everything that waits for the reader, and what waits for others."""

    sentence: Sentence
    next_due: datetime | None
    next_days_left: int | None
    waiting_count: int
    unread: int
    pending: list[InstitutionRef]
    """Institutions that have still to confirm that the reader belongs to them."""
    tasks: list[Task]
    waiting: list[Waiting]
    done: list[Done]
    messages: list[Note]
    now: datetime


class ReadIn(msgspec.Struct, forbid_unknown_fields=True):
    """Messages that have been read; those of others are left alone in silence."""

    ids: list[UUID]
