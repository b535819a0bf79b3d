"""What the steps of the container check share: where things are, programs run, seconds taken."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "deploy" / "check"
WORK = Path(os.environ.get("LIANYAN_CHECK_DIR", ROOT / ".stamps" / "containers"))
IMAGE = "localhost/lianyan-check"
ADDRESS = "https://localhost:8443/portal"
STEPS: list[tuple[str, float, str]] = []


class Failed(Exception):
    """A step did not hold; the text says what was seen."""


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Time a step; the function given notes what was measured."""
    began, said = time.monotonic(), [""]
    print(f"… {name}", flush=True)
    yield lambda text: said.__setitem__(0, text)
    STEPS.append((name, time.monotonic() - began, said[0]))
    print(f"  {STEPS[-1][1]:.1f} s {said[0]}", flush=True)


def run(*command: str | Path, quiet: bool = False, seconds: float = 900, **more: Any) -> str:
    """Run a program and return what it printed; its output is shown where it fails."""
    done = subprocess.run(
        command, text=True, capture_output=True, timeout=seconds, check=False, **more
    )
    if done.returncode and not quiet:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def environment() -> dict[str, str]:
    """Return the environment of podman and its kin: own images, limits a container may set."""
    (WORK / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{WORK}/images"\nrunroot = "{WORK}/run"\n'
    )
    (WORK / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
        '[network]\nnetwork_backend = "netavark"\n'
    )
    # The first run of an image fetched from nowhere must fail at once, not ask a registry.
    return {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": str(WORK / "storage.conf"),
        "CONTAINERS_CONF": str(WORK / "containers.conf"),
        "PATH": f"{WORK}/tools/bin:{os.environ['PATH']}",
    }


def figures() -> None:
    """Print the steps; write them down where `LIANYAN_FIGURES` names a file."""
    for name, seconds, said in STEPS:
        print(f"{seconds:>7.1f} s  {name}{': ' + said if said else ''}")
    if wanted := os.environ.get("LIANYAN_FIGURES"):
        with Path(wanted).open("a", encoding="utf-8") as file:
            for name, seconds, said in STEPS:
                line = {
                    "name": f"containers: {name}",
                    "target": "holds",
                    "measured": f"holds, {seconds:.0f} s",
                    "held": True,
                    "note": said,
                    "test": "deploy/check/containers.py",
                    "date": time.strftime("%Y-%m-%d"),
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
