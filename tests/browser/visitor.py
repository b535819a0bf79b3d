"""A person before a real browser: a context of their own, signed in through the login pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

from lianyan.demo.world import read_world

Language = Literal["zh", "en"]
PHONE, DESK = 390, 1280
HEIGHTS = {PHONE: 844, DESK: 900}


class Visitor:
    """One person at one screen; what the browser complains about is kept in `noise`."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        *,
        width: int = DESK,
        language: Language = "zh",
        state: Any = None,
    ) -> None:
        """Open a window of `width` with an empty profile, or with `state` taken from another."""
        self.address, self.language = address, language
        self.host = urlsplit(address).hostname
        self.noise: list[str] = []
        self.foreseen: list[str] = []
        self.context: BrowserContext = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="Asia/Shanghai",
            is_mobile=width == PHONE,
            has_touch=width == PHONE,
            reduced_motion="reduce",
            storage_state=state,
            # Behind a proxy whose certificate is its own; against `lianyan up` there is none.
            ignore_https_errors=True,
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.context.set_default_timeout(10_000)
        self.context.on("console", self._heard)
        self.context.on("request", self._asked)
        self.context.on("weberror", lambda error: self.noise.append(str(error.error)))
        self.page: Page = self.context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complain(f"{message.location.get('url', '')} {message.text}", message.text)

    def _complain(self, said: str, words: str) -> None:
        if not any(part in words for part in self.foreseen):
            self.noise.append(said)

    def _asked(self, request: Request) -> None:
        """Take a request to anybody but the portal and the demo's login for a complaint."""
        host = urlsplit(request.url).hostname
        if host not in {None, self.host, "127.0.0.1", "localhost"}:
            self._complain(f"{request.url} is somebody else's", request.url)

    def foresee(self, *parts: str) -> None:
        """Take complaints with these words for what they are: the test brings them about."""
        self.foreseen += parts

    def open(self, path: str = "") -> Page:
        """Open a page of the portal and wait until it shows itself."""
        self.page.goto(self.address + path.removeprefix("/"))
        self.settled()
        return self.page

    def arrive(self, heading: str) -> Page:
        """Wait until a page with this in its heading has opened, after a press that leads there."""
        expect(self.page.locator("main h1")).to_contain_text(heading)
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until the page has its heading, and what it asked for."""
        expect(self.page.locator("main h1")).to_be_visible()
        expect(self.page.locator("main .wait")).to_have_count(0)

    def sign_in(self, key: str) -> "Visitor":
        """Log in as a person of the demo: choose the institution, then oneself at its login page."""
        self.open("login")
        self.choose_institution(key)
        sub = read_world().person(key).logins[0].sub
        self.page.locator(f'button[name="sub"][value="{sub}"]').click()
        self.page.wait_for_url(re.compile(re.escape(self.address)))
        self.settled()
        self.speak(self.language)
        return self

    def choose_institution(self, key: str) -> None:
        """Go from the open login page to the institution's own."""
        way = read_world().person(key).logins[0]
        home = next(m for m in read_world().institutions if m.slug == way.institution)
        name = home.name_zh if self.language == "zh" else home.name_en
        self.page.get_by_role("combobox").fill(name)
        self.page.get_by_role("option").filter(has_text=name).first.click()
        self.button("前往单位登录|Go to the institution's sign-in").click()

    @classmethod
    def of(cls, other: "Visitor", page: Page) -> "Visitor":
        """Return the same person before another window of the same browser."""
        found = cls.__new__(cls)
        found.__dict__ |= other.__dict__ | {"page": page}
        return found

    def speak(self, language: Language) -> None:
        """Take a language by the button every page has."""
        wanted, now = {"zh": ("中文", "zh-CN"), "en": ("English", "en")}[language]
        html = self.page.locator("html")
        if html.get_attribute("lang") != now:
            self.page.get_by_role("button", name=wanted, exact=True).click()
        expect(html).to_have_attribute("lang", now)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request as the pages do, for what is no part of the test; return its answer."""
        headers = {
            "X-Lianyan": "1",
            "Origin": re.match("[a-z]+://[^/]+", self.address)[0],
            "Idempotency-Key": f"{uuid4()}",
        }
        answer = self.context.request.fetch(
            f"{self.address}api/{path}", method=method, headers=headers, data=body
        )
        assert answer.ok, (path, answer.status, answer.text())
        return answer.json() if answer.text() else None

    def account_speaks(self, language: Language) -> None:
        """Let the person's account speak a language, without a page."""
        self.send("PUT", "session/locale", {"locale": language})

    def button(self, name: str, within: Locator | None = None) -> Locator:
        """Find a button or a link that looks like one by its words (a pattern)."""
        where = within or self.page
        pattern = re.compile(f"^(?:{name})$")
        return where.get_by_role("button", name=pattern).or_(
            where.get_by_role("link", name=pattern)
        )

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """Find a field by its label (the beginning of it)."""
        where = within or self.page
        return where.get_by_label(re.compile(f"^{label}"))

    def heading(self) -> str:
        """Return the words of the page's title."""
        return self.page.locator("main h1").inner_text()

    def state(self) -> Any:
        """Return the profile, for more windows of the same person."""
        return self.context.storage_state()

    def close(self) -> None:
        """Shut the window."""
        self.context.close()

    @contextmanager
    def counted(self, method: str, part: str) -> Iterator[list[str]]:
        """Collect the requests of one method whose address has `part` in it."""
        found: list[str] = []

        def note(request: Any) -> None:
            if request.method == method and part in request.url:
                found.append(request.url)

        self.context.on("request", note)
        try:
            yield found
        finally:
            self.context.remove_listener("request", note)
