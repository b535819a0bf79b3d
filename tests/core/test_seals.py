"""What has happened is sealed once, in one form, and what is sealed is not to be rewritten."""

import asyncio
import json
import os
import time
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from core.sealing import empty, happen, members, opened, sealed, told, verdict
from figures import figure
from lianyan.core import anchors, seals
from lianyan.core.disclosed import disclosed
from lianyan.core.events import record
from lianyan.core.seal_form import EVENT, document, line
from lianyan.core.seals import seal, seal_all
from lianyan.core.verification import verify

LONG = bool(os.environ.get("LIANYAN_LONG"))


@pytest.fixture
async def log(own_log):
    """Give a database in which nothing has happened yet."""
    own_log.sessions.configure(info={})
    return await empty(own_log)


# ---- what is sealed ----


async def test_whatever_happened_is_sealed_once_in_the_order_of_ids(log):
    assert await sealed(log) == 0, "nothing has happened: no empty seal"
    first = await happen(log, 3)
    assert await sealed(log) == 3
    assert await sealed(log) == 0
    second = await happen(log, 2)
    assert await sealed(log) == 2
    assert await members(log) == {1: first, 2: second}
    await happen(log, 1)
    found = await verdict(log)
    assert (found.seals, found.events, found.unsealed, found.faults) == (2, 5, 1, [])
    assert 0 <= found.oldest_unsealed_seconds < 60


async def test_what_commits_late_is_in_a_later_seal(log):
    async with log.sessions() as late, log.sessions() as never:
        held = await record(late, None, "demo.late", uuid4())
        lost = await record(never, None, "demo.never", uuid4())
        first = await happen(log, 2)
        assert await sealed(log) == 2
        more = await happen(log, 1)
        await never.rollback()
        await late.commit()
    assert await sealed(log) == 2
    assert await members(log) == {1: first, 2: [held, *more]}
    assert held < lost < first[0]
    assert (await verdict(log)).good


async def test_a_batch_ends_and_the_next_seal_goes_on(log, monkeypatch):
    ids = await happen(log, 25)
    async with log.sessions.begin() as session:
        assert [await seal(session, most=10) for _ in range(4)] == [10, 10, 5, 0]
    assert await members(log) == {1: ids[:10], 2: ids[10:20], 3: ids[20:]}
    await happen(log, 25)
    monkeypatch.setattr(seals, "MOST", 10)
    monkeypatch.setattr(seals.seal, "__kwdefaults__", {"most": 10})
    async with log.sessions.begin() as session:
        await seal_all(session)
    assert len(await members(log)) == 6, "one run of the job takes all there is"
    assert (await verdict(log)).good


async def test_two_workers_do_not_seal_at_once_and_nobody_who_writes_waits(log):
    await happen(log, 5)
    async with log.sessions() as first, log.sessions() as second:
        assert await seal(first) == 5
        async with asyncio.timeout(5):
            assert await seal(second) == 0
            await happen(log, 5)
        await first.rollback()
    assert await sealed(log) == 10
    assert (await verdict(log)).good


async def test_writers_and_sealers_side_by_side_leave_nothing_out(log):
    async def write(n: int) -> None:
        for k in range(12):
            async with log.sessions() as session:
                await record(session, None, "demo.kind", uuid4(), n=n)
                await asyncio.sleep(0.001 * (n * k % 5))
                await (session.rollback() if (n + k) % 4 == 0 else session.commit())

    async def keep_sealing(done: asyncio.Event) -> None:
        while not done.is_set():
            await sealed(log)

    done = asyncio.Event()
    keepers = [asyncio.create_task(keep_sealing(done)) for _ in range(2)]
    await asyncio.gather(*(write(n) for n in range(4)))
    done.set()
    await asyncio.gather(*keepers)
    await sealed(log)
    found = await verdict(log)
    assert (found.good, found.unsealed, found.events) == (True, 0, 36)
    assert found.seals > 1


async def test_who_read_what_is_sealed_with_everything_else(log):
    async with opened(log.app) as connection:

        class Reader(NamedTuple):
            id: UUID

        await disclosed(connection, Reader(uuid4()), "review.read", uuid4(), uuid4())
    assert await sealed(log) == 1
    async with opened(log.admin) as admin:
        await admin.execute("set session_replication_role = replica")
        await admin.execute("update events set actor_id = uuidv7() where kind = 'review.read'")
    assert told(await verdict(log)) == [("event_changed", 1, 1)]


