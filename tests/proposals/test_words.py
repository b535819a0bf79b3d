"""Every code that proposals answer with is a sentence in both languages."""

import re
from pathlib import Path

import pytest

import lianyan.proposals
from lianyan.core.words import LOCALES, catalogue
from lianyan.proposals.queries.ledger import COLUMNS
from lianyan.proposals.states import SHOWN, Participation

CODE = re.compile(r'"((?:proposals|invitations)\.[a-z_]+)"')


def codes():
    folder = Path(lianyan.proposals.__file__).parent
    found = {
        code
        for file in folder.rglob("*.py")
        if file.name not in {"models.py", "derived.py"}  # names of columns, not of sentences
        for code in CODE.findall(file.read_text())
    }
    return found | {f"proposals.ledger_{name}" for name in COLUMNS}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_code_is_a_sentence(locale):
    sentences = catalogue(locale)
    absent = {c for c in codes() if c not in sentences and f"{c}_other" not in sentences}
    assert not absent


@pytest.mark.parametrize("locale", LOCALES)
def test_no_sentence_is_left_over(locale):
    own = {k for k in catalogue(locale) if k.partition(".")[0] in {"proposals", "invitations"}}
    plain = {re.sub(r"_(one|other)$", "", key) for key in own}
    assert plain - codes() <= {"proposals.one_lead", "proposals.ledger"}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_workbook_finds_its_words(locale):
    sentences = catalogue(locale)
    assert all(f"status.proposal.{shown}" in sentences for shown in SHOWN.values())
    assert all(f"status.participation.{part}" in sentences for part in Participation)
