"""What `lianyan doctor` looks at around the database: disks, files, login services."""

import asyncio
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec

from lianyan.cli.backup import NOTE
from lianyan.cli.finding import Finding
from lianyan.cli.keys import Key
from lianyan.settings import KEY_FILE, PREFIX, Settings, is_loopback

LEAST_SPACE = 1_000_000_000
DAY = 86_400
OLDEST_BACKUP = 8
SECRETS = (KEY_FILE, "database.json")
AT_ONCE = 8

Connection = asyncpg.Connection

HELP = {
    "address": "The portal does not ask this address: it must be https on port 443 and public.",
    "unreachable": "Nobody answers there: look whether this machine reaches it (DNS, firewall), or "
    "ask the institution.",
    "timeout": "It takes longer than 10 s: ask the institution, or look at the firewall.",
    "issuer": "It calls itself something else: enter its issuer exactly as it says.",
    "secret_unreadable": f"The portal's key is not the one it was locked with: put {KEY_FILE} back.",
}
DEMO = (
    "This is the demo's login, which runs under `lianyan up --demo` only; a real portal has none."
)
OTHERWISE = "Its answer is of no use to a login: ask the institution, with these words."


def folder(settings: Settings) -> Finding:
    """Look at the data folder and the log's: written to, and room left."""
    path = settings.data_dir.resolve()
    if not os.access(path, os.W_OK):
        remedy = f"Give it to this user, or set {PREFIX}DATA_DIR."
        return Finding("disk", f"{path} cannot be written", remedy)
    places = [path]
    if settings.wal_archive is not None and settings.wal_archive.is_dir():
        places.append(settings.wal_archive.resolve())
    free = {place: shutil.disk_usage(place).free for place in places}
    what = ", ".join(f"{place}: {room / 1e9:.1f} GB free" for place, room in free.items())
    short = [str(place) for place, room in free.items() if room < LEAST_SPACE]
    remedy = f"Make room on the disk of {' and '.join(short)}: 1 GB at least." if short else ""
    return Finding("disk", what, remedy)


def key(settings: Settings, found: Key) -> Finding:
    """Look where the portal's key comes from."""
    if found == "none":
        return Finding(
            "key",
            f"the portal's key is not in {settings.data_dir.resolve()}",
            f"Put {KEY_FILE} back from a backup, or set {PREFIX}SECRET_KEY. Without it nobody logs "
            "in through an institution, and no new one reads what it locked.",
        )
    return Finding(
        "key",
        "the portal's key comes from "
        + (f"{PREFIX}SECRET_KEY" if found == "environment" else KEY_FILE),
    )


def storage(settings: Settings) -> Finding:
    """Look who may read and write what the portal keeps."""
    path = settings.data_dir.resolve()
    faults = list(_open(path))
    if faults:
        remedy = f"Close it to others: {'; '.join(remedy for _, remedy in faults)}."
        return Finding("storage", ", ".join(what for what, _ in faults), remedy)
    return Finding("storage", f"{path} is closed to others")


def _open(path: Path) -> Iterator[tuple[str, str]]:
    """Give what others could read or change, and the command against that."""
    mode, owner = path.stat().st_mode, path.stat().st_uid
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield f"{path} can be written by others", f"chmod go-w {path}"
    if owner not in {os.geteuid(), 0}:
        yield f"{path} belongs to user {owner}, not to this one", f"chown {os.geteuid()} {path}"
    for name in SECRETS:
        try:
            found = (path / name).lstat()
        except OSError:
            continue
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or stat.S_ISLNK(found.st_mode):
            yield f"{path / name} can be read by others", f"chmod 600 {path / name}"
        if found.st_uid != owner:
            yield f"{path / name} belongs to user {found.st_uid}", f"chown {owner} {path / name}"


