"""Whoever changes, removes, adds or exchanges anything that was sealed is found out, and so is what."""

from uuid import uuid4

import pytest

from core.sealing import a_log, again, happen, members, opened, sealed, tampered, told, verdict
from figures import figure
from lianyan.core import anchors, seals
from lianyan.core.events import record
from lianyan.core.verification import verify


@pytest.fixture(scope="module")
async def kept(server, template):
    """Give a log of four seals over 3, 4, 2 and 3 events, with ids in its gaps, and one event more.

    Tests change it as the superuser, in a transaction that is rolled back.
    """
    async with a_log(server, template) as log:
        await happen(log, 3, who="甲")  # 1 to 3
        await sealed(log)
        async with log.sessions() as never, log.sessions() as late:
            await record(never, None, "demo.never", uuid4())  # 4
            await record(late, None, "demo.late", uuid4())  # 5
            await happen(log, 4, amount=1.5)  # 6 to 9
            await sealed(log)
            await never.rollback()
            await late.commit()
        await happen(log, 1)  # 10
        await sealed(log)
        await happen(log, 3)  # 11 to 13
        await sealed(log)
        # As if the portal had gone on sealing for two hours: what is missing now is not on its way.
        async with opened(log.admin) as admin:
            await admin.execute("set session_replication_role = replica")
            await again(
                admin, "update seals set sealed_at = sealed_at - interval '2 hours' where id < 4"
            )
        await happen(log, 1)  # 14
        assert await members(log) == {1: [1, 2, 3], 2: [6, 7, 8, 9], 3: [5, 10], 4: [11, 12, 13]}
        yield log


