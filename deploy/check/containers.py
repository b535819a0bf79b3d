"""Builds the images, runs docker-compose.yml with podman, and uses what comes up: `make containers`.

It needs root on a Debian-like system with the programs of `building.NEEDED` (with CI=1 they are
installed) and leaves nothing behind but its folder of images. Everything that runs does so in one
private network and mount namespace, so the machine's own network is not touched.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from building import build_all, install
from driving import Client, Compose, administrator, journey, killed, look_at, until
from steps import WORK, Failed, figures, run, step


def use() -> None:
    """Bring everything up, use it, hurt it, and take it away."""
    run("umount", "/sys/fs/cgroup/unified", quiet=True)
    run("ip", "link", "set", "lo", "up")
    compose, anyone = Compose(), Client()
    ready: Callable[[], bool] = lambda: anyone("GET", "/ready")[0] == 200  # noqa: E731
    try:
        with step("up: database, migrations, server, worker, proxy") as note:
            compose.up()
            note(f"ready {until(90, ready, 'the portal is ready'):.1f} s after that")
        with step("demo people"):
            compose("run", "--rm", "--no-deps", "-e", "LIANYAN_DEMO=1", "migrate", "seed")
        with step("page, headers, users, read-only roots"):
            look_at(compose)
        with step("journey in a browser through the proxy, under a sub-path"):
            journey(compose)
        client = administrator(compose)
        with step("database killed under a writer, started again") as note:
            acknowledged, lost, back = killed(compose, client)
            note(f"{acknowledged} writes confirmed, {lost} lost, next one after {back:.1f} s")
        if lost:
            raise Failed(f"{lost} confirmed writes are gone")
        with step("down and up: everything is still there") as note:
            before = client("GET", "/api/platform")[2], anyone("GET", "/api/projects")[2]
            compose.down()
            compose.up()
            until(90, ready, "the portal is ready again")
            after = client("GET", "/api/platform")[2], anyone("GET", "/api/projects")[2]
            if before != after:
                raise Failed("a page differs after down and up")
            note("session, profile and register as before")
    except Failed:
        for service in ("db", "migrate", "app", "worker", "login", "proxy"):
            said = run(
                "podman",
                "logs",
                "--tail",
                "20",
                compose.container(service),
                env=compose.env,
                quiet=True,
            )
            print(f"--- {service}\n{said}")
        raise
    finally:
        compose.down("-v")


def main() -> int:
    """Build, then become the same program in namespaces of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inside", type=int, metavar="OUTSIDE", help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        network = Path("/proc/self/ns/net").stat().st_ino
        if given.inside:
            if given.inside == network:
                raise Failed("This is still the machine's own network.")
            use()
            figures()
            return 0
        if os.geteuid() != 0:
            raise Failed("This check makes namespaces and images: run it as root.")
        WORK.mkdir(parents=True, exist_ok=True)
        install()
        build_all()
        figures()
        command = ["unshare", "-mn", sys.executable, str(Path(__file__)), f"--inside={network}"]
        return subprocess.run(command, check=False).returncode
    except (Failed, subprocess.TimeoutExpired) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
