"""The table of the code and the plain rules say the same of everybody, whatever they are."""

import itertools
import os
import random
from uuid import UUID

from figures import figure
from lianyan.core.actor import Actor
from lianyan.core.policy import ALLOWED, standing
from lianyan.proposals.access import Right
from lianyan.proposals.policy import READERS, Rights, roles
from lianyan.proposals.states import State
from matrix.rules import Bond, Person, acts, may

HERE, ELSEWHERE, HOME, OFFICE, SELF = (UUID(int=n) for n in range(1, 6))
MOST = None if os.environ.get("LIANYAN_LONG") == "1" else 12_000

PEOPLE = [
    Person(),
    Person(waits=True),
    Person(by_link=True),
    *(
        Person(employed=employed, officer=officer, roles=frozenset(held))
        for employed in (False, True)
        for officer in (False, True)
        for held in (
            (), ("coordinator",), ("stand_in",), ("approver",), ("reviewer",), ("administrator",),
            ("auditor",), ("security_administrator",), ("audit_administrator",),
            ("coordinator", "approver", "reviewer"), ("stand_in", "administrator"),
        )
    ),
]  # fmt: skip


def the_actor(who: Person, *, linked: bool) -> Actor:
    """Return the same person as the product knows them."""
    return Actor(
        id=SELF,
        session_id=SELF,
        name="某人",
        status="pending" if who.waits else "active",
        scope=(HERE if linked else ELSEWHERE) if who.by_link else None,
        roles=who.roles,
        institutions=(HOME,) if who.employed else (),
        offices=(OFFICE,) if who.officer else (),
        employers=(HOME,) if who.employed else (),
    )


def the_rights(bond: Bond) -> Rights:
    own = Right(0)
    for right, holds in (
        (Right.LEAD | Right.TEAM, bond.lead),
        (Right.TEAM, bond.member),
        (Right.CONFLICT, bond.personal),
        (Right.ASKED, bond.asked == "asked"),
        (Right.REVIEWER, bond.asked == "accepted"),
    ):
        own |= right if holds else Right(0)
    office = Right.PARTY if bond.partner else Right(0)
    office |= Right.LEAD_PARTY if bond.leads_for else Right(0)
    employer = Right.EMPLOYER if bond.employer else Right(0)
    return Rights(int(own), int(office), int(employer), bond.submitted, bond.state)


def bonds(who: Person) -> list[Bond]:
    """Return everything that such a person may be to a proposal."""
    found = []
    both = (False, True)
    for state, submitted, linked, team, office, asked, personal, employer in itertools.product(
        State, both, both if who.by_link else (True,), ("", "member", "lead"),
        ("", "partner", "leads") if who.officer else ("",),
        ("", "asked", "accepted") if not who.by_link and not who.waits else ("",), both, both,
    ):  # fmt: skip
        found.append(
            Bond(
                state=state.value, submitted=submitted, linked=linked, lead=team == "lead",
                member=team == "member", partner=bool(office), own_part=bool(office),
                leads_for=office == "leads", asked=asked, personal=personal, employer=employer,
            )
        )  # fmt: skip
    return found


def test_every_action_is_somebodys_and_no_rule_names_another():
    everything = set(ALLOWED)
    said = set()
    for who in PEOPLE:
        for bond in bonds(who):
            said |= acts(who, bond)
    assert said == everything


def test_before_any_proposal_the_table_and_the_rules_agree():
    for who in [Person(logged_in=False), *PEOPLE]:
        stands = standing(the_actor(who, linked=True) if who.logged_in else None)
        allowed = {action for action, whose in ALLOWED.items() if stands & whose}
        assert acts(who) == allowed, who


def test_towards_a_proposal_the_table_and_the_rules_agree():
    seed = int(os.environ.get("LIANYAN_MATRIX_SEED", random.SystemRandom().randrange(10**9)))
    cells = [(who, bond) for who in PEOPLE for bond in bonds(who)]
    total = len(cells)
    if MOST is not None:
        cells = random.Random(seed).sample(cells, min(MOST, total))
    of_action = list(ALLOWED.items())
    wrong = []
    for who, bond in cells:
        found = roles(the_actor(who, linked=bond.linked), the_rights(bond), HERE)
        allowed = {action for action, whose in of_action if found & whose}
        said = acts(who, bond)
        if said != allowed:
            wrong.append(f"{who} {bond}: only the rules {said - allowed}, only the table {allowed - said}")  # fmt: skip
        refused = next((a for a in ("proposal.read", "decision.sign") if a not in said), None)
        if refused and (may(who, refused, bond) == "hide") == bool(found & READERS):
            wrong.append(f"{who} {bond}: {refused} is hidden by one and not by the other")
    figure(
        "permission rules: combinations on which the table and the plain rules agree",
        "all",
        f"{len(cells) - len(wrong):,} of {total:,} combinations x {len(ALLOWED)} actions",
        held=not wrong and len(cells) == total,
    )
    assert not wrong, f"seed {seed}, {len(wrong)} of {len(cells)}:\n" + "\n".join(wrong[:10])
