"""What people, machines and attackers have sent to portals like this one: texts, numbers, dates, bodies."""

import json
from typing import Any

SEEN = [
    "", " ", "   ", "\u3000", "\t", "\n", "\xa0", "\u200b", "\u2060", "\ufeff", "\u2800", "\u00ad", "\u034f",
    "𠮷野家", "𰻞𰻞面", "𪚥", "👩‍👩‍👧‍👦", "🇨🇳🇹🇼", "👍🏽", "1️⃣", "❤️", "a" + "\u0301" * 1000, "ก็็็็็", "é", "e\u0301", "ﬁ", "Å", "Å",
    "が", "か\u3099", "六", "\uf9d1", "ＡＩ＋医疗２０２６（一期）", "＜script＞", "＝1+1", "１，０００", "①②③", "Ⅳ", "㎡", "a\u200bb", "a\u200db", "a\u200cb",
    "题\ufeff目", "\ufeff题", "题\ufeff", "аdmin", "раypal", "İstanbul", "ıI", "straße", "ﬀ", "\u0345", "Ǆ", "·", "阿卜杜拉·买买提", "O’Neil", "O'Neil",
    "李", "李 明", "王" * 50, "王" * 60, "王" * 61, "张三<b>", "\ufffd", "\ue000", "\U000f0000", "\U000e0041\U000e007f", "\ufe0f", "‰", "☃",
    "' OR 1=1--", "'; drop table people;--", "%", "_", "%%", "\\", "\\\\", "\\u0000", "\\x00", "$1", "$$", ":p", ":name", "?", "%s", "%(a)s", "%n",
    "{{7*7}}", "{0.__class__}", "{count}", "{", "}", "{}", "${jndi:ldap://x/a}", "#{7*7}", "<%= 7*7 %>", "`id`", "$(id)", "| id", "; id", "&& id",
    "<script>alert(1)</script>", "<svg onload=alert(1)>", "<img src=x onerror=alert(1)>", "</script><script>", "</textarea>", "<!--", "-->", "]]>",
    "&lt;b&gt;", "&amp;", "&#x27;", "javascript:alert(1)", "data:text/html,<b>", "vbscript:x", "[x](javascript:alert(1))", "![x](http://x/y.png)",
    "# h\n\n- l", "\\input{/etc/passwd}", "$x^2$", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|'/c calc'!A0", '=HYPERLINK("http://x")', "|", ";", ",",
    '"', '""', "'", "`", "“”", "(((", ")))", ":*", "&&", "||", "!!", "a & b | !c", "<->", "^(a+)+$", "[", "]", "*", ".*", "null", "None", "undefined",
    "true", "NaN", "Infinity", "0", "-0", "../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\data", "CON", "file:///etc/passwd", "http://127.0.0.1:9/",
    "//evil.example", "/\\evil.example", "https://evil.example/", "a@b.example,c@d.example", "Bcc: x@y.example", "😀" * 300, "a" * 300, "a " * 150, "a-" * 600,
    "\U00030000", "\U00031350", "\U0002ebf0", "欧阳 娜娜", "阿卜杜热合曼·阿布都热依木·买买提江", "O\u2019Brien-李", "a\u200b@b.cn", "a@b.cn", '"a b"@b.cn',
    "李@例子.中国", "a@xn--fsqu00a.xn--fiqs8s", "a" * 308 + "@example.cn", "xn--", "mailto:a@b.cn?bcc=c@d.cn", "{% raw %}", "${{ secrets }}", "%0d%0aBcc:x@y.cn",
    "＝cmd|'/c calc'!A0", "＋1", "－1", "＠a", "\r=1", "(a|aa)+$", "词 " * 499, "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "👨🏿‍🦰", "🏳️‍🌈",
    "長\ufe00", "葛\U000e0100", "ﷺ", "ﷺ" * 20, "ẞ", "ŉ", "ﬃ", "㍿", "ｶﾞ", "ß" * 300, "\u1e9e\u0307", "x\u0323\u0307", "x\u0307\u0323", "Ω", "K",
    "长" * 21, "长" * 41, "长" * 301, "长" * 999, "a" * 1001, "x" * 5000, "长" * 5000, "1.2.3." * 900,
]  # fmt: skip
"""Texts that are texts, however odd: each is stored exactly as typed, or refused by name."""

REFUSED = [
    "a\x00b", "\x00", "\x01", "a\x07b", "a\x08b", "\x1b[31m", "a\x7fb", "\x80", "\x85", "a\x9fb",
    "\ud800", "\udfff", "\udc00\ud800", "a\ud83d", "\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\U0010ffff",
]  # fmt: skip
"""What no text field may store, in Python's own signs."""

