"""What is pinned: every package with its hash, from no address in particular, none with a known hole."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "requirements.txt"
LOCKS = [ROOT / "frontend" / "package-lock.json", ROOT / "deploy/demo-login" / "package-lock.json"]
TEXTS = [
    PINS,
    ROOT / "pyproject.toml",
    *(
        folder / name
        for folder in (lock.parent for lock in LOCKS)
        for name in (".npmrc", "package.json")
    ),
]
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links|--trusted-host|\bregistry *=")

# The first version without the advisories known when it was written down; raise it with each new one.
FLOORS = {
    "authlib": "1.9.0",  # PYSEC-2026-4357, nonce switched off by the token itself
    "h11": "0.16.0",  # CVE-2025-43859, request smuggling
    "litestar": "2.20.0",  # CVE-2026-25479, allowed hosts
    "python-multipart": "0.0.27",  # CVE-2026-42561, unbounded part headers
}


def pins() -> dict[str, Version]:
    found = re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", PINS.read_text(), re.MULTILINE)
    return {name: Version(version) for name, version in found}


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_names_an_address(path):
    assert not [line for line in path.read_text().splitlines() if ADDRESS.search(line)]


@pytest.mark.parametrize("path", LOCKS, ids=lambda p: p.parent.name)
def test_a_package_lock_has_hashes_and_no_addresses(path):
    packages = json.loads(path.read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [
        n for n, p in packages.items() if n and not p.get("integrity") and not p.get("link")
    ]


def test_every_pin_has_its_hashes():
    blocks = re.split(r"(?=^[a-z0-9-]+==)", PINS.read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) > 50
    assert not [block.split("\n")[0] for block in blocks if "--hash=sha256:" not in block]


def test_the_pins_fit_what_pyproject_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [
        Requirement(r) for r in (*project["dependencies"], *project["optional-dependencies"]["dev"])
    ]
    pinned = pins()
    unfit = [r.name for r in asked if r.name not in pinned or pinned[r.name] not in r.specifier]
    assert not unfit, "run `make deps`"


def test_nothing_pinned_has_a_known_hole():
    assert not {n: v for n, v in pins().items() if n in FLOORS and v < Version(FLOORS[n])}


@pytest.mark.xdist_group("pins")
def test_what_shares_something_dear_runs_on_one_worker(request):
    """The groups work: with versions of pytest and xdist that do not fit each other they are left out silently."""
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@pins")
