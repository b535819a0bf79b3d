"""Proposals made for one test, by the requests that the pages send, and taken away after it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import APIResponse

from browser.visitor import Visitor

SUMMARY = "只有本项目组、协调员和评审专家能读到的摘要。"


def ask(visitor: Visitor, method: str, path: str, body: Any = None, rev: int | None = None) -> Any:
    """Send one request in a person's name and return what was answered."""
    headers = {"X-Lianyan": "1", "Idempotency-Key": str(uuid4())}
    if rev is not None:
        headers = {"X-Lianyan": "1", "If-Match": f'"{rev}"'}
    answer: APIResponse = visitor.context.request.fetch(
        f"{visitor.address}api/{path}", method=method, headers=headers, data=body
    )
    assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
    return answer.json() if answer.body() else None


def staff(amount: str) -> dict[str, Any]:
    """Return a line of person-months."""
    return {"kind": "staff", "amount": amount, "unit": "人月", "what": "工程与研究人员"}


class Draft:
    """A draft with its lead's institution and others, each of which promises something."""

    def __init__(self, lead: Visitor, title: str, partners: dict[str, str]) -> None:
        """Make it; `partners` are names of institutions and the person-months of each."""
        self.lead, self.title = lead, title
        home = ask(lead, "GET", "session")["person"]["institutions"][0]
        call = ask(lead, "GET", "calls")["items"][0]["id"]
        body = {"call_id": call, "institution_id": home["id"], "again": True}
        self.id: str = ask(lead, "POST", "proposals", body)["id"]
        self.write("basics", title=title, title_en="", summary=SUMMARY, starts="2027-03", months=18)
        members = {
            row["name"]["zh"]: row["id"] for row in ask(lead, "GET", "institutions")["items"]
        }
        for name in partners:
            body = {"institution_id": members[name], "role": "participating", "task": "建模与试用"}
            ask(lead, "POST", f"proposals/{self.id}/participations", body)
        for name, amount in partners.items():
            self.promise(name, amount)

    def read(self) -> Any:
        """Return the proposal as its lead gets it now."""
        return ask(self.lead, "GET", f"proposals/{self.id}")

    def part(self, institution: str) -> Any:
        """Return the part of an institution as it now stands."""
        return next(
            part
            for part in self.read()["participations"]
            if part["institution"]["name"]["zh"] == institution
        )

    def write(self, section: str, **answers: Any) -> None:
        """Save a section."""
        rev = next(one["rev"] for one in self.read()["sections"] if one["id"] == section)
        ask(self.lead, "PUT", f"proposals/{self.id}/sections/{section}", {"answers": answers}, rev)

    def promise(self, institution: str, amount: str) -> None:
        """Let an institution promise so many person-months."""
        part = self.part(institution)
        body = {"contributions": [staff(amount)]}
        ask(self.lead, "PATCH", f"participations/{part['id']}", body, part["rev"])

    def answer(self, question: str) -> Any:
        """Return what the server holds of a question."""
        return self.read()["answers"].get(question)

    def page(self, visitor: Visitor, path: str = "") -> None:
        """Open one of its pages."""
        visitor.open(f"proposals/{self.id}{path}")


@pytest.fixture
def draft(visit: Callable[..., Visitor]) -> Iterator[Callable[..., Draft]]:
    """Give a function that makes drafts; what was made is deleted afterwards."""
    made: list[Draft] = []

    def make(lead: Visitor, title: str, partners: dict[str, str] | None = None) -> Draft:
        made.append(Draft(lead, title, partners or {}))
        return made[-1]

    yield make
    for one in made:
        with suppress(AssertionError):
            ask(one.lead, "DELETE", f"proposals/{one.id}", rev=one.read()["rev"])
    assert visit