LINES = [
    "a\nb",
    "a\rb",
    "a\r\nb",
    "a\r\nBcc: x@y.example",
    "a\tb",
    "a\x0bb",
    "a\x0cb",
    "a\u2028b",
    "a\u2029b",
    "\n" * 1000,
]
"""Line breaks of every kind: right in prose, refused in a line."""

BIDI = [
    "a\u202eb",
    "\u202dx",
    "\u2066x",
    "x\u2069",
    "\u200ex",
    "x\u200f",
    "\u061cx",
    "a\u202ab\u202c",
]
"""Signs that turn the direction: right in prose, refused in a line."""

HUGE = [
    "x" * 100_001,
    "词 " * 10_000,
    "x" * 900_000,
    "长" * 60_000,
    "\n" * 100_001,
    "a" * 320 + "@example.com",
    "e\u0301" * 30_000,
]

RAW_NUMBERS = [
    "-0", "1E2", "1e-400", "1e400", "1e999999", "NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "0x10", "0b1", "1_000", "9" * 40,
    "9" * 4400, "-9223372036854775809", "18446744073709551616", "4.0", "4.0000000000000001", "１", "1,000", "0.1e1",
]  # fmt: skip
"""Numbers as they are written in JSON, or are not."""

TEXTS = [*SEEN, *REFUSED, *LINES, *BIDI, *HUGE]

IDS = [
    "", "x", "0", "1", "-1", "null", "me", "..", "00000000-0000-0000-0000-000000000000", "{0198c9a0-0000-7000-8000-000000000000}",
    "urn:uuid:0198c9a0-0000-7000-8000-000000000000", "0198C9A0-0000-7000-8000-000000000000", "0198c9a000007000800000000000000g",
    "0198c9a0-0000-7000-8000-000000000000 ", "ffffffff-ffff-ffff-ffff-ffffffffffff", "' OR 1=1--", "a" * 5000, "１",
]  # fmt: skip

NUMBERS: list[Any] = [
    -1, 0, 1, 5, 37, 121, 2**31, 2**31 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**40, -0.0, 0.5, 1.0,
    1e308, "1", "１", "1,000", "一百万", "", "1e3", "0x10", "NaN",
]  # fmt: skip

AMOUNTS = [
    "-0", "-1", "+1", "1e308", "NaN", "Infinity", "9" * 40, "0." + "9" * 40, "1,000", "１２", "一百万", "1.234", ".5", "5.", "1 000", "0x10", "٣",
    "999999999999.99", "9999999999999", "00", "0", "1_000", "1e2", " 1", "1\n",
]  # fmt: skip

DATES = [
    "", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z",
    "2027-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2027-01-01T00:00:00+15:00", "2027-01-01T00:00:00-00:00",
    "2027-01-01T00:00:00+08", "2027-01-01T24:00:01Z", "2027-01-01T23:60:00Z", "-2027-01-01T00:00:00Z", "+2027-01-01T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T23:59:60Z", "2027-01-01T00:00:00+14:00", "2027-01-01T00:00:00-12:00",
    "2027-01-01T00:00:00+25:00", "2027-01-01T18:00", "2027-01-01", "1764583200", "2027-W01-1", "2027-001", "20270101T000000Z", "２０２７-01-01T00:00:00Z",
    "2027-01-01T00:00:00.1234567Z", "2027-01-01 00:00:00Z", "2027-01-01T00:00:00z", "2027年1月1日", "1/2/2027", "2027-03", "2027-00", "0000-01",
    "10000-01", "2027-1", "二〇二七-03", "2027-03\n", "now", "infinity", "-infinity", "epoch", "2027-06-31T12:00:00+08:00", "2026-12-01T18:00:00+08:00[Asia/Shanghai]",
]  # fmt: skip

WRONG: list[Any] = [
    None, True, False, 0, 1, 1.5, "x", [], [[]], {}, {"a": 1}, [None], ["x"] * 3, {"$ne": ""}, [["a"]] * 2, {"": ""}, {"__proto__": {}},
    ["a"] * 5000, {str(n): n for n in range(5000)},
]  # fmt: skip
"""A value of another type than the field has."""

NESTED = 100_000
MANY = 100_000
"""So many keys come to about a million bytes, which is what a body may have."""


def _text(value: str) -> bytes:
    return json.dumps({"reason": value, "answers": {"aims": value}}, ensure_ascii=False).encode()


