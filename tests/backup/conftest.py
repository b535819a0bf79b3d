"""Fixtures: one portal's database for all tests of backups, running, with people in it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from backup.scene import Scene, settings
from disks import roomy
from kills.journey import Cast, build
from lianyan.embedded import postgres, throwaway
from lianyan.migrations import upgrade
from lianyan.settings import Settings

collect_ignore = [] if os.environ.get("LIANYAN_LONG") else ["test_long_drill.py"]


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    with throwaway(roomy()) as path:
        yield path


@pytest.fixture(scope="package")
def archive(folder: Path) -> Path:
    """Give a folder for the log, with a name that shells and PostgreSQL could stumble over."""
    made = folder / "it's 100%full"
    made.mkdir(mode=0o711)
    return made


@pytest.fixture(scope="package")
async def scene(folder: Path, archive: Path) -> AsyncIterator[Scene]:
    data = folder / "data"
    key = Settings.from_env({}, data_dir=data).secret_key
    async with postgres(data, wal_archive=archive) as server:
        await asyncio.to_thread(upgrade, server.owner_url)
        yield Scene(folder, msgspec.structs.replace(settings(data), secret_key=key))


@pytest.fixture(scope="package")
async def cast(scene: Scene) -> Cast:
    return await build(scene.home.url("lianyan_app"))


@pytest.fixture(scope="package")
async def place(scene: Scene, cast: Cast) -> Path:
    """Give a backup that no test changes for good."""
    return await scene.backup()


@pytest.fixture
def target() -> Iterator[Path]:
    """Give the path of a data folder that is not there yet."""
    with throwaway(roomy()) as path:
        yield path / "data"
