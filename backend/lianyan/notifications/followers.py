"""What each event tells whom: one table, written out in the event's own transaction."""

import json
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.clock import now
from lianyan.core.events import Happened, follows
from lianyan.core.messages import tell
from lianyan.proposals.turn import free

HOLD = timedelta(minutes=10)
"""As long as the move can be undone."""

OPEN = "('invited', 'viewed', 'void')"


def _audience(sql: str) -> TextClause:
    return text(f"""
      with e as (select cast(:subject as uuid) as subject, cast(:proposal as uuid) as proposal,
        cast(:data as jsonb) as data)
      {sql}
    """)


def _officers(where: str) -> TextClause:
    return _audience(f"""
      select u.person_id from e
      join participations o on o.proposal_id = e.proposal and o.state <> 'removed' and {where}
      join officers u on u.institution_id = o.institution_id and u.ended_at is null
    """)


LEAD = _audience("select p.lead_id from e join proposals p on p.id = e.proposal")
TEAM = _audience("""
  select p.lead_id from e join proposals p on p.id = e.proposal
  union select m.person_id from e join members m on m.proposal_id = e.proposal
  where m.removed_at is null
""")
OFFICERS = _officers("true")
ASKED_OFFICERS = _officers(f"o.state in {OPEN}")
PART_OFFICERS = _audience("""
  select u.person_id from e join participations o on o.id = e.subject
  join officers u on u.institution_id = o.institution_id and u.ended_at is null
""")
COORDINATORS = _audience(f"""
  , found as (select q.id {free("(select proposal from e)", "'coordinator'")})
  select id from found
  union all
  select q.id {free("(select proposal from e)", "'stand_in'")} and not exists (select from found)
""")
"""Coordinators without a conflict; the stand-ins, where every coordinator has one."""
DESK = _audience("""
  select r.person_id from e, platform_roles r where r.role = 'coordinator' and r.ended_at is null
""")
APPROVERS = _audience(f"""
  select q.id {free("(select proposal from e)", "'approver'")}
    and not exists (
      select from decisions d
      where d.proposal_id = (select proposal from e) and d.state <> 'cancelled'
        and d.drafted_by = q.id)
""")
DRAFTER = _audience("""
  select d.drafted_by from e
  join decisions d on d.proposal_id = e.proposal and d.state <> 'cancelled'
""")
REVIEWER = _audience("select a.reviewer_id from e join assignments a on a.id = e.subject")
REVIEWERS = _audience("""
  select a.reviewer_id from e join assignments a on a.proposal_id = e.proposal
  where a.state in ('asked', 'accepted') and a.suspended_at is null
""")
PERSON = _audience("""
  select coalesce((e.data ->> 'person_id')::uuid, (e.data ->> 'person')::uuid, f.person_id)
  from e left join affiliations f on f.id = e.subject
""")
HOME_OFFICERS = _audience("""
  , home as (select coalesce((e.data ->> 'institution_id')::uuid, (e.data ->> 'institution')::uuid,
      f.institution_id) as id
    from e left join affiliations f on f.id = e.subject),
  named as (
    select u.person_id from home join officers u on u.institution_id = home.id
    where u.ended_at is null)
  select person_id from named
  union
  select r.person_id from platform_roles r
  where r.role = 'coordinator' and r.ended_at is null and not exists (select from named)
""")
"""Officers of the institution a person asks to join; coordinators, where it has none."""
ADMINISTRATORS = _audience("""
  select r.person_id from e, platform_roles r
  where r.role in ('administrator', 'security_administrator') and r.ended_at is null
""")
"""Whoever can write an issuer down can become anybody in it: the others hear of it."""
ORDERER = _audience("select r.ordered_by from e join releases r on r.id = e.subject")


class Told(NamedTuple):
    """One row of the table: who is told what, as what, and whether it waits out an undo."""

    who: TextClause
    template: str
    """Catalogue key under the area `messages`."""
    to: str
    """As what: applicant, desk, bench or reviewer may see the proposal then; self: it names none."""
    hold: bool = False
    when: tuple[str, str] | None = None
    """Only where the event's data say so."""
    keep: tuple[str, ...] = ()
    """Data of the event that the sentence shows."""
    once: bool = False
    """An unread message of the kind about the proposal gives way to the new one."""


