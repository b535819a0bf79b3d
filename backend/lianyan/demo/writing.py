"""A proposal of the demo being written, confirmed and submitted."""

from datetime import datetime, time
from functools import partial
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.calls.models import CallNumber
from lianyan.calls.presets import light, standard_form
from lianyan.calls.workdays import add_workdays
from lianyan.demo import world
from lianyan.demo.stage import Stage, Step
from lianyan.proposals.commands import (
    consent,
    consortium,
    drafting,
    extending,
    submitting,
    team,
    withdrawing,
    writing,
)
from lianyan.proposals.material import scopes, token
from lianyan.proposals.models import Proposal, Section, Taking
from lianyan.proposals.schemas.consortium import ContributionIn, MemberIn, PartChange, PartIn
from lianyan.proposals.schemas.desk import ExtendIn
from lianyan.proposals.schemas.drafting import DraftIn
from lianyan.proposals.versions import fingerprint

WRITING_DAYS = 20
FEN_PER_WAN = 1_000_000
MORE_TIME = "合作单位正在修改承诺内容，确认时间顺延。"


class Writing:
    """The steps of one proposal up to its submission and confirmations."""

    def __init__(self, stage: Stage, told: world.Proposal) -> None:
        self.stage, self.told = stage, told
        self.call = next(c for c in stage.told.calls if c.key == told.call)
        self.back = self._back()

    def day(self, day: int, hour: int) -> datetime:
        """Return a moment of the proposal's own days; each proposal has its own minute."""
        return self.stage.at(day - self.back, hour, self.told.id)

    def steps(self) -> list[Step]:
        """Return what happens, each at its moment."""
        told = self.told
        first = min([a.day for a in told.consents], default=0)
        end = told.submitted_day if told.submitted_day is not None else first
        start = max(self.call.opens_day + 1, end - WRITING_DAYS)
        found = [
            Step(self.day(start, 9), self._begin),
            Step(self.day(min(start + 3, end), 8), self._write),
        ]
        if told.submitted_day is not None:
            found.append(Step(self.day(told.submitted_day, 9), self._submit))
            if self.call.min_institutions > 1:
                found += self._confirming(told.submitted_day)
        if told.withdrawal is not None:
            found.append(Step(self.day(told.withdrawal.day, 11), self._withdraw))
        return found

    async def _begin(self, session: AsyncSession) -> None:
        """Start the draft, answer the first section, name the institutions."""
        stage, told = self.stage, self.told
        lead, home = stage.actors[told.lead], told.participations[0]
        call, institution = stage.calls[told.call], stage.institutions[home.institution]
        made = await drafting.start(session, lead, DraftIn(call, institution, again=True))
        stage.proposals[told.id] = made
        await self._save(session, {"basics"})
        own = select(Taking.id).where(Taking.proposal_id == made)
        stage.parts[told.id, home.institution] = (await session.scalars(own)).one()
        for part in told.participations[1:]:
            asked = PartIn(stage.institutions[part.institution], part.role, part.task)  # type: ignore[arg-type]
            stage.parts[told.id, part.institution] = await consortium.add_part(
                session, lead, made, asked
            )

    async def _write(self, session: AsyncSession) -> None:
        """Answer the other sections, write down who brings what, fill the team."""
        stage, told = self.stage, self.told
        lead, made = stage.actors[told.lead], stage.proposals[told.id]
        await self._save(session, {s.id for s in standard_form().sections} - {"basics"})
        for part in told.participations:
            await self._promise(session, part.institution, before=True)
            for seat in part.team:
                if seat.person != told.lead:
                    person = stage.actors[seat.person].id
                    asked = MemberIn(person, stage.institutions[part.institution], seat.duty)
                    await team.add_member(session, lead, made, asked)

    async def _save(
        self, session: AsyncSession, sections: set[str], *, again: bool = False
    ) -> None:
        told, check = self.told, self.told.check
        answers = told.content(self.stage.today)
        if check and check.methods_before and not again:
            answers["methods"] = check.methods_before
        made = self.stage.proposals[told.id]
        for section in standard_form().sections:
            asked = {q.id for q in section.questions} & answers.keys()
            if section.id not in sections or not asked:
                continue
            held = await session.get(Section, (made, section.id))
            await writing.save_section(
                session,
                self.stage.actors[told.lead],
                made,
                section.id,
                {question: answers[question] for question in asked},
                rev=held.rev if held else 0,
            )

    async def _promise(self, session: AsyncSession, slug: str, *, before: bool) -> None:
        """Write down what an institution brings: as it was at first, or as it is now."""
        part = next(p for p in self.told.participations if p.institution == slug)
        change = self._change(slug) if before else None
        stored = await session.get_one(Taking, self.stage.parts[self.told.id, slug])
        sent = PartChange(
            task=part.task,
            special_terms=part.special_terms,
            contributions=[_line(line, change) for line in part.contributions],
        )
        lead = self.stage.actors[self.told.lead]
        await consortium.change_part(session, lead, stored.id, sent, rev=stored.rev)

    def _change(self, slug: str) -> world.Change | None:
        return next((a.change for a in self.told.consents if a.institution == slug), None)

    async def _submit(self, session: AsyncSession) -> None:
        """Submit; the number is the one the story is told with."""
        stage, told = self.stage, self.told
        made, call = stage.proposals[told.id], stage.calls[told.call]
        await session.execute(
            update(CallNumber).where(CallNumber.call_id == call).values(last=told.id - 1)
        )
        shown = (await fingerprint(session, made)).hex()
        await submitting.submit(session, stage.actors[told.lead], made, shown)

    def _confirming(self, submitted: int) -> list[Step]:
        told = self.told
        home = told.participations[0].institution
        answers = {a.institution: a for a in told.consents}
        found: list[Step] = []
        for part in told.participations:
            day = submitted if part.institution == home else submitted + 1
            everyday = world.Consent(institution=part.institution, state="consented", day=day)
            found += self._answering(answers.get(part.institution, everyday))
        if told.state == "consent_pending" and all(a.state != "expired" for a in told.consents):
            found += self._extending(submitted)
        return found

    def _answering(self, answered: world.Consent) -> list[Step]:
        slug, day, first = answered.institution, answered.day, answered.first
        change = partial(self._promise, slug=slug, before=False)
        if answered.state == "invited":
            return []
        if answered.state in {"viewed", "expired"}:
            return [Step(self.day(day, 10), partial(self._view, slug=slug))]
        if answered.state == "returned":
            back = partial(self._return, slug=slug, comments=answered.comments)
            return [Step(self.day(day, 11), back)]
        found = [Step(self.day(day, 11), partial(self._confirm, slug=slug))]
        if first is not None:
            back = partial(self._return, slug=slug, comments=first.comments)
            found += [
                Step(self.day(first.day, 11), back),
                Step(self.day(first.day + 1, 10), change),
            ]
        if answered.void_day is not None:
            found.append(Step(self.day(answered.void_day, 12), change))
        return found

    async def _confirm(self, session: AsyncSession, slug: str) -> None:
        part = await self._part(session, slug)
        scope = (await scopes(session, part.proposal_id, part.state))[part.id]
        await consent.confirm(session, self.stage.officer(slug), part.id, token(scope))

    async def _view(self, session: AsyncSession, slug: str) -> None:
        part = await self._part(session, slug)
        await consent.view(session, self.stage.officer(slug), part.id)

    async def _return(self, session: AsyncSession, slug: str, comments: dict[str, str]) -> None:
        part = await self._part(session, slug)
        officer = self.stage.officer(slug)
        await consent.return_(session, officer, part.id, comments, rev=part.rev)

    async def _part(self, session: AsyncSession, slug: str) -> Taking:
        return await session.get_one(Taking, self.stage.parts[self.told.id, slug])

    def _until(self, submitted: int) -> datetime:
        """Return until when the institutions confirm, by the rule of the call."""
        hour, minute = (int(part) for part in self.call.hour.split(":"))
        closing, days = time(hour, minute), light().consent_days
        return add_workdays(self.day(submitted, 9), days, closing, "Asia/Shanghai")

    def _back(self) -> int:
        """Return by how many days the proposal's own days lie further back than told.

        An expired confirmation must have expired, however many holidays lie between.
        """
        self.back = 0
        if all(a.state != "expired" for a in self.told.consents):
            return 0
        while self._until(self.told.submitted_day or 0) >= self.stage.at(-1, 0):
            self.back += 1
        return self.back

    def _extending(self, submitted: int) -> list[Step]:
        """Return the extension by which nothing has expired that is told as open."""
        until = self._until(submitted)
        if until > self.stage.at(1, 18):
            return []
        moment = min(self.stage.at(-1, 14), until.replace(hour=until.hour - 2))

        async def do(session: AsyncSession) -> None:
            made: UUID = self.stage.proposals[self.told.id]
            rev = (await session.get_one(Proposal, made)).rev
            sent = ExtendIn(until=self.stage.at(4, 16).isoformat(), reason=MORE_TIME)
            await extending.extend(session, self.stage.handler(self.told), made, rev, sent)

        return [Step(moment, do)]

    async def _withdraw(self, session: AsyncSession) -> None:
        if self.told.withdrawal is None:
            return
        made = self.stage.proposals[self.told.id]
        rev = (await session.get_one(Proposal, made)).rev
        lead = self.stage.actors[self.told.withdrawal.by]
        await withdrawing.withdraw(session, lead, made, self.told.withdrawal.reason, rev=rev)

    async def correct(self, session: AsyncSession) -> None:
        """Write what the check asked for; it is not submitted again yet."""
        await self._save(session, {"methods"}, again=True)


def _line(line: world.Contribution, change: world.Change | None) -> ContributionIn:
    changed = change is not None and (change.kind, change.what) == (line.kind, line.what)
    amount = change.from_ if changed and change else line.amount
    value = None if line.value_wan is None else round(line.value_wan * FEN_PER_WAN)
    return ContributionIn(
        kind=line.kind,  # type: ignore[arg-type]
        amount=f"{amount:g}",
        unit=line.unit,
        what=line.what,
        value_fen=value,
        terms=line.terms,
    )