# ---- the one form ----

HOSTILE = [
    "{}",
    '{"b": 1, "a": 2, "é": 3, "aa": 4, "𠮷": 5, "\\uffff": 6, "": 7}',
    '{"n": [0, -0, 1.0, 1.50, 100, 1e3, 1E-7, -12.340, 12345678901234567890123, 1e400, 0.10]}',
    '{"s": "引号\\" 反斜\\\\ 行\\n\\t\\u0001\\u007f 𠮷 \\ud83d\\ude00 /"}',
    '{"x": null, "y": [true, false, [], {}, [[{"z": {"k": ["深"]}}]]]}',
    "[1, 2]",
    '"text"',
    "null",
    "12.50",
    f"{'[' * 64}{']' * 64}",
    f"{'[' * 65}1{']' * 65}",
    f"{'[' * 3000}{']' * 3000}",
]


async def test_the_form_is_the_same_whatever_the_server_is_set_to(log):
    async with opened(log.admin) as admin:
        for text in HOSTILE:
            await admin.execute(
                "insert into events (at, kind, actor_id, subject_id, data) values"
                " ($1::text::timestamptz, $2, null, uuidv7(), $3::jsonb)",
                "2026-11-25 23:59:59.999999+08",
                '种"类\n',
                text,
            )
        for at in ("infinity", "-infinity", "0044-03-15 12:00:00 BC", "294276-12-31 23:59:59Z"):
            await admin.execute(
                "insert into events (at, kind, subject_id, data)"
                " values ($1::text::timestamptz, 'x.y', uuidv7(), '{}')",
                at,
            )
    assert await sealed(log) == len(HOSTILE) + 4
    async with opened(log.app) as connection:
        rows = [line(row) for row in await connection.fetch(f"select {EVENT} from events e")]
        for name, value in (
            ("timezone", "Asia/Kathmandu"),
            ("extra_float_digits", "-15"),
            ("datestyle", "SQL, DMY"),
            ("bytea_output", "escape"),
            ("lc_numeric", "C"),
            ("client_encoding", "GB18030"),
        ):
            if name != "client_encoding":
                await connection.execute(f"set {name} = '{value}'")
        assert rows == [
            line(row) for row in await connection.fetch(f"select {EVENT} from events e")
        ]
        assert (await verify(connection)).good
    assert len(set(rows)) == len(rows)
    assert all(b"\n" not in row and json.loads(row) for row in rows)


@pytest.mark.parametrize(
    "text, form",
    [
        ('{"b": 1, "a": {"d": 1.50, "c": [1.0, -0, 0.0, 100, 1e2]}}', '{"a":{"c":[1,0,0,100,1e2],"d":1.5},"b":1}'),
        ('{"aa": 1, "b": 2, "é": 3, "𠮷": 4, "\uffff": 5}', '{"aa":1,"b":2,"é":3,"\uffff":5,"𠮷":4}'),
        (f"{'[' * 65}{']' * 65}", f'"{"[" * 65}{"]" * 65}"'),
        ("123456789012345678901234567890.100", "123456789012345678901234567890.1"),
    ],
)  # fmt: skip
def test_the_form_of_a_document(text, form):
    assert document(text) == form


def test_the_form_is_what_the_documentation_says():
    # Written by hand from the text at the head of seal_form.py, with nothing of the product's.
    at = (1_764_086_399_999_999 - 946_684_800_000_000).to_bytes(8, "big", signed=True)
    event = (7, at, "a.b", None, "0193", "0194", '{"b": "是", "a": 1.0}')
    assert line(event) == '[1764086399999999,"a.b",null,"0193","0194",{"a":1,"b":"是"}]'.encode()


async def test_anybody_can_compute_a_seal_from_its_description(log):
    await happen(log, 3)
    await sealed(log)
    await happen(log, 1)
    await sealed(log)
    async with opened(log.app) as connection:
        previous = bytes(32).hex()
        for row in await connection.fetch(
            "select *, (extract(epoch from sealed_at) * 1000000)::bigint as us,"
            " members::text as ids from seals order by id"
        ):
            events = await connection.fetch(
                "select *, (extract(epoch from at) * 1000000)::bigint as us from events"
                " where id <@ (select members from seals where id = $1) order by id",
                row["id"],
            )
            marks = [
                sha256(
                    f'[{e["us"]},"{e["kind"]}",null,"{e["subject_id"]}",null,'
                    f"{json.dumps(json.loads(e['data']), separators=(',', ':'))}]".encode()
                ).digest()
                for e in events
            ]
            content = sha256(b"".join(marks)).hexdigest()
            kept = sha256(b"".join(one[:8] for one in marks)).hexdigest()
            low, high = events[0]["id"], events[-1]["id"]
            text = (
                f'["lianyan.seal.1",{row["id"]},{row["us"]},"{previous}",{len(events)},'
                f'[[{low},{high}]],{high},"{content}","{kept}"]'
            )
            previous = sha256(text.encode()).hexdigest()
            assert previous == row["digest"].hex()


