"""Errors the API answers with: RFC 9457 problems in the reader's language, never with a stack trace."""

import re
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from lianyan.core.words import say

PROBLEM = "application/problem+json"
BUSY = 503
REFUSED_BODY = "lianyan.refused_body"
"""Where a request keeps what is wrong with its body until somebody may be told."""
LONGEST_NAME = 80
"""So much of a field's name is repeated that the client has made up."""

_INDEX = re.compile(r"\[(\d+)\]")


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong with one field: its path, a catalogue key and the key's parameters."""

    field: str
    code: str
    params: dict[str, Any] = {}


class FieldRefusal(FieldError, frozen=True, kw_only=True):
    """One wrong field as an answer names it: with the sentence in the reader's language."""

    detail: str


class Refusal(msgspec.Struct, frozen=True):
    """The body of every answer that is a refusal (RFC 9457)."""

    type: str
    status: int
    code: str
    title: str
    detail: str
    params: dict[str, Any]
    errors: list[FieldRefusal]


class Problem(Exception):
    """An expected failure; `code` is a key of the message catalogue, `<area>.<key>`."""

    status = 400
    retry_after = 1
    """After so many seconds a busy service may be asked again."""

    def __init__(self, code: str, *, errors: list[FieldError] | None = None, **params: Any) -> None:
        """Say what failed; `params` fill the sentence and travel to the client as they are."""
        super().__init__(code)
        self.code, self.errors, self.params = code, errors or [], params


class Invalid(Problem):
    """The input is malformed or breaks a rule; `errors` names each field."""

    status = 400

    def __init__(
        self, errors: list[FieldError], code: str = "problems.invalid", **params: Any
    ) -> None:
        """Take the fields that are wrong."""
        super().__init__(code, errors=errors, **params)


def invalid(field: str, code: str, **params: Any) -> Invalid:
    """Return the problem of one wrong field."""
    return Invalid([FieldError(field, code, params)])


class Unauthorized(Problem):
    """Nobody is logged in, or the session has ended."""

    status = 401

    def __init__(self, code: str = "problems.unauthorized", **params: Any) -> None:
        """Say so."""
        super().__init__(code, **params)


class Forbidden(Problem):
    """The actor can see the thing but may not do this to it; `code` says why in words."""

    status = 403

    def __init__(self, code: str = "problems.forbidden", **params: Any) -> None:
        """Say why."""
        super().__init__(code, **params)


class NotFound(Problem):
    """The thing does not exist, or the actor may not know that it does: one answer for both."""

    status = 404

    def __init__(self) -> None:
        """Say nothing about which."""
        super().__init__("problems.not_found")


class Conflict(Problem):
    """The thing's state, or a uniqueness rule, does not allow this."""

    status = 409


class Gone(Problem):
    """The link is dead: used, revoked or expired."""

    status = 410


class Stale(Problem):
    """The thing has changed since it was read; `params` carry the stored content."""

    status = 412

    def __init__(self, code: str = "problems.stale", **params: Any) -> None:
        """Take what is stored now."""
        super().__init__(code, **params)


class Unsupported(Problem):
    """The body is said to be packed, or not to be JSON in UTF-8."""

    status = 415

    def __init__(self) -> None:
        """Say so."""
        super().__init__("problems.http_415")


class PreconditionRequired(Problem):
    """A change came without `If-Match`."""

    status = 428

    def __init__(self) -> None:
        """Say so."""
        super().__init__("problems.if_match_required")


class TooMany(Problem):
    """Too many requests."""

    status = 429


def locale_of(request: Request[Any, Any, Any]) -> str:
    """Return the reader's language: account, cookie, Accept-Language, Chinese."""
    actor: Any = request.scope.get("actor")
    if actor is not None and actor.locale:
        return str(actor.locale)
    cookie = request.cookies.get("lang")
    if cookie in {"zh", "en"}:
        return cookie
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "zh"


def answer(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    """Return `problem` as the response to `request`."""
    headers = {"cache-control": "no-store"}
    if problem.status == Unauthorized.status:
        headers["www-authenticate"] = "Session"
    if problem.status == BUSY:
        headers["retry-after"] = str(problem.retry_after)
    return Response(
        written(problem, locale_of(request)),
        status_code=problem.status,
        media_type=PROBLEM,
        headers=headers,
    )


def written(problem: Problem, locale: str) -> bytes:
    """Return `problem` as the body of an answer."""
    body = Refusal(
        type=f"/problems/{problem.code}",
        status=problem.status,
        code=problem.code,
        title=say(locale, f"problems.title_{problem.status}"),
        detail=_sentence(locale, problem.code, problem.params),
        params=problem.params,
        errors=[
            FieldRefusal(e.field, e.code, e.params, detail=_sentence(locale, e.code, e.params))
            for e in problem.errors
        ],
    )
    return msgspec.json.encode(body)


def _sentence(locale: str, code: str, params: dict[str, Any]) -> str:
    try:
        return say(locale, code, **params)
    except KeyError:
        return say(locale, "problems.invalid")


def handle_problem(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    """Answer an expected failure."""
    return answer(request, problem)


def handle_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses: unknown path, bad method, unreadable body."""
    refused: Problem | None = request.scope.get(REFUSED_BODY)  # type: ignore[assignment]
    if isinstance(error, ValidationException) and refused:
        return answer(request, refused)
    if isinstance(error, ValidationException) or error.status_code == Invalid.status:
        return answer(request, _from_validation(error))
    problem = Problem(f"problems.http_{error.status_code}")
    if error.status_code == NotFound.status:
        problem = NotFound()
    elif error.status_code not in {401, 403, 405, 413, 415, 429}:
        problem = Problem("problems.invalid")
    problem.status = error.status_code
    response = answer(request, problem)
    if allow := (error.headers or {}).get("allow"):
        response.headers["allow"] = allow
    return response


def _from_validation(error: HTTPException) -> Problem:
    found: list[FieldError] = []
    extra = error.extra if isinstance(error.extra, list) else []
    for item in extra:
        if isinstance(item, dict):
            field = str(item.get("key", "") or item.get("source", "body"))
            field, code, params = _shape(field, str(item.get("message", "")))
            found.append(FieldError(field, code, params))
    return Invalid(found or [FieldError("body", "problems.unreadable", {})])


def body_refused(said: str) -> Invalid:
    """Return the problem of a body that msgspec has refused with this sentence."""
    message, found, place = said.rpartition(" - at `$")
    field, code, params = (
        _shape(place.rstrip("`").lstrip("."), message) if found else _shape("", said)
    )
    return invalid(field, code, **params)


def _shape(field: str, message: str) -> tuple[str, str, dict[str, Any]]:
    """Turn msgspec's sentence into a field and a code of ours; its English never reaches a person.

    A place inside is written as commands write it: `contributions.0.amount`.
    """
    place = _INDEX.sub(r".\1", field).partition("[...]")[0]
    place = "" if place == "data" else place.removeprefix("data.")
    for said, code in (
        ("unknown field `", "problems.unknown_field"),
        ("missing required field `", "problems.required"),
    ):
        _, found, name = message.partition(said)
        if found:
            inner = name.rpartition("`")[0][:LONGEST_NAME]
            return ".".join(filter(None, (place, inner))) or "body", code, {}
    return place or "body", "problems.wrong_type", {}
