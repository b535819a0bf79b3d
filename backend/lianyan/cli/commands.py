"""The commands, with their options."""

import argparse
import asyncio
import base64
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lianyan.cli.fault import Fault
from lianyan.settings import PREFIX, Rate, Settings

SEPARATE = ("security_administrator", "audit_administrator")
Run = Callable[[argparse.Namespace], Awaitable[int]]


def add(sub: Any) -> None:
    """Add every command to the parser's `sub`."""
    up = _command(sub, "up", _up, "start database, worker, server and demo login, until Ctrl-C")
    up.add_argument("--port", type=int, help="port to listen on (8000, or the next free one)")
    up.add_argument("--host", help="address to listen on (127.0.0.1)")
    up.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="with demo people, data and login; refused on a public address",
    )
    for name, run, text in (
        ("serve", _serve, "answer requests; the database is LIANYAN_DATABASE_URL"),
        ("work", _work, "do the jobs; the database is LIANYAN_DATABASE_URL"),
    ):
        command = _command(sub, name, run, text)
        command.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
        command.set_defaults(loop=_fast_loop)
        if name == "serve":
            command.add_argument("--descriptor", type=int, help=argparse.SUPPRESS)
    _command(sub, "migrate", _migrate, "bring the database to the newest revision")
    seed = _command(sub, "seed", _seed, "fill an empty database with the demo data")
    seed.add_argument(
        "--scale", type=int, metavar="N", help="with N made-up proposals to measure with, instead"
    )
    tables = _command(sub, "tables", _tables, "write what is generated from the tables")
    tables.add_argument("--check", action="store_true", help="only say whether it is up to date")
    saved = _command(
        sub, "backup", _backup, "copy the whole portal, while it runs, to a new folder"
    )
    saved.add_argument("folder", type=Path, help="the new folder; it will hold secrets")
    back = _command(sub, "restore", _restore, "bring a backup back into an empty place")
    back.add_argument("folder", type=Path, help="the folder of the backup")
    back.add_argument(
        "--until",
        metavar="MOMENT",
        help="follow LIANYAN_WAL_ARCHIVE to this moment, with zone, or to the `latest`",
    )
    doctor = _command(sub, "doctor", _doctor, "check this portal and say what helps")
    doctor.add_argument("--json", action="store_true", help="for machines")
    _command(sub, "health", _health, "ask the server of this machine whether it is ready")
    audit = sub.add_parser("audit", help="the sealed record of what has happened")
    acts = audit.add_subparsers(required=True, metavar="act")
    proof = _command(acts, "verify", _audit, "compare the record with its seals and their anchors")
    proof.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="FILE|LINE",
        help="kept elsewhere; else those of the data folder",
    )
    _command(acts, "anchor", _anchor, "print the newest seal, to be kept elsewhere")
    admin = sub.add_parser("admin", help="people who run the portal")
    acts = admin.add_subparsers(required=True, metavar="act")
    invite = _command(
        acts,
        "invite",
        _invite,
        "print a link that makes one person administrator, once",
    )
    invite.add_argument("--name", required=True, help="the person's name")
    invite.add_argument("--institution", required=True, help="name of the person's institution")
    first = _command(
        acts,
        "activate-login",
        _activate_login,
        "activate an institution's login service where nobody else could: the first one",
    )
    first.add_argument("slug", help="the short name of the login service")
    end = _command(
        acts,
        "end-role",
        _end_role,
        "end the role of a security or audit administrator who cannot end it any more",
    )
    end.add_argument("--name", required=True, help="the person's name")
    end.add_argument("--role", required=True, choices=SEPARATE)


