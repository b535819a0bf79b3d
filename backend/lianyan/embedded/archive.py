"""The log kept outside the cluster: with it, a backup comes back as it was at any later moment."""

import shlex
import shutil
import subprocess
from pathlib import Path

from lianyan.embedded.account import Account
from lianyan.embedded.cluster import Home, environment
from lianyan.embedded.fault import EmbeddedError

# So much is lost at most where the cluster's disk is lost.
TIMEOUT = "60s"
NEEDED = ("gzip", "cmp", "mv", "sync")


def options(home: Home, account: Account, root: Path | None) -> dict[str, str]:
    """Return the settings with which the server keeps its log under `root`; none without one."""
    if root is None:
        return {}
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        raise EmbeddedError(
            f"LIANYAN_WAL_ARCHIVE needs the programs {', '.join(missing)}: install them."
        )
    folder = _folder(home, account, root.resolve())
    return {
        "archive_mode": "on",
        "archive_timeout": TIMEOUT,
        "archive_command": _keep(folder),
    }


def _folder(home: Home, account: Account, root: Path) -> Path:
    """Make this cluster's own folder under `root`: what another one keeps there is never touched."""
    if not root.is_dir():
        raise EmbeddedError(
            f"LIANYAN_WAL_ARCHIVE: {root} is not there: mount its disk, or make the folder."
        )
    folder = root / home.archive
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        account.own(folder)
    except OSError as error:
        raise EmbeddedError(
            f"LIANYAN_WAL_ARCHIVE: {folder} cannot be made ({error.strerror}): let this user "
            "write there."
        ) from error
    if not account.reaches(folder):
        raise EmbeddedError(
            f"LIANYAN_WAL_ARCHIVE: PostgreSQL's user (uid {account.uid}) cannot reach {folder}: "
            "allow others to pass (`chmod o+x`) the folders above it."
        )
    return folder


def _keep(folder: Path) -> str:
    """Return the command that keeps one file of the log: never over another, whole or not at all."""
    # A file that was kept just before a crash is offered again: the same content is a success.
    kept, part = _quoted(folder, "/%f.gz"), _quoted(folder, "/.%f.part")
    return (
        f"if test -e {kept}; then gzip -dc {kept} | cmp -s - %p; else "
        f"gzip -1c < %p > {part} && sync {part} && mv -n {part} {kept} && test ! -e {part} "
        f"&& sync {_quoted(folder)}; fi"
    )


def fetch(folder: Path) -> str:
    """Return the command that brings one file of the log back from `folder`."""
    kept = _quoted(folder, "/%f.gz")
    return f'test -f {kept} && gzip -dc {kept} > "%p"'


def _quoted(folder: Path, pattern: str = "") -> str:
    """Return a path for the shell, in which PostgreSQL fills the pattern and nothing else."""
    return shlex.quote(str(folder).replace("%", "%%") + pattern)


def check_readable(folder: Path, account: Account) -> None:
    """Raise unless PostgreSQL's user can read what `folder` keeps."""
    kept = next(folder.glob("*.gz"), None) if folder.is_dir() else None
    if kept is None:
        raise EmbeddedError(
            f"{folder} keeps no log of the portal this backup was made of: correct "
            "LIANYAN_WAL_ARCHIVE, or restore without --until."
        )
    asked = subprocess.run(  # noqa: S603  a fixed program and a path
        ["/usr/bin/env", "test", "-r", str(kept)],
        env=environment(),
        cwd="/",
        check=False,
        **account.spawn,
    )
    if asked.returncode:
        raise EmbeddedError(
            f"PostgreSQL's user (uid {account.uid}) cannot read {kept}: give it the folder "
            f"(`chown -R {account.uid} {folder}`) and let it pass those above."
        )
