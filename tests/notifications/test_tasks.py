"""我的待办: each role sees what it is to do, and nothing it may not know."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, update

from lianyan.core.messages import Message
from lianyan.core.words import catalogue
from lianyan.identity.models import Affiliation, Officer
from lianyan.notifications.followers import TOLD
from lianyan.notifications.schemas import Tasks
from lianyan.notifications.statement import DONE
from lianyan.notifications.tasks import ON_DESK, SETTLED
from lianyan.proposals import access
from lianyan.proposals.models import Contribution, Member, Section, Taking
from lianyan.proposals.states import State
from lianyan.reviews.models import Assignment, Review
from makers import login, make_person, make_proposal, now
from proposals.desk_world import Caller, assign, decide, make_at, make_world, sit, statements_of


@pytest.fixture
async def w(session):
    return await make_world(session)


async def page(caller) -> Any:
    got = await caller.get("/api/tasks")
    assert got.status_code == 200, got.text
    return msgspec.json.decode(got.content, type=Tasks, strict=True)


async def codes(caller):
    return [task.code for task in (await page(caller)).tasks]


async def part_of(session, proposal, institution):
    return await session.scalar(
        select(Taking).where(
            Taking.proposal_id == proposal.id, Taking.institution_id == institution.id
        )
    )


async def set_part(session, proposal, institution, **values):
    here = (Taking.proposal_id == proposal.id, Taking.institution_id == institution.id)
    await session.execute(update(Taking).where(*here).values(**values))


async def test_an_empty_page_for_whom_nothing_waits(w, client):
    found = await page(await sit(w, client, w.outsider))
    assert (found.sentence.total, found.tasks, found.waiting, found.messages) == (0, [], [], [])
    assert (await client.get("/api/tasks")).status_code == 401


async def test_the_lead_finishes_a_draft_until_the_call_closes(w, client, session):
    proposal = await make_at(w, State.DRAFT)
    lead = await sit(w, client, w.lead)
    found = await page(lead)
    (task,) = found.tasks
    assert (task.code, task.deadline_kind, task.days_left in {4, 5}) == (
        "complete_draft",
        "submit",
        True,
    )
    assert task.why[0].code == "proposals.todo_section"
    assert task.why[0].params["section"] == {"zh": "基本信息", "en": "Basics"}
    assert task.acts[0].link == f"/proposals/{proposal.id}/write/basics"
    assert [(c.code, c.n) for c in found.sentence.by] == [("complete_draft", 1)]
    assert found.next_due == task.deadline
    w.call.closes_at = now() - timedelta(hours=1)
    w.call.reviews_until = now() + timedelta(days=1)
    await session.flush()
    assert await codes(lead) == []


async def test_a_member_helps_while_something_is_to_write(w, client, session):
    proposal = await make_at(w, State.DRAFT, team=[(w.lead, w.a), (w.member, w.b)])
    member = await sit(w, client, w.member)
    (task,) = (await page(member)).tasks
    assert (task.code, task.params["my_role"]) == ("complete_draft", "member")
    assert [act.label for act in task.acts] == ["continue_writing"]
    session.add_all(
        Section(proposal_id=proposal.id, section=s, saved_by=w.lead.id, saved_at=now(), missing=0)
        for s in ("basics", "aims", "methods", "terms", "ethics")
    )
    for institution in (w.a, w.b):
        part = await part_of(session, proposal, institution)
        session.add(
            Contribution(participation_id=part.id, kind="cash", amount=1, unit="元", position=0)
        )
    await session.flush()
    found = await page(member)
    assert found.tasks == []
    assert [(row.who, row.my_role) for row in found.waiting] == [("lead", "member")]


async def test_the_lead_corrects_what_was_returned(w, client):
    proposal = await make_at(w, State.RETURNED)
    (task,) = (await page(await sit(w, client, w.lead))).tasks
    assert (task.code, task.deadline_kind, task.days_left) == ("correct", "resubmit", 7)
    assert task.proposal.id == proposal.id
    assert task.acts[-1].label == "check_and_submit"


async def test_the_lead_settles_what_institutions_answer(w, client, session):
    proposal = await make_at(w, State.CONSENT_PENDING)
    lead = await sit(w, client, w.lead)
    found = await page(lead)
    assert found.tasks == []
    (row,) = found.waiting
    assert (row.who, [n.zh for n in row.names]) == ("officer", ["甲示例大学", "乙示例医院"])
    assert row.remind.zh.startswith("《示例题目》还差 2 家单位确认：甲示例大学（甲管理员）")
    for state, code in (("returned", "answer_return"), ("declined", "replace_institution")):
        await set_part(session, proposal, w.b, state=state)
        (task,) = (await page(lead)).tasks
        assert (task.code, task.params["institution"]["zh"]) == (code, "乙示例医院")
    await set_part(session, proposal, w.b, state="invited")
    proposal.consent_until = now() - timedelta(minutes=1)
    await session.flush()
    assert await codes(lead) == ["expired", "expired"]
    assert await codes(await sit(w, client, w.officer_b)) == []


async def test_the_officer_confirms_with_the_card_of_the_queue(w, client, session):
    proposal = await make_at(w, State.CONSENT_PENDING)
    await set_part(session, proposal, w.a, state="consented")
    officer = await sit(w, client, w.officer_b)
    found = await page(officer)
    (task,) = found.tasks
    assert (task.code, task.deadline_kind) == ("confirm", "consent")
    assert [a.label for a in task.acts] == ["confirm", "return", "decline", "read"]
    assert task.params == {"others_void": 0, "others_standing": 1}
    queue = (await officer.get("/api/queue")).json()["items"]
    assert msgspec.to_builtins(task.card, str_keys=True)["scope_hash"] == queue[0]["scope_hash"]
    assert msgspec.json.decode(msgspec.json.encode(task.card)) == queue[0]
    assert found.waiting == []
    await set_part(session, proposal, w.b, state="void", void_at=now(), void_by=w.lead.id)
    (task,) = (await page(officer)).tasks
    assert (task.code, task.card.changed_by) == ("reconfirm", "牵头人")
    done = await officer.act(
        "POST",
        f"/api/participations/{task.card.participation_id}/confirm",
        None,
        {"scope_hash": task.card.scope_hash},
    )
    assert done.status_code == 200, done.text
    found = await page(officer)
    assert found.tasks == []
    assert [(one.code, one.params["institution"]["zh"]) for one in found.done] == [
        ("participation.confirm", "乙示例医院")
    ]
    lead = await page(await sit(w, client, w.lead))
    assert "institution_confirmed" in {note.template for note in lead.messages}


async def test_the_officer_confirms_people(w, client, session):
    newcomer = await make_person(session, "新人", status="pending")
    session.add(
        Affiliation(person_id=newcomer.id, institution_id=w.a.id, status="pending", source="login")
    )
    await session.flush()
    (task,) = (await page(await sit(w, client, w.officer_a))).tasks
    assert (task.code, task.params["person"]) == ("confirm_person", "新人")
    own = await page(await sit(w, client, newcomer))
    assert [of.name.zh for of in own.pending] == ["甲示例大学"]
    assert await codes(await sit(w, client, w.officer_b)) == []


async def nobody_nameless(session, w):
    for institution in (w.a, w.b, w.c, w.d):
        person = await make_person(session, "管理员", institution=institution)
        session.add(Officer(institution_id=institution.id, person_id=person.id))
    await session.flush()


async def test_the_coordinator_has_the_desks_turn_and_a_stand_in_only_what_is_left(
    w, client, session
):
    await nobody_nameless(session, w)
    for state in (State.SUBMITTED, State.PEER_REVIEW, State.DECISION_PENDING, State.RETURNED):
        await make_at(w, state)
    for _ in range(2):
        await decide(w, await make_at(w, State.DECISION_PENDING), "signed")
    near = await make_at(w, State.SUBMITTED, institutions=[w.a, w.c])
    found = await page(await sit(w, client, w.coordinator))
    assert sorted(task.code for task in found.tasks) == [
        "assign",
        "check",
        "draft_decision",
        "release",
    ]
    (release,) = [task for task in found.tasks if task.code == "release"]
    assert (release.params["count"], release.proposal) == (2, None)
    (left,) = (await page(await sit(w, client, w.stand_in))).tasks
    assert (left.code, left.proposal.id) == ("check", near.id)


async def test_the_coordinator_names_missing_officers(w, client):
    (task,) = (await page(await sit(w, client, w.coordinator))).tasks
    assert (task.code, task.params["count"]) == ("name_officer", 2)
    assert set(task.params["institutions"]["zh"].split("、")) == {"丙示例大学", "丁示例所"}


async def test_the_reviewer_answers_writes_and_submits_all_at_once(w, client, session):
    reviewer = await sit(w, client, w.reviewers[0])
    first, second = [await make_at(w, State.PEER_REVIEW) for _ in range(2)]
    for proposal in (first, second):
        session.add(
            Assignment(
                proposal_id=proposal.id, reviewer_id=w.reviewers[0].id,
                assigned_by=w.coordinator.id, due_at=w.call.reviews_until,
            )
        )  # fmt: skip
        await session.flush()
        await access.refresh(session, proposal.id)
    (task,) = (await page(reviewer)).tasks
    assert (task.code, task.params["count"], task.proposal) == ("review_answer", 2, None)
    await session.execute(update(Assignment).values(state="accepted"))
    for proposal in (first, second):
        await access.refresh(session, proposal.id)
    (task,) = (await page(reviewer)).tasks
    assert (task.code, task.params) == ("review", {"count": 2, "of": 2})
    scores = {c["id"]: 0 for c in w.call.rubric["criteria"]}
    for found in (await session.scalars(select(Assignment.id))).all():
        session.add(
            Review(assignment_id=found, scores=scores, recommendation="reject",
                   for_applicants="意见", saved_at=now())
        )  # fmt: skip
    await session.flush()
    (task,) = (await page(reviewer)).tasks
    assert (task.code, task.params["count"]) == ("submit_reviews", 2)
    await session.execute(update(Review).values(submitted_at=now()))
    assert await codes(reviewer) == []


async def test_c77_counters_and_messages_tell_a_reviewer_only_of_the_own_items(w, client, session):
    mine, other = [await make_at(w, State.PEER_REVIEW) for _ in range(2)]
    other.title = "别人评审的题目"
    await assign(w, mine, w.reviewers[0])
    await assign(w, mine, w.reviewers[1], done=True)
    await assign(w, other, w.reviewers[1], done=True)
    got = await (await sit(w, client, w.reviewers[0])).get("/api/tasks")
    assert "别人评审的题目" not in got.text
    assert "专家1" not in got.text
    body = got.json()
    assert [(t["code"], t["params"]) for t in body["tasks"]] == [("review", {"count": 1, "of": 1})]
    # A conflict that arises later takes the item away, from the count too.
    session.add(Member(proposal_id=mine.id, person_id=w.reviewers[0].id, institution_id=w.d.id))
    await session.flush()
    await access.refresh(session, mine.id)
    assert "review" not in await codes(await sit(w, client, w.reviewers[0]))


async def test_the_approver_signs_what_somebody_else_drafted(w, client, session):
    approver = await sit(w, client, w.approver)
    drafted, near, own, sent_back = [
        await make_at(w, State.DECISION_PENDING),
        await make_at(w, State.DECISION_PENDING, institutions=[w.a, w.c]),
        await make_at(w, State.DECISION_PENDING),
        await make_at(w, State.DECISION_PENDING),
    ]
    await decide(w, drafted)
    await decide(w, near)
    await decide(w, own, drafted_by=w.approver.id)
    await decide(w, sent_back, sent_back_note="请改")
    found = await page(approver)
    assert [(t.code, t.proposal.id) for t in found.tasks] == [("sign", drafted.id)]


async def test_the_administrator_names_a_stand_in_and_learns_no_title(w, client, session):
    await make_at(w, State.SUBMITTED, title="不告诉管理员", institutions=[w.a, w.c, w.d])
    await make_at(w, State.SUBMITTED, title="也不告诉", institutions=[w.a, w.b])
    got = await (await sit(w, client, w.administrator)).get("/api/tasks")
    assert "不告诉" not in got.text
    (task,) = got.json()["tasks"]
    assert (task["code"], task["proposal"]) == ("name_stand_in", None)
    assert task["params"]["missing"] == {"zh": "协调员、批准人", "en": "coordinator, approver"}
    assert task["params"]["institutions"]["zh"].count("、") == 2


async def test_an_invited_persons_session_sees_its_proposal_and_nothing_else(w, client, session):
    here, there = [
        await make_at(w, State.DRAFT, team=[(w.lead, w.a), (w.member, w.b)], title=f"第{n}份")
        for n in range(2)
    ]
    headers = await login(session, w.member, scope=here.id)
    got = await Caller(client, headers).get("/api/tasks")
    assert "第0份" in got.text
    assert "第1份" not in got.text
    assert there.title == "第1份"


async def test_a_message_shows_when_its_hold_is_over_and_while_its_reader_sees_the_proposal(
    w, client, session
):
    proposal = await make_at(w, State.FORMAL_CHECK)
    await session.execute(delete(Message))
    desk, lead = await sit(w, client, w.coordinator), await sit(w, client, w.lead)
    url = f"/api/proposals/{proposal.id}/return"
    got = await desk.act("POST", url, proposal.rev, {"reason": "请补"})
    assert got.status_code == 200
    assert (await page(lead)).messages == []
    await session.execute(update(Message).values(hold_until=now() - timedelta(seconds=1)))
    found = await page(lead)
    assert [(n.template, n.read, n.proposal.id) for n in found.messages] == [
        ("returned", False, proposal.id)
    ]
    assert found.unread == 1
    assert found.messages[0].params["until"]
    stranger = await sit(w, client, w.outsider)
    ids = [str(found.messages[0].id)]
    for caller in (stranger, lead, lead):
        assert (
            await caller.act("POST", "/api/messages/read", None, {"ids": ids})
        ).status_code == 204
        assert (await page(lead)).unread == (1 if caller is stranger else 0)
    await session.execute(delete(Member))
    proposal.lead_id = w.outsider.id
    await session.flush()
    await access.refresh(session, proposal.id)
    assert (await page(lead)).messages == []


async def test_the_desks_messages_go_when_its_reader_gets_a_conflict(w, client, session):
    await make_at(w, State.SUBMITTED)
    desk = await sit(w, client, w.coordinator)
    assert [n.template for n in (await page(desk)).messages] == ["arrived"]
    session.add(
        Affiliation(
            person_id=w.coordinator.id, institution_id=w.a.id, status="confirmed", source="login"
        )
    )
    await session.flush()
    assert (await page(desk)).messages == []


async def test_a_page_takes_two_statements_however_much_there_is(w, client, session, monkeypatch):
    seen = statements_of(monkeypatch)
    lead = await sit(w, client, w.lead)
    counted = []
    for size in (3, 30):
        for _ in range(size):
            w.count += 1
            await make_proposal(session, w.lead, w.call, [w.a, w.b],
                number=f"X-{w.count:04d}", state="consent_pending",
                consent_until=now() + timedelta(days=3))  # fmt: skip
        seen.clear()
        found = await page(lead)
        counted.append((len(seen), found.waiting_count >= min(size, 20)))
    assert counted == [(2, True), (2, True)]


def test_every_sentence_of_tasks_and_messages_has_its_words():
    codes_ = {"confirm", "reconfirm", "confirm_person", "complete_draft", "correct", "sign",
              "review_answer", "review", "submit_reviews", "name_officer", "name_stand_in",
              *SETTLED.values(), *ON_DESK.values()}  # fmt: skip
    for locale in ("zh", "en"):
        known = {k.removesuffix("_one").removesuffix("_other") for k in catalogue(locale)}
        assert {f"tasks.title.{code}" for code in codes_} <= known
        assert {f"tasks.sentence.{code}" for code in codes_} <= known
        assert {f"tasks.done.{kind}" for kind in DONE} <= known
        told = {row.template for rows in TOLD.values() for row in rows}
        assert {f"messages.{template}" for template in told} <= known


async def test_who_writes_and_confirms_is_asked_once(w, client, session):
    both = await make_person(session, "兼任人", officer_of=w.b)
    draft = await make_at(w, State.DRAFT, consented=False, team=[(w.lead, w.a), (both, w.b)])
    part = await part_of(session, draft, w.b)
    session.add(
        Contribution(participation_id=part.id, kind="cash", amount=1, unit="元", position=0)
    )
    await session.flush()
    caller = await sit(w, client, both)
    assert len((await caller.get("/api/queue")).json()["items"]) == 1
    assert await codes(caller) == ["complete_draft"]
    returned = await make_at(w, State.RETURNED, team=[(w.lead, w.a), (both, w.b)])
    await set_part(session, returned, w.b, state="void", void_at=now(), void_by=w.lead.id)
    assert await codes(caller) == ["complete_draft", "reconfirm"]
