"""The body of a request: JSON, read once, strictly, each field once.

The framework converts bodies as laxly as query strings (the text "4" would pass for a number); a
body says itself what is a number, so here it has to be one.
"""

import json
from functools import cache
from typing import Any

import msgspec
from litestar import Request

from lianyan.core.problems import (
    LONGEST_NAME,
    REFUSED_BODY,
    Problem,
    Unsupported,
    body_refused,
    invalid,
)

JSON = "application/json"
UTF8 = {"", "utf-8", "utf8"}


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is what the handler's `data` says, or is refused by name."""

    async def json(self) -> Any:
        """Return the body as the handler's type.

        A refusal waits until the framework converts the handler's arguments, which it cannot be
        converted to: who asks comes first, and a stranger is a stranger whatever the body.
        """
        wanted = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        try:
            _readable(
                self.headers.get("content-type", ""), self.headers.get("content-encoding", "")
            )
            return strictly(await self.body(), wanted)
        except Problem as problem:
            self.scope[REFUSED_BODY] = problem  # type: ignore[literal-required]
            return problem


def strictly(body: bytes, wanted: Any) -> Any:
    """Return JSON text as `wanted`, or raise Invalid with the field that is of another type or comes twice."""
    try:
        found = _decoder(wanted).decode(body)
    except msgspec.ValidationError as error:
        raise body_refused(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("body", "problems.unreadable") from error
    # Of two members with one name one reader takes the first and another the last (RFC 8259 §4), so
    # what a person has signed could be another text than what is stored. Numbers are not looked at.
    json.loads(body, object_pairs_hook=_once, parse_int=str, parse_float=str)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise invalid(name[:LONGEST_NAME] or "body", "problems.doubled_field")
            seen.add(name)
    return found


def _readable(content_type: str, encoding: str) -> None:
    """Refuse a body said to be packed or to be something else; one of which nothing is said is JSON."""
    kind, *params = (part.strip().lower() for part in content_type.split(";"))
    if encoding.strip().lower() not in {"", "identity"} or kind not in {"", JSON}:
        raise Unsupported
    for param in params:
        name, _, value = param.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in UTF8:
            raise Unsupported


@cache
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted)
