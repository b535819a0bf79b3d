"""`lianyan doctor` and what really stands around the portal: login services, the archive of the log."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from cli.ward import Ward, ward
from disks import roomy
from idp.fixtures import demo_login, unused_port  # noqa: F401  pytest finds fixtures by name
from lianyan.cli import outside
from lianyan.embedded import postgres, throwaway
from lianyan.identity.commands import add_provider
from lianyan.settings import Settings
from makers import make_institution


@pytest.fixture
async def ill(server, template, tmp_path) -> AsyncIterator[Ward]:
    async with ward(server, template, tmp_path / "data") as found:
        yield found.with_(demo=True)


async def provide(ill: Ward, slug: str, issuer: str, key: bytes | None = None) -> None:
    async with ill.session() as session:
        home = await make_institution(session)
        await add_provider(
            session,
            key or ill.settings.secret_key,
            institution_id=home.id,
            slug=slug,
            name_zh=slug,
            name_en=slug,
            issuer=issuer,
            client_id=f"lianyan-{slug}",
            secret="s",
        )


async def test_login_services_are_asked_and_each_is_named(ill, demo_login, unused_port):  # noqa: F811
    await provide(ill, "a-well", f"{demo_login.base}/nuist")
    await provide(ill, "b-lies", f"{demo_login.base}/nuist/")
    await provide(ill, "c-absent", f"{demo_login.base}/nobody")
    await provide(ill, "d-silent", f"http://127.0.0.1:{unused_port}/x")
    await provide(ill, "e-locked", f"{demo_login.base}/yungu", key=b"\1" * 32)
    await provide(ill, "f-inside", "https://10.0.0.1/x")
    found = await ill.findings("providers")
    told = {f.what.split()[2]: f for f in found}
    assert told["a-well"].remedy == ""
    assert "answers in 0." in told["a-well"].what
    for slug, reason in (
        ("b-lies", "issuer"),
        ("c-absent", "status, 404"),
        ("d-silent", "unreachable"),
        ("e-locked", "its secret cannot be read"),
        ("f-inside", "address"),
    ):
        assert reason in told[slug].what, slug
        assert told[slug].remedy, slug
    assert "https on port 443 and public" in told["f-inside"].remedy
    assert "secret.key back" in told["e-locked"].remedy


async def test_a_real_portal_asks_nothing_the_guard_refuses(ill, demo_login):  # noqa: F811
    await provide(ill, "demo", f"{demo_login.base}/nuist")
    real = ill.with_(demo=False, public_url="https://portal.example.edu")
    assert "runs under `lianyan up --demo` only" in (await real.finding("providers")).remedy
    (real.settings.data_dir / "demo.json").write_text('{"port": 1}')
    assert (await real.finding("providers")).remedy, "whatever lies in the folder"
    here = ill.with_(demo=False)
    assert not (await here.finding("providers")).remedy, "the demo's own doctor asks it"


async def test_a_log_that_cannot_be_kept_is_noticed():
    with throwaway(roomy()) as folder:
        root = folder / "log"
        root.mkdir(mode=0o711)
        settings = Settings.from_env({}, data_dir=folder / "data", wal_archive=root)
        async with postgres(settings.data_dir, wal_archive=root) as server:
            found = msgspec.structs.replace(settings, database_url=server.app_url)
            connection = await asyncpg.connect(server.url("postgres"))
            try:
                await kept(connection, "last_archived_time")
                well = await outside.archive(found, connection)
                assert not well.remedy
                assert "the log was last kept 0 minutes ago" in well.what
                (root / server.home.archive).rename(root / "moved")
                await kept(connection, "last_failed_time")
                ailing = await outside.archive(found, connection)
                assert "could not be kept" in ailing.what
                assert "disk fills up" in ailing.remedy
                (root / "moved").rename(root / server.home.archive)
            finally:
                await connection.close()


async def kept(connection: asyncpg.Connection, column: str) -> None:
    """Have a file of the log kept, or fail to be."""
    await connection.execute("select pg_logical_emit_message(true, 'x', 'x')")
    await connection.execute("select pg_switch_wal()")
    while not await connection.fetchval(f"select {column} from pg_stat_archiver"):
        await asyncio.sleep(0.05)