async def archive(settings: Settings, connection: Connection) -> Finding:
    """Look whether the log is kept, where it is to be."""
    row = await connection.fetchrow(
        "select current_setting('archive_mode') as mode, last_archived_time, last_failed_time,"
        " last_failed_wal from pg_stat_archiver"
    )
    assert row  # noqa: S101  the view has one row
    root = settings.wal_archive
    if root is None:
        note = f"{PREFIX}WAL_ARCHIVE is not set: a backup comes back as it was, to no later moment."
        return Finding("archive", "the log is not kept", note=note)
    if not root.is_dir():
        remedy = "Mount its disk, or make the folder; the portal does not start without it."
        return Finding("archive", f"{root} is not there", remedy)
    if row["mode"] == "off":
        remedy = "Start the portal again with this setting. It is for the embedded database only."
        return Finding("archive", f"{PREFIX}WAL_ARCHIVE is set, and the log is not kept", remedy)
    failed, kept = row["last_failed_time"], row["last_archived_time"]
    if failed is not None and (kept is None or failed > kept):
        return Finding(
            "archive",
            f"{row['last_failed_wal']} could not be kept in {root} at {failed:%Y-%m-%d %H:%M} UTC",
            "See postgres.log for the reason (room? rights?). Until it is mended the database's own "
            "disk fills up with what waits.",
        )
    return Finding("archive", f"the log was last kept {_ago(kept)}" if kept else "the log is kept")


def _ago(instant: datetime) -> str:
    seconds = (datetime.now(UTC) - instant).total_seconds()
    return (
        f"{seconds / DAY:.0f} days ago" if seconds > 2 * DAY else f"{seconds / 60:.0f} minutes ago"
    )


def saved(settings: Settings) -> Finding:
    """Look how old the last backup is."""
    try:
        note = json.loads((settings.data_dir / NOTE).read_text())
        finished, place = datetime.fromisoformat(note["finished"]), note["folder"]
    except (OSError, ValueError, KeyError):
        remedy = (
            "" if settings.demo else "Run `lianyan backup FOLDER`, each night, to another disk."
        )
        return Finding("backup", "no backup was made from here yet", remedy)
    old = (datetime.now(UTC) - finished).total_seconds() > OLDEST_BACKUP * DAY
    remedy = "Run `lianyan backup FOLDER`, each night, to another disk." if old else ""
    return Finding("backup", f"the last backup was made {_ago(finished)}, to {place}", remedy)


def mail(_: Settings) -> Finding:
    """Say that no mail is sent."""
    return Finding(
        "mail", "mail is not set up", note="Messages stay in the portal; nobody is written to."
    )


async def providers(settings: Settings, connection: Connection) -> list[Finding]:
    """Ask each institution's login service what a login asks it first."""
    try:
        rows = await connection.fetch(
            "select id, slug, issuer, kind, secret from providers"
            " where status = 'active' order by slug"
        )
    except asyncpg.UndefinedTableError:
        return [Finding("providers", "providers: no tables yet", "Run `lianyan migrate`.")]
    if not rows:
        note = "People get in by invitation only."
        return [Finding("providers", "no institution has a login service yet", note=note)]
    settings = _with_demo(settings)
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(row: asyncpg.Record) -> Finding:
        async with turn:
            return await _provider(settings, row)

    return list(await asyncio.gather(*map(one, rows)))


def _with_demo(settings: Settings) -> Settings:
    """Return the settings with the demo's login allowed, where the portal on this machine has one."""
    known = (settings.data_dir / "demo.json").exists() and is_loopback(settings.public_url)
    return msgspec.structs.replace(settings, demo=True) if known else settings


async def _provider(settings: Settings, row: asyncpg.Record) -> Finding:
    from lianyan.core.secrets import Unreadable, decrypt
    from lianyan.identity.oidc import fetch_keys, fetch_metadata, parse
    from lianyan.identity.outbound import ProviderFailed
    from lianyan.identity.providers import guard_of

    guard, issuer, began = guard_of(settings), row["issuer"], time.monotonic()
    name = f"login of {row['slug']} ({urlsplit(issuer).netloc})"
    try:
        decrypt(settings.secret_key, row["secret"], "providers", row["id"], "secret")
        metadata = parse(await fetch_metadata(issuer, guard), issuer, guard)
        await fetch_keys(metadata.jwks_uri, guard)
    except Unreadable:
        return Finding("providers", f"{name}: its secret cannot be read", HELP["secret_unreadable"])
    except ProviderFailed as error:
        said = f"{error.reason}, {error.detail}" if error.detail else error.reason
        remedy = DEMO if is_loopback(issuer) else HELP.get(error.reason, OTHERWISE)
        return Finding("providers", f"{name}: {said}", remedy)
    return Finding("providers", f"{name} answers in {time.monotonic() - began:.1f} s")
