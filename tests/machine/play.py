"""One proposal played by commands, held against the model after each."""

import copy
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from lianyan.decisions.releases import carry_out
from lianyan.proposals import access
from lianyan.proposals.schemas.detail import ProposalOut
from machine.facts import SHOWN, Command
from machine.model import Model
from machine.stage import Sent, Stage

REFUSED = {400, 403, 404, 409, 412}


class Start:
    """A proposal brought somewhere by commands, each of them checked, and the model that went with it."""

    def __init__(self, proposal: UUID, model: Model) -> None:
        self.proposal, self.model = proposal, model


class Play:
    """One proposal and its model, step by step."""

    def __init__(self, stage: Stage, start: Start, sessions: Any) -> None:
        self.stage, self.proposal, self.model = stage, start.proposal, copy.deepcopy(start.model)
        self.sessions = sessions
        self.last: Sent | None = None

    async def derived(self) -> list[tuple[UUID, UUID]]:
        """Return the rows kept for rights and lists that are not what they are derived from."""
        async with self.sessions() as session:
            return await access.differences(session)

    async def act(self, c: Command) -> None:
        """Send a command, and hold the answer and all that is stored against the model."""
        due = copy.deepcopy(self.model)
        if (
            due.decision
            and due.decision.state == "scheduled"
            and c.name not in {"recall", "review"}
        ):
            due.carry_out()
        before = await self.stage.rows(self.proposal)
        reasons = due.refusals(c)
        got = await self.stage.act(self.proposal, c)
        after = await self.stage.rows(self.proposal)
        self.last = None
        if got.status_code < 300 and reasons and self._again(c):
            assert after == before, "what has happened already changes nothing"
            return
        if reasons:
            self._refused(c, got, reasons, due)
            if after != before:
                # A release that was due before the request came stays done, whatever became of it.
                assert due.state != self.model.state, "a refusal changes nothing"
                assert after["proposal"]["state"] == due.state
                self.model = due
            return
        assert got.status_code < 300, (c, got.status_code, got.text)
        self.stage.done[c.name] += 1
        self._kept(c, before, after)
        self.model, self.last = due, self.stage.last
        self.model.happen(c)

    def _kept(self, c: Command, before: Any, after: Any) -> None:
        """Check that a number once given stays, and that only a submission moves its time."""
        if before is None or after is None or not before["proposal"]["number"]:
            return
        assert after["proposal"]["number"] == before["proposal"]["number"]
        same = after["proposal"]["submitted_at"] == before["proposal"]["submitted_at"]
        assert same == (c.name != "submit"), c

    def _again(self, c: Command) -> bool:
        """Say whether this is the last move once more, by the same person."""
        lines = [m for m in self.model.timeline if m.who is not None]
        return bool(lines) and (lines[-1].move, lines[-1].who) == (c.name, c.who)

    def _refused(self, c: Command, got: Any, reasons: list[str], due: Model) -> None:
        assert got.status_code in REFUSED, (c, got.status_code, got.text, reasons)
        problem = got.json()
        said = {f"{got.status_code} {problem['code']}", str(got.status_code)}
        assert said & set(reasons), (c, said, reasons)
        staff = due.roles(c.who) & {"coordinator", "approver"}
        if problem["code"] == "proposals.wrong_state":
            shown = due.state if staff else SHOWN.get(due.state, due.state)
            assert problem["params"]["state"] == shown
            assert set(problem["params"]["allowed"]) == due.allowed(c.who), c
        if not staff and "reviewer" not in due.roles(c.who):
            assert "peer_review" not in got.text
            assert "decision_pending" not in got.text

    async def again(self) -> None:
        """Send the last request once more: it succeeds, and nothing changes."""
        sent, before = self.last, await self.stage.rows(self.proposal)
        assert sent is not None
        got = await self.stage.go(sent)
        if not self.model.roles(sent.who):
            assert got.status_code == 404, "and who may not know it any more learns nothing"
            return
        assert got.status_code < 300, (sent, got.status_code, got.text)
        assert await self.stage.rows(self.proposal) == before

    async def time(self, what: str) -> None:
        """Let a date pass, by moving the rows' dates."""
        self.last = None
        past = "clock_timestamp() - interval '1 hour'"
        for table, column, is_ours in {
            "call": [("calls", "closes_at", "id = (select call_id from proposals where id = $1)"),
                     ("proposals", "due_at", "id = $1 and due_at is not null")],
            "consent": [("proposals", "consent_until", "id = $1 and consent_until is not null"),
                        ("participations", "until", "proposal_id = $1 and until is not null")],
            "correction": [("proposals", "returned_until", "id = $1 and returned_until is not null")],
            "hold": [],
        }[what]:  # fmt: skip
            await self.stage.connection.execute(
                f"update {table} set {column} = {past} where {is_ours}", self.proposal
            )
        # Time moves no date: what was kept of the old ones is put right.
        async with self.sessions.begin() as session:
            ids = await session.scalars(text("select id from proposals"))
            await access.refresh_many(session, list(ids))
        model = self.model
        if what == "call":
            model.call_open, model.due = False, None if model.due is None else False
        if what == "consent":
            model.consent = None if model.consent is None else False
            for part in model.parts.values():
                part.until = None if part.until is None else False
        if what == "correction" and model.correction is not None:
            model.correction = False
        if what == "hold":
            run = self.stage.connection.execute
            await run(
                "update moves set at = at - interval '11 minutes' where proposal_id = $1",
                self.proposal,
            )
            await run(
                "update messages set hold_until = hold_until - interval '11 minutes' where proposal_id = $1",
                self.proposal,
            )
            await run("update releases set due_at = due_at - interval '11 minutes'")
            model.ten_minutes_pass()

    async def work(self) -> None:
        """Let the worker carry out the release."""
        self.last = None
        releases = (await self.stage.rows(self.proposal) or {}).get("releases") or []
        async with self.sessions.begin() as session:
            for release in releases:
                await carry_out(session, UUID(release["id"]))
        self.model.carry_out()

    async def look(self, who: str) -> None:
        """Check what is stored and what `who` reads."""
        rows, model = await self.stage.rows(self.proposal), self.model
        if model.gone:
            assert rows is None
            assert (await self.stage.get(who, f"/proposals/{self.proposal}")).status_code == 404
            return
        self._stored(rows)
        async with self.sessions() as session:
            people = list((await session.scalars(access.HANDLERS)).all())
            ids = {"ids": [self.proposal], "people": people}
            assert not (await session.execute(access.DIFFERENCES, ids)).all()
        await self._read(who, rows)

    def _stored(self, rows: Any) -> None:
        model, stage = self.model, self.stage
        assert rows["proposal"]["state"] == model.state
        assert (
            bool(rows["proposal"]["number"])
            == bool(rows["proposal"]["submitted_at"])
            == model.numbered
        )
        homes = {str(id_): letter for letter, id_ in stage.homes.items()}
        live = [t for t in rows["parts"] if t["state"] != "removed"]
        assert {homes[t["institution_id"]]: t["state"] for t in live} == {
            k: p.state for k, p in model.parts.items()
        }
        standing = {n["part"] for n in rows["consents"] or [] if n["void"] is None}
        assert standing == {t["id"] for t in live if t["state"] == "consented"}
        people = {str(id_): who for who, id_ in stage.people.items()}
        timeline = [
            (m["move"], m["from_state"], m["to_state"], people.get(m["actor_id"]))
            for m in rows["moves"] or []
        ]
        assert timeline == [(m.move, m.left, m.entered, m.who) for m in model.timeline]
        assert rows["projects"] == (model.state == "approved")

    async def _read(self, who: str, rows: Any) -> None:
        model, roles = self.model, self.model.roles(who)
        got = await self.stage.get(who, f"/proposals/{self.proposal}")
        inside = roles & {"lead", "team", "officer", "lead_officer"}
        staff = roles & {"coordinator", "approver"}
        if not inside | staff:
            assert got.status_code == (403 if roles else 404), (who, got.text)
            return
        assert got.status_code == 200, (who, got.text)
        msgspec.json.decode(got.content, type=ProposalOut, strict=True)
        found = got.json()
        assert found["shown"] == SHOWN.get(model.state, model.state)
        assert found.get("state") == (model.state if staff else None)
        homes = {str(id_): letter for letter, id_ in self.stage.homes.items()}
        assert {homes[p["institution"]["id"]]: p["state"] for p in found["participations"]} == {
            k: model.part_state(p) for k, p in model.parts.items()
        }
        assert [(m["move"], m["from"], m["to"]) for m in found["moves"]] == model.shown_timeline()
        assert found["number"] == rows["proposal"]["number"]
        assert set(found["can"]) == model.can(who), who
        if not staff:
            assert "peer_review" not in got.text
            assert "decision_pending" not in got.text
