"""The demo world keeps its own promises: complete, within the rules, and nobody real."""

from collections import Counter
from datetime import date

import pytest

from lianyan.calls.forms import missing
from lianyan.calls.presets import REASONS, light, standard_form, standard_rubric
from lianyan.core.text import TextError, count, line, prose
from lianyan.demo.world import read_world
from lianyan.institutions.domains import check_domain, check_mail, domain_matches
from lianyan.institutions.identifiers import check_orcid, check_uscc, uscc_warning
from lianyan.institutions.vocabulary import entries

WORLD = read_world()
BASE = date(2026, 11, 25)
TERMS = {f"{kind}s": {entry.code for entry in found} for kind, found in entries().items()}
SLUGS = {i.slug for i in WORLD.institutions}
KEYS = {p.key for p in WORLD.people}
ROLES = {"lead", "participating", "demonstration", "collaborating", "resources", "standards"}
KINDS = {
    "cash", "staff", "equipment", "compute", "data", "software", "venue", "scenario", "training",
    "standards",
}  # fmt: skip

each_proposal = pytest.mark.parametrize("proposal", WORLD.proposals, ids=lambda p: str(p.id))


def employers(key):
    return {x.institution for x in WORLD.person(key).logins}


def consortium(proposal):
    return {t.institution for t in proposal.participations}


def test_there_are_sixteen_institutions_with_right_codes():
    assert len(WORLD.institutions) == 16
    for institution in WORLD.institutions:
        assert check_uscc(institution.code) == institution.code
        assert institution.code[2:8] == "000000"
        assert uscc_warning(institution.code) is None
        assert [check_domain(d) for d in institution.domains] == [f"{institution.slug}.example"]


def test_nobody_is_real():
    for person in WORLD.people:
        assert "示例" in person.name or person.name.startswith(("单位管理员-", "Alex Demo"))
        assert employers(person.key) <= SLUGS
        if person.email:
            assert check_mail(person.email) == person.email
            assert domain_matches(person.email, f"{person.logins[0].institution}.example")
        if person.orcid:
            assert check_orcid(person.orcid) == "0000-0002-1825-0097"


def test_the_odd_people_are_there():
    names = {p.name for p in WORLD.people}
    assert {"示例复姓欧阳", "示例用户𠮷", "Alex Demo"} <= names
    assert any(p.email is None for p in WORLD.people)
    assert any(len(p.logins) == 2 for p in WORLD.people)
    assert sum(p.name.startswith("示例专家") for p in WORLD.people) == 24
    assert any(p.pending for p in WORLD.people)
    subjects = [(x.institution, x.sub) for p in WORLD.people for x in p.logins]
    assert len(set(subjects)) == len(subjects)
    assert len(KEYS) == len(WORLD.people)


def test_every_institution_has_one_officer_and_somebody_free_to_handle_it():
    officers = Counter(p.officer_of for p in WORLD.people if p.officer_of and not p.deputy)
    assert officers == Counter(SLUGS)
    for role in ({"coordinator", "stand_in"}, {"approver"}):
        for proposal in WORLD.proposals:
            able = [p for p in WORLD.people if role & set(p.roles)]
            assert any(not employers(p.key) & consortium(proposal) for p in able)


def test_the_states_of_the_list_are_shown():
    assert [p.id for p in WORLD.proposals] == list(range(1, 32))
    assert Counter(p.state for p in WORLD.proposals) == {
        "approved": 11, "consent_pending": 5, "formal_check": 4, "peer_review": 3, "submitted": 2,
        "draft": 1, "returned": 1, "not_accepted": 1, "decision_pending": 1, "rejected": 1,
        "withdrawn": 1,
    }  # fmt: skip
    stands = {c.state for p in WORLD.proposals for c in p.consents}
    assert stands == {"invited", "viewed", "consented", "returned", "void", "expired"}


def test_what_waits_for_later_moves_is_listed():
    waiting = {p.id: p.waits.shown for p in WORLD.proposals if p.waits}
    assert waiting == {
        1: "active", 6: "panel_review", 7: "approved", 8: "active", 10: "revision_requested",
        11: "conditional", 13: "closed", 14: "public_notice", 18: "active", 19: "closed",
        21: "rectification", 22: "approved", 24: "active", 26: "closed_failed", 28: "suspended",
        29: "response",
    }  # fmt: skip


@each_proposal
def test_every_proposal_is_complete_and_within_its_limits(proposal):
    gaps = missing(standard_form(), proposal.content(BASE), TERMS)
    wanted = {"outputs", "ip_terms"} if proposal.state == "draft" else set()
    assert {g.field for g in gaps} == wanted
    asked = {q.id for _, q in standard_form().questions()}
    assert set(proposal.content(BASE)) <= asked
    if proposal.state not in {"draft", "not_accepted"}:
        assert count(proposal.answers["summary"]) >= 50
        assert count(proposal.answers["methods"]) >= 120


