"""A mail address belongs to a domain by whole labels, never by its letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianyan.core.text import TextError
from lianyan.core.words import say
from lianyan.institutions.domains import (
    check_domain,
    check_mail,
    domain_matches,
    domain_too_wide,
    private_domain,
    providers,
    suffixes,
)
from lianyan.institutions.identifiers import IdentifierError


def refusal(check, text):
    with pytest.raises(IdentifierError) as caught:
        check(text)
    for locale in ("zh", "en"):
        assert say(locale, caught.value.code, **caught.value.params)
    return caught.value.code


@pytest.mark.parametrize(
    "address, belongs",
    [
        ("x@mails.tsinghua.edu.cn", True),
        ("x@TSINGHUA.EDU.CN", True),
        ("x@nottsinghua.edu.cn", False),
        ("x@edu.cn", False),
        ("x@tsinghua.edu", False),
        ("x@tsinghua.edu.cn.evil.example", False),
        ("x@tsinghua.edu.cn.", True),
        ("x@evil.example@tsinghua.edu.cn", False),
        ("tsinghua.edu.cn", False),
        ("", False),
        ("x@\ud800", False),
    ],
)
def test_c07_an_address_belongs_by_whole_labels(address, belongs):
    assert domain_matches(address, "tsinghua.edu.cn") is belongs


@pytest.mark.parametrize(
    "wide", ["edu.cn", "com.cn", "ac.cn", "js.cn", "cn", "com", "ORG", "ac.uk"]
)
def test_c07_a_public_suffix_is_too_wide(wide):
    assert refusal(check_domain, wide) == "identifiers.domain_too_wide"
    assert not domain_matches(f"x@a.{wide}", wide)


def test_c05_two_short_names_have_two_domains():
    assert not domain_matches("a@hust.edu.vn", "hust.edu.cn")
    assert domain_matches("a@hust.edu.vn", "hust.edu.vn")
    assert domain_too_wide("edu.vn")


def test_a_domain_is_written_in_one_form():
    assert check_domain(" @ＮＵＩＳＴ.example. ") == "nuist.example"
    assert check_domain("南信大.example") == "xn--vuq27fuzg.example"
    assert domain_matches("a@cs.南信大.example", "南信大.example")


@pytest.mark.parametrize(
    "text", ["", "a b.cn", "-a.cn", "a..cn", "a_b.cn", "x" * 64 + ".cn", "a/b.cn"]
)
def test_what_is_no_domain_is_refused(text):
    assert refusal(check_domain, text) == "identifiers.domain_shape"


def test_a_public_provider_is_nobodys_domain():
    assert refusal(check_domain, "qq.com") == "identifiers.domain_public"
    assert refusal(check_domain, "vip.163.com") == "identifiers.domain_public"
    assert private_domain("a@vip.163.com") is None
    assert private_domain("a@gmail.com") is None


def test_a_private_domain_is_the_organisations():
    assert private_domain("a@mails.tsinghua.edu.cn") == "tsinghua.edu.cn"
    assert private_domain("a@tsinghua.edu.cn") == "tsinghua.edu.cn"
    assert private_domain("a@lab.nuist.example") == "nuist.example"
    assert private_domain("a@edu.cn") is None
    assert private_domain("nothing") is None


def test_an_address_keeps_its_local_part():
    assert check_mail(" User.A@NUIST.example") == "User.A@nuist.example"
    assert check_mail("a+b@南信大.example") == "a+b@xn--vuq27fuzg.example"


@pytest.mark.parametrize(
    "text",
    [
        "a", "@b.cn", "a@", "a@b@c.cn", "a b@c.cn", "a@b,c@d", '"a b"@c.cn', "a..b@c.cn", ".a@c.cn",
        "а@c.cn", "a@b\r\nBcc:x@c.cn", "a" * 65 + "@c.cn", "a@" + "b." * 130 + "cn",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    assert refusal(check_mail, text) == "identifiers.mail_shape"


def test_the_lists_hold_no_double_meaning():
    assert not suffixes() & providers()
    assert all("." in domain for domain in suffixes() | providers())


@given(st.text())
def test_no_text_breaks_a_check(text):
    assert domain_matches(text, text) in {True, False}
    for check in (check_mail, check_domain):
        try:
            assert check(check(text)) == check(text)
        except (IdentifierError, TextError):
            continue
