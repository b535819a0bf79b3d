"""A refused write leaves nothing behind in the pool."""

import gc

from sqlalchemy import text

from makers import key


async def test_refused_writes_hold_no_connection(committed):
    gc.disable()  # what only the collector would clean up is not cleaned up
    try:
        for _ in range(30):
            got = await committed.client.post("/api/roles", json={}, headers=key())
            assert got.status_code == 401
            got = await committed.client.patch("/api/platform", json={})
            assert got.status_code in {401, 428}
        async with committed.sessions() as session:
            open_ones = text(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and state like 'idle in transaction%'"
            )
            assert await session.scalar(open_ones) == 0
    finally:
        gc.enable()
