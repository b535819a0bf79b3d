"""One connection of the server: what may take how long, and how much, before it is a request.

The server we build on waits for ever for a request that does not end, and keeps as many headers as
are sent. A proxy bounds both; a portal without one must itself.
"""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from lianyan.core.logs import note

LOG = logging.getLogger("lianyan.wire")

BAD, LATE, TOO_LARGE = 400, 408, 431
IDLE, HEAD, BODY = range(3)


class Refused(Exception):
    """What has come so far is no request that we take; the parser carries it out as its own error."""


class Wire(HttpToolsProtocol):
    """A connection whose requests come in time and are of some size, and whose answers are read."""

    head_seconds = 10.0
    """From the opening, or from the first byte of a request, to the end of its headers."""
    body_seconds = 60.0
    """From there to the end of its body."""
    unread_seconds = 60.0
    """An answer that is not taken for so long ends the connection."""
    largest_head = 32_768

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what the server gives every connection."""
        super().__init__(*args, **kwargs)
        # The line about a request that is none is ours.
        self.logger.setLevel(logging.ERROR)
        self.reading, self.number, self.size, self.fault = HEAD, 0, 0, BAD
        self.awaited: tuple[int, int] | None = None
        self.deadline: asyncio.TimerHandle | None = None
        self.unread: asyncio.TimerHandle | None = None

    # ---- what comes ----

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what has come, and wait for the rest of it for a limited time."""
        number = self.number
        super().data_received(data)
        if self.reading == HEAD and self.number == number:
            # A header is told to us at its end: one without an end would never be counted.
            self._count(len(data))
            if self.size > self.largest_head and not self.transport.is_closing():
                self.send_400_response("")
        self._wait()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.reading, self.number, self.size, self.fault = HEAD, self.number + 1, 0, BAD

    def on_url(self, url: bytes) -> None:
        """Take a part of its target."""
        self._counted(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._counted(name + value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, if it says once to whom it goes, and in a language known here."""
        version, names = self.parser.get_http_version(), [name for name, _ in self.headers]
        # The older version knows no chunks: who counts the body there may count otherwise.
        known = version == "1.1" or (version == "1.0" and b"transfer-encoding" not in names)
        if not known or names.count(b"host") not in ({1} if version == "1.1" else {0, 1}):
            raise Refused
        super().on_headers_complete()
        self.reading = BODY
        if self.parser.should_upgrade():
            # What follows would be another protocol, which nobody speaks here.
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """End a request."""
        self.reading = IDLE
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > self.largest_head:
            self.fault = TOO_LARGE

    def _counted(self, part: bytes) -> None:
        self._count(len(part))
        if self.fault == TOO_LARGE:
            raise Refused

    # ---- what does not come ----

    def _wait(self) -> None:
        """Set the deadline of what is being read, once for each part of a request."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing() or (self.reading == IDLE and busy):
            self._wait_no_longer()
        elif self.awaited != (self.number, self.reading):
            self._wait_no_longer()
            self.awaited = (self.number, self.reading)
            seconds = self.body_seconds if self.reading == BODY else self.head_seconds
            self.deadline = self.loop.call_later(seconds, self._late)

    def _wait_no_longer(self) -> None:
        self.awaited = None
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _late(self) -> None:
        if self.reading == IDLE or not self.number:
            self._close()  # nobody has asked for anything
        elif not self.transport.is_closing():
            self.fault = LATE
            self.send_400_response("")

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that nobody uses."""
        self._close()

    # ---- what goes ----

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong and close; never in the place of an answer that is still to come."""
        cycle, own = self.cycle, self.reading == BODY
        note(LOG, logging.INFO, "unreadable", status=self.fault)
        if cycle is not None and not cycle.response_complete:
            if not own:
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            begun = cycle.response_started or bool(self.pipeline)
            cycle.disconnected = True
            cycle.message_event.set()
            if begun:
                self._close()
                return
        said = msg.encode() or STATUS_LINE[self.fault].strip().partition(b" ")[2]
        kind = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
        size = b"content-length: %d\r\n\r\n" % len(said)
        self.transport.write(STATUS_LINE[self.fault] + kind + size + said)
        self._close()

    def on_response_complete(self) -> None:
        """Go on after an answer."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_taken()

    def pause_writing(self) -> None:
        """Stop writing until the other side has taken what it was sent."""
        super().pause_writing()
        self._expect_taken()

    def resume_writing(self) -> None:
        """Write again."""
        super().resume_writing()
        self._taken()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._wait_no_longer()
        self._taken()

    def _close(self) -> None:
        self._wait_no_longer()
        if not self.transport.is_closing():
            self.transport.close()
        self._expect_taken()

    def _expect_taken(self) -> None:
        if self.unread is None and self.transport.get_write_buffer_size():
            self.unread = self.loop.call_later(self.unread_seconds, self.transport.abort)

    def _taken(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None
