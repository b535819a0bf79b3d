"""Every page of the portal, by who sees it; the ids in addresses are looked up in the demo."""

from typing import Any

from browser.visitor import Visitor

RETURNED = "元宇宙就诊前导引的适老化设计"
SECTIONS = ("basics", "methods", "contributions", "terms", "ethics")

BY: dict[str | None, list[str]] = {
    None: [
        "", "calls/{call}", "projects", "projects/{project}", "members", "login", "i", "nosuch",
        "home", "welcome",
    ],
    "yi": [
        "home", "proposals", "proposals/{returned}", "proposals/{returned}/team",
        "proposals/{returned}/submit", "proposals/{returned}/receipt",
        *(f"proposals/{{returned}}/write/{section}" for section in SECTIONS), "settings", "calls/{call}",
    ],
    "ding": [
        "home", "institution", "institution/confirm/{part}", "institution/ledger",
        "institution/people",
    ],
    "ji": [
        "home", "desk", "desk/{formal_check}", "desk/{returned_desk}", "desk/{peer_review}?tab=reviews",
        "desk/{decision_pending}?tab=decision", "release", "admin/members", "admin/roles",
        "admin/calls/new",
    ],
    "expert-07": ["home", "reviews", "reviews/{review}"],
    "gui": ["home", "decide"],
    "zi": ["home", "admin/roles", "admin/platform", "admin/logins", "admin/logins/{provider}"],
    "security": ["admin/security"],
    "audit": ["admin/record"],
    "auditor": ["desk/{peer_review}/seen"],
    "hai": ["home", "welcome", "calls/{call}"],
}  # fmt: skip


def addresses(visitor: Visitor, key: str | None) -> list[str]:
    """Return the addresses of a person's pages, with real ids in them."""

    def ask(path: str) -> Any:
        answer = visitor.context.request.get(f"{visitor.address}api/{path}")
        return answer.json()["items"]

    found: dict[str, str] = {"call": ask("calls")[0]["id"], "project": ask("projects")[0]["id"]}
    if key == "yi":
        mine = {row["title"]: row["id"] for row in ask("proposals?limit=50")}
        found["returned"] = mine[RETURNED]
    if key == "zi":
        found["provider"] = ask("admin/providers")[0]["id"]
    if key == "ding":
        found["part"] = ask("queue")[0]["participation_id"]
    if key in {"ji", "auditor"}:
        for row in ask("desk?limit=100"):
            if not row["progress_only"]:
                found.setdefault(row["state"], row["id"])
        found["returned_desk"] = found.get("returned", "")
    if key == "expert-07":
        # Another test may have submitted them meanwhile: a submitted review has its page too.
        found["review"] = ask("reviews")[-1]["assignment_id"]
    return [path.format(**found) for path in BY[key]]
