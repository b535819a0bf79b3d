"""Shapes that answers of several slices share, and the answer PostgreSQL has shaped already."""

from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
from litestar import Response

T = TypeVar("T")


class I18n(msgspec.Struct, frozen=True):
    """A text in both languages."""

    zh: str
    en: str


class InstitutionRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """An institution as other things name it."""

    id: UUID
    name: I18n
    short: I18n | None = None
    """The short name, the full one where a language has none; absent where there is none at all."""


class PersonRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person as other things name them."""

    id: UUID
    name: str
    name_latin: str | None = None
    institution: InstitutionRef | None = None


def shaped(_shape: type[T], body: str | bytes, **headers: str) -> Response[T]:
    """Return JSON that the database has written, as the answer of that shape."""
    content = body.encode() if isinstance(body, str) else body
    return Response(cast("Any", content), media_type="application/json", headers=headers)
