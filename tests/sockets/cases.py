"""What may come over a connection: each with the answers it must have, in their order."""

from typing import NamedTuple

HOST = b"Host: 127.0.0.1\r\n"
END = b"\r\n"
GET = b"GET /health HTTP/1.1\r\n"
POST = (
    b"POST /api/proposals HTTP/1.1\r\nHost: a\r\nX-Lianyan: 1\r\nContent-Type: application/json\r\n"
)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HIDDEN = b"GET /api/calls HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request that hides in the body of another: it must never be answered."""


class Case(NamedTuple):
    """What is sent, what is answered, and whether the connection can be used afterwards."""

    sent: bytes
    statuses: tuple[int, ...]
    open: bool = False


def _refused(sent: bytes, status: int = 400) -> Case:
    return Case(sent, (status,))


def _taken(sent: bytes, *statuses: int) -> Case:
    return Case(sent, statuses, open=True)


def _get(target: bytes, *headers: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"".join(h + END for h in headers) + END


def _sized(*sizes: bytes) -> bytes:
    lines = b"".join(b"Content-Length: " + size + END for size in sizes)
    return POST + lines + END + b"{}" + HIDDEN


def _coded(coding: bytes) -> bytes:
    return POST + b"Transfer-Encoding: " + coding + END + END + b"2\r\n{}\r\n0\r\n\r\n"


def _chunks(body: bytes) -> bytes:
    return POST + CHUNKED + END + body


FRAMING: dict[str, Case] = {
    "length and chunks": _refused(POST + b"Content-Length: 4\r\n" + CHUNKED + END + b"0\r\n\r\n" + HIDDEN),
    "chunks and length": _refused(POST + CHUNKED + b"Content-Length: 4\r\n" + END + b"0\r\n\r\n" + HIDDEN),
    "two lengths": _refused(_sized(b"2", b"60")),
    "two equal lengths": _refused(_sized(b"2", b"2")),
    "list of lengths": _refused(_sized(b"2, 2")),
    "length with sign": _refused(_sized(b"+2")),
    "length below zero": _refused(_sized(b"-2")),
    "hexadecimal length": _refused(_sized(b"0x2")),
    "length with a gap": _refused(_sized(b"2 2")),
    "length of no number": _refused(_sized(b"")),
    "length of 24 digits": _refused(_sized(b"9" * 24)),
    "coding unknown": _refused(_coded(b"xchunked")),
    "coding not last": _refused(_coded(b"chunked, identity")),
    "coding twice": _refused(_coded(b"chunked\r\nTransfer-Encoding: chunked")),
    "coding after a control sign": _refused(_coded(b"\x0bchunked")),
    "coding with space before its colon": _refused(POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": _refused(_coded(b"chunked").replace(b"HTTP/1.1", b"HTTP/1.0")),
    "coding after a tab": _taken(_coded(b"\tchunked"), 401),
    "chunk size no number": _refused(_chunks(b"zz\r\n{}\r\n0\r\n\r\n")),
    "chunk size with 0x": _refused(_chunks(b"0x2\r\n{}\r\n0\r\n\r\n")),
    "chunk size below zero": _refused(_chunks(b"-2\r\n{}\r\n0\r\n\r\n")),
    "chunk size too large a number": _refused(_chunks(b"fffffffffffffffff2\r\n{}\r\n0\r\n\r\n")),
    "chunk longer than its size": _refused(_chunks(b"2\r\n{}xx\r\n0\r\n\r\n")),
    "chunk lines end with LF": _refused(_chunks(b"2\n{}\n0\n\n")),
    "chunk size with space": _refused(_chunks(b"2 \r\n{}\r\n0\r\n\r\n")),
    "chunk extension with LF": _refused(_chunks(b"2;a\n\r\n{}\r\n0\r\n\r\n")),
    "chunk extension of 1 MB": _taken(_chunks(b"2;" + b"a" * 1_000_000 + b"\r\n{}\r\n0\r\n\r\n"), 401),
    "trailers": _taken(_chunks(b"2\r\n{}\r\n0\r\nHost: evil.example\r\n\r\n"), 401),
    "trailer of 1 MB": _refused(_chunks(b"2\r\n{}\r\n0\r\nA: " + b"b" * 1_000_000 + b"\r\n\r\n"), 431),
    "body of a GET": _taken(GET + HOST + b"Content-Length: 50\r\n\r\n" + HIDDEN.ljust(50), 200),
    "empty lines before": _taken(END * 3 + GET + HOST + END, 200),
    "more after the last one": Case(GET + HOST + b"Connection: close\r\n\r\n" + HIDDEN, (200,)),
    "rubbish after a request": Case(GET + HOST + END + b"\x00\xffRUBBISH\r\n\r\n", (200,)),
}  # fmt: skip

HEADERS: dict[str, Case] = {
    "folded header": _refused(GET + HOST + b"X-A: a\r\n b\r\n\r\n"),
    "folded first header": _refused(GET + b" X-A: a\r\n" + HOST + END),
    "line ends with LF": _refused(b"GET /health HTTP/1.1\n" + HOST + END),
    "header ends with LF": _refused(GET + b"Host: a\n\r\n"),
    "CR in a header": _refused(GET + HOST + b"X: a\rb\r\n\r\n"),
    "NUL in a header": _refused(GET + HOST + b"X: a\x00b\r\n\r\n"),
    "NUL in a name": _refused(GET + HOST + b"X\x00: a\r\n\r\n"),
    "space before a colon": _refused(GET + b"Host : a\r\n\r\n"),
    "no name": _refused(GET + HOST + b": a\r\n\r\n"),
    "no UTF-8": _taken(GET + HOST + b"X: \xff\xfe\r\n\r\n", 200),
    "no UTF-8 where we read": _taken(_get(b"/", b"Accept-Language: \xff", b"Cookie: lang=\xff; \xfe"), 200),
    "30 kB": _taken(GET + HOST + b"X: " + b"a" * 30_000 + b"\r\n\r\n", 200),
    "64 kB": _refused(GET + HOST + b"X: " + b"a" * 65_536 + b"\r\n\r\n", 431),
    "cookie of 64 kB": _refused(GET + HOST + b"Cookie: a=" + b"a" * 65_536 + b"\r\n\r\n", 431),
    "10,000 headers": _refused(GET + HOST + b"X-A: b\r\n" * 10_000 + END, 431),
    "target of 70 kB": _refused(_get(b"/" + b"a" * 70_000), 431),
    "no host": _refused(GET + END),
    "host twice": _refused(GET + HOST + HOST + END),
    "host of rubbish": _taken(GET + b"Host: a b@c:99999/#?\r\n\r\n", 400),
    "host empty": _taken(GET + b"Host:\r\n\r\n", 200),
    "host foreign": _taken(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),
    "no host in HTTP/1.0": Case(b"GET /health HTTP/1.0\r\n\r\n", (200,)),
    "forwarded by nobody": _taken(_get(b"/", b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Host: evil.example", b"X-Forwarded-Proto: https", b"Forwarded: for=192.0.2.1;host=evil.example"), 200),
    "every connection option": Case(GET + HOST + b"Connection: close, keep-alive, upgrade, te\r\n\r\n", (200,)),
    "websocket": Case(_get(b"/api/calls", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") + b"\x81\x05hello", (200,)),
    "websocket protocol no ASCII": Case(_get(b"/", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Protocol: \xe4\xb8\xad\xff"), (200,)),
    "upgrade with a body": Case(POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n\r\n{}", (401,)),
    "expectation": _taken(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", 401),
    "another expectation": _taken(POST + b"Expect: 999-tea\r\nContent-Length: 2\r\n\r\n{}", 401),
}  # fmt: skip

TARGETS: dict[str, Case] = {
    "absolute": _taken(_get(b"http://evil.example/health"), 200),
    "absolute without a path": _refused(_get(b"http://evil.example")),
    "absolute without a host": _refused(_get(b"http://")),
    "asterisk": _taken(b"OPTIONS * HTTP/1.1\r\n" + HOST + END, 204),
    "query alone": _refused(_get(b"?x")),
    "fragment": _taken(_get(b"/health#x"), 200),
    "tunnel": _refused(b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + END),
    "tunnel to a path": Case(b"CONNECT /health HTTP/1.1\r\n" + HOST + END, (405,)),
    "trace": _taken(b"TRACE /health HTTP/1.1\r\n" + HOST + END, 405),
    "unknown method": _refused(b"BREW /health HTTP/1.1\r\n" + HOST + END),
    "small letters": _refused(b"get /health HTTP/1.1\r\n" + HOST + END),
    "HTTP/0.9": _refused(b"GET /health\r\n\r\n"),
    "HTTP/2 preface": _refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/2.0": _refused(b"GET /health HTTP/2.0\r\n" + HOST + END),
    "HTTP/9.9": _refused(b"GET /health HTTP/9.9\r\n" + HOST + END),
    "tabs": _refused(b"GET\t/health\tHTTP/1.1\r\n" + HOST + END),
    "space": _refused(_get(b"/hea lth")),
    "NUL": _refused(_get(b"/\x00")),
    "NUL, quoted": _taken(_get(b"/%00"), 400),
    "no UTF-8": _refused(_get(b"/\xff\xfe")),
    "no UTF-8, quoted": _taken(_get(b"/api/calls/%ff%fe"), 404),
    "UTF-8, unquoted": _refused(_get("/项目".encode())),
    "broken quotes": _taken(_get(b"/api/%zz%%%"), 404),
    "query no UTF-8": _refused(_get(b"/api/projects?q=\xff\xfe")),
    "query no UTF-8, quoted": _taken(_get(b"/api/projects?q=%ff%fe"), 200),
    "up and out": _taken(_get(b"/assets/../../etc/passwd"), 404),
    "up and out, quoted": _taken(_get(b"/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), 404),
    "up and out, all quoted": _taken(_get(b"/assets/..%2f..%2f..%2fetc%2fpasswd"), 404),
    "up and out, quoted twice": _taken(_get(b"/assets/%252e%252e%252fetc%252fpasswd"), 404),
    "two slashes": _taken(_get(b"//evil.example/x"), 200),
    "backslash": _taken(_get(b"/\\evil.example"), 404),
    "no HTTP": _refused(bytes(range(256))),
    "TLS": _refused(bytes.fromhex("16030100a5010000a10303") + bytes(100)),
}  # fmt: skip
