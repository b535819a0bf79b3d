"""Requests that a machine makes of the API's own description, by everybody, judged by what it promises."""

import random
import warnings
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from actors import STANDING
from hostile.cases import CASES, address
from hostile.counted import COUNTS
from hostile.sending import LONG, SEED, undone
from lianyan.proposals.states import State
from makers import key

EACH = 160 if LONG else 1
"""So many requests to every operation."""
PARTS = 24 if LONG else 1
SHORT = 40
"""So many operations of all, where there is little time."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Of its other checks these do not fit here: `negative_data_rejection`, because the description of a text cannot say
which signs are refused, nor that a stranger is told 401 before the body is read; `positive_data_acceptance`,
because most of what is well formed is still refused by a rule, a right or a state; `ignored_auth`, because the
description names no scheme and tests/test_matrix.py asks it of every route; `unsupported_method` and
`missing_required_header` likewise have tests of their own; the stateful ones need answers that are not undone."""


def operations(app: Any) -> list[Any]:
    """Return every operation of the API's description."""
    schema = schemathesis.openapi.from_dict(app.openapi_schema.to_schema())
    return [found.ok() for found in schema.get_all_operations()]


def drawn(operation: Any, number: int, mode: GenerationMode, paths: Any) -> list[Any]:
    """Return cases of one operation, as hypothesis draws them."""
    found: list[Any] = []
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=paths)

    @seeded(SEED)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(case: Any) -> None:
        found.append(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the library thinks of its own strategies
        collect()
    return found


def real(operation: Any, world: Any) -> dict[str, str] | None:
    """Return ids that there are, for the parts of a path."""
    case = CASES.get(operation.label)
    state = case.state if case else random.choice(list(State))
    names = [p.name for p in operation.path_parameters]
    found = {name: address(f"{{{name}}}", world, world.things[state]) for name in names}
    return found or None


def cases(operation: Any, world: Any) -> list[Any]:
    """Return right and wrong requests, on ids that there are and on others."""
    found = []
    half = max(1, EACH // 4)
    for mode, paths in (
        (GenerationMode.POSITIVE, real(operation, world)),
        (GenerationMode.NEGATIVE, real(operation, world)),
        (GenerationMode.POSITIVE, real(operation, world)),
        (GenerationMode.NEGATIVE, None),
    ):
        try:
            found += drawn(operation, half, mode, paths)[:half]
        except Exception as error:  # where nothing can be wrong there is nothing to draw
            if "Unsatisfiable" not in type(error).__name__ and "skip" not in str(error).lower():
                raise
        if len(found) >= EACH and not LONG:
            break
    return found


def fault(case: Any, got: Any) -> str | None:
    """Return what an answer does not keep of what the description promises."""
    try:
        case.validate_response(got, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        inner = getattr(failure, "exceptions", [failure])
        return "; ".join(f"{type(one).__name__} {one}"[:300] for one in inner)
    return None


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
async def test_the_api_keeps_what_its_description_says(app, client, world, connection, part):
    chance = random.Random(f"{SEED}-{part}")
    print(f"LIANYAN_HOSTILE_SEED={SEED}")
    found = operations(app)
    found = found[part::PARTS] if LONG else chance.sample(found, SHORT)
    people = list(STANDING)
    wrong = []
    for operation in found:
        chance.shuffle(people)
        for number, case in enumerate(cases(operation, world)):
            who = people[number // 2 % len(people)]
            if number % 2 and operation.label in CASES:
                who = CASES[operation.label].who  # every second time somebody who may
            headers = {**world.headers[who], **key(), "if-match": '"1"'}
            sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8000")
            request = {n: sent[n] for n in ("params", "json", "data") if sent.get(n) is not None}
            if isinstance(request.get("data"), bytes | str):
                request["content"] = request.pop("data")
            own = {n: v for n, v in (sent.get("headers") or {}).items() if "agent" not in n.lower()}
            async with undone(connection):
                got = await client.request(
                    sent["method"], sent["url"], headers={**headers, **own}, **request
                )
            client.cookies.clear()
            COUNTS["drawn"] += 1
            COUNTS["drawn: defects"] += got.status_code >= 500
            COUNTS["drawn: done"] += got.status_code < 300
            if said := fault(case, got):
                wrong.append(f"{operation.label} as {who}: {got.status_code} {said}")
    assert not wrong, f"{len(wrong)} of them:\n" + "\n".join(wrong[:60])
