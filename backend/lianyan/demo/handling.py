"""A proposal of the demo being checked, reviewed and decided."""

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.presets import light
from lianyan.core.clock import Arrival
from lianyan.core.problems import Conflict
from lianyan.decisions import commands as decisions
from lianyan.decisions import releases
from lianyan.decisions.schemas import DecisionIn
from lianyan.demo import world
from lianyan.demo.stage import Stage, Step
from lianyan.demo.writing import Writing
from lianyan.proposals.commands import checking, moving_on
from lianyan.proposals.models import Proposal
from lianyan.proposals.schemas.desk import FinishIn, RefuseIn, ReturnIn, VerdictIn
from lianyan.reviews import answers
from lianyan.reviews import commands as reviews
from lianyan.reviews.schemas import Accept, NewAssignment, ReviewIn

CHECK_AFTER = 6
"""So many days after the submission it is checked, where the story does not say."""
ITEMS = {"methods": ("within_limits", "methods"), "ethics": ("ethics_answered", "ethics")}
"""Where a remark of the story stands on the checklist, and the section it points to."""


class Handling:
    """The steps of one proposal from its check on."""

    def __init__(self, stage: Stage, told: world.Proposal, writing: Writing) -> None:
        self.stage, self.told, self.writing = stage, told, writing
        self.day = writing.day
        self.assigned: dict[str, UUID] = {}

    @property
    def made(self) -> UUID:
        """Return the proposal's id."""
        return self.stage.proposals[self.told.id]

    def steps(self) -> list[Step]:
        """Return what happens, each at its moment."""
        told, check = self.told, self.told.check
        if check is None and told.decision is not None and told.submitted_day is not None:
            day = told.submitted_day + CHECK_AFTER
            check = world.Check(by=told.decision.drafted_by, day=day, outcome="pass")
        if check is None:
            return []
        found = self._checking(check)
        found += [step for asked in told.assignments for step in self._asking(asked, check)]
        if told.refused_assignments:
            found.append(Step(self.day(check.day + 1, 9), lambda s: self._refused(s, check)))
        if told.decision is not None:
            found += self._deciding(told.decision)
        return found

    async def _rev(self, session: AsyncSession) -> int:
        return (await session.get_one(Proposal, self.made)).rev

    def _verdicts(self, check: world.Check) -> list[tuple[str, VerdictIn]]:
        """Return what is ticked on the checklist, item by item; what is still open is left out."""
        problems = {
            ITEMS[place][0]: VerdictIn("problem", note, ITEMS[place][1])
            for place, note in check.items.items()
        }
        if check.outcome == "refuse":
            problems["ethics_answered"] = VerdictIn("problem", check.reason, "ethics")
        rules = light() if self.writing.call.min_institutions > 1 else light().single()
        return [
            (item.id, problems.get(item.id, VerdictIn("ok")))
            for item in rules.checklist
            if item.id not in check.open
        ]

    def _checking(self, check: world.Check) -> list[Step]:
        by = check.by

        async def look(session: AsyncSession) -> None:
            for item, verdict in self._verdicts(check):
                actor = self.stage.actors[by]
                await checking.answer(session, actor, self.made, item, verdict, rev=0)

        async def settle(session: AsyncSession) -> None:
            actor, rev = self.stage.actors[by], await self._rev(session)
            if check.outcome == "pass":
                await moving_on.pass_check(session, actor, self.made, rev)
            elif check.outcome == "return":
                until = self.stage.at(check.due_day or 0, 16).isoformat() if check.due_day else None
                sent = ReturnIn(check.reason, until)
                await moving_on.return_for_correction(session, actor, self.made, rev, sent)
            elif check.outcome == "refuse":
                code = check.reason_code or ""
                sent_no = RefuseIn(code, check.reason)  # type: ignore[arg-type]
                await moving_on.refuse(
                    session, actor, self.made, sent_no, rev=rev, arrival=Arrival()
                )

        found = [Step(self.day(check.day, 14), look)]
        if check.outcome is not None:
            found.append(Step(self.day(check.day, 15), settle))
        if check.outcome == "return" and check.methods_before:
            found.append(Step(self.day(-1, 10), self.writing.correct))
        return found

    def _asking(self, asked: world.Assignment, check: world.Check) -> list[Step]:
        handler = self.stage.actors[check.by]
        reviewer = self.stage.actors[asked.reviewer]

        async def ask(session: AsyncSession) -> None:
            sent = NewAssignment(reviewer.id)
            self.assigned[asked.reviewer] = await reviews.assign(session, handler, self.made, sent)

        async def accept(session: AsyncSession) -> None:
            sent = Accept([self.assigned[asked.reviewer]], pledge=True)
            await answers.accept(session, reviewer, sent)

        async def decline(session: AsyncSession) -> None:
            await answers.decline(
                session, reviewer, self.assigned[asked.reviewer], asked.reason or ""
            )

        found = [Step(self.day(check.day + 1, 10), ask)]
        if asked.state == "declined":
            found.append(Step(self.day(check.day + 3, 19), decline))
        if asked.state == "accepted":
            found.append(Step(self.day(check.day + 2, 20), accept))
        if asked.review is not None:
            found += self._reviewing(asked.reviewer, asked.review)
        return found

    def _reviewing(self, key: str, review: world.Review) -> list[Step]:
        reviewer = self.stage.actors[key]

        async def write(session: AsyncSession) -> None:
            sent = ReviewIn(
                scores=dict(review.scores),
                recommendation=review.recommendation,  # type: ignore[arg-type]  # checked by its file
                for_applicants=review.for_applicants,
                for_coordinators=review.for_coordinators,
            )
            await answers.save(session, reviewer, self.assigned[key], 0, sent)

        async def submit(session: AsyncSession) -> None:
            await answers.submit(session, reviewer, Arrival(), [self.assigned[key]])

        found = [Step(self.day(review.day, 20), write)]
        if review.submitted:
            found.append(Step(self.day(review.day, 21), submit))
        return found

    async def _refused(self, session: AsyncSession, check: world.Check) -> None:
        """Ask those who may not be asked, and be refused for the reason the story tells."""
        for refused in self.told.refused_assignments:
            sent = NewAssignment(self.stage.actors[refused.reviewer].id)
            try:
                async with session.begin_nested():
                    await reviews.assign(session, self.stage.actors[check.by], self.made, sent)
            except Conflict as conflict:
                if conflict.code == f"reviews.conflict_{refused.kind}":
                    continue
                raise
            raise LookupError(f"{refused.reviewer} has no conflict with {self.told.id}")

    def _deciding(self, decision: world.Decision) -> list[Step]:
        drafter = self.stage.actors[decision.drafted_by]

        async def finish(session: AsyncSession) -> None:
            rev = await self._rev(session)
            await moving_on.finish(session, drafter, self.made, rev, FinishIn())

        async def draft(session: AsyncSession) -> None:
            sent = DecisionIn(kind=decision.kind, letter=decision.letter, note=decision.note)
            made = await decisions.draft(session, drafter, self.made, 0, sent)
            self.stage.decisions[self.told.id] = made.id

        async def sign(session: AsyncSession) -> None:
            signer = self.stage.actors[decision.signed_by or ""]
            await decisions.sign(session, signer, self.stage.decisions[self.told.id], 1)

        found = [
            Step(self.day(decision.drafted_day - 1, 9), finish),
            Step(self.day(decision.drafted_day, 10), draft),
        ]
        if decision.signed_day is not None:
            found.append(Step(self.day(decision.signed_day, 15), sign))
        return found


def releasing(stage: Stage) -> list[Step]:
    """Return the releases: what one coordinator releases on one day goes out together."""
    together: dict[tuple[int, str], list[int]] = defaultdict(list)
    for told in stage.told.proposals:
        if told.decision is not None and told.decision.released_day is not None:
            key = told.decision.released_day, told.decision.drafted_by
            together[key].append(told.id)
    found = []
    for (day, by), numbers in together.items():
        found += _release(stage, stage.at(day, 16), by, numbers)
    return found


def _release(stage: Stage, moment: datetime, by: str, numbers: list[int]) -> list[Step]:
    made: list[UUID] = []

    async def order(session: AsyncSession) -> None:
        ids = [stage.decisions[number] for number in numbers]
        made.append(await releases.order(session, stage.actors[by], ids))

    async def carry_out(session: AsyncSession) -> None:
        await releases.carry_out(session, made[0])

    return [Step(moment, order), Step(moment + timedelta(minutes=11), carry_out)]
