"""The portal in its containers, used through the proxy: by a browser, by a writer, by an administrator."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any

from building import secret_values
from steps import ADDRESS, IMAGE, ROOT, WORK, Failed, environment, run

PROJECT, DB_PORT = "lianyancheck", 54400
FILES = ("-f", "docker-compose.yml", "-f", "deploy/check/compose.check.yml")


class Compose:
    """The compose file of the repository, with what the check adds, as one project."""

    def __init__(self) -> None:
        """Choose passwords and images."""
        self.values = {
            **secret_values(),
            **{f"LIANYAN_{n}IMAGE": f"{IMAGE}/{i}" for n, i in (("", "app"), ("DB_", "db"), ("PROXY_", "proxy"))},
            "LIANYAN_PUBLIC_URL": ADDRESS,
            "LIANYAN_SITE": "localhost",
            "LIANYAN_HTTP_PORT": "8080",
            "LIANYAN_HTTPS_PORT": "8443",
            "CHECK_DB_PORT": str(DB_PORT),
        }  # fmt: skip
        self.env = {**environment(), **self.values}

    def __call__(self, *words: str, seconds: float = 240) -> str:
        """Run one podman-compose command."""
        command = ("podman-compose", *FILES, "-p", PROJECT, *words)
        return run(*command, env=self.env, cwd=ROOT, seconds=seconds)

    def up(self) -> None:
        """Start every service at once: each waits by itself for what it needs."""
        # Without --no-deps podman 4.3 refuses a chain of three; nothing here may lean on an order.
        self("up", "-d", "--no-build", "--no-deps")

    def down(self, *words: str) -> None:
        """Take the containers away, with `-v` their data too."""
        command = ("podman-compose", *FILES, "-p", PROJECT, "down", *words)
        run(*command, env=self.env, cwd=ROOT, quiet=True)

    def podman(self, *words: str) -> str:
        """Run podman beside it."""
        return run("podman", *words, env=self.env)

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{PROJECT}_{service}_1"

    def owner_url(self) -> str:
        """Return the database's address from outside."""
        password = self.values["LIANYAN_OWNER_PASSWORD"]
        return f"postgresql://lianyan_owner:{password}@127.0.0.1:{DB_PORT}/lianyan"


SILENT = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
"""What docs/audit.md asks of a database, so that its log holds nobody's words."""


class Client:
    """One person's requests through the proxy, with cookies."""

    def __init__(self) -> None:
        """Begin as nobody. The proxy's certificate is its own; what is tested is the portal."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.jar = CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(self.jar),
        )

    def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body; 0 where nothing answered."""
        asked = urllib.request.Request(  # noqa: S310  our own address
            ADDRESS + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Origin": ADDRESS.removesuffix("/portal"),
                "X-Lianyan": "1",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with self.opener.open(asked, timeout=20) as answer:
                return answer.status, lowered(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, lowered(error.headers), error.read()
        except OSError:
            return 0, {}, b""


def lowered(headers: Any) -> dict[str, str]:
    """Return headers by their names in small letters."""
    return {name.lower(): value for name, value in headers.items()}


def until(seconds: float, hold: Callable[[], bool], what: str) -> float:
    """Wait until something holds; return how long that took."""
    began = time.monotonic()
    while not hold():
        if time.monotonic() - began > seconds:
            raise Failed(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)
    return time.monotonic() - began


def administrator(compose: Compose) -> Client:
    """Return a client that is the portal's administrator, by the link the command line gives."""
    said = compose(
        *("run", "--rm", "--no-deps", "migrate", "admin", "invite"),
        *("--name", "示例管理员", "--institution", "示例平台"),
    )
    token = said.strip().splitlines()[-1].partition("#administrator=")[2]
    client = Client()
    status, _, body = client("POST", "/api/administrator-link", X_Invitation=token)
    if status != 204:
        raise Failed(f"the administrator's link answered {status}: {body[:300]!r}")
    return client


def look_at(compose: Compose) -> None:
    """Hold the page, the cookies and the containers to what is promised of them."""
    client = Client()
    status, headers, page = client("GET", "/")
    if status != 200 or b'<base href="/portal/"' not in page:
        raise Failed(f"the page under the sub-path: {status} {page[:200]!r}")
    wanted = ("content-security-policy", "x-content-type-options", "strict-transport-security")
    if missing := [name for name in wanted if name not in headers]:
        raise Failed(f"the page lacks {missing}")
    for service in ("app", "worker"):
        inspected = json.loads(compose.podman("inspect", compose.container(service)))[0]
        user = compose.podman("exec", compose.container(service), "id", "-u").strip()
        if user != "10001" or not inspected["HostConfig"]["ReadonlyRootfs"]:
            raise Failed(f"{service} runs as {user}, its root is writable")
    compose.podman("exec", compose.container("app"), "lianyan", "health")
    ask = 'PGPASSWORD=$LIANYAN_OWNER_PASSWORD psql -h 127.0.0.1 -U lianyan_owner -Atc "$0" lianyan'
    for setting, wanted_value in SILENT.items():
        shown = f"show {setting}"
        value = compose.podman("exec", compose.container("db"), "sh", "-c", ask, shown).strip()
        if value != wanted_value:
            raise Failed(f"the database's {setting} is {value}: its log could hold people's words")


def journey(compose: Compose) -> None:
    """Let the browser tests' people go from a draft to a project through the proxy."""
    folder = WORK / "portal" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "up.json").write_text(json.dumps({"address": f"{ADDRESS}/"}))
    env = {
        **os.environ,
        "LIANYAN_TEST_PORTAL": str(folder.parent),
        "LIANYAN_TEST_DATABASE": compose.owner_url(),
    }
    said = run(
        *(sys.executable, "-m", "pytest", "-q", "-m", "browser", "-p", "no:cacheprovider"),
        "tests/browser/test_journey.py",
        env=env,
        cwd=ROOT,
    )
    print("   ", said.strip().splitlines()[-1])


def killed(compose: Compose, client: Client) -> tuple[int, int, float]:
    """Kill the database under a writer; return acknowledged, lost, and seconds to the next write."""
    _, headers, _ = client("GET", "/api/platform")
    tag = headers["etag"]
    acknowledged, refused, back, struck = 0, 0, 0.0, 0.0
    until_time = time.monotonic() + 60
    while time.monotonic() < until_time and (not back or acknowledged < 80):
        text = {"purpose_zh": f"示例用途 {acknowledged + 1}"}
        status, headers, body = client("PATCH", "/api/platform", text, If_Match=tag)
        if status == 200:
            acknowledged, tag = acknowledged + 1, headers["etag"]
            if struck and not back:
                back = time.monotonic() - struck
        elif status == 503:
            refused += 1
            time.sleep(0.1)
        elif status == 412:  # stored although no answer came
            _, headers, _ = client("GET", "/api/platform")
            tag = headers.get("etag", tag)
        else:
            raise Failed(f"a write while the database was away: {status} {body[:300]!r}")
        if acknowledged == 40 and not struck:
            compose.podman("kill", "-s", "KILL", compose.container("db"))
            struck = time.monotonic()
            status, headers, _ = client("GET", "/api/home")
            if status != 503 or "retry-after" not in headers:
                raise Failed(f"without a database a page answered {status}")
            compose.podman("start", compose.container("db"))
    stored = json.loads(client("GET", "/api/platform")[2])["purpose"]["zh"]
    lost = max(0, acknowledged - int(stored.rpartition(" ")[2]))
    if not back or not refused:
        raise Failed(f"killed at {struck}, refused {refused} times, back after {back}")
    return acknowledged, lost, back
