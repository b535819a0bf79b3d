"""The way into the portal, as tests walk it: institutions whose people log in."""

import httpx2
from sqlalchemy import func, select

from idp.fixtures import KEY, settings_for
from idp.walk import query, through
from lianyan.core.events import Event
from lianyan.demo.login import client_id, client_secret
from lianyan.identity.commands import add_provider
from lianyan.identity.models import Person, Session
from makers import make_institution

NAMES = {"nuist": "南京信息工程大学", "yungu": "云谷科技", "forged": "伪造研究院"}


class Gate:
    """Logs people in: at the real provider by walking its pages, at the forging one by its answers."""

    def __init__(self, client, session, settings, login, forging):
        self.client, self.session, self.settings = client, session, settings
        self.login, self.forger = login, forging
        self.providers = {}
        self.institutions = {}
        self.browser = httpx2.AsyncClient()

    async def add(self, slug, institution=None, **more):
        """Let an institution's people log in."""
        institution = institution or await make_institution(
            self.session, NAMES.get(slug, slug), name_en=slug.upper()
        )
        real = slug in ("nuist", "yungu", "empty")
        values = {
            "issuer": f"{self.login.base}/{slug}" if real else self.forger.issuer,
            "client_id": client_id(slug) if real else "portal",
            "secret": client_secret(settings_for(None, secret_key=KEY), slug) if real else "s",
            **more,
        }
        self.institutions[slug] = institution
        self.providers[slug] = await add_provider(
            self.session,
            self.settings.secret_key,
            institution_id=institution.id,
            slug=slug,
            name_zh=institution.name_zh,
            name_en=institution.name_en,
            **values,
        )
        return institution

    async def begin(self, slug, return_to="/home", hint=None, client=None):
        """Begin a login and return the address the page goes to."""
        answer = await (client or self.client).post(
            f"/api/login/{slug}", json={"return_to": return_to, "hint": hint}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["url"]

    async def at_provider(self, slug, sub, **more):
        """Walk the real login pages as `sub` and return the way back."""
        url = await self.begin(slug, hint=sub, **more)
        return await through(self.browser, url, self.login.base)

    async def enter(self, slug, sub, **more):
        """Log `sub` in at the real provider and return the portal's answer."""
        return await self.client.get(await self.at_provider(slug, sub, **more))

    async def forge(self, slug="forged", client=None, return_to="/home", **answer):
        """Begin a login and answer it as the forging provider; `...` leaves a parameter out."""
        asked = query(await self.begin(slug, return_to=return_to, client=client))
        self.forger.nonce = asked["nonce"]
        said = {"code": "c", "state": asked["state"], "iss": self.forger.issuer, **answer}
        said = {k: v for k, v in said.items() if v is not ...}
        return await (client or self.client).get(f"/auth/{slug}/callback", params=said)

    async def who(self, client=None):
        """Return the person the portal sees."""
        return (await (client or self.client).get("/api/session")).json()["person"]


async def count(session, table):
    return await session.scalar(select(func.count()).select_from(table))


async def reasons(session):
    found = await session.scalars(
        select(Event).where(Event.kind == "login.refused").order_by(Event.id)
    )
    return [event.data["reason"] for event in found]


def cookies(answer):
    return {line.split("=", 1)[0]: line for line in answer.headers.get_list("set-cookie")}


async def refused(gate, answer, code, status=400, *, reason=None):
    """Check a login that failed: the page, the cause, no session, no person, one entry."""
    assert answer.status_code == status, answer.text
    assert f"error={code}" in answer.text
    assert "lianyan_session" not in cookies(answer)
    assert await gate.who() is None
    assert await count(gate.session, Person) == 0
    assert await count(gate.session, Session) == 0
    assert await reasons(gate.session) == ([reason] if reason else [])
