"""The wheel, alone in an empty environment, is the whole portal."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lianyan.embedded import throwaway
from portal import free_port, portal

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        ROOT,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return next(folder.glob("lianyan-*.whl"))


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel where nothing else is; give its `lianyan`."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    uv: list[str | Path] = [Path(sys.executable).with_name("uv"), "-q"]
    subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True, timeout=60)
    pins = folder / "pins.txt"
    text = (ROOT / "requirements.txt").read_text()
    pins.write_text(text)
    install: list[str | Path] = [
        *uv,
        "pip",
        "install",
        "--python",
        folder,
        "--constraint",
        pins,
        wheel,
    ]
    if subprocess.run([*install, "--offline"], check=False, capture_output=True).returncode:
        subprocess.run(install, check=True, timeout=300)
    return folder / "bin" / "lianyan"


def test_the_wheel_carries_everything_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("static/index.html", "demo/idp.mjs", "_alembic/env.py", "catalogue/zh/ui.json"):
        assert f"lianyan/{name}" in names
    assert [n for n in names if n.startswith("lianyan/_alembic/versions/0001")]
    tops = {name.split("/")[0] for name in names}
    assert tops == {"lianyan", next(t for t in tops if t.endswith(".dist-info"))}
    assert not [n for n in names if "__pycache__" in n or "node_modules" in n]


def test_the_wheel_in_an_empty_environment_runs_the_portal_with_its_demo(command):
    port = free_port()
    with throwaway() as folder, portal([command], folder, "--port", str(port), "--demo") as running:
        assert running.address == f"http://127.0.0.1:{port}/"
        assert running.get("ready")[0] == 200
        status, page = running.get()
        assert status == 200
        assert "<script" in page
        assert "Log in as one of these people" in "".join(running.said)
