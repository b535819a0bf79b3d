"""Checks of one input's fields, gathered, so that a refusal names all that are wrong and not the first."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from lianyan.core.problems import FieldError, Invalid

P = ParamSpec("P")
T = TypeVar("T")


class Fields:
    """What is wrong with an input so far."""

    def __init__(self) -> None:
        """Begin with nothing wrong."""
        self.errors: list[FieldError] = []

    def wrong(self, field: str, code: str, **params: Any) -> None:
        """Note that `field` is wrong."""
        self.errors.append(FieldError(field, code, params))

    def take(
        self, field: str, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Return what `check` makes of a value, or note its refusal and return None.

        A refusal is a ValueError with `code` and `params`, as the text gate and the identifiers raise it.
        """
        try:
            return check(*args, **kwargs)
        except ValueError as error:
            code: str | None = getattr(error, "code", None)
            if code is None:
                raise
            self.wrong(field, code, **getattr(error, "params", {}))
            return None

    def settle(self) -> None:
        """Raise Invalid with everything that is wrong, if anything is."""
        if self.errors:
            raise Invalid(self.errors)
