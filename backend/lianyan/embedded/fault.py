"""What stands in the way of the embedded database."""


class EmbeddedError(RuntimeError):
    """The embedded database cannot run; the text says why and what helps."""
