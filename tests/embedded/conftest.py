"""Fixtures of the embedded database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from disks import roomy
from lianyan.embedded import throwaway


@pytest.fixture
def folder() -> Iterator[Path]:
    with throwaway(roomy()) as path:
        yield path
