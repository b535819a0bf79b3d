"""The portal's cookies: the session, the login on its way, the institution chosen last."""

from datetime import timedelta
from typing import Literal

from litestar.datastructures import Cookie, State

from lianyan.core.actor import session_cookie
from lianyan.settings import Settings

LOGIN_LIVES = timedelta(minutes=10)
LONGEST = timedelta(days=7)
"""The longest life of a session that no setting makes longer; the database ends it earlier."""
LEFT_LIVES = timedelta(days=1)
LAST_LIVES = timedelta(days=365)
LAST = "lianyan_last"
"""The institution chosen last: readable by the page, which offers to forget it."""


def login_cookie(settings: Settings) -> str:
    """Return the name of the cookie that binds a login to the browser that began it."""
    if not settings.public_url.startswith("https://"):
        return "lianyan_login"
    return "__Secure-l" if settings.base_path else "__Host-l"


def left_cookie(settings: Settings) -> str:
    """Return the name of the cookie that says that the last person here logged out."""
    return f"{login_cookie(settings)}x"


def _cookie(
    settings: Settings,
    name: str,
    value: str | None,
    lives: timedelta,
    *,
    readable: bool = False,
) -> Cookie:
    same: Literal["lax"] = "lax"
    return Cookie(
        key=name,
        value=value or "",
        max_age=0 if value is None else int(lives.total_seconds()),
        path=settings.base_path or "/",
        secure=settings.public_url.startswith("https://"),
        httponly=not readable,
        samesite=same,
    )


def session_of(state: State, token: str | None) -> Cookie:
    """Return the cookie that opens a session, or with None the one that ends it in the browser."""
    lives = max(LONGEST, timedelta(hours=state.settings.session_hours))
    return _cookie(state.settings, session_cookie(state), token, lives)


def login_of(settings: Settings, browser: str) -> Cookie:
    """Return the cookie of a login that has begun."""
    return _cookie(settings, login_cookie(settings), browser, LOGIN_LIVES)


def left_of(settings: Settings, *, left: bool) -> Cookie:
    """Return the cookie that says, or no longer says, that somebody has just logged out."""
    return _cookie(settings, left_cookie(settings), "1" if left else None, LEFT_LIVES)


def last_of(settings: Settings, slug: str) -> Cookie:
    """Return the cookie that remembers the institution."""
    return _cookie(settings, LAST, slug, LAST_LIVES, readable=True)
