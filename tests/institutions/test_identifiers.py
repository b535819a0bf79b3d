"""Codes are taken in any usual writing, and a wrong one is refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianyan.core.text import TextError
from lianyan.core.words import say
from lianyan.institutions.identifiers import (
    PROVINCES,
    USCC_ALPHABET,
    IdentifierError,
    check_orcid,
    check_ror,
    check_uscc,
    uscc_province,
    uscc_warning,
)

STANDARD = "91350100M000100Y43"
DEMO = [
    "12000000DEM000014Q", "12000000DEM000022K", "12000000DEM000030E", "12000000DEM000049B",
    "12000000DEM0000576", "12000000DEM0000651", "12000000DEM000073U", "12000000DEM000081N",
    "12000000DEM00009XE", "12000000DEM0001027", "91000000DEM000110W", "91000000DEM000129R",
    "91000000DEM000137L", "91000000DEM000145F", "12000000DEM000153F", "12000000DEM000161A",
]  # fmt: skip
ROR = [
    "00xp9wg62", "0220qvk04", "04qr3zq92", "01skt4w74", "02y0rxk19", "04ct4d772", "03cve4549",
    "02v51f717", "033vjfk17", "04c4dkn09", "00wk2mp56",
]  # fmt: skip


def refusal(check, text):
    with pytest.raises(IdentifierError) as caught:
        check(text)
    for locale in ("zh", "en"):
        assert say(locale, caught.value.code, **caught.value.params)
    return caught.value.code, caught.value.params


@pytest.mark.parametrize("text", [STANDARD, *DEMO])
def test_a_valid_credit_code_is_kept(text):
    assert check_uscc(text) == text


@pytest.mark.parametrize("text", DEMO)
def test_the_demo_codes_are_right_inside_too_and_name_no_province(text):
    assert uscc_warning(text) is None
    assert uscc_province(text) is None


def test_a_credit_code_is_taken_as_people_write_it():
    assert check_uscc(" 9135 0100-m000 100y43 ") == STANDARD
    assert check_uscc("９１３５０１００Ｍ０００１００Ｙ４３") == STANDARD
    assert check_uscc("91350100\u200bM000100Y43\ufeff") == STANDARD
    assert uscc_province(STANDARD) == "35"


def test_every_province_has_a_name():
    assert len({say("zh", f"taxonomy.province_{code}") for code in PROVINCES}) == 34


def test_a_wrong_credit_code_says_what_is_wrong():
    assert refusal(check_uscc, STANDARD[:-1]) == (
        "identifiers.uscc_length",
        {"count": 17, "expected": 18},
    )
    assert refusal(check_uscc, "91350100MOOO100Y43") == (
        "identifiers.uscc_alphabet",
        {"sign": "O", "position": 10},
    )
    assert refusal(check_uscc, "9135A100M000100Y43") == (
        "identifiers.uscc_region",
        {"sign": "A", "position": 5},
    )
    assert refusal(check_uscc, "91350100M000100Y44") == (
        "identifiers.uscc_check_digit",
        {"expected": "3", "got": "4"},
    )


@pytest.mark.parametrize("position", range(18))
def test_one_mistyped_character_never_passes(position):
    for sign in USCC_ALPHABET:
        if sign != STANDARD[position]:
            with pytest.raises(IdentifierError):
                check_uscc(STANDARD[:position] + sign + STANDARD[position + 1 :])


def test_an_odd_organisation_code_is_a_warning_only():
    odd = check_uscc("91350100M000100Y43")
    assert uscc_warning(odd) is None
    other = next(
        whole
        for last in USCC_ALPHABET
        for check in USCC_ALPHABET
        if (whole := f"91350100M000100{last}1{check}") and passes(whole)
    )
    warning = uscc_warning(other)
    assert warning is not None
    assert warning.code == "identifiers.uscc_organisation"
    assert warning.params["got"] == "1"


def passes(text):
    try:
        return check_uscc(text)
    except IdentifierError:
        return False


@pytest.mark.parametrize("text", ROR)
def test_a_valid_ror_id_is_kept(text):
    assert check_ror(text) == text
    assert check_ror(f" https://ror.org/{text.upper()}") == text


def test_a_wrong_ror_id_says_what_is_wrong():
    assert refusal(check_ror, "02y0rxk1") == ("identifiers.ror_shape", {})
    assert refusal(check_ror, "02y0ixk19") == ("identifiers.ror_shape", {})
    assert refusal(check_ror, "02y0rxk18") == (
        "identifiers.ror_check_digit",
        {"expected": "19", "got": "18"},
    )


@pytest.mark.parametrize("text", ["0000-0002-1825-0097", "0000-0002-1694-233X"])
def test_a_valid_orcid_is_kept(text):
    assert check_orcid(text) == text
    assert check_orcid(f"https://orcid.org/{text.lower()}") == text
    assert check_orcid(text.replace("-", " ")) == text


def test_a_wrong_orcid_says_what_is_wrong():
    assert refusal(check_orcid, "0000-0002-1825-009") == (
        "identifiers.orcid_length",
        {"count": 15, "expected": 16},
    )
    assert refusal(check_orcid, "0000-000X-1825-0097") == (
        "identifiers.orcid_alphabet",
        {"sign": "X", "position": 8},
    )
    assert refusal(check_orcid, "0000-0002-1825-0098") == (
        "identifiers.orcid_check_digit",
        {"expected": "7", "got": "8"},
    )


@given(st.text())
def test_no_text_breaks_a_check(text):
    for check in (check_uscc, check_ror, check_orcid):
        try:
            assert check(check(text)) == check(text)
        except (IdentifierError, TextError):
            continue
