"""Fixtures of the limits: a clock, and limits put around the app."""

import msgspec
import pytest

from core.limiting import Clock
from lianyan.core.limits import Limits
from lianyan.core.requests import Requests


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limit(app, settings, clock):
    """Give a function that puts limits around the app; they are gone after the test."""
    outer = app.asgi_handler
    assert isinstance(outer, Requests)
    inner = outer.app

    def limit(**values):
        outer.app = Limits(inner, msgspec.structs.replace(settings, **values), app.state, clock)
        return outer.app

    yield limit
    outer.app = inner
