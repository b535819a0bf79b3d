"""Invitations by link: made by the lead, read and answered by whoever holds the link."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading
from lianyan.core.idempotency import LONGEST_KEY, Once
from lianyan.core.problems import invalid
from lianyan.identity.cookies import session_of
from lianyan.proposals.commands import accepting, inviting
from lianyan.proposals.queries import invitation
from lianyan.proposals.schemas.consortium import (
    Accepted,
    AcceptIn,
    CommentIn,
    InvitationIn,
    InvitationMade,
    InvitationOut,
    LinkMade,
    ReasonIn,
)

HEADER = "x-invitation"


class Links(Controller):
    """Links that invite a person."""

    tags = ["invitations"]

    @post(
        "/participations/{participation_id:uuid}/invitations",
        status_code=201,
        opt={"action": "team.arrange"},
    )
    async def make(
        self,
        *,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        state: State,
        participation_id: FromPath[UUID],
        data: JSONBody[InvitationIn],
    ) -> Response[InvitationMade]:
        """Make a link that invites one person of this institution; it is shown this once."""
        made = await inviting.invite(session, actor, once, participation_id, data)
        url = inviting.address(state.settings, made.token)
        return Response(
            InvitationMade(made.id, url), headers={"location": f"/api/invitations/{made.id}"}
        )

    @post(
        "/invitations/{invitation_id:uuid}/revoke",
        status_code=204,
        opt={"action": "team.arrange"},
    )
    async def revoke(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        invitation_id: FromPath[UUID],
    ) -> None:
        """Kill a link that nobody has used."""
        await inviting.revoke(session, actor, invitation_id)

    @post(
        "/invitations/{invitation_id:uuid}/resend",
        status_code=200,
        opt={"action": "team.arrange"},
    )
    async def resend(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        state: State,
        invitation_id: FromPath[UUID],
    ) -> LinkMade:
        """Make a new link for the same person; the old one is dead from this moment."""
        token = await inviting.resend(session, actor, invitation_id)
        return LinkMade(inviting.address(state.settings, token))


class Invitations(Controller):
    """What the holder of a link reads and answers; the link's token is the header `X-Invitation`."""

    path = "/invitation"
    tags = ["invitations"]

    @get(opt={"action": "invitation.read"})
    async def read(
        self, request: Request[Any, Any, Any], reading: NamedDependency[Reading]
    ) -> InvitationOut:
        """Read who invites which institution to what; reading changes nothing."""
        return await invitation.read(reading, request.headers.get(HEADER, ""))

    @post("/accept", status_code=200, opt={"action": "invitation.answer"})
    async def accept(
        self,
        *,
        request: Request[Any, Any, Any],
        session: NamedDependency[AsyncSession],
        visitor: NamedDependency[Actor | None],
        state: State,
        data: JSONBody[AcceptIn],
    ) -> Response[Accepted]:
        """Take part: join the team under the typed name, or as the person logged in."""
        key = request.headers.get("idempotency-key", "")
        if not key or len(key) > LONGEST_KEY:
            raise invalid("Idempotency-Key", "problems.required")
        token = request.headers.get(HEADER, "")
        joined = await accepting.accept(session, visitor, token, key, data)
        cookies = [session_of(state, joined.token)] if joined.token else []
        return Response(Accepted(joined.proposal_id), cookies=cookies)

    @post("/decline", status_code=204, opt={"action": "invitation.answer"})
    async def decline(
        self,
        request: Request[Any, Any, Any],
        session: NamedDependency[AsyncSession],
        visitor: NamedDependency[Actor | None],
        data: JSONBody[ReasonIn],
    ) -> None:
        """Say no, as a person; the institution's own answer is its officer's."""
        await inviting.decline(session, visitor, request.headers.get(HEADER, ""), data.reason)

    @post("/changes", status_code=204, opt={"action": "invitation.answer"})
    async def changes(
        self,
        request: Request[Any, Any, Any],
        session: NamedDependency[AsyncSession],
        visitor: NamedDependency[Actor | None],
        data: JSONBody[CommentIn],
    ) -> None:
        """Tell the lead what should be different; the invitation stays open."""
        await inviting.ask_changes(session, visitor, request.headers.get(HEADER, ""), data.comment)

    @post("/report", status_code=204, opt={"action": "invitation.answer"})
    async def report(
        self,
        request: Request[Any, Any, Any],
        session: NamedDependency[AsyncSession],
        visitor: NamedDependency[Actor | None],
    ) -> None:
        """Tell the platform that this link went astray: it is dead at once."""
        await inviting.report(session, visitor, request.headers.get(HEADER, ""))
