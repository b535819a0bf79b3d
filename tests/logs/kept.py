"""What a portal has written down, and what of it is nobody's business."""

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

LOGS = ("server.log", "worker.log", "postgres.log", "demo-login.log")
OFFER = re.compile(r"Log in as one of these people.*?(?=Ctrl-C)", re.DOTALL)
"""The list of the demo's people, printed for who starts the demo: it is no log."""

HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")
SHORTEST = 8

PERSONAL = """
select name from people union select name_latin from people union select email from people
union select phone from people union select orcid from people
union select name from invitations union select email from invitations
union select comment from invitations union select name from administrator_links
union select contact from platform union select title from proposals union select title_en from proposals
union select value #>> '{}' from answers union select what from contributions
union select terms from contributions union select task from participations
union select special_terms from participations union select comments::text from participations
union select letter from decisions union select note from decisions
union select sent_back_note from decisions union select for_applicants from reviews
union select for_coordinators from reviews union select reason from moves
union select note from check_answers union select decline_reason from assignments
union select override_reason from assignments union select reason from dismissals
union select nonce from login_transactions
"""
"""Everything people have written, and what they are called and reached by."""


def logs(folder: Path, said: Iterable[str]) -> dict[str, str]:
    """Return what each process of the portal in `folder` has written; `said` is its parent's own."""
    found = {
        path.name: path.read_text("utf-8", errors="replace")
        for name in LOGS
        for path in folder.glob(f"{name}*")
    }
    return {**found, "up": OFFER.sub("", "".join(said))}


def telling(texts: Iterable[Any]) -> set[str]:
    """Return those of `texts` that can be told from a word of ours: two Han characters, or long ones."""
    return {t for t in texts if t and (len(HAN.findall(t)) > 1 or len(t) >= SHORTEST)}


def forms(secret: str) -> set[str]:
    """Return a text in every form in which a program may write it down, whole, in a line of JSON too."""
    content = secret.encode()
    escaped = secret.encode("unicode_escape").decode("ascii")
    found = {
        secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], escaped,
        quote(secret), quote(secret, safe="").lower(), quote_plus(secret),
        repr(content)[2:-1], content.hex(), base64.b64encode(content).decode().rstrip("="), content.decode("latin-1"),
    }  # fmt: skip
    return found | {
        json.dumps(f, ensure_ascii=plain)[1:-1] for f in found for plain in (True, False)
    }


def found_in(logs: dict[str, str], secrets: Iterable[str]) -> list[str]:
    """Return each secret that stands in a log, in whatever form it may be written there."""
    secrets = telling(secrets)
    assert len(secrets) > 20, "there is something to look for"
    return [
        f"{name}: {secret}"
        for name, content in logs.items()
        for secret in secrets
        if any(form in content for form in forms(secret))
    ]


def lines(content: str) -> list[dict[str, Any]]:
    """Return the lines of a log of ours, each of which is one object with these three at least."""
    found = [json.loads(line) for line in content.splitlines()]
    assert all({"at", "level", "event"} <= line.keys() for line in found)
    return found
