"""The command line: `lianyan up | serve | work | migrate | seed | tables | doctor | backup | restore | audit | admin`.

A command imports what it needs when it runs, so that each starts in the time its own work takes.
"""

import argparse
import asyncio
import errno
import io
import sys
from collections.abc import Sequence

from lianyan import __version__
from lianyan.cli import commands
from lianyan.cli.fault import Fault
from lianyan.embedded.fault import EmbeddedError
from lianyan.settings import SettingsError


def parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets `run`, a function of the parsed arguments."""
    top = argparse.ArgumentParser(
        prog="lianyan", description="The joint research portal: everything that runs it."
    )
    top.add_argument("--version", action="version", version=f"lianyan {__version__}")
    commands.add(top.add_subparsers(required=True, metavar="command"))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the status the shell gets."""
    for stream in (sys.stdout, sys.stderr):
        # A shell whose locale knows no Chinese sees escapes, and not the end of the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = parser().parse_args(arguments)
    try:
        with asyncio.Runner(loop_factory=given.loop) as runner:
            status: int = runner.run(given.run(given))
    except (SettingsError, EmbeddedError, Fault) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        place = f" of {error.filename}" if error.filename else ""
        print(f"The disk{place} is full: make room there and try again.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status
