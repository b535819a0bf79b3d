"""The API of the session, of logging in and out, of the own account and of an institution's people."""

import html
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from lianyan.core.actor import Actor, Reading, token_of
from lianyan.core.idempotency import Created, Once
from lianyan.core.limits import dead_link
from lianyan.core.problems import locale_of
from lianyan.core.revisions import etag
from lianyan.core.shapes import I18n
from lianyan.core.words import say
from lianyan.identity import commands, cookies, logins, logouts, people, queries
from lianyan.identity.backchannel import LogoutRefused, receive, token_in
from lianyan.identity.login_transactions import Refusal
from lianyan.identity.logins import Arrived, Tried
from lianyan.identity.schemas import (
    Account,
    AccountChange,
    AdministratorInvitation,
    Changed,
    Found,
    InstitutionPeople,
    Locale,
    LocaleChoice,
    LoggedOut,
    LoginBegin,
    LoginBegun,
    NewAffiliation,
    Providers,
    SessionNow,
)

MOST_PARAMETERS = 20
NO_STORE = {"cache-control": "no-store"}

AnyRequest = Request[Any, Any, Any]


def _locale(request: AnyRequest) -> Locale:
    return "en" if locale_of(request) == "en" else "zh"


class SessionApi(Controller):
    """Who is here."""

    path = "/session"
    tags = ["session"]

    @get(opt={"action": "session.read"}, status_code=200)
    async def read(
        self, request: AnyRequest, state: State, reading: NamedDependency[Reading]
    ) -> Response[SessionNow]:
        """Show who is logged in and what they may open."""
        found = await queries.session_now(
            reading,
            demo=state.settings.demo,
            locale=_locale(request),
            platform=I18n(say("zh", "app.name"), say("en", "app.name")),
        )
        return Response(found, headers=NO_STORE)

    @post("/renew", opt={"action": "session.renew"}, status_code=204)
    async def renew(
        self, state: State, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> None:
        """Keep the session from ending while its person is still there."""
        await commands.renew_session(session, state.settings, actor)

    @put("/locale", opt={"action": "settings.change"}, status_code=204)
    async def choose_locale(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        data: JSONBody[LocaleChoice],
    ) -> None:
        """Remember the language."""
        await people.choose_locale(session, actor, data.locale)

    @delete(opt={"action": "session.end"}, status_code=200)
    async def end(
        self, request: AnyRequest, state: State, session: NamedDependency[AsyncSession]
    ) -> Response[LoggedOut]:
        """Log out here at once, and say where the institution's own login can be ended."""
        url = await logouts.log_out(session, state.settings, token_of(request))
        return Response(
            LoggedOut(url),
            cookies=[
                cookies.session_of(state, None),
                cookies.left_of(state.settings, left=True),
            ],
            headers={**NO_STORE, "clear-site-data": '"cache"'},
        )


class LoginApi(Controller):
    """Ways to log in."""

    path = "/"
    tags = ["login"]

    @get("/providers", opt={"action": "session.start"}, status_code=200)
    async def providers(
        self,
        request: AnyRequest,
        state: State,
        reading: NamedDependency[Reading],
        q: FromQuery[str | None] = None,
    ) -> Providers:
        """List the institutions people log in through; `q` finds names, sounds, initials or an address."""
        last = request.cookies.get(cookies.LAST)
        return await queries.providers(reading, q=q, last=last, demo=state.settings.demo)

    @post("/login/{slug:str}", opt={"action": "session.start"}, status_code=200)
    async def begin(
        self,
        request: AnyRequest,
        state: State,
        slug: FromPath[str],
        data: JSONBody[LoginBegin],
    ) -> Response[LoginBegun]:
        """Begin a login at an institution; the page then goes to the address given."""
        start = await logins.begin(
            state,
            slug,
            return_to=data.return_to,
            hint=data.hint if (data.hint or "").isprintable() else None,
            browser=request.cookies.get(cookies.login_cookie(state.settings)),
            again=bool(request.cookies.get(cookies.left_cookie(state.settings))),
            locale=_locale(request),
        )
        return Response(
            LoginBegun(start.url),
            cookies=[cookies.login_of(state.settings, start.browser)],
            headers=NO_STORE,
        )

    @get("/administrator-link", opt={"action": "session.start"}, status_code=200)
    async def administrator_link(
        self, request: AnyRequest, reading: NamedDependency[Reading]
    ) -> Response[AdministratorInvitation]:
        """Show whom a link made on the server lets in; nothing happens yet."""
        token = request.headers.get("x-invitation", "")
        found = await queries.administrator_link(reading.connection, token)
        return Response(found, headers=NO_STORE)

    @post("/administrator-link", opt={"action": "session.start"}, status_code=204)
    async def use_administrator_link(
        self, request: AnyRequest, state: State, session: NamedDependency[AsyncSession]
    ) -> Response[None]:
        """Let the link's person in, once."""
        opened = await commands.use_administrator_link(
            session, request.headers.get("x-invitation", "")
        )
        await commands.close_session(session, token_of(request))
        return Response(
            None, status_code=204, cookies=[cookies.session_of(state, opened)], headers=NO_STORE
        )


@get(
    "/auth/{slug:str}/callback",
    opt={"action": "session.start"},
    status_code=200,
    include_in_schema=False,
)
async def callback(request: AnyRequest, state: State, slug: FromPath[str]) -> Response[str]:
    """Take the answer of an institution and send the person where they wanted to go."""
    former = token_of(request)
    try:
        try:
            query = parse_qsl(
                request.scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                max_num_fields=MOST_PARAMETERS,
            )
        except ValueError as error:
            raise Refusal("expired", "malformed") from error
        arrived = await logins.finish(
            state,
            slug,
            query,
            browser=request.cookies.get(cookies.login_cookie(state.settings)),
            former=former,
        )
    except Refusal as refusal:
        if refusal.code == "expired" and former is not None:
            async with state.acquire() as connection:
                if await state.load_actor(connection, former) is not None:
                    return _go(state, "/")
        if refusal.reason in logins.FORGED:
            dead_link(request)
        return _failed(request, state, refusal)
    if isinstance(arrived, Tried):
        return _go(state, f"/admin/logins/{arrived.provider_id}?tried=1")
    return _go(
        state,
        _landing(arrived),
        cookies.session_of(state, arrived.token),
        cookies.last_of(state.settings, arrived.slug),
        cookies.left_of(state.settings, left=False),
    )


@post(
    "/auth/{slug:str}/backchannel",
    opt={"action": "session.end"},
    status_code=200,
    include_in_schema=False,
)
async def backchannel(request: AnyRequest, state: State, slug: FromPath[str]) -> Response[Any]:
    """Take an institution's notice that somebody has logged out there."""
    try:
        body = await request.body()
        token = token_in(body, request.headers.get("content-type", ""))
        await receive(state, slug, token)
    except LogoutRefused:
        return Response({"error": "invalid_request"}, status_code=400, headers=NO_STORE)
    return Response(None, headers=NO_STORE)


def _landing(arrived: Arrived) -> str:
    """Return the first page: who comes for the first time is shown where they are."""
    if not arrived.person.new:
        return arrived.return_to
    return f"/welcome?{urlencode({'next': arrived.return_to})}"


def _go(state: State, path: str, *set_: Any) -> Response[str]:
    return Response(
        "",
        status_code=303,
        headers={**NO_STORE, "location": f"{state.settings.base_path}{path}"},
        cookies=list(set_),
        media_type="text/html; charset=utf-8",
    )


def _failed(request: AnyRequest, state: State, refusal: Refusal) -> Response[str]:
    """Say why the login failed; the page then goes on to the login page, which says it too."""
    locale, at = locale_of(request), refusal.provider
    query = {"error": refusal.code, **({"at": at.slug} if at else {})}
    where = html.escape(f"{state.settings.base_path}/login?{urlencode(query)}")
    name = (at.name_zh if locale == "zh" else at.name_en) if at else ""
    said = say(
        locale,
        f"identity.login_{refusal.code}",
        institution=name,
        issuer=at.issuer if at else "",
    )
    title, again = say(locale, "identity.login_failed_title"), say(locale, "identity.login_again")
    lang = "zh-CN" if locale == "zh" else "en"
    page = (
        f'<!doctype html><html lang="{lang}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="0;url={where}"><title>{html.escape(title)}</title>'
        f"<h1>{html.escape(title)}</h1><p>{html.escape(said)}</p>"
        f'<p><a href="{where}">{html.escape(again)}</a></p></html>'
    )
    return Response(
        page, status_code=refusal.status, headers=NO_STORE, media_type="text/html; charset=utf-8"
    )


class AccountApi(Controller):
    """The own account."""

    path = "/settings"
    tags = ["settings"]

    @get(opt={"action": "settings.read"}, status_code=200)
    async def read(self, reading: NamedDependency[Reading]) -> Response[Account]:
        """Show what the portal keeps about the person who asks."""
        found = await queries.account(reading)
        return Response(found, headers=etag(found.rev))

    @patch(opt={"action": "settings.change"}, status_code=200)
    async def change(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        rev: NamedDependency[int],
        data: JSONBody[AccountChange],
    ) -> Response[Changed]:
        """Change what is sent, and nothing else."""
        now = await people.change_account(session, actor, rev, data)
        return Response(Changed(actor.id, now), headers=etag(now))

    @post("/affiliations", opt={"action": "affiliation.ask"}, status_code=201)
    async def ask(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        once: NamedDependency[Once],
        data: JSONBody[NewAffiliation],
    ) -> Created:
        """Ask an institution's officer to confirm the person."""
        return await once(lambda: people.ask_affiliation(session, actor, data))


class PeopleApi(Controller):
    """People, and those of an institution."""

    path = "/"
    tags = ["people"]

    @get("/people", opt={"action": "person.find"}, status_code=200)
    async def find(
        self, reading: NamedDependency[Reading], q: FromQuery[str | None] = None
    ) -> Found:
        """Find confirmed people by name, sound or institution; at most ten."""
        return await queries.people(reading, q)

    @get("/institution/people", opt={"action": "affiliation.confirm"}, status_code=200)
    async def of_institution(
        self, reading: NamedDependency[Reading], institution: FromQuery[UUID | None] = None
    ) -> InstitutionPeople:
        """List the people of the officer's institutions, those who wait first."""
        return await queries.institution_people(reading, institution)

    @post(
        "/affiliations/{affiliation_id:uuid}/confirm",
        opt={"action": "affiliation.confirm"},
        status_code=204,
    )
    async def confirm(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        affiliation_id: FromPath[UUID],
    ) -> None:
        """Confirm that a person is at the institution."""
        await people.confirm_affiliation(session, actor, affiliation_id)

    @post(
        "/affiliations/{affiliation_id:uuid}/refuse",
        opt={"action": "affiliation.confirm"},
        status_code=204,
    )
    async def refuse(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        affiliation_id: FromPath[UUID],
    ) -> None:
        """Say that a person is not at the institution."""
        await people.refuse_affiliation(session, actor, affiliation_id)

    @post(
        "/affiliations/{affiliation_id:uuid}/end",
        opt={"action": "affiliation.confirm"},
        status_code=204,
    )
    async def end(
        self,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        affiliation_id: FromPath[UUID],
    ) -> None:
        """Say that a person has left the institution."""
        await people.end_affiliation(session, actor, affiliation_id)


HANDLERS: list[Any] = [SessionApi, LoginApi, AccountApi, PeopleApi]
OUTSIDE: list[Any] = [callback, backchannel]
"""What stands beside the API: the address institutions send people back to."""
