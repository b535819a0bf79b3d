"""What the demo claims to show; a seed that does not show it is refused before it is kept."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.clock import now
from lianyan.demo import world
from lianyan.demo.stage import Stage
from lianyan.projects.models import Project
from lianyan.proposals.access import differences
from lianyan.proposals.conflicts import conflicts
from lianyan.proposals.deadlines import part_state
from lianyan.proposals.models import Proposal, Taking
from lianyan.reviews.models import Assignment, Review

LEAST_REVIEWS = 2
HIDDEN = 25
"""The proposal whose handling is hidden from people of its institutions."""


class Untrue(AssertionError):
    """The demo does not show what it claims."""


async def check(session: AsyncSession, stage: Stage) -> None:
    """Raise Untrue unless everything the story tells is in the database."""
    found: dict[str, int] = {}
    for told in stage.told.proposals:
        proposal = await session.get_one(Proposal, stage.proposals[told.id])
        _same(told, "state", proposal.state, told.state)
        if proposal.number is not None:
            _same(told, "number", int(proposal.number[-4:]), told.id)
        for slug, state in (await _parts(session, stage, told, proposal)).items():
            found[state] = found.get(state, 0) + 1
            wanted = {a.institution: a.state for a in told.consents}.get(slug)
            if wanted is not None:
                _same(told, slug, state, wanted)
        if told.decision is not None:
            reviews = await _reviews(session, stage, told)
            _true(told, "reviews", holds=reviews >= LEAST_REVIEWS)
    for state in ("expired", "void", "returned", "consented", "viewed", "invited"):
        if not found.get(state):
            raise Untrue(f"no institution's part is {state}")
    await _hidden(session, stage)
    approved = sum(told.state == "approved" for told in stage.told.proposals)
    projects = await session.scalar(select(func.count()).select_from(Project))
    if projects != approved:
        raise Untrue(f"{projects} projects for {approved} approved proposals")
    if wrong := await differences(session):
        raise Untrue(f"{len(wrong)} rows of the access relation are not what they must be")


async def _parts(
    session: AsyncSession, stage: Stage, told: world.Proposal, proposal: Proposal
) -> dict[str, str]:
    moment = await now(session)
    found = {}
    for part in told.participations:
        row = await session.get_one(Taking, stage.parts[told.id, part.institution])
        found[part.institution] = part_state(proposal, row, moment).value
    return found


async def _reviews(session: AsyncSession, stage: Stage, told: world.Proposal) -> int:
    submitted = (
        select(func.count())
        .select_from(Review)
        .join(Assignment, Assignment.id == Review.assignment_id)
        .where(Assignment.proposal_id == stage.proposals[told.id], Review.submitted_at.is_not(None))
    )
    return await session.scalar(submitted) or 0


async def _hidden(session: AsyncSession, stage: Stage) -> None:
    """Look for the conflict that hides a proposal's handling."""
    told = next(p for p in stage.told.proposals if p.id == HIDDEN)
    for refused in told.refused_assignments:
        person = stage.actors[refused.reviewer].id
        against = await conflicts(session, stage.proposals[HIDDEN], person)
        _true(told, refused.reviewer, holds=any(c.rule == refused.kind for c in against))
    coordinator = next(p for p in stage.told.people if "coordinator" in p.roles)
    shared = stage.employers(coordinator.key) & {part.institution for part in told.participations}
    _true(told, "the coordinator's employer", holds=bool(shared))


def _same(told: world.Proposal, what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Untrue(f"proposal {told.id}: {what} is {found}, told as {wanted}")


def _true(told: world.Proposal, what: str, *, holds: bool) -> None:
    if not holds:
        raise Untrue(f"proposal {told.id}: {what} is not as told")