@each_proposal
def test_every_part_is_whole(proposal):
    assert proposal.call in {c.key for c in WORLD.calls}
    parts = proposal.participations
    assert [p.role for p in parts].count("lead") == 1
    assert parts[0].role == "lead"
    assert parts[0].team[0].person == proposal.lead
    assert len(consortium(proposal)) == len(parts)
    single = next(c for c in WORLD.calls if c.key == proposal.call).min_institutions == 1
    assert len(parts) == 1 if single else len(parts) >= 2
    for part in parts:
        assert part.role in ROLES
        line(part.task, limit=80)
        prose(part.special_terms, blank=True, limit=200)
        assert part.contributions
        for given in part.contributions:
            assert given.kind in KINDS
            assert given.amount > 0
            line(given.what, limit=40)
            if given.kind == "cash":
                assert (given.unit, given.value_wan) == ("万元", given.amount)
        for member in part.team:
            assert part.institution in employers(member.person)


@each_proposal
def test_the_way_so_far_fits_the_state(proposal):
    seen = {
        "draft": (False, False, False),
        "consent_pending": (True, False, False),
        "submitted": (True, False, False),
        "withdrawn": (True, False, False),
        "formal_check": (True, False, False),
        "returned": (True, False, False),
        "not_accepted": (True, False, False),
        "peer_review": (True, True, False),
        "decision_pending": (True, True, True),
        "approved": (True, True, True),
        "rejected": (True, True, True),
    }[proposal.state]
    found = (
        proposal.submitted_day is not None,
        bool(proposal.assignments),
        bool(proposal.decision),
    )
    assert found == seen
    if proposal.check and proposal.check.outcome == "refuse":
        assert proposal.check.reason_code in REASONS
    if proposal.check:
        assert {*proposal.check.open, *proposal.check.notes} <= {i.id for i in light().checklist}
        assert not employers(proposal.check.by) & consortium(proposal)


@each_proposal
def test_reviews_follow_the_rubric_and_nobody_has_a_conflict(proposal):
    rubric = standard_rubric()
    criteria = {c.id for c in rubric.criteria}
    submitted = 0
    for assignment in proposal.assignments:
        if assignment.state == "accepted":
            assert not employers(assignment.reviewer) & consortium(proposal)
        if (review := assignment.review) is None:
            continue
        assert set(review.scores) <= criteria
        assert all(rubric.min <= s <= rubric.max for s in review.scores.values())
        prose(review.for_applicants, limit=rubric.for_applicants.limit)
        prose(review.for_coordinators, blank=True, limit=rubric.for_coordinators.limit)
        if review.submitted:
            submitted += 1
            assert set(review.scores) == criteria
            assert review.recommendation in {o.id for o in rubric.recommendations}
    if proposal.decision:
        assert submitted >= light().min_reviews
    for refused in proposal.refused_assignments:
        assert refused.institution in employers(refused.reviewer) & consortium(proposal)


@each_proposal
def test_decisions_are_made_by_two_people_without_a_conflict(proposal):
    if (decision := proposal.decision) is None:
        return
    prose(decision.letter, limit=500)
    both = [k for k in (decision.drafted_by, decision.signed_by) if k]
    assert len(set(both)) == len(both)
    assert not any(employers(key) & consortium(proposal) for key in both)
    released = decision.released_day is not None
    assert released is (proposal.state in {"approved", "rejected"})


@each_proposal
def test_confirmations_are_of_the_consortium(proposal):
    for consent in proposal.consents:
        assert consent.institution in consortium(proposal)
        if consent.change:
            part = next(p for p in proposal.participations if p.institution == consent.institution)
            assert any(
                (given.kind, given.what, given.amount)
                == (consent.change.kind, consent.change.what, consent.change.to)
                for given in part.contributions
            )


def test_the_calls_read_as_of_the_base_day():
    for call in WORLD.calls:
        assert call.opens_day < call.closes_day < call.reviews_day < call.decides_day
        for field in ("prefix", "title_zh", "title_en", "summary_zh", "summary_en"):
            assert "{" not in call.said(field, BASE)
    assert len({c.said("prefix", BASE) for c in WORLD.calls}) == len(WORLD.calls)


def test_the_first_month_moves_with_the_base_day():
    third = WORLD.proposals[2]
    assert third.content(BASE)["starts"] == "2027-04"
    assert third.content(date(2026, 8, 31))["starts"] == "2027-01"
    assert third.content(date(2026, 7, 1))["starts"] == "2026-12"


@each_proposal
def test_no_text_would_be_refused_or_changed(proposal):
    for value in proposal.answers.values():
        if isinstance(value, str):
            try:
                assert prose(value) == value
            except TextError as refused:
                pytest.fail(f"{proposal.id}: {refused.code}")
