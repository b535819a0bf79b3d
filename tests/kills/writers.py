"""Writers of real proposals, and what they were told: kept outside the system, on the disk."""

import asyncio
import json
import os
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from sqlalchemy.ext.asyncio import async_sessionmaker

from lianyan.core.db import engine_of
from makers import login, make_call, make_institution, make_person

BUSY = 503
PAUSE = 0.03
STAFF = {"kind": "staff", "unit": "人月"}
INVITED = 3
ROUNDS = 4


class Contradiction(Exception):
    """The system denies something it has confirmed."""


class Ledger:
    """What was confirmed: a line is on the disk before the next request leaves."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open the file."""
        self.file = (folder / f"{name}.jsonl").open("a", encoding="utf-8")

    async def keep(self, **what: Any) -> None:
        """Write one line and wait for the disk."""
        self.file.write(json.dumps(what, ensure_ascii=False) + "\n")
        self.file.flush()
        await asyncio.to_thread(os.fsync, self.file.fileno())

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Desk(NamedTuple):
    """One writer: a lead and the officer of the other institution, with their browsers' headers."""

    name: str
    lead: dict[str, str]
    officer: dict[str, str]
    home: str
    partner: str


class Told:
    """What all writers together have been told."""

    def __init__(self, call: str) -> None:
        """Nothing yet of a call's proposals."""
        self.call = call
        self.confirmed = 0
        self.unanswered: Counter[str] = Counter()
        self.denied: list[str] = []


async def people(url: str, origin: str, number: int) -> tuple[str, list[Desk]]:
    """Make an open call and as many writers, each with an institution and a partner of their own."""
    engine = engine_of(url)
    desks = []
    async with async_sessionmaker(engine, expire_on_commit=False).begin() as session:
        call = await make_call(session)
        for n in range(number):
            home = await make_institution(session, f"示例单位{n}")
            partner = await make_institution(session, f"示例伙伴{n}")
            lead = await make_person(session, f"牵头人{n}", institution=home)
            officer = await make_person(session, f"管理员{n}", officer_of=partner)
            desks.append(
                Desk(
                    f"writer-{n}",
                    {**await login(session, lead), "origin": origin},
                    {**await login(session, officer), "origin": origin},
                    str(home.id),
                    str(partner.id),
                )
            )
    await engine.dispose()
    return str(call.id), desks


class Writer:
    """Writes proposal after proposal until told to stop, one request at a time."""

    def __init__(self, client: httpx2.AsyncClient, desk: Desk, call: str, ledger: Ledger) -> None:
        """Take a desk."""
        self.client, self.desk, self.call, self.ledger = client, desk, call, ledger
        self.chance = random.Random(desk.name)

    async def work(self, told: Told, stop: asyncio.Event) -> None:
        """Write; what is denied ends a proposal, and the next one is begun."""
        while not stop.is_set():
            try:
                await self._proposal(told, stop)
            except Contradiction as denied:
                told.denied.append(str(denied))

    async def _proposal(self, told: Told, stop: asyncio.Event) -> None:
        lead, officer = self.desk.lead, self.desk.officer
        body = {"call_id": self.call, "institution_id": self.desk.home, "again": True}
        got = await self._send(told, lead, "POST", "/proposals", body, key=True)
        proposal = got.json()["id"]
        await self._keep(told, "proposal", proposal)
        at = f"/proposals/{proposal}"
        body = {"institution_id": self.desk.partner, "role": "participating", "task": "做事"}
        got = await self._send(told, lead, "POST", f"{at}/participations", body, key=True)
        part = got.json()["id"]
        await self._keep(told, "part", part)
        part_rev = (await self._send(told, officer, "GET", f"/participations/{part}")).json()
        part_rev = part_rev["part"]["rev"]
        for n in range(ROUNDS):
            if stop.is_set():
                return
            for section in ("aims", "methods"):
                text = f"{secrets.token_hex(8)} " + "目标与方法。" * self.chance.randrange(1, 100)
                path, body = f"{at}/sections/{section}", {"answers": {section: text}}
                got = await self._send(told, lead, "PUT", path, body, rev=n)
                if got.headers["etag"] != f'"{n + 1}"':
                    raise Contradiction(f"{path}: {got.headers['etag']} is not {n + 1}")
                await self._keep(told, "section", f"{proposal}/{section}", rev=n + 1, text=text)
            lines = {"contributions": [{**STAFF, "amount": str(n + 1)}]}
            path = f"/participations/{part}"
            got = await self._send(told, lead, "PATCH", path, lines, rev=part_rev)
            part_rev = got.json()["rev"]
            await self._keep(told, "promise", part, rev=part_rev, amount=n + 1)
            read = (await self._send(told, officer, "GET", path)).json()
            agreed = {"scope_hash": read["scope_hash"]}
            await self._send(told, officer, "POST", f"{path}/confirm", agreed)
            await self._keep(told, "consent", part)
            if n < INVITED:
                got = await self._send(
                    told, lead, "POST", f"{path}/invitations", {"name": f"王工{n}"}, key=True
                )
                await self._keep(told, "invitation", got.json()["id"])

    async def _keep(self, told: Told, kind: str, subject: str, **more: Any) -> None:
        await self.ledger.keep(kind=kind, subject=subject, **more)
        told.confirmed += 1

    async def _send(
        self,
        told: Told,
        who: dict[str, str],
        method: str,
        path: str,
        body: Any = None,
        *,
        rev: int | None = None,
        key: bool = False,
    ) -> httpx2.Response:
        """Send a request until it is answered, always the same one."""
        headers = dict(who)
        if rev is not None:
            headers["if-match"] = f'"{rev}"'
        if key:
            headers["idempotency-key"] = secrets.token_hex(8)
        while True:
            try:
                got = await self.client.request(method, path, json=body, headers=headers)
            except httpx2.TransportError as error:
                told.unanswered[type(error).__name__] += 1
            else:
                if got.is_success:
                    return got
                if got.status_code != BUSY:
                    raise Contradiction(f"{method} {path}: {got.status_code} {got.text[:300]}")
                told.unanswered["503"] += 1
            await asyncio.sleep(PAUSE)


@asynccontextmanager
async def writing(url: str, origin: str, number: int, ledgers: Path) -> AsyncIterator[Told]:
    """Let writers write, each over connections of its own, until the end of the block."""
    call, desks = await people(url, origin, number)
    told, stop = Told(call), asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for desk in desks:
            client = httpx2.AsyncClient(base_url=f"{origin}/api", timeout=15)
            await stack.enter_async_context(client)
            ledger = Ledger(ledgers, desk.name)
            stack.callback(ledger.close)
            group.create_task(Writer(client, desk, call, ledger).work(told, stop))
        try:
            yield told
        finally:
            stop.set()
