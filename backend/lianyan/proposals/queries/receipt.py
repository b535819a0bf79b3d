"""The receipt of a submission."""

from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.problems import NotFound
from lianyan.proposals.deadlines import PART_STATE, deadline
from lianyan.proposals.policy import look
from lianyan.proposals.queries.shaping import institution
from lianyan.proposals.schemas.submission import NextStep, Receipt, ReceiptPart
from lianyan.proposals.states import SHOWN, STAGES, State

RECEIPT = f"""
  select p.number, p.title, p.title_en, p.submitted_at, p.state, p.stages, p.due_at,
    p.consent_until, p.returned_until, v.number as version, encode(v.sha256, 'hex') as sha256,
    c.closes_at, c.reviews_until, c.decides_at,
    (select jsonb_agg(jsonb_build_object('institution', {institution("i")}, 'role', t.role,
        'state', {PART_STATE}) order by t.position, t.id)::text
      from participations t join institutions i on i.id = t.institution_id
      where t.proposal_id = p.id and t.state <> 'removed') as parts
  from proposals p join calls c on c.id = p.call_id join versions v on v.id = p.version_id
  where p.id = $1 and p.number is not null
"""

PLACE = {
    "consent_pending": "consent",
    "submitted": "check",
    "formal_check": "check",
    "returned": "submit",
    "in_review": "review",
}
"""The stage that stands open in a shown state; the receipt lists it and what follows."""


async def read(reading: Reading, proposal_id: UUID) -> Receipt:
    """Return the receipt of the last submission; raise NotFound where there was none."""
    await look(reading.connection, reading.actor, proposal_id, "proposal.read")
    row = await reading.connection.fetchrow(RECEIPT, proposal_id)
    if row is None:
        raise NotFound
    state = State(row["state"])
    until = {
        "consent": row["consent_until"],
        "review": row["reviews_until"],
        "approval": row["decides_at"],
    }
    place = PLACE.get(SHOWN[state])
    later = list(STAGES)[list(STAGES).index(place) :] if place else []
    return Receipt(
        number=row["number"],
        title=row["title"],
        title_en=row["title_en"],
        submitted_at=row["submitted_at"],
        version=row["version"],
        sha256=row["sha256"],
        institutions=msgspec.json.decode(row["parts"], type=list[ReceiptPart]),
        next=[NextStep(stage, until.get(stage)) for stage in later if stage in row["stages"]],
        deadline=deadline(
            state,
            closes_at=row["closes_at"],
            due_at=row["due_at"],
            consent_until=row["consent_until"],
            returned_until=row["returned_until"],
        ),
    )
