"""Another site: pages that attack the portal, served from another port of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Elsewhere:
    """A site of somebody else's; `page` is what it shows, `asked` what browsers have asked of it."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.page, self.asked = "", list[str]()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body = site.page.encode()
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def address(self, host: str) -> str:
        """Return where it is under one of this machine's names."""
        return f"http://{host}:{self.port}/"

    @contextmanager
    def open(self) -> Iterator["Elsewhere"]:
        """Serve for a while."""
        thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join(5)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Give another site."""
    with Elsewhere().open() as site:
        yield site