# fmt: off
TOLD: dict[str, tuple[Told, ...]] = {
    "proposal.submit": (
        Told(ASKED_OFFICERS, "confirm_asked", "applicant", when=("after", "consent_pending"), once=True),
        Told(COORDINATORS, "arrived", "desk", when=("after", "submitted")),
    ),
    "proposal.complete": (
        Told(LEAD, "all_confirmed", "applicant"),
        Told(COORDINATORS, "arrived", "desk"),
    ),
    "proposal.resubmit": (
        Told(ASKED_OFFICERS, "confirm_asked", "applicant", when=("after", "consent_pending"), once=True),
        Told(COORDINATORS, "resubmitted", "desk", when=("after", "submitted")),
    ),
    "proposal.take_back": (Told(OFFICERS, "taken_back", "applicant"),),
    "proposal.pass": (Told(TEAM, "passed", "applicant", hold=True),),
    "proposal.return": (Told(TEAM, "returned", "applicant", hold=True, keep=("until",)),),
    "proposal.refuse": (
        Told(TEAM, "not_accepted", "applicant", hold=True, keep=("code",)),
        Told(OFFICERS, "not_accepted", "applicant", hold=True, keep=("code",)),
    ),
    "proposal.finish": (Told(REVIEWERS, "reviews_finished", "reviewer", hold=True),),
    "proposal.reopen": (Told(REVIEWERS, "reviews_reopened", "reviewer"),),
    "proposal.withdraw": (
        Told(TEAM, "withdrawn", "applicant"),
        Told(OFFICERS, "withdrawn", "applicant"),
        Told(COORDINATORS, "withdrawn", "desk"),
    ),
    "proposal.withdraw_by_institution": (
        Told(TEAM, "withdrawn", "applicant"),
        Told(OFFICERS, "withdrawn", "applicant"),
        Told(COORDINATORS, "withdrawn", "desk"),
        Told(REVIEWERS, "withdrawn", "reviewer"),
    ),
    "proposal.restore": (
        Told(TEAM, "restored", "applicant"),
        Told(OFFICERS, "restored", "applicant"),
    ),
    "proposal.extend": (
        Told(TEAM, "extended", "applicant", keep=("until", "extended")),
        Told(ASKED_OFFICERS, "confirm_extended", "applicant", when=("extended", "consent"), keep=("until",)),
    ),
    "participation.extend": (
        Told(PART_OFFICERS, "confirm_extended", "applicant", keep=("until",)),
        Told(LEAD, "institution_extended", "applicant", keep=("until",)),
    ),
    "participation.added":   (Told(PART_OFFICERS, "institution_invited", "applicant"),),
    "participation.confirm": (Told(LEAD, "institution_confirmed", "applicant"),),
    "participation.return":  (Told(LEAD, "institution_returned", "applicant"),),
    "participation.decline": (Told(LEAD, "institution_declined", "applicant"),),
    "participation.void":    (Told(PART_OFFICERS, "confirmation_void", "applicant", once=True),),
    "participation.renew":   (Told(PART_OFFICERS, "confirm_again", "applicant", once=True),),
    "participation.remove":  (Told(PART_OFFICERS, "institution_removed", "self"),),
    "invitation.accepted":   (Told(LEAD, "invitation_accepted", "applicant"),),
    "invitation.declined":   (Told(LEAD, "invitation_declined", "applicant"),),
    "invitation.changes":    (Told(LEAD, "invitation_changes", "applicant"),),
    "invitation.reported":   (Told(DESK, "invitation_reported", "self"),),
    "member.added":          (Told(PERSON, "member_added", "applicant"),),
    "member.removed":        (Told(PERSON, "member_removed", "self"),),
    "assignment.asked":      (Told(REVIEWER, "review_asked", "reviewer"),),
    "assignment.declined":   (Told(COORDINATORS, "review_declined", "desk"),),
    "assignment.removed":    (Told(REVIEWER, "review_removed", "self"),),
    "assignment.suspended":  (Told(COORDINATORS, "review_suspended", "desk"),),
    "decision.drafted":      (Told(APPROVERS, "decision_to_sign", "bench", once=True),),
    "decision.signed":       (Told(COORDINATORS, "decision_signed", "desk"),),
    "decision.sent_back":    (Told(DRAFTER, "decision_sent_back", "desk"),),
    "release.taken_back":    (Told(DESK, "release_taken_back", "self"),),
    "release.done":          (Told(ORDERER, "release_done", "self"),),
    "affiliation.asked":     (Told(HOME_OFFICERS, "person_asks", "self"),),
    "affiliation.confirmed": (Told(PERSON, "affiliation_confirmed", "self"),),
    "affiliation.refused":   (Told(PERSON, "affiliation_refused", "self"),),
    "officer.named":         (Told(PERSON, "officer_named", "self"),),
    "provider.changed":      (Told(ADMINISTRATORS, "provider_changed", "self"),),
    "provider.activated":    (Told(ADMINISTRATORS, "provider_activated", "self"),),
    "provider.disabled":     (Told(ADMINISTRATORS, "provider_disabled", "self"),),
    "provider.retired":      (Told(ADMINISTRATORS, "provider_retired", "self"),),
    "role.granted":          (Told(PERSON, "role_granted", "self", keep=("role",)),),
}
# fmt: on
"""Kind of event -> who is told. Letters of released decisions are written by the release itself."""

