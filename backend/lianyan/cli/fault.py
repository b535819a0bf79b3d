"""What stops a command."""


class Fault(RuntimeError):
    """A command cannot go on; the text says why and what helps."""
