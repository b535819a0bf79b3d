"""The presets are complete, in both languages, and what they name exists."""

from typing import get_args

import msgspec
import pytest

from lianyan.calls.presets import REASONS, Computed, light, standard_rubric
from lianyan.core.words import say


def test_light_has_five_steps_and_its_rules():
    preset = light()
    assert preset.stages == ["submit", "consent", "check", "review", "approval"]
    assert (preset.consent, preset.min_reviews, preset.consent_days) == ("click", 2, 5)


def test_a_call_for_one_institution_asks_nobody_to_confirm():
    single = light().single()
    assert single.stages == ["submit", "check", "review", "approval"]
    assert (single.consent, single.min_institutions) == (None, 1)
    assert not {"all_confirmed", "institutions_at_least_two"} & {i.id for i in single.checklist}


def test_the_checklist_is_prefilled_where_the_portal_can_see():
    computed = {item.id for item in light().checklist if item.computed}
    assert computed == set(get_args(Computed))
    assert {i.id for i in light().checklist if not i.computed} >= {
        "in_scope", "no_secret_matter", "no_duplicate",
    }  # fmt: skip


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_reason_has_words(locale):
    assert len({say(locale, f"taxonomy.reason_{code}") for code in REASONS}) == 9
    assert {item.reason for item in light().checklist} <= set(REASONS)


def test_the_rubric_scores_five_criteria():
    rubric = standard_rubric()
    assert [c.id for c in rubric.criteria] == [
        "innovation", "feasibility", "cooperation", "application", "team",
    ]  # fmt: skip
    assert list(rubric.levels) == [str(n) for n in range(rubric.min, rubric.max + 1)]
    assert all({"1", "5"} <= set(c.anchors) <= set(rubric.levels) for c in rubric.criteria)
    assert [o.id for o in rubric.recommendations] == ["approve", "revise", "reject"]
    assert rubric.for_applicants.required
    assert msgspec.convert(msgspec.to_builtins(rubric), type(rubric)) == rubric
