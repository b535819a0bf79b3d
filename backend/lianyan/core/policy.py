"""Who may do what: the one table, and what a person is before any particular thing is looked at.

What a person is to one proposal is computed from the `access` relation by `proposals.policy.roles`.
"""

from enum import Flag, auto

from lianyan.core.actor import Actor


class Role(Flag):
    """What an actor is; several at once. The first group stands, the second is towards one proposal."""

    ANYONE = auto()
    PERSON = auto()
    """Logged in, pending or invited people included."""
    MEMBER = auto()
    """Logged in through an institution that has confirmed the person."""
    OFFICE = auto()
    """Officer of at least one institution."""
    DESK = auto()
    """Holds the platform role coordinator."""
    BENCH = auto()
    """Holds the platform role approver."""
    ADMINISTRATOR = auto()
    SECURITY = auto()
    """Security administrator, or who stands for one while there is none."""
    RECORD = auto()
    """Audit administrator, or who stands for one while there is none."""
    AUDITING = auto()
    """Holds the platform role auditor."""

    LEAD = auto()
    TEAM = auto()
    OFFICER = auto()
    """Officer of an institution that takes part."""
    LEAD_OFFICER = auto()
    COORDINATOR = auto()
    """Coordinator without any conflict."""
    PROGRESS = auto()
    """Coordinator whose employer takes part: dates and completeness only."""
    ASKED = auto()
    """Assigned as reviewer, has not accepted yet."""
    REVIEWER = auto()
    """Assigned as reviewer and has accepted."""
    APPROVER = auto()
    """Approver without any conflict."""
    AUDITOR = auto()
    """Auditor without any conflict: reads what a coordinator reads, and acts on nothing."""
    EXAMINER = auto()
    """Audit administrator without a personal conflict: sees who has read what."""


R = Role
INSIDE = R.LEAD | R.TEAM | R.OFFICER | R.LEAD_OFFICER

