"""A small consortium where anything may happen next: each act is one request, or one move.

Acts look for somebody who may do them; whether the product lets them is the product's matter.
"""

from datetime import timedelta
from typing import Any

from httpx2 import AsyncClient

from lianyan.core.db import Sessions
from lianyan.projects.commands import register
from lianyan.proposals.models import Proposal
from lianyan.proposals.moving import move, target
from lianyan.proposals.states import Move
from makers import now
from proposals.access_world import MAILS, Consortium

DOMAINS: list[list[str]] = [[], ["corp.example"], ["lab.example"], ["other.example"]]
BY_SYSTEM = {
    "draft": [Move.SUBMIT],
    "consent_pending": [Move.COMPLETE],
    "submitted": [Move.START_CHECK],
    "formal_check": [Move.PASS],
    "returned": [Move.RESUBMIT],
    "decision_pending": [Move.APPROVE, Move.REJECT],
}
"""Moves that ask for a whole form, or for a release: made by the one function that moves."""


class Play(Consortium):
    """What may happen in it."""

    def __init__(self, client: AsyncClient, sessions: Sessions, driver: Any) -> None:
        super().__init__(client, sessions, driver)
        self.acts = [
            self.add_member, self.add_member, self.remove_member, self.add_part, self.remove_part,
            self.answer_part, self.invite, self.end_link, self.accept_link, self.change_mail,
            self.ask_employment, self.answer_employment, self.change_parent, self.change_domains,
            self.add_institution, self.assign, self.assign, self.answer, self.answer,
            self.unassign, self.dismiss, self.grant, self.end_role, self.move, self.move, self.move,
            self.leave, self.withdraw, self.restore, self.refuse, self.undo, self.draft,
            self.delete_draft, self.age_project,
        ]  # fmt: skip

    # ---- teams and institutions ----

    async def add_member(self) -> None:
        proposal = await self.proposal("draft", "consent_pending", "returned")
        if proposal is None:
            return
        home = await self.some(
            """select f.person_id, f.institution_id from affiliations f
               join participations t on t.institution_id = f.institution_id and t.state <> 'removed'
               where t.proposal_id = $1 and f.status = 'confirmed' order by f.id""",
            proposal["id"],
        )
        if home is not None:
            body = {
                "person_id": str(home["person_id"]),
                "institution_id": str(home["institution_id"]),
            }
            await self.send(
                proposal["lead_id"], "POST", f"/proposals/{proposal['id']}/members", body
            )

    async def remove_member(self) -> None:
        row = await self.some(
            """select m.id, p.lead_id from members m join proposals p on p.id = m.proposal_id
               where m.removed_at is null and p.state in ('draft', 'consent_pending', 'returned')
               order by m.id"""
        )
        if row is not None:
            await self.send(row["lead_id"], "DELETE", f"/members/{row['id']}")

    async def add_part(self) -> None:
        proposal = await self.proposal("draft", "returned")
        if proposal is not None:
            body = {
                "institution_id": str(self.draw.choice(self.homes)),
                "role": "participating",
            }
            await self.send(
                proposal["lead_id"], "POST", f"/proposals/{proposal['id']}/participations", body
            )

    async def remove_part(self) -> None:
        row = await self.some(
            """select t.id, t.rev, p.lead_id from participations t join proposals p on p.id = t.proposal_id
               where t.state <> 'removed' and t.role <> 'lead'
                 and p.state in ('draft', 'consent_pending', 'returned') order by t.id"""
        )
        if row is not None:
            path = f"/participations/{row['id']}/remove"
            await self.send(row["lead_id"], "POST", path, {"reason": ""}, row["rev"])

    async def answer_part(self) -> None:
        row = await self.some(
            """select t.id, t.institution_id from participations t join proposals p on p.id = t.proposal_id
               where t.state in ('invited', 'viewed', 'void') and p.state in ('consent_pending', 'returned')
               order by t.id"""
        )
        if row is not None and row["institution_id"] in self.officers:
            officer = self.officers[row["institution_id"]].id
            body = {"reason": "人手不足"}
            await self.send(officer, "POST", f"/participations/{row['id']}/decline", body)

    async def invite(self) -> None:
        row = await self.some(
            """select t.id, p.lead_id from participations t join proposals p on p.id = t.proposal_id
               where t.state <> 'removed' and p.state in ('draft', 'consent_pending', 'returned')
               order by t.id"""
        )
        if row is not None:
            body = {"name": "受邀人", "email": self.draw.choice(MAILS)}
            path = f"/participations/{row['id']}/invitations"
            got = await self.send(row["lead_id"], "POST", path, body)
            if got.status_code == 201:
                self.links.append(got.json()["url"].partition("#")[2])

    async def end_link(self) -> None:
        row = await self.some(
            """select i.id, p.lead_id from invitations i join proposals p on p.id = i.proposal_id
               order by i.id"""
        )
        if row is not None:
            act = self.draw.choice(["revoke", "resend"])
            await self.send(row["lead_id"], "POST", f"/invitations/{row['id']}/{act}")

    async def accept_link(self) -> None:
        if not self.links:
            return
        token = self.draw.choice(self.links)
        who = self.draw.choice([None, *self.people])
        act, body = self.draw.choice(
            [("accept", {"name": "新人"}), ("decline", {"reason": ""}), ("report", None)]
        )
        await self.send(who, "POST", f"/invitation/{act}", body, token=token)

    async def draft(self) -> None:
        lead = await self.some(
            "select person_id, institution_id from affiliations where status = 'confirmed' order by id"
        )
        body = {"call_id": str(self.call.id), "institution_id": str(lead["institution_id"])}
        body["again"] = True  # type: ignore[assignment]
        await self.send(lead["person_id"], "POST", "/proposals", body)

    async def delete_draft(self) -> None:
        proposal = await self.proposal("draft")
        if proposal is not None:
            path = f"/proposals/{proposal['id']}"
            await self.send(proposal["lead_id"], "DELETE", path, None, proposal["rev"])

    # ---- people ----

    async def change_mail(self) -> None:
        person = await self.some(
            "select id, rev from people where id = any($1) order by id", self.people
        )
        body = {"email": self.draw.choice(MAILS)}
        await self.send(person["id"], "PATCH", "/settings", body, person["rev"])

    async def ask_employment(self) -> None:
        body = {"institution_id": str(self.draw.choice(self.homes))}
        await self.send(self.draw.choice(self.people), "POST", "/settings/affiliations", body)

    async def answer_employment(self) -> None:
        row = await self.some(
            "select id, institution_id, status from affiliations where status in ('pending', 'confirmed') order by id"
        )
        act = "end" if row["status"] == "confirmed" else self.draw.choice(["confirm", "refuse"])
        if row["institution_id"] in self.officers:
            officer = self.officers[row["institution_id"]].id
            await self.send(officer, "POST", f"/affiliations/{row['id']}/{act}")

    async def grant(self) -> None:
        role = self.draw.choice(["coordinator", "stand_in", "reviewer", "approver"])
        body = {"person_id": str(self.draw.choice(self.people)), "role": role}
        await self.send(self.admin, "POST", "/roles", body)

    async def end_role(self) -> None:
        row = await self.some(
            """select id from platform_roles where ended_at is null and role <> 'administrator'
               and not person_id = any($1) order by id""",
            self.desk[:1],
        )
        if row is not None:
            await self.send(self.admin, "DELETE", f"/roles/{row['id']}")

    # ---- institutions ----

    async def change_parent(self) -> None:
        home = await self.some(
            "select id, rev from institutions where id = any($1) order by id", self.homes
        )
        parent = self.draw.choice([None, *map(str, self.homes)])
        path = f"/institutions/{home['id']}"
        await self.send(self.desk[0], "PATCH", path, {"parent_id": parent}, home["rev"])

    async def change_domains(self) -> None:
        home = await self.some(
            "select id, rev from institutions where id = any($1) order by id", self.homes
        )
        body = {"domains": self.draw.choice(DOMAINS)}
        await self.send(self.desk[0], "PATCH", f"/institutions/{home['id']}", body, home["rev"])

    async def add_institution(self) -> None:
        name = f"新示例单位{self.draw.randrange(10**6)}"
        body = {"name_zh": name, "name_en": f"{name} Inc.", "kind": "company",
                "parent_id": str(self.draw.choice(self.homes)), "domains": self.draw.choice(DOMAINS)}  # fmt: skip
        await self.send(self.desk[0], "POST", "/institutions", body)

    # ---- reviews ----

    async def assign(self) -> None:
        proposal = await self.proposal("peer_review")
        reviewer = await self.some(
            "select person_id from platform_roles where role = 'reviewer' and ended_at is null order by id"
        )
        if proposal is not None and reviewer is not None:
            body = {"reviewer_id": str(reviewer["person_id"]), "override_reason": "人手不足"}
            await self.as_desk(
                proposal["id"], "POST", f"/proposals/{proposal['id']}/assignments", body
            )

    async def answer(self) -> None:
        row = await self.some(
            "select id, reviewer_id from assignments where state in ('asked', 'accepted') order by id"
        )
        if row is None:
            return
        act = self.draw.choice(["accept", "accept", "decline", "conflict"])
        if act == "accept":
            body: dict[str, Any] = {"assignment_ids": [str(row["id"])], "pledge": True}
            await self.send(row["reviewer_id"], "POST", "/reviews/accept", body)
        else:
            body = {"reason": "没有时间"} if act == "decline" else {"note": "曾共同发表论文"}
            await self.send(row["reviewer_id"], "POST", f"/assignments/{row['id']}/{act}", body)

    async def unassign(self) -> None:
        row = await self.some(
            "select id, proposal_id from assignments where state in ('asked', 'accepted') order by id"
        )
        if row is not None:
            path = f"/assignments/{row['id']}/remove"
            await self.as_desk(row["proposal_id"], "POST", path, {"reason": "改派"})

    async def dismiss(self) -> None:
        row = await self.some(
            """select proposal_id, principal from access a join proposals p on p.id = a.proposal_id
               where rights & 64 <> 0 and p.state = 'peer_review' order by 1, 2"""
        )
        if row is not None:
            rule = self.draw.choice(["shared_project", "declared_tie", "same_domain"])
            body = {"person_id": str(row["principal"]), "rule": rule, "reason": "已核实"}
            path = f"/proposals/{row['proposal_id']}/dismissals"
            await self.as_desk(row["proposal_id"], "POST", path, body)

    # ---- moves ----

    async def move(self) -> None:
        """Move on some proposal as its last confirmation, its checker or its release would."""
        row = await self.proposal(*BY_SYSTEM)
        if row is None:
            return
        async with self.sessions() as session:
            proposal = await session.get_one(Proposal, row["id"], with_for_update=True)
            made = self.draw.choice(BY_SYSTEM[proposal.state])
            if made is Move.SUBMIT:
                proposal.number = proposal.number or f"N-{self.draw.randrange(10**9)}"
                proposal.submitted_at = proposal.submitted_at or now()
                proposal.stages = list(self.call.stages)
                proposal.consent_until = now() + timedelta(days=5)
            if await target(session, proposal, made) is None:
                return
            await move(session, None, proposal, made)
            if made is Move.APPROVE:
                await register(session, proposal, 12, None)
            await session.commit()
        self.done.append(f"{made} {row['id']}")

    async def leave(self) -> None:
        """Let a coordinator return a proposal, finish its reviews or open them again."""
        proposal = await self.proposal("formal_check", "peer_review", "decision_pending")
        if proposal is None:
            return
        act, body = {
            "formal_check": ("return", {"reason": "请补充"}),
            "peer_review": ("finish", {"waiver": "评审专家不足"}),
            "decision_pending": ("reopen", {"reason": "需要再评"}),
        }[proposal["state"]]
        await self.as_desk(proposal["id"], "POST", f"/proposals/{proposal['id']}/{act}", body)

    async def withdraw(self) -> None:
        proposal = await self.proposal()
        path, body = f"/proposals/{proposal['id']}/", {"reason": "改变计划"}
        if proposal["state"] in {"peer_review", "decision_pending"}:
            lead = await self.some(
                "select institution_id from participations where proposal_id = $1 and role = 'lead'",
                proposal["id"],
            )
            officer = self.officers[lead["institution_id"]].id
            await self.send(officer, "POST", path + "withdraw_by_institution", body, proposal["rev"])  # fmt: skip
        else:
            act = self.draw.choice(["withdraw", "take_back"])
            sent = body if act == "withdraw" else None
            await self.send(proposal["lead_id"], "POST", path + act, sent, proposal["rev"])

    async def restore(self) -> None:
        proposal = await self.proposal("withdrawn")
        if proposal is not None:
            await self.as_desk(proposal["id"], "POST", f"/proposals/{proposal['id']}/restore")

    async def refuse(self) -> None:
        proposal = await self.proposal("formal_check")
        if proposal is not None:
            body = {"code": "R1", "reason": "不符合资格"}
            await self.as_desk(proposal["id"], "POST", f"/proposals/{proposal['id']}/refuse", body)

    async def undo(self) -> None:
        proposal = await self.proposal("returned", "not_accepted", "peer_review", "decision_pending")  # fmt: skip
        if proposal is not None:
            await self.as_desk(proposal["id"], "POST", f"/proposals/{proposal['id']}/undo")

    async def age_project(self) -> None:
        """Let three years pass since a project ended, and the worker's daily round."""
        from lianyan.proposals import access  # noqa: PLC0415

        row = await self.some("select id from projects order by id")
        if row is not None:
            async with self.sessions() as session:
                days = self.draw.choice([-5, 0, 5])
                await (await session.connection()).exec_driver_sql(
                    "update projects set ends_on = current_date - interval '3 years' - $1 * interval '1 day' where id = $2",
                    (days, row["id"]),
                )
                await access.refresh_over(session, 30)
                await session.commit()
            self.done.append(f"project {row['id']} over by {days} days")
