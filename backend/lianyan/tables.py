"""Writes what is derived from the tables: docs/tables.md, backend/openapi.json; the tree is clean after it."""

from pathlib import Path
from typing import Any

import msgspec

from lianyan.core.events import FOLLOWERS
from lianyan.core.policy import ALLOWED, Role
from lianyan.core.words import say
from lianyan.proposals.material import MATERIAL
from lianyan.proposals.states import MOVES, PARTICIPATION_MOVES, SHOWN, STAGES


def write(root: Path, *, check: bool = False) -> list[Path]:
    """Write the derived files under `root` and return those that were not as they must be.

    With `check` nothing is written.
    """
    changed = []
    for path, content in {"docs/tables.md": document(), "backend/openapi.json": openapi()}.items():
        target = root / path
        if target.exists() and target.read_text("utf-8") == content:
            continue
        changed.append(target)
        if not check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, "utf-8")
    return changed


def openapi() -> str:
    """Return the OpenAPI document of the API, keys sorted, so that a change shows as a change."""
    from lianyan.app import create_app  # noqa: PLC0415  every slice is loaded only for this
    from lianyan.settings import Settings  # noqa: PLC0415

    settings = Settings.from_env(
        {}, database_url="postgresql://nobody@127.0.0.1/none", secret_key=bytes(32)
    )
    schema = create_app(settings).openapi_schema.to_schema()
    schema["servers"] = [{"url": "/"}]
    ordered = msgspec.json.encode(msgspec.to_builtins(schema, str_keys=True), order="sorted")
    return msgspec.json.format(ordered, indent=1).decode() + "\n"


def document() -> str:
    """Return the tables as a page: states, moves, who may do what, what is material, who is told."""
    import lianyan.notifications.followers  # noqa: F401, PLC0415  fills FOLLOWERS

    states = [
        (
            f"`{s}`",
            say("zh", f"status.proposal.{s}"),
            say("en", f"status.proposal.{s}"),
            f"`{SHOWN[s]}`",
        )
        for s in SHOWN
    ]
    parts = [
        "# Tables",
        "Written by `lianyan tables`; a test fails when this page is not what the code says.",
        "## States of a proposal",
        _table(("state", "中文", "English", "shown to applicants as"), states),
        "## Moves of a proposal",
        f"Stages in their order: {', '.join(f'`{s}`' for s in STAGES)}.",
        _table(
            ("from", "move", "to", "who"),
            [(f"`{s}`", f"`{m}`", f"`{t}`", _who(f"proposal.{m}")) for (s, m), t in MOVES.items()],
        ),
        "## Moves of a participation",
        _table(
            ("from", "move", "to"),
            [(f"`{s}`", f"`{m}`", f"`{t}`") for (s, m), t in PARTICIPATION_MOVES.items()],
        ),
        "## Who may do what",
        _table(
            ("action", "roles"),
            [(f"`{action}`", _roles(roles)) for action, roles in ALLOWED.items()],
        ),
        "## What a confirmation covers",
        _table(
            ("field", "whose confirmation a change voids"),
            [(f"`{f}`", str(w)) for f, w in MATERIAL.items()],
        ),
        "## Events that tell people",
        _table(
            ("event", "followers"), [(f"`{k}`", str(len(v))) for k, v in sorted(FOLLOWERS.items())]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _who(action: str) -> str:
    return _roles(ALLOWED[action]) if action in ALLOWED else "the system"


def _roles(roles: Role) -> str:
    return ", ".join(str(r.name).lower() for r in Role if r in roles)


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