# fmt: off
ALLOWED: dict[str, Role] = {
    # public pages
    "home.read":               R.ANYONE,
    "call.read":               R.ANYONE,
    "project.read":            R.ANYONE,
    "institution.read":        R.ANYONE,
    "page.read":               R.ANYONE,
    "health.read":             R.ANYONE,
    # login and the own person
    "session.read":            R.ANYONE,
    "session.start":           R.ANYONE,
    "session.end":             R.ANYONE,
    "session.renew":           R.PERSON,
    "invitation.read":         R.ANYONE,
    "invitation.answer":       R.ANYONE,
    "task.read":               R.PERSON,
    "message.mark":            R.PERSON,
    "settings.read":           R.PERSON,
    "settings.change":         R.PERSON,
    "affiliation.ask":         R.PERSON,
    # platform
    "platform.change":         R.ADMINISTRATOR | R.DESK,
    "institution.add":         R.DESK,
    "institution.change":      R.DESK,
    "officer.name":            R.DESK,
    "role.read":               R.ADMINISTRATOR | R.DESK | R.SECURITY | R.RECORD,
    "role.grant":              R.SECURITY,
    "provider.read":           R.ADMINISTRATOR | R.SECURITY,
    "provider.change":         R.ADMINISTRATOR,
    "provider.activate":       R.ADMINISTRATOR | R.SECURITY,
    "provider.stop":           R.ADMINISTRATOR | R.SECURITY,
    "security.read":           R.SECURITY,
    "security.end_session":    R.SECURITY,
    "record.read":             R.RECORD,
    "record.seen":             R.EXAMINER | R.AUDITOR,
    "call.open":               R.DESK,
    "person.find":             R.MEMBER,
    # an institution's own matters
    "affiliation.confirm":     R.OFFICE,
    "queue.read":              R.OFFICE,
    "queue.confirm":           R.OFFICE,
    "ledger.read":             R.OFFICE,
    # proposals
    "proposal.draft":          R.MEMBER,
    "proposal.list":           R.PERSON,
    "proposal.read":           INSIDE | R.COORDINATOR | R.APPROVER | R.AUDITOR,
    "proposal.edit":           R.LEAD | R.TEAM,
    "proposal.arrange":        R.LEAD,
    "team.arrange":            R.LEAD,
    "proposal.delete":         R.LEAD,
    "proposal.submit":         R.LEAD,
    "proposal.resubmit":       R.LEAD,
    "proposal.take_back":      R.LEAD,
    "proposal.withdraw":       R.LEAD,
    "proposal.withdraw_by_institution": R.LEAD_OFFICER | R.COORDINATOR,
    "proposal.restore":        R.COORDINATOR,
    "proposal.extend":         R.COORDINATOR,
    "participation.read":      R.OFFICER,
    "participation.confirm":   R.OFFICER,
    "participation.return":    R.OFFICER,
    "participation.decline":   R.OFFICER,
    # the desk
    "desk.list":               R.DESK | R.AUDITING,
    "desk.read":               R.COORDINATOR | R.PROGRESS | R.AUDITOR,
    "proposal.check":          R.COORDINATOR,
    "proposal.pass":           R.COORDINATOR,
    "proposal.return":         R.COORDINATOR,
    "proposal.refuse":         R.COORDINATOR,
    "proposal.finish":         R.COORDINATOR,
    "proposal.reopen":         R.COORDINATOR,
    "proposal.undo":           R.COORDINATOR,
    # reviews
    "assignment.read":         R.COORDINATOR | R.AUDITOR,
    "assignment.add":          R.COORDINATOR,
    "assignment.remove":       R.COORDINATOR,
    "conflict.dismiss":        R.COORDINATOR,
    "review.list":             R.PERSON,
    "assignment.answer":       R.ASKED | R.REVIEWER,
    "review.read":             R.REVIEWER,
    "review.write":            R.REVIEWER,
    "review.submit":           R.PERSON,
    "review.read_all":         R.COORDINATOR | R.APPROVER | R.AUDITOR,
    # decisions
    "decision.list":           R.BENCH,
    "decision.read":           R.COORDINATOR | R.APPROVER | R.AUDITOR,
    "decision.draft":          R.COORDINATOR,
    "decision.sign":           R.APPROVER,
    "decision.send_back":      R.APPROVER,
    "release.read":            R.DESK,
    "release.order":           R.DESK,
    "release.take_back":       R.DESK,
}
# fmt: on


HOLDERS = {
    "coordinator": R.DESK,
    "stand_in": R.DESK,
    "approver": R.BENCH,
    "administrator": R.ADMINISTRATOR,
    "security_administrator": R.SECURITY,
    "audit_administrator": R.RECORD,
    "auditor": R.AUDITING,
}
"""What somebody is by a platform role; a reviewer is nothing before an assignment."""


def standing(actor: Actor | None) -> Role:
    """Return what `actor` is before any particular thing is looked at."""
    if actor is None:
        return Role.ANYONE
    found = Role.ANYONE | Role.PERSON
    if actor.scope is not None or actor.status != "active":
        return found
    if actor.institutions:
        found |= Role.MEMBER
    if actor.offices:
        found |= Role.OFFICE
    for role in actor.roles | actor.stands_for:
        found |= HOLDERS.get(role, Role(0))
    return found


STANDING = Role.ANYONE | Role.PERSON | Role.MEMBER | Role.OFFICE | Role.DESK | Role.BENCH
STANDING |= Role.ADMINISTRATOR | Role.SECURITY | Role.RECORD | Role.AUDITING


def needs_login(action: str) -> bool:
    """Say whether nobody can do `action` without being logged in."""
    return not ALLOWED[action] & Role.ANYONE


def standing_only(action: str) -> bool:
    """Say whether `action` is decided by standing roles alone, with no thing to look at."""
    return not ALLOWED[action] & ~STANDING
