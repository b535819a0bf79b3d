"""Every case from the field has a test that bears its name, or stands on the page of those that wait."""

import re
from pathlib import Path

HERE = Path(__file__).parent
ALL = set(range(1, 100, 2))
"""The open set has the odd numbers."""


def named() -> set[int]:
    """Return the cases that tests are named after."""
    return {
        int(found)
        for path in HERE.parent.rglob("test_*.py")
        for found in re.findall(r"^(?:async )?def test_c(\d\d)_", path.read_text(), re.MULTILINE)
    }


def waiting(heading: str) -> set[int]:
    """Return the cases under a heading of the page."""
    page = (HERE / "waiting.md").read_text()
    part = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert part is not None, heading
    return {int(found) for found in re.findall(r"C-(\d\d)", part[1])}


def test_every_case_is_tested_or_waits():
    assert ALL - named() - waiting("Whole cases") == set()


def test_a_case_that_waits_as_a_whole_has_no_test_yet():
    assert waiting("Whole cases") & named() == set()


def test_a_case_of_which_a_part_waits_is_tested_otherwise():
    assert waiting("Parts") <= named()
