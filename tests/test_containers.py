"""What can be said of the containers without building them; `make containers` runs them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILES = [ROOT / "deploy" / "Dockerfile", *(ROOT / "deploy" / "check").glob("Dockerfile.*")]


def test_every_image_can_be_another():
    images = re.findall(r"^ +image: (.*)$", COMPOSE, re.MULTILINE)
    assert len(images) == 3
    for image in images:
        assert re.fullmatch(r"\$\{LIANYAN_\w*IMAGE:-[a-z]+(:[\w.-]+)?\}", image)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_every_build_takes_its_base_by_an_argument(path):
    text = path.read_text()
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert base in {"${BASE}", "${APP}"}
    assert "ARG BASE" in text
    assert not re.search(r"https?://", text)


def test_the_portal_runs_as_nobody_in_particular_on_a_root_it_cannot_write():
    users = re.findall(r"^USER (\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001"]
    portal = COMPOSE[COMPOSE.index("x-portal") : COMPOSE.index("services:")]
    for line in ("read_only: true", 'cap_drop: ["ALL"]', "no-new-privileges:true"):
        assert line in portal
    for service in ("migrate", "app", "worker"):
        assert re.search(rf"^  {service}:\n    <<: \*portal$", COMPOSE, re.MULTILINE)


def test_no_secret_has_a_value_of_its_own():
    example = (ROOT / "deploy" / "example.env").read_text()
    for name in re.findall(r"\$\{(LIANYAN_\w*(?:PASSWORD|KEY)):\?", COMPOSE):
        assert re.search(rf"^{name}=$", example, re.MULTILINE), name