def _command(sub: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = sub.add_parser(name, help=text, description=text)
    command.set_defaults(run=run, loop=None)
    return command


def _fast_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's loop where there is one, for the processes that live long."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def settings_of(given: argparse.Namespace) -> Settings:
    """Return the settings: the command's options before the environment."""
    values = dict(os.environ)
    for option in ("port", "host", "demo"):
        value = getattr(given, option, None)
        if value is not None:
            values[PREFIX + option.upper()] = str(int(value) if option == "demo" else value)
    return Settings.from_env(values)


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment that gives a child process these very settings."""
    # Without compiled code on the disk each start would compile everything anew, for seconds.
    dropped = {"PYTHONDONTWRITEBYTECODE"}
    values = {n: v for n, v in os.environ.items() if not n.startswith(PREFIX) and n not in dropped}
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode()
        elif isinstance(value, tuple) and not isinstance(value, Rate):
            value = ",".join(value)
        elif isinstance(value, bool):
            value = int(value)
        if value is not None:
            values[PREFIX + name.upper()] = str(value)
    return values


async def _up(given: argparse.Namespace) -> int:
    from lianyan.cli.up import up

    return await up(settings_of(given), chosen=given.port is not None)


async def _serve(given: argparse.Namespace) -> int:
    from lianyan.cli.serve import serve

    return await serve(given.descriptor, child=given.child)


async def _work(given: argparse.Namespace) -> int:
    from lianyan.cli.work import work

    return await work(settings_of(given), child=given.child)


async def _migrate(given: argparse.Namespace) -> int:
    from lianyan.cli.database import database, migrate

    async with database(settings_of(given)) as settings:
        before, after = await migrate(settings)
    print(f"The database is at {after}." if before == after else f"Migrated to {after}.")
    return 0


async def _seed(given: argparse.Namespace) -> int:
    from lianyan.cli.database import database, migrate
    from lianyan.cli.demo import scale, seed

    async with database(settings_of(given)) as settings:
        await migrate(settings)
        await (seed(settings) if given.scale is None else scale(settings, given.scale))
    return 0


async def _tables(given: argparse.Namespace) -> int:
    import lianyan
    from lianyan import tables

    root = Path(lianyan.__file__).resolve().parents[2]
    if not (root / "pyproject.toml").exists():
        raise Fault("`lianyan tables` writes into a checkout, and this is an installed package.")
    stale = tables.write(root, check=given.check)
    return 1 if given.check and stale else 0


async def _backup(given: argparse.Namespace) -> int:
    from lianyan.cli import keys
    from lianyan.cli.backup import backup

    settings, key = keys.found()
    return await backup(settings, given.folder, key)


async def _restore(given: argparse.Namespace) -> int:
    from lianyan.cli import keys
    from lianyan.cli.restore import restore

    settings, key = keys.found()
    return await restore(settings, given.folder, key, given.until)


async def _doctor(given: argparse.Namespace) -> int:
    from lianyan.cli import keys
    from lianyan.cli.doctor import doctor

    settings, key = keys.found()
    return await doctor(settings, key, as_json=given.json)


async def _health(_: argparse.Namespace) -> int:
    from lianyan.cli.health import health

    return await health(Settings.from_env())


async def _audit(given: argparse.Namespace) -> int:
    from lianyan.cli import audit, keys

    return await audit.check(keys.found()[0], given.anchor)


async def _anchor(_: argparse.Namespace) -> int:
    from lianyan.cli import audit, keys

    return await audit.anchor(keys.found()[0])


async def _invite(given: argparse.Namespace) -> int:
    from lianyan.cli.database import at_its_address, database, migrate, session
    from lianyan.identity.commands import invite_administrator

    async with database(at_its_address(settings_of(given))) as settings:
        await migrate(settings)
        async with session(settings) as opened:
            link = await invite_administrator(
                opened, settings, name=given.name, institution=given.institution
            )
    print(link)
    return 0


async def _activate_login(given: argparse.Namespace) -> int:
    from lianyan.cli.database import at_its_address, database, session
    from lianyan.cli.fault import Fault
    from lianyan.core.problems import Problem
    from lianyan.core.words import say
    from lianyan.identity import provider_admin

    async with (
        database(at_its_address(settings_of(given))) as settings,
        session(settings) as opened,
    ):
        try:
            provider = await provider_admin.provider_named(opened, given.slug)
            await provider_admin.activate(opened, None, provider)
        except Problem as problem:
            raise Fault(say("en", problem.code, **problem.params)) from problem
    print("People get in by it now.")
    return 0


async def _end_role(given: argparse.Namespace) -> int:
    from lianyan.cli.database import at_its_address, database, session
    from lianyan.cli.fault import Fault
    from lianyan.identity.offices import end_of

    async with (
        database(at_its_address(settings_of(given))) as settings,
        session(settings) as opened,
    ):
        if not await end_of(opened, given.name, given.role):
            raise Fault(f"Nobody called {given.name} is {given.role}: see the page of roles.")
    print("Ended. Where nobody else holds the role, the system administrator has its rights again.")
    return 0