FIRST = text("""
  delete from messages
  where person_id = :person and template = :template and proposal_id = :proposal and read_at is null
""")
NAMES = text("""
  select coalesce(o.institution_id, f.institution_id, i.institution_id) as institution_id,
    coalesce(f.person_id, i.accepted_by) as person_id
  from (values (cast(:subject as uuid))) s(id)
  left join participations o on o.id = s.id
  left join affiliations f on f.id = s.id
  left join lateral (
    select y.institution_id, v.accepted_by
    from invitations v join participations y on y.id = v.participation_id where v.id = s.id
  ) i on true
""")
"""Whose names a sentence may show: the institution and the person an event is about."""

NAMED = {"participation", "affiliation", "invitation", "officer", "member", "provider"}


@follows(*TOLD)
async def tell_everybody(session: AsyncSession, happened: Happened) -> None:
    """Write the messages of one event; nobody is told what they did themselves."""
    data = happened.data
    asked = {
        "subject": happened.subject_id,
        "proposal": happened.proposal_id,
        "data": json.dumps(data),
    }
    rows = [row for row in TOLD[happened.kind] if row.when is None or data.get(row.when[0]) == row.when[1]]  # fmt: skip
    names = await _names(session, happened)
    held = await now(session) + HOLD if any(row.hold for row in rows) else None
    for row in rows:
        about = happened.proposal_id if row.to != "self" else None
        kept = {key: data[key] for key in row.keep if data.get(key) is not None}
        params = {"to": row.to, **names, **kept}
        people = sorted({p for p in await session.scalars(row.who, asked) if p is not None})
        for person in people:
            if person == happened.actor_id:
                continue
            if row.once:
                first = {"person": person, "template": row.template, "proposal": about}
                await session.execute(FIRST, first)
            await tell(
                session,
                happened.id,
                person,
                row.template,
                proposal_id=about,
                hold_until=held if row.hold else None,
                **params,
            )


async def _names(session: AsyncSession, happened: Happened) -> dict[str, str | UUID]:
    """Return the ids of the institution and the person that the event's sentence names."""
    if happened.kind.partition(".")[0] not in NAMED:
        return {}
    found = (await session.execute(NAMES, {"subject": happened.subject_id})).one()
    data = happened.data
    institution = found.institution_id or data.get("institution_id") or data.get("institution")
    person = found.person_id or data.get("person_id") or data.get("person")
    pairs = {"institution_id": institution, "person_id": person}
    return {key: value for key, value in pairs.items() if value is not None}
