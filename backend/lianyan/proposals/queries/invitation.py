"""The page behind an invitation's link: read by whoever holds it, changed by no reading."""

import msgspec

from lianyan.core.actor import Actor, Reading
from lianyan.core.problems import Forbidden, Gone
from lianyan.proposals.commands.inviting import ANSWERABLE, token_hash
from lianyan.proposals.queries.shaping import institution, lines_of, utc
from lianyan.proposals.schemas.consortium import InvitationOut

_ANSWER = "(select a.value from answers a where a.proposal_id = p.id and a.question = '{}')"


def _answer(question: str) -> str:
    return _ANSWER.format(question)


INVITATION = f"""
  select n.state, n.email, n.accepted_by, n.expires_at < clock_timestamp() as over,
    p.state as proposal_state, t.state as part_state, p.id as proposal_id,
    jsonb_build_object(
      'inviter', jsonb_build_object('name', w.name, 'institution', (
        select jsonb_build_object('zh', h.name_zh, 'en', h.name_en)
        from members m join institutions h on h.id = m.institution_id
        where m.proposal_id = p.id and m.person_id = w.id and m.removed_at is null)),
      'institution', {institution("i")},
      'proposal', jsonb_build_object('title', p.title, 'title_en', p.title_en,
        'starts', {_answer("starts")}, 'months', {_answer("months")}),
      'role', t.role, 'task', t.task, 'special_terms', t.special_terms,
      'contributions', {lines_of("t")},
      'data_terms', coalesce({_answer("data_terms")}, '""'),
      'ip_terms', coalesce({_answer("ip_terms")}, '""'),
      'others', coalesce((
        select jsonb_agg(jsonb_build_object('institution', {institution("o")}, 'role', x.role)
          order by x.position, x.id)
        from participations x join institutions o on o.id = x.institution_id
        where x.proposal_id = p.id and x.id <> t.id and x.state <> 'removed'), '[]'),
      'answer_until', {utc("n.expires_at")}, 'state', n.state, 'name_hint', n.name,
      'bound', n.email is not null, 'proposal_id', null)::text as body,
    exists (select from members m where m.proposal_id = p.id and m.person_id = $2
      and m.removed_at is null) as inside,
    exists (select from people v where v.id = $2 and v.email_verified
      and lower(v.email) = lower(n.email)) as addressed
  from invitations n
  join proposals p on p.id = n.proposal_id
  join participations t on t.id = n.participation_id
  join institutions i on i.id = t.institution_id
  join people w on w.id = n.invited_by
  where n.token_hash = $1
"""


async def read(reading: Reading, token: str) -> InvitationOut:
    """Return what the link invites to; raise Gone for a dead one, Forbidden for another's address.

    Whoever has accepted finds the way to the proposal behind the used link; nobody else finds anything.
    """
    visitor = reading.visitor
    who = visitor.id if visitor else None
    row = await reading.connection.fetchrow(INVITATION, token_hash(token), who)
    if row is None:
        raise Gone("invitations.dead")
    found = msgspec.json.decode(row["body"], type=InvitationOut)
    if row["state"] == "accepted" and who is not None and who == row["accepted_by"]:
        if row["inside"]:
            found.proposal_id = row["proposal_id"]
            return found
        raise Gone("invitations.dead")
    dead = row["state"] != "sent" or row["over"] or row["part_state"] == "removed"
    if dead or row["proposal_state"] not in ANSWERABLE:
        raise Gone("invitations.dead")
    if _by_login(visitor) and row["email"] is not None and not row["addressed"]:
        raise Forbidden("invitations.other_address")
    if row["inside"]:
        found.proposal_id = row["proposal_id"]
    return found


def _by_login(visitor: Actor | None) -> bool:
    return visitor is not None and visitor.scope is None
