"""What a call asks its reviewers, and what a review adds up to."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from statistics import fmean, pstdev
from typing import Any, NamedTuple
from uuid import UUID

from lianyan.core.problems import FieldError
from lianyan.core.text import blank
from lianyan.reviews.schemas import CriterionSpread, Spread

LETTERS = 26
DIGITS = 2
"""Decimals of a mean."""


class Rubric(NamedTuple):
    """The parts of a stored rubric that the server judges by."""

    low: int
    high: int
    criteria: tuple[str, ...]
    counted: tuple[str, ...]
    """Criteria that add up to the total: all but the independent ones."""
    applicants_limit: int
    applicants_required: bool
    coordinators_limit: int


def read(document: Mapping[str, Any]) -> Rubric:
    """Return the rubric of a stored document."""
    criteria = document["criteria"]
    return Rubric(
        document["min"],
        document["max"],
        tuple(c["id"] for c in criteria),
        tuple(c["id"] for c in criteria if not c.get("independent", False)),
        document["for_applicants"]["limit"],
        document["for_applicants"]["required"],
        document["for_coordinators"]["limit"],
    )


def total(rubric: Rubric, scores: Mapping[str, int | None] | None) -> int | None:
    """Return the sum of the scores that count, None as long as one is missing; 0 is a sum."""
    found = [(scores or {}).get(criterion) for criterion in rubric.counted]
    given = [score for score in found if score is not None]
    return sum(given) if given and len(given) == len(found) else None


def missing(
    rubric: Rubric,
    scores: Mapping[str, int | None] | None,
    recommendation: str | None,
    for_applicants: str,
) -> list[FieldError]:
    """Return what a review still lacks before it can be submitted."""
    found: list[FieldError] = []
    unscored = [c for c in rubric.criteria if (scores or {}).get(c) is None]
    if unscored:
        params = {"count": len(unscored), "criteria": unscored}
        found.append(FieldError("scores", "reviews.scores_missing", params))
    if recommendation is None:
        found.append(FieldError("recommendation", "reviews.recommendation_missing"))
    if rubric.applicants_required and blank(for_applicants):
        found.append(FieldError("for_applicants", "reviews.text_missing"))
    return found


def spread(rubric: Rubric, reviews: Sequence[Mapping[str, int | None]]) -> Spread:
    """Return how the scores of submitted reviews lie; None, never 0, where nothing is scored."""
    totals = [t for scores in reviews if (t := total(rubric, scores)) is not None]
    criteria = []
    for criterion in rubric.criteria:
        given = [s for scores in reviews if (s := scores.get(criterion)) is not None]
        criteria.append(
            CriterionSpread(
                criterion,
                mean=round(fmean(given), DIGITS) if given else None,
                low=min(given, default=None),
                high=max(given, default=None),
            )
        )
    return Spread(
        review_count=len(reviews),
        mean_score=round(fmean(totals), DIGITS) if totals else None,
        low=min(totals, default=None),
        high=max(totals, default=None),
        deviation=round(pstdev(totals), DIGITS) if len(totals) > 1 else None,
        criteria=criteria,
    )


def labels(proposal_id: UUID, assignment_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names under which submitted reviews are passed on: A, B … in no order of theirs.

    `queries.passed_on` gives the same in SQL.
    """
    order = sorted(assignment_ids, key=lambda a: sha256(f"{proposal_id}{a}".encode()).digest())
    return {found: _letter(place) for place, found in enumerate(order)}


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < LETTERS else f"A{place + 1}"
