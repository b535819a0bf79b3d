"""Every kind of event that the source can write has words in both languages."""

import json
import re
from pathlib import Path

import pytest

from lianyan.proposals.states import Move

PACKAGE = Path(__file__).parents[2] / "backend" / "lianyan"
KIND = re.compile(
    r"(?:record|disclosed|_noted|_note)\((?:[^()]|\([^()]*\))*?\"([a-z_]+\.[a-z_]+)\"", re.DOTALL
)
FAMILIES = {
    "invitation": ("sent", "accepted", "declined", "changes", "reported", "revoked"),
    "participation": ("view", "confirm", "return", "decline", "extend", "renew", "remove", "void"),
    "decision": ("drafted", "signed", "sent_back", "cancelled", "released"),
    "provider": ("activated", "disabled", "retired"),
    "proposal": tuple(move.value for move in Move),
}
"""Kinds that are put together where they are written."""


def kinds() -> set[str]:
    """Return every kind of event found in the source."""
    found = {f"{area}.{act}" for area, acts in FAMILIES.items() for act in acts}
    for path in PACKAGE.rglob("*.py"):
        found |= set(KIND.findall(path.read_text()))
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_has_words(language):
    words = json.loads((PACKAGE / "catalogue" / language / "record.json").read_text())
    known = kinds()
    assert {"role.granted", "login.refused", "review.read", "limit.refused"} <= known
    parts = {f"area_{kind.split('.')[0]}" for kind in known}
    parts |= {f"act_{kind.split('.')[1]}" for kind in known}
    assert sorted(parts - words.keys()) == []
