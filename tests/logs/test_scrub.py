"""A full run leaves nobody's name, address, token or words in any log.

The short form is the journey from a draft to a release, with errors, rubbish and a killed database;
`LIANYAN_LONG=1` adds a portal with the demo's people and a login through their institution.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx2
import pytest

from browser.long import long_form
from figures import figure
from idp.walk import query, through
from kills.hurt import PATIENCE, Hurt
from kills.journey import Step, journey, key, match
from lianyan.embedded import throwaway
from lianyan.embedded.cluster import Home
from logs.kept import PERSONAL, found_in, lines, logs
from portal import free_port, portal

LIANYAN = [sys.executable, "-m", "lianyan"]
MARK = "石榴树下"
"""Stands in everything that is sent here and nowhere else."""
MAIL, PHONE = "shiliu.shuxia@example.org", "+86 139 0013 9001"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hurt() -> Iterator[Hurt]:
    with throwaway() as folder:
        found = Hurt(LIANYAN, folder)
        try:
            yield found
        finally:
            found.close()


def _whole(hurt: Hurt) -> tuple[str, set[str]]:
    """Walk the whole journey; return where the proposal is, and every token on the way."""
    steps, tokens = journey(hurt.cast, hurt.get), set[str]()
    step = next(steps)
    while True:
        tokens |= {v for n, v in step.headers.items() if n in {"x-invitation", "idempotency-key"}}
        got = hurt.send(step)
        try:
            step = steps.send(got)
        except StopIteration:
            break
    for headers in hurt.cast.headers.values():
        tokens |= {morsel.value for morsel in SimpleCookie(headers.get("cookie", "")).values()}
    return f"/proposals/{hurt.get('lead', '/proposals')['items'][0]['id']}", tokens


def _strange(hurt: Hurt, at: str) -> dict[int, int]:
    """Send what is refused, with words that may stand nowhere afterwards; count the answers."""
    words, quoted = {"aims": MARK, "name": MARK, "email": MAIL, "phone": PHONE}, quote(MARK)
    steps = [
        *[Step(who, "GET", f"{path}?q={quoted}&cursor={quoted}&state={quoted}") for who in ("nobody", "lead", "coordinator") for path in ("/projects", "/people", "/proposals", "/desk", "/institutions")],
        *[Step(who, "GET", f"/proposals/{quoted}") for who in ("nobody", "lead")],
        *[Step("lead", "PUT", f"{at}/sections/aims", body, match(rev)) for rev in (0, 1, 7) for body in ({"answers": words}, words, {"answers": {"aims": MARK + "\0"}}, MARK)],
        *[Step("lead", "POST", path, words, key()) for path in (at + "/participations", "/proposals", at + "/withdraw", at + "/members", "/session/locale")],
        *[Step("coordinator", "PUT", f"{at}/{path}", {**words, "verdict": "no", "note": MARK, "letter": MARK}, match(rev)) for rev in (0, 1) for path in ("check/in_scope", "decision")],
        Step("lead", "POST", "/proposals", {"call_id": hurt.cast.ids["call"], "institution_id": hurt.cast.ids["a"], "title": MARK}, key()),
        Step("nobody", "GET", "/invitation", None, {"x-invitation": f"{MAIL}-{quoted}"}),
        Step("nobody", "POST", "/invitation/accept", words, {"x-invitation": f"{MAIL}-{quoted}", **key()}),
        Step("lead", "GET", "/proposals", None, {"accept-language": MAIL, "x-forwarded-for": MAIL, "user-agent": MAIL, "referer": f"{hurt.origin}/{quoted}", "if-none-match": MAIL}),
        Step("lead", "POST", "/proposals", words, {"idempotency-key": MAIL, "content-type": MAIL}),
    ]  # fmt: skip
    counts: dict[int, int] = {}
    for step in steps:
        status = hurt.once(step).status_code
        counts[status] = counts.get(status, 0) + 1
    for path in (f"/auth/{MAIL}/callback?code={MAIL}&state={quoted}&error={quoted}", f"/{quoted}"):
        hurt.client.get(f"{hurt.origin}{path}", headers={"cookie": f"lianyan_session={MAIL}; lang={MAIL}"})  # fmt: skip
    hurt.client.post("/proposals", content=f"{{{MARK}".encode(), headers={"x-lianyan": "1", "content-type": "application/json"})  # fmt: skip
    return counts


def _killed(hurt: Hurt, at: str) -> None:
    """Kill the database and go on writing and searching meanwhile."""
    hurt.kill("postgres")
    deadline, away = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline:
        got = hurt.once(Step("lead", "PUT", f"{at}/sections/aims", {"answers": {"aims": MARK}}, match(9)))  # fmt: skip
        hurt.once(Step("nobody", "GET", f"/projects?q={quote(MARK)}"))
        away += got.status_code == 503
        if got.status_code != 503 and away:
            return
        time.sleep(0.05)
    raise AssertionError("the database was never seen to be away")


def _released(hurt: Hurt) -> None:
    """Let the worker do everything that was ordered."""
    over = "now() - interval '1 second'"
    hurt.run(f"update releases set due_at = {over}", f"update jobs set run_at = {over}")
    deadline = time.monotonic() + PATIENCE
    while hurt.rows("select 1 from jobs where failed_at is null and run_at <= now()"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _passwords(hurt_or_folder: Any) -> set[str]:
    home = Home.read(hurt_or_folder / "data")
    assert home is not None
    return set(home.passwords.values())


def test_a_full_run_leaves_nobodys_words_in_any_log(hurt):
    at, tokens = _whole(hurt)
    counts = _strange(hurt, at)
    _released(hurt)
    _killed(hurt, at)
    secrets = {row[0] for row in hurt.rows(PERSONAL)}
    hurt.close()
    found = logs(hurt.folder / "data", hurt.portal.said)
    print(
        f"{counts}; {len(secrets)} texts, {len(tokens)} tokens, {sum(map(len, found.values()))} bytes"
    )
    secrets |= tokens | {MARK, MAIL, PHONE, MAIL.partition("@")[0]} | _passwords(hurt.folder)
    told = found_in(found, secrets)
    name = "logs: personal words, addresses, tokens and texts found in all logs of a full run"
    figure(name, "0", str(len(told)), held=not told)
    assert told == []
    assert len(tokens) >= 9
    assert found.keys() == {"server.log", "worker.log", "postgres.log", "up"}
    assert all(content.isascii() for name, content in found.items() if name != "up")
    assert found_in({"log": found["server.log"] + "示例 牵头人"}, secrets) == ["log: 牵头人"]
    _one_line_each(found)


def _one_line_each(found: dict[str, str]) -> None:
    """Look at the form of the lines of server and worker."""
    served, worked = lines(found["server.log"]), lines(found["worker.log"])
    requests = [line for line in served if line["event"] == "request"]
    assert len({line["id"] for line in requests}) == len(requests) > 100
    assert not [line for line in requests if line["status"] >= 500 and line["status"] != 503]
    jobs = [line for line in worked if line["event"] == "job"]
    assert {frozenset(line) for line in jobs} == {
        frozenset({"at", "level", "event", "id", "kind", "tries", "ms", "outcome"})
    }
    assert {line["outcome"] for line in jobs} <= {"done", "lost", "failed", "cut_off"}
    assert "release.carry_out" in {line["kind"] for line in jobs}
    assert "database.away" in {line["event"] for line in served}
    assert "Traceback" not in found["server.log"] + found["worker.log"]


@long_form
def test_a_login_through_an_institution_leaves_nothing_either():
    with (
        throwaway() as folder,
        portal(LIANYAN, folder, "--demo", "--port", str(free_port())) as site,
    ):
        tokens = asyncio.run(_logged_in(site.address.rstrip("/")))
        home = Home.read(folder / "data")
        assert home is not None
        secrets = asyncio.run(_texts(home.url("lianyan_owner")))
        site.end()
        found = logs(folder / "data", site.said)
        told = found_in(found, secrets | tokens | _passwords(folder))
        name = "logs: the same, of the demo with logins through an institution"
        figure(name, "0", str(len(told)), held=not told)
        assert told == []
        assert "demo-login.log" in found
        assert not [name for name, content in found.items() if "eyJ" in content], "no signed token"
        lines(found["server.log"])


async def _texts(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch(PERSONAL)}
    finally:
        await connection.close()


async def _logged_in(origin: str) -> set[str]:
    """Log in and out, and fail to; return every code, state, token and cookie seen."""
    seen = set[str]()
    async with httpx2.AsyncClient(headers={"x-lianyan": "1", "origin": origin}) as browser:
        for _ in range(2):
            got = await browser.post(
                f"{origin}/api/login/nuist", json={"return_to": f"/?{MAIL}", "hint": "nuist-jia"}
            )
            url = got.json()["url"]
            provider = url.partition("/nuist/")[0]
            back = await through(browser, url, provider, "nuist-jia")
            seen |= set(query(url).values()) | {query(back)["code"], query(back)["state"]}
            assert (await browser.get(back)).status_code == 303
            assert "lianyan_session" in browser.cookies
            assert (await browser.get(back + MAIL)).status_code >= 300
            seen |= {cookie.value for cookie in browser.cookies.jar if cookie.value}
            await browser.get(f"{origin}/api/people?q={quote(MARK)}")
            await browser.post(f"{origin}/api/logout")
    return (
        seen
        - {"code", "S256", "nuist", "query"}
        - {v for v in seen if v.startswith(("http", "openid"))}
    ) | {MARK, MAIL}
