"""What a backup says of itself: written last, so that a folder without it is no backup."""

import hashlib
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from lianyan import __version__
from lianyan.cli.fault import Fault

FORMAT = 1
NAME = "manifest.json"
BLOCK = 1 << 20


class Kept(msgspec.Struct, frozen=True):
    """One file of the backup."""

    size: int
    sha256: str


class Point(msgspec.Struct, frozen=True):
    """The moment the copy of a cluster is followed to: its name in the log, its place, its time."""

    name: str
    lsn: str
    at: datetime


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is to know before a restore."""

    format: int = FORMAT
    portal: str = __version__
    kind: Literal["cluster", "dump"]
    """A copy of the whole embedded database, or a dump of one that others run."""
    revision: str
    """The revision of the tables."""
    postgres: str
    """The version of the server."""
    started: datetime
    finished: datetime
    point: Point | None = None
    archive: str = ""
    """The name under which the log of this cluster is archived."""
    key: Literal["file", "environment"]
    """Where the portal has its key from; one from the environment is in no backup."""
    key_mark: str
    """What tells whether a key is the right one, and nothing else of it."""
    rows: dict[str, int]
    """Rows of each table at that moment."""
    folders: list[str]
    files: dict[str, Kept]
    checksum: str = ""
    """SHA-256 of this manifest with an empty checksum."""


def mark_of(key: bytes) -> str:
    """Return what tells a key from another."""
    return hashlib.sha256(b"lianyan key mark|" + key).hexdigest()[:16]


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest down for good: the folder is a backup from then on."""
    summed = msgspec.structs.replace(manifest, checksum=_sum(manifest))
    text = msgspec.json.format(msgspec.json.encode(summed), indent=1)
    put(folder / NAME, text)
    settle(folder)


def read(folder: Path) -> Manifest:
    """Return what the backup in `folder` says; a folder that is none is a Fault."""
    path = folder / NAME
    if not folder.is_dir() or not path.is_file():
        raise Fault(
            f"{folder} is no finished backup: it has no {NAME}. Take another, or the one that "
            "`lianyan backup` reported."
        )
    try:
        text = path.read_bytes()
        if msgspec.json.decode(text, type=_Version).format != FORMAT:
            raise Fault(
                f"{path} has a form that this version ({__version__}) does not know: restore it "
                "with the version that made it, or a later one."
            )
        found = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Fault(f"{path} is damaged ({error}): take another backup.") from error
    if found.checksum != _sum(found):
        raise Fault(f"{path} is damaged (its checksum differs): take another backup.")
    return found


class _Version(msgspec.Struct):
    format: int


def _sum(manifest: Manifest) -> str:
    bare = msgspec.structs.replace(manifest, checksum="")
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()


def listed(folder: Path) -> tuple[list[str], dict[str, Kept]]:
    """Return every folder and file below `folder`, with size and SHA-256."""
    folders, files = [], {}
    for path in sorted(_below(folder)):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise Fault(f"{path} is neither a file nor a folder: a backup cannot hold it.")
        if path.is_dir():
            folders.append(name)
        else:
            files[name] = summed(path)
    return folders, files


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)


def check(folder: Path, manifest: Manifest) -> None:
    """Look at every file the manifest names; the first ones that differ are a Fault."""
    faults = [
        f"the folder {name} is missing"
        for name in manifest.folders
        if not _inside(name) or not stat.S_ISDIR(_mode(folder / name))
    ]
    for name, kept in manifest.files.items():
        if not _inside(name):
            faults.append(f"{name} is no name in a backup")
        elif not (mode := _mode(folder / name)):
            faults.append(f"{name} is missing")
        elif not stat.S_ISREG(mode) or _linked(folder, name):
            faults.append(f"{name} is no plain file")
        elif summed(folder / name) != kept:
            faults.append(f"{name} is damaged")
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""  # noqa: PLR2004  a line's worth
        raise Fault(
            f"{folder} is not as it was made: {', '.join(faults[:3])}{more}. Nothing was restored; "
            "take another backup, or another copy of this one."
        )


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.as_posix() == name != "."


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _linked(folder: Path, name: str) -> bool:
    """Say whether the way to a file leads through a link, out of the backup."""
    return any((folder / part).is_symlink() for part in PurePosixPath(name).parents)


def summed(path: Path) -> Kept:
    """Return a file's size and SHA-256."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
        return Kept(file.tell(), found.hexdigest())


def copy(source: Path, kept: Kept, target: Path) -> None:
    """Copy a file of the backup, closed to others; a Fault where it is not as it was listed."""
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as old, os.fdopen(descriptor, "wb") as new:
        while part := old.read(BLOCK):
            digest.update(part)
            size += len(part)
            new.write(part)
    if Kept(size, digest.hexdigest()) != kept:
        raise Fault(f"{source} has changed meanwhile: take another backup.")


def put(path: Path, content: bytes) -> None:
    """Write a new file, closed to others and on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def settle(folder: Path) -> None:
    """Have the disk keep which names a folder has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
