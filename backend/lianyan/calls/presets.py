"""The presets a call is opened from: stages and rules, the standard form, the rubric, the reasons."""

from functools import cache
from importlib.resources import files
from typing import Literal, TypeVar

import msgspec

from lianyan.calls.forms import Form, Option, Said

Document = TypeVar("Document")
Computed = Literal[
    "institutions_at_least_two",
    "lead_is_member",
    "all_confirmed",
    "within_limits",
    "ids_valid",
    "dates_in_range",
    "sectors_chosen",
]
"""What the portal can see for itself; a person looks at the rest."""

REASONS = ("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9")
"""Why a proposal is not accepted; the words are `taxonomy.reason_<code>`."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing the formal check looks at."""

    id: str
    computed: bool
    reason: str
    """The reason code that a no suggests."""
    label: Said


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing reviewers score."""

    id: str
    label: Said
    help: Said
    anchors: dict[str, Said]
    """What some of the scores mean here, by score."""


class Remark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text that reviewers write."""

    label: Said
    hint: Said
    required: bool
    limit: int


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What reviewers are asked."""

    min: int
    max: int
    levels: dict[str, Said]
    criteria: list[Criterion]
    recommendations: list[Option]
    for_applicants: Remark
    for_coordinators: Remark


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of a call, as they are filled in when it is opened."""

    id: str
    title: Said
    help: Said
    stages: list[str]
    consent: Literal["click"] | None
    consent_days: int
    check_days: int
    return_days: int
    min_institutions: int
    min_reviews: int
    max_reviews: int
    checklist: list[Item]

    def single(self) -> "Preset":
        """Return these rules for a call that takes one institution: nobody else is to confirm."""
        return msgspec.structs.replace(
            self,
            stages=[stage for stage in self.stages if stage != "consent"],
            consent=None,
            min_institutions=1,
            checklist=[item for item in self.checklist if item.id not in _NOT_FOR_ONE],
        )


_NOT_FOR_ONE = {"institutions_at_least_two", "all_confirmed"}


@cache
def standard_form() -> Form:
    """Return the form of six sections that calls ask unless they bring their own."""
    return _document("standard_form.json", Form)


@cache
def standard_rubric() -> Rubric:
    """Return the five criteria and the texts that reviewers are asked for."""
    return _document("rubric.json", Rubric)


@cache
def light() -> Preset:
    """Return the Light preset: five steps on screen."""
    return _document("light.json", Preset)


def _document(name: str, kind: type[Document]) -> Document:
    text = (files("lianyan.calls") / "data" / name).read_bytes()
    return msgspec.json.decode(text, type=kind)
