"""After a login a person lands on a page of ours, whatever the address said."""

from urllib.parse import urljoin, urlsplit

import pytest

from lianyan.identity.returns import safe_return

ORIGIN = "https://portal.example"
CASES = [
    ("/proposals/12", "keep"),
    ("//evil.example", "/"),
    ("/\\evil.example", "/"),
    ("https://evil.example", "/"),
    ("/%5Cevil.example", "own host"),
    ("\t//evil.example", "/"),
    ("/ok?x=//evil.example", "keep"),
    ("javascript:alert(1)", "/"),
    ("", "/"),
    ("/" + "a" * 5000, "/"),
]
MORE = [
    "///evil.example",
    "/\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/a\x00b",
    "/\u2028/evil.example",
    "/\u00a0",
    "/a b",
    " //evil.example",
    " /home",
    "https:evil.example",
    "https:/evil.example",
    "http://portal.example@evil.example",
    "@evil.example",
    "data:text/html,x",
    "evil.example",
    "?x=1",
    "#x",
    "/.//evil.example",
    "/..//evil.example",
    "/a/../..//evil.example",
    "/%2e//evil.example",
    "/%2E%2e//evil.example",
    "/.%2E/",
    "/\ud800",
    "/\u202egpj",
    None,
    7,
    ["/home"],
]


@pytest.mark.parametrize("asked, right", CASES, ids=lambda x: str(x)[:30])
def test_c31_only_a_path_of_ours_is_followed(asked, right):
    found = safe_return(asked)
    assert found == (asked if right in {"keep", "own host"} else right)
    assert urlsplit(urljoin(ORIGIN + "/auth/nuist/callback", found)).netloc == "portal.example"
    assert found[0] == "/"
    assert found[1:2] not in {"/", "\\"}


@pytest.mark.parametrize("asked", MORE, ids=ascii)
def test_c31_every_other_trick_ends_at_home(asked):
    assert safe_return(asked) == "/"


@pytest.mark.parametrize(
    "asked", ["/", "/a/.b/c..", "/搜索?q=元宇宙#x", "/a?next=../..", "/a;b=1,2"]
)
def test_an_ordinary_page_is_kept(asked):
    assert safe_return(asked) == asked


@pytest.mark.parametrize("asked", [c for c, _ in CASES] + MORE, ids=ascii)
def test_checking_twice_changes_nothing(asked):
    assert safe_return(safe_return(asked)) == safe_return(asked)
