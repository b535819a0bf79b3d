"""The whole way: a portal in use, its backup, another portal from it, and the same people go on."""

import asyncio
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from backup.scene import restore
from lianyan.calls.models import Call
from lianyan.core.db import engine_of
from lianyan.identity.models import Person
from lianyan.institutions.models import Institution
from makers import make_proposal
from portal import free_port, portal

LIANYAN = [sys.executable, "-m", "lianyan"]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backup")]


async def test_a_restored_portal_goes_on_where_the_backup_was(scene, cast, target):
    engine = engine_of(scene.home.url("lianyan_app"))
    async with async_sessionmaker(engine, expire_on_commit=False).begin() as session:
        lead = await session.get(Person, UUID(cast.ids["lead"]))
        call = await session.get(Call, UUID(cast.ids["call"]))
        at = await session.get(Institution, UUID(cast.ids["a"]))
        made = await make_proposal(session, lead, call, [at], title="混合现实手术示教𠮷")
    await engine.dispose()
    await restore(await scene.backup(), target)
    await asyncio.to_thread(goes_on, target.parent, str(made.id), cast)


def goes_on(folder: Path, proposal: str, cast: Any) -> None:
    """See that somebody's session, rights and text are there, and that the next word is taken."""
    options = ("--no-demo", "--port", str(free_port()))
    with portal(LIANYAN, folder, *options) as there:
        origin = there.address.rstrip("/")
        headers = {**cast.headers["lead"], "origin": origin}
        with httpx2.Client(base_url=f"{origin}/api", headers=headers, timeout=20) as client:
            at = f"/proposals/{proposal}"
            assert client.get(at).json()["title"] == "混合现实手术示教𠮷"
            saved = client.put(
                f"{at}/sections/aims",
                json={"answers": {"aims": "目标。"}},
                headers={"if-match": '"0"'},
            )
            assert saved.status_code == 204, saved.text
            assert client.get(at).json()["answers"]["aims"] == "目标。"