PUT = "insert into events (id, kind, subject_id, data) overriding system value values ({}, 'x.y', uuidv7(), '{{}}')"
SWAP = """
  update events e set at = o.at, kind = o.kind, subject_id = o.subject_id, data = o.data
  from events o where (e.id, o.id) in (({0}, {1}), ({1}, {0}))
"""
TAMPERING = {
    "nothing": ([], []),
    "changed: kind": (["update events set kind = 'demo.kind9' where id = 2"], [("event_changed", 1, 2)]),
    "changed: time": (["update events set at = at + interval '1 microsecond' where id = 7"], [("event_changed", 2, 7)]),
    "changed: actor": (["update events set actor_id = subject_id where id = 1"], [("event_changed", 1, 1)]),
    "changed: subject": (["update events set subject_id = uuidv7() where id = 5"], [("event_changed", 3, 5)]),
    "changed: proposal": (["update events set proposal_id = uuidv7() where id = 13"], [("event_changed", 4, 13)]),
    "changed: data": (["update events set data = data || '{\"amount\": 1.51}' where id = 9"], [("event_changed", 2, 9)]),
    "changed: a key more": (["update events set data = data || '{\"z\": null}' where id = 9"], [("event_changed", 2, 9)]),
    "changed: two": (
        ["update events set kind = 'demo.other' where id in (1, 3)"],
        [("event_changed", 1, 1), ("event_changed", 1, 3)],
    ),
    "deleted": (["delete from events where id = 8"], [("event_deleted", 2, 8)]),
    "deleted: the first": (["delete from events where id = 1"], [("event_deleted", 1, 1)]),
    "deleted: the last": (["delete from events where id = 13"], [("event_deleted", 4, 13)]),
    "deleted: a whole seal's": (["delete from events where id between 6 and 9"], [("event_deleted", 2, 6)]),
    "deleted: a late one": (["delete from events where id = 5"], [("event_deleted", 3, 5)]),
    "deleted, and another changed": (
        ["delete from events where id = 6", "update events set kind = 'x.y' where id = 9"],
        [("event_deleted", 2, 6), ("event_changed", 2, 9)],
    ),
    "inserted into a gap": ([PUT.format(4)], [("event_inserted", None, 4)]),
    "inserted before everything": ([PUT.format(0), PUT.format(-7)], [("event_inserted", None, -7), ("event_inserted", None, 0)]),
    "inserted in the place of a deleted one": (["delete from events where id = 8", PUT.format(8)], [("event_changed", 2, 8)]),
    "exchanged": ([SWAP.format(6, 9)], [("event_exchanged", 2, 6), ("event_exchanged", 2, 9)]),
    "exchanged between seals": ([SWAP.format(2, 12)], [("event_changed", 1, 2), ("event_changed", 4, 12)]),
    "renumbered": (
        [
            (
                "with gone as (delete from events where id = 3 returning *)"
                " insert into events overriding system value"
                " select 4, at, kind, actor_id, subject_id, proposal_id, data from gone"
            )
        ],
        [("event_deleted", 1, 3), ("event_inserted", None, 4)],
    ),
    "seal changed: time": (["update seals set sealed_at = sealed_at - interval '1 day' where id = 2"], [("seal_changed", 2, None)]),
    "seal changed: count": (["update seals set count = 3 where id = 2"], [("seal_changed", 2, None)]),
    "seal changed: content": (["update seals set content = sha256('x') where id = 2"], [("seal_changed", 2, None)]),
    "seal changed: marks": (["update seals set marks = decode(repeat('00', 32), 'hex') where id = 2"], [("seal_changed", 2, None)]),
    "seal changed: highest id": (["update seals set last_id = 8 where id = 2"], [("seal_changed", 2, None)]),
    "seal changed: digest": (
        ["update seals set digest = sha256('x') where id = 2"],
        [("seal_changed", 2, None), ("seal_changed", 2, None)],
    ),
    "seal changed: its events": (
        ["update seals set members = '{[6,9)}' where id = 2"],
        [("seal_changed", 2, None), ("event_inserted", None, 9)],
    ),
    "seal changed: over everything": (
        ["update seals set members = '{(,)}' where id = 4"],
        [("seal_changed", 4, None)],
    ),
    "seal deleted in the middle": (["delete from seals where id = 2"], [("seal_missing", 2, None)]),
    "seals deleted in the middle": (["delete from seals where id in (2, 3)"], [("seal_missing", 2, None)]),
    "first seal deleted": (["delete from seals where id = 1"], [("seal_missing", 1, None)]),
    "a gap in the numbers": (
        ["update seals set id = 7 where id = 4"],
        [("seal_missing", 4, None), ("seal_changed", 7, None)],
    ),
    "emptied: events": (
        ["truncate events cascade"],
        [("event_deleted", 1, 1), ("event_deleted", 3, 5), ("event_deleted", 2, 6), ("event_deleted", 3, 10), ("event_deleted", 4, 11)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERING)
async def test_it_is_found_and_named(kept, how):
    statements, expected = TAMPERING[how]
    async with tampered(kept, *statements) as connection:
        found = await verify(connection)
    if how == "seal changed: over everything":
        assert expected[0] in told(found)
    else:
        assert told(found) == expected
    assert found.good is not bool(expected)
    for fault in found.faults:
        named = fault.seal_id if fault.event_id is None else fault.event_id
        assert str(named) in fault.words


async def test_who_writes_a_seal_anew_is_betrayed_by_the_next_one(kept):
    async with tampered(kept, "update events set kind = 'x.y' where id = 7") as admin:
        before = await admin.fetch("select * from seals where id <> 2 order by id")
        await again(admin, "select")
        for row in before:
            await admin.execute(
                "update seals set previous = $2, digest = $3 where id = $1",
                row["id"], row["previous"], row["digest"],
            )  # fmt: skip
        assert told(await verify(admin)) == [("seal_changed", 2, None)]


CUT = ["delete from seals where id > 2", "delete from events where id > 10 or id = 5"]
ALL = ["truncate seals", "truncate events cascade"]


@pytest.mark.parametrize(
    "statements, anew, code",
    [
        (CUT[:1], False, "anchor_missing"),
        (CUT, False, "anchor_missing"),
        (ALL, False, "anchor_missing"),
        (ALL[:1], False, "anchor_missing"),
        (["update events set kind = 'x.y' where id = 7"], True, "anchor_differs"),
        (["delete from events where id = 7"], True, "anchor_differs"),
    ],
)
async def test_what_was_cut_off_or_written_anew_is_betrayed_by_an_anchor(
    kept, statements, anew, code
):
    async with opened(kept.app) as connection:
        anchor = anchors.of(await seals.newest(connection))
        assert (await verify(connection, anchors=[anchor])).good
    async with tampered(kept, *statements) as admin:
        if anew:
            # Everything the database holds fits together.
            await again(admin, "update seals set members = members - '{[7,8)}' where id = 2"
                        if "delete" in statements[0] else "select")  # fmt: skip
        assert (await verify(admin)).good, "nothing in the database betrays it"
        found = await verify(admin, anchors=[anchor])
    assert told(found) == [(code, 4, None)]
    assert anchor.at in found.faults[0].words


async def test_the_newest_seals_can_be_looked_at_alone(kept):
    for last, events in ((0, 0), (1, 3), (2, 5), (3, 9), (4, 12), (9, 12)):
        found = await verdict(kept, last=last)
        assert (found.seals, found.events, found.unsealed) == (min(last, 4), events, 1), last
        assert found.good, (last, found.faults)
    old = "update events set kind = 'x.y' where id = 2"
    for statement, last, expected in (
        (old, 3, []),
        (old, 4, [("event_changed", 1, 2)]),
        ("delete from events where id = 5", 2, [("event_deleted", 3, 5)]),
        ("delete from events where id = 5", 1, []),
        (SWAP.format(11, 13), 1, [("event_exchanged", 4, 11), ("event_exchanged", 4, 13)]),
    ):
        async with tampered(kept, statement) as admin:
            assert told(await verify(admin, last=last)) == expected, (statement, last)


async def test_of_an_emptied_log_only_the_first_faults_are_told(kept):
    async with tampered(kept, "truncate events cascade") as admin:
        await admin.execute("""
          insert into seals select s.id + 10 * n, s.sealed_at, s.previous, s.count, s.members,
            s.last_id, s.content, s.marks, s.digest
          from seals s, generate_series(1, 30) n
        """)
        found = await verify(admin)
    assert (len(found.faults), found.more > 20) == (100, True)


async def test_how_many_ways_are_found(kept):
    tried, found = 0, 0
    for statements, expected in TAMPERING.values():
        async with tampered(kept, *statements) as admin:
            tried += bool(expected)
            found += not (await verify(admin)).good
    kinds = {code for _, expected in TAMPERING.values() for code, _, _ in expected}
    figure(
        "ways of tampering with the log: found",
        "every one",
        f"{found} of {tried}, {len(kinds)} kinds",
        held=found == tried,
        note="six more, which no log can betray by itself, by an anchor kept elsewhere",
    )
    assert found == tried
