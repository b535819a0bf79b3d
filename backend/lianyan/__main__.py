"""Run the command line as `python -m lianyan`."""

from lianyan.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
