"""A person's way through the login pages of an institution, without a browser."""

import html
import re
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

BUTTON = re.compile(r'<button name="sub" value="([^"]*)">')
ACTION = re.compile(r'<form[^>]* action="([^"]+)"')
XSRF = re.compile(r'name="xsrf" value="([^"]+)"')


def choices(page: str) -> list[str]:
    """Return whom a login page offers."""
    return [html.unescape(v) for v in BUTTON.findall(page)]


def query(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(url).query))


async def through(browser: httpx2.AsyncClient, url: str, base: str, sub: str | None = None) -> str:
    """Follow `url` through the provider at `base`, choosing `sub` where asked; return the way back."""
    answer = await browser.get(url)
    for _ in range(12):
        if answer.has_redirect_location:
            url = urljoin(str(answer.url), answer.headers["location"])
            if not url.startswith(base):
                return url
            answer = await browser.get(url)
        elif answer.status_code == 200 and sub is not None and sub in choices(answer.text):
            action = urljoin(str(answer.url), ACTION.search(answer.text)[1])
            answer = await browser.post(action, data={"sub": sub})
        else:
            break
    raise AssertionError((answer.status_code, str(answer.url), answer.text[:2000]))


async def leave(browser: httpx2.AsyncClient, url: str, base: str) -> str:
    """Log out at the provider and return where it sends the person."""
    page = await browser.get(url)
    token, action = XSRF.search(page.text)[1], ACTION.search(page.text)[1]
    answer = await browser.post(action, data={"xsrf": token, "logout": "yes"})
    assert answer.status_code == 303, (answer.status_code, answer.text, base)
    return answer.headers["location"]
