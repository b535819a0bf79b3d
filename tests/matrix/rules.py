"""Who may do what, said once more: plain words over plain facts, from the product's description."""

from dataclasses import dataclass

ANYBODY = """home.read call.read project.read institution.read page.read health.read session.read
 session.start session.end invitation.read invitation.answer"""
LOGGED_IN = """session.renew task.read message.mark settings.read settings.change affiliation.ask
 proposal.list review.list review.submit"""
EMPLOYED = "proposal.draft person.find"
OFFICER = "affiliation.confirm queue.read queue.confirm ledger.read"
BY_ROLE = {
    "coordinator": """platform.change institution.add institution.change officer.name role.read
     call.open desk.list release.read release.order release.take_back""",
    "approver": "decision.list",
    "administrator": """platform.change role.read provider.read provider.change provider.activate
     provider.stop""",
    "security_administrator": """role.read role.grant security.read security.end_session
     provider.read provider.activate provider.stop""",
    "audit_administrator": "role.read record.read",
    "auditor": "desk.list",
}
LEAD = """proposal.arrange team.arrange proposal.delete proposal.submit proposal.resubmit
 proposal.take_back proposal.withdraw"""
OWN_PART = "participation.read participation.confirm participation.return participation.decline"
COORDINATES = """proposal.read desk.read proposal.check proposal.pass proposal.return proposal.refuse
 proposal.finish proposal.reopen proposal.undo proposal.restore proposal.extend assignment.read
 assignment.add assignment.remove conflict.dismiss review.read_all decision.read decision.draft"""
AUDITS = "proposal.read desk.read assignment.read review.read_all decision.read record.seen"
APPROVES = "proposal.read review.read_all decision.read decision.sign decision.send_back"


@dataclass(frozen=True, kw_only=True)
class Person:
    logged_in: bool = True
    waits: bool = False  # for an officer to confirm them
    by_link: bool = False  # their session was opened by an invitation
    employed: bool = False
    officer: bool = False
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Bond:
    state: str
    submitted: bool = True  # once, at least
    linked: bool = True  # it is the one that the person's link opens
    lead: bool = False
    member: bool = False
    partner: bool = False  # officer of an institution that takes part
    own_part: bool = False  # officer of the very institution asked about
    leads_for: bool = False  # officer of the leading institution
    officered: bool = False  # the leading institution has an officer
    asked: str = ""  # as reviewer: "asked" or "accepted"
    personal: bool = False  # a conflict of that grade
    employer: bool = False


def acts(who: Person, bond: Bond | None = None) -> set[str]:
    full = who.logged_in and not who.waits and not who.by_link
    words = [ANYBODY] + [LOGGED_IN] * who.logged_in + [EMPLOYED] * (full and who.employed)
    words += [OFFICER] * (full and who.officer)
    words += [BY_ROLE.get(role.replace("stand_in", "coordinator"), "") for role in who.roles]
    if bond is None or not who.logged_in or (who.by_link and not bond.linked):
        return set(" ".join(words).split())
    words += ["proposal.read proposal.edit"] * (bond.lead or bond.member) + [LEAD] * bond.lead
    words += ["proposal.read"] * bond.partner + [OWN_PART] * bond.own_part
    words += ["proposal.withdraw_by_institution"] * bond.leads_for
    handles = full and not (bond.personal or bond.lead or bond.member)
    seen = handles and bond.submitted and bond.state != "draft"
    if seen and {"coordinator", "stand_in"} & who.roles:
        words += ["desk.read"] if bond.employer else [COORDINATES]
        words += ["proposal.withdraw_by_institution"] * (not bond.employer and not bond.officered)
    words += ["desk.read" if bond.employer else AUDITS] * (seen and "auditor" in who.roles)
    words += ["record.seen"] * (handles and "audit_administrator" in who.roles)
    if handles and not bond.employer:
        words += [APPROVES] * (
            "approver" in who.roles and bond.state in {"decision_pending", "approved", "rejected"}
        )
        words += ["assignment.answer"] * bool(bond.asked)
        words += ["review.read review.write"] * (bond.asked == "accepted")
    return set(" ".join(words).split())


def may(who: Person, action: str, bond: Bond | None = None) -> str:
    """Return allow, forbid (there is nothing to hide) or hide (as if it did not exist)."""
    found = acts(who, bond)
    if action in found:
        return "allow"
    return "hide" if bond and who.logged_in and found == acts(who) else "forbid"