BODIES: dict[str, bytes] = {
    "nothing": b"", "null": b"null", "a list": b"[]", "a text": b'"x"', "a number": b"1", "a blank": b" ", "half": b'{"reason": ',
    "two": b'{"reason": "a"}{"reason": "b"}', "trailing": b'{"reason": "a"} x', "not a number": b'{"reason": NaN}', "infinity": b'{"reason": -Infinity}',
    "single quotes": b"{'reason': 'a'}", "a comment": b'{/* */"reason": "a"}', "a trailing comma": b'{"reason": "a",}',
    "a mark first": b"\xef\xbb\xbf" + _text("a"), "not UTF-8": b'{"reason": "\xff\xfe"}', "overlong": b'{"reason": "\xc0\x80"}',
    "encoded surrogate": b'{"reason": "\xed\xa0\x80"}', "UTF-16": '{"reason": "目标"}'.encode("utf-16"), "UTF-32": '{"reason": "目标"}'.encode("utf-32"),
    "GB18030": '{"reason": "目标"}'.encode("gb18030"), "Big5": '{"reason": "目標"}'.encode("big5"), "latin": '{"reason": "é"}'.encode("latin-1"),
    "deep lists": b"[" * NESTED, "deep objects": b'{"reason":' * NESTED, "closed deep lists": b"[" * NESTED + b"]" * NESTED,
    "deep inside": b'{"answers": {"aims": ' + b"[" * NESTED + b"]" * NESTED + b"}}",
    "many keys": b"{" + b",".join(b'"%d":1' % n for n in range(MANY)) + b"}", "a key of nothing": b'{"": 1}', "a NUL key": b'{"\\u0000": 1}',
    "a surrogate key": b'{"\\ud800": 1}', "a long key": b'{"' + b"k" * 100_000 + b'": 1}', "a long number": b'{"reason": ' + b"9" * 100_000 + b"}",
    "a huge exponent": b'{"reason": 1e999999}', "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "a form": b"reason=a&again=true", "XML": b"<reason>a</reason>",
    "a million keys": b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}", "five million": b'{"reason": "' + b"a" * 5_000_000 + b'"}',
    "a million and one": b'{"reason": "' + b"a" * 1_000_001 + b'"}',
}  # fmt: skip
"""Bodies that are no body, by what is wrong with them."""

TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/json; charset=gb18030",
         "application/json;charset=utf-16", "application/msgpack", "", "x", "application/json, text/html"]  # fmt: skip

PACKINGS = ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip", "identity, gzip", "x"]
OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"]
RANGES = [
    "bytes=0-0", "bytes=0-1,1-2,0-1", "bytes=0-,0-,0-," + "0-," * 500 + "0-", "bytes=-1", "bytes=9-1", "bytes=99999999999999999999-",
    "items=0-1", "bytes=a-b", "bytes=", "bytes=0-18446744073709551616",
]  # fmt: skip
SEGMENTS = [
    "%2e%2e%2f", "..%2f..%2fetc%2fpasswd", "%252e%252e%252f", "%00", "x%00", ";a=b", "x;jsessionid=1", "%ff%fe", "%c0%ae%c0%ae", "%5c..%5c", ".", "%2e",
    "%0d%0aSet-Cookie:a=b", "%u002e", "%E2%80%AE", "~root", "a%20b", "%3Cscript%3E", "*", "%25", "x" * 7000, "{id}", "null", "%7B%7D",
]  # fmt: skip
"""Parts of a path, as they stand in an address."""
DOUBLED = [b'{"reason": "a", "reason": "b"}', b'{"reason": "a", "re\\u0061son": "b"}']
"""One member twice, the second time perhaps in disguise."""

MATCHES = [
    "*",
    'W/"1"',
    '"1", "2"',
    "1",
    '""',
    '"-1"',
    '"1e3"',
    '"１"',
    '"x"',
    '"1" ',
    '"99999999999999999999"',
    '"0001"',
    '"\'"',
    '"1\t"',
]
KEYS = ["", " ", "a" * 101, "a" * 5000, "é", "a\tb"]
LIMITS = [
    "0",
    "-1",
    "10001",
    "101",
    "abc",
    "1e3",
    "1.0",
    "１０",
    "",
    " ",
    "0x10",
    "9" * 40,
    "NaN",
    "null",
    "1,2",
    "+1",
    "%31",
]
QUERIES = [
    "%00", "a%00b", "%ff%fe", "%C0%80", "%ED%A0%80", "%D8%00", "%", "%%", "%25", "_", "%5C", "'", "%22", "%28%28%28", "%3A%2A", "%26%26", "%0d%0aSet-Cookie:x",
    "%E2%80%AE", "%E2%80%8B", "%E3%80%80", "%F0%A0%AE%B7", "AR", "nxd", "%EF%BC%A1%EF%BC%A9", "a" * 7000, "a+" * 3000, "..%2f..%2f", "null", "%2e%2e%2f",
    "{}", "[]", "^(a%2B)%2B$", "%2500",
]  # fmt: skip
"""Values of a query string, as they stand in an address."""
