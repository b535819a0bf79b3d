"""What the hostile tests have sent and seen in this run, for docs/trust.md."""

from collections import Counter
from pathlib import Path
from typing import Any

from figures import figure
from hostile import inputs
from tally import added

COUNTS: Counter[str] = Counter()


async def note(got: Any) -> None:
    """Count an answer, as a hook of the client."""
    COUNTS["requests"] += 1
    COUNTS["defects"] += got.status_code >= 500
    COUNTS["refusals"] += 400 <= got.status_code < 500


def distinct() -> int:
    """Return how many inputs there are that differ, of every kind."""
    found = {
        repr(value)
        for name, values in vars(inputs).items()
        if name.isupper() and isinstance(values, list | dict)
        for value in (values.values() if isinstance(values, dict) else values)
    }
    return len(found)


def written(folder: Path) -> None:
    """Print what was counted, and write the figures down where they are collected."""
    if not COUNTS["requests"]:
        return
    print(f"hostile inputs: {distinct()} distinct, {dict(COUNTS)}")
    with added(folder, "hostile", COUNTS) as total:
        _texts(total)
        _described(total)


def _texts(c: Counter[str]) -> None:
    """Write down what came of the lists of hostile inputs."""
    if not c["read again"]:
        return  # only some of the tests were asked for
    figure(
        "hostile inputs: distinct inputs",
        ">= 150",
        str(distinct()),
        held=distinct() >= 150,
    )
    figure("hostile inputs: requests", ">= 10000", str(c["requests"]), held=c["requests"] >= 10_000)
    figure("hostile inputs: answers of 500 or more", "0", str(c["defects"]), held=not c["defects"])
    figure(
        "hostile inputs: texts altered",
        "0",
        f"{c['altered']} of {c['read again']} read again",
        held=not c["altered"] and c["read again"] > 0,
        note="accepted texts, compared in NFC where the portal shows them",
    )
    figure(
        "hostile inputs: refusals that stored something",
        "0",
        f"{c['stored though refused']} of {c['refusals looked at']} looked at",
        held=not c["stored though refused"] and c["refusals looked at"] > 0,
    )


def _described(c: Counter[str]) -> None:
    """Write down what came of the requests drawn from the API's description."""
    if not c["drawn"]:
        return
    figure(
        "schemathesis: requests, server errors",
        "0 of >= 10,000",
        f"{c['drawn: defects']} of {c['drawn']}",
        held=not c["drawn: defects"] and c["drawn"] >= 10_000,
        note=f"{c['drawn: done']} of them did what was asked",
    )
