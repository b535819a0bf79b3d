"""What an edit would void, told before the first keystroke is saved."""

from uuid import UUID

from lianyan.core.actor import Reading
from lianyan.proposals.form import form_read
from lianyan.proposals.material import MATERIAL, Whose
from lianyan.proposals.policy import look
from lianyan.proposals.schemas.drafting import Effects, VoidedInstitution, Voids

CONFIRMED = """
  select p.form_id, t.id, t.state = 'consented' as confirmed,
    i.id as institution, i.name_zh, i.name_en
  from proposals p
  join participations t on t.proposal_id = p.id and t.state <> 'removed'
  join institutions i on i.id = t.institution_id
  where p.id = $1 order by t.position, t.id
"""


async def read(reading: Reading, proposal_id: UUID) -> Effects:
    """Return whose confirmation an edit would end: by section, by part, by institution list."""
    await look(reading.connection, reading.actor, proposal_id, "proposal.edit")
    rows = await reading.connection.fetch(CONFIRMED, proposal_id)
    confirmed = {
        row["id"]: VoidedInstitution(row["institution"], row["name_zh"], row["name_en"])
        for row in rows
        if row["confirmed"]
    }
    everybody = list(confirmed.values())
    form = await form_read(reading.connection, rows[0]["form_id"])
    sections = {}
    for section in form.sections:
        material = [q.id for q in section.questions if MATERIAL.get(q.id) is Whose.ALL]
        sections[section.id] = Voids(everybody if material else [], material)
    own = {
        row["id"]: Voids([confirmed[row["id"]]] if row["id"] in confirmed else []) for row in rows
    }
    return Effects(sections, own, Voids(everybody))
