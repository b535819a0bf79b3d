"""What the writers were told beside what is stored: lost, doubled, or as it should be."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from kills.rig import Rig

STORED = {
    "proposal": "select id::text from proposals where call_id = '{call}'",
    "part": "select id::text from participations where role <> 'lead' and proposal_id in ({mine})",
    "section": """
      select subject_id || '/' || (data ->> 'section') || ' rev ' || (data ->> 'rev')
      from events where kind = 'section.saved' and proposal_id in ({mine})
    """,
    "promise": """
      select subject_id::text from events
      where kind = 'participation.changed' and proposal_id in ({mine})
    """,
    "consent": """
      select c.participation_id::text from consents c
      join participations p on p.id = c.participation_id where p.proposal_id in ({mine})
    """,
    "invitation": "select id::text from invitations where proposal_id in ({mine})",
}
"""Kind of thing -> one row for each time it has happened in a call."""
MINE = "select id from proposals where call_id = '{call}'"
TEXTS = """
  select a.proposal_id || '/' || a.section, s.rev, a.value #>> '{}'
  from answers a join sections s using (proposal_id, section)
"""
PROMISES = """
  select p.id::text, p.rev, c.amount::int
  from participations p join contributions c on c.participation_id = p.id
"""


class Compared(NamedTuple):
    """What differs between what was confirmed and what is there."""

    confirmed: int
    lost: list[str]
    doubled: list[str]
    altered: list[str]
    """Things whose latest confirmed content is not the one that is stored."""


def _lines(ledgers: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(ledgers.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def _name(line: dict[str, Any]) -> str:
    return f"{line['subject']} rev {line['rev']}" if line["kind"] == "section" else line["subject"]


async def compared(rig: Rig, ledgers: Path, call: str) -> Compared:
    """Compare line by line, what happened how often in one call, then the latest content."""
    lines, mine = _lines(ledgers), MINE.format(call=call)
    lost: list[str] = []
    doubled: list[str] = []
    altered: list[str] = []
    for kind, sql in STORED.items():
        told = Counter(_name(line) for line in lines if line["kind"] == kind)
        stored = Counter(str(row[0]) for row in await rig.ask(sql.format(call=call, mine=mine)))
        lost += [f"{kind} {name}" for name in (told - stored).elements()]
        doubled += [f"{kind} {name}" for name in (stored - told).elements()]
    for kind, sql, what in (("section", TEXTS, "text"), ("promise", PROMISES, "amount")):
        last = {
            line["subject"]: (line["rev"], line[what]) for line in lines if line["kind"] == kind
        }
        found = {str(name): (rev, value) for name, rev, value in await rig.ask(sql)}
        altered += [f"{kind} {name}" for name in last if found.get(name) != last[name]]
    return Compared(len(lines), lost, doubled, altered)