# ---- what the portal may ----


FORBIDDEN = [
    "update events set kind = 'x'",
    "delete from events",
    "truncate events cascade",
    "update seals set count = 0",
    "delete from seals",
    "truncate seals",
    "insert into events (id, kind, subject_id, data) overriding system value values (1, 'x', uuidv7(), '{}')",
    "insert into events (at, kind, subject_id, data) values (now(), 'x', uuidv7(), '{}')",
    "alter table events disable trigger all",
    "drop trigger events_kept on events",
    "set session_replication_role = replica",
]


async def test_the_portals_own_role_cannot_rewrite_what_happened(log):
    async with opened(log.app) as connection:
        for statement in FORBIDDEN:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_not_even_the_owner_does_it_by_accident(log):
    async with opened(log.owner) as connection:
        for table, column in (("events", "kind"), ("seals", "count")):
            for act in (
                f"update {table} set {column} = {column}",
                f"delete from {table}",
                f"truncate {table} cascade",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="as it was written"):
                    await connection.execute(act)


# ---- anchors ----


def test_an_anchor_comes_back_from_its_line(tmp_path):
    anchor = anchors.Anchor(7, "2026-11-25T08:00:00Z", sha256(b"x").digest())
    assert anchors.Anchor.parse(f" {anchor}\n") == anchor
    for wrong in ("", "lianyan seal 7", str(anchor)[:-1], f"{anchor} more", "座"):
        assert anchors.Anchor.parse(wrong) is None
    path = tmp_path / anchors.FILE
    assert anchors.append(path, anchor) is True
    assert anchors.append(path, anchor) is False, "the same one is not put down twice"
    other = anchor._replace(id=8)
    with path.open("a") as torn:
        torn.write(str(other)[:30])
    assert anchors.append(path, other) is True
    assert path.stat().st_mode & 0o777 == 0o600
    assert anchors.read(path.read_text().splitlines()) == ([anchor, other], 1)


async def test_the_job_anchors_only_what_is_committed(log, tmp_path, settings):
    path = tmp_path / anchors.FILE
    log.sessions.configure(info={"settings": replace(settings, data_dir=tmp_path)})
    await happen(log, 2)
    async with log.sessions() as session:
        await seal_all(session)
        await session.rollback()
    assert (await verdict(log)).seals == 0
    assert not path.exists()
    for expected in (0, 1, 1):
        async with log.sessions.begin() as session:
            await seal_all(session)
        lines = path.read_text().splitlines() if path.exists() else []
        assert len(lines) == expected
    found, _ = anchors.read(lines)
    assert (await verdict(log, anchors=found)).good
    path.unlink()
    path.mkdir()
    await happen(log, 1)
    async with log.sessions.begin() as session:
        await seal_all(session)  # no place for an anchor is no reason not to seal
    assert (await verdict(log)).unsealed == 0


# ---- how fast ----


async def test_a_long_log(log):
    count = 200_000 if LONG else 3_000
    async with opened(log.owner) as owner:
        await owner.execute(
            "insert into events (kind, actor_id, subject_id, proposal_id, data)"
            " select 'proposal.saved', uuidv7(), uuidv7(), uuidv7(),"
            " jsonb_build_object('section', 'aims', 'rev', n, 'title', '题目')"
            " from generate_series(1, $1) n",
            count,
        )
    began = time.perf_counter()
    while await sealed(log):
        pass
    sealing = time.perf_counter() - began
    began = time.perf_counter()
    found = await verdict(log)
    verifying = time.perf_counter() - began
    assert (found.good, found.events, found.unsealed) == (True, count, 0)
    if LONG:
        rates = count / sealing, count / verifying
        figure(
            "events sealed and verified per second",
            ">= 10,000 and >= 10,000",
            f"{rates[0]:,.0f} and {rates[1]:,.0f}",
            held=min(rates) >= 10_000,
            note=f"{count:,} events",
        )
