"""Figures for docs/trust.md: a proof says what it measured, beside what was wanted of it."""

import json
import os
import time
from pathlib import Path


def figure(name: str, target: str, measured: str, *, held: bool, note: str = "") -> None:
    """Write down one figure where `LIANYAN_FIGURES` names a file; anywhere else this does nothing.

    `name` says what was counted, in words that stay the same from run to run.
    """
    if not (wanted := os.environ.get("LIANYAN_FIGURES")):
        return
    line = {
        "name": name,
        "target": target,
        "measured": measured,
        "held": held,
        "note": note,
        "test": os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0],
        "date": time.strftime("%Y-%m-%d"),
    }
    with Path(wanted).open("a", encoding="utf-8") as found:
        found.write(json.dumps(line, ensure_ascii=False) + "\n")
