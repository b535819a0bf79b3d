"""What the gate lets through, refuses by name, compares and counts."""

import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianyan.core.text import TextError, blank, code, count, excerpt, line, prose

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "counting.json").read_text("utf-8")
)
NAMES = [
    "李",
    "李 明",
    "欧阳明",
    "Sukma",
    "An-Qi Wu",
    "阿卜杜拉·买买提",
    "O’Neil",
    "Ⅳ",
    "长" * 60,
    "张三<b>",
]


def refusal(gate, value, **rules):
    with pytest.raises(TextError) as caught:
        gate(value, **rules)
    return caught.value.code, caught.value.params


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["note"][:40])
def test_c01_every_vector_counts_as_written(vector):
    assert count(vector["text"]) == vector["count"]


def test_there_are_enough_vectors():
    assert len(VECTORS) >= 40
    assert len({v["text"] for v in VECTORS}) == len(VECTORS)


def test_c01_a_limit_counts_han_and_not_blanks():
    base = "元宇宙协同创新研究"
    han = (base * 50)[:400]
    assert refusal(prose, han, limit=300) == ("text.too_long", {"count": 400, "limit": 300})
    assert prose(han[:300], limit=300) == han[:300]
    spaced = "\u3000".join(han[:300])
    assert prose(spaced, limit=300) == spaced


def test_c57_a_line_break_is_refused_in_a_line():
    for sign in ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]:
        hostile = f"智慧医疗{sign}Bcc: x@evil.example"
        assert refusal(line, hostile) == ("text.line_break_in_line", {})


@pytest.mark.parametrize("name", NAMES)
def test_c69_a_name_is_kept_letter_for_letter(name):
    assert line(name, limit=60) == name


@pytest.mark.parametrize("name", ["", " ", "\u3000", "\u200b", "\u200d\ufeff", "\u3164", "\u2800"])
def test_c69_a_name_nobody_can_see_is_blank(name):
    assert refusal(line, name) == ("text.blank", {})
    assert refusal(prose, name) == ("text.blank", {})
    line(name, blank=True)
    assert blank(name)


@pytest.mark.parametrize(
    "value, wanted, params",
    [
        ("a\0b", "text.nul", {}),
        ("a\ud800", "text.surrogate", {}),
        ("\udfff\ud800", "text.surrogate", {}),
        ("a\x07", "text.control", {"sign": "U+0007"}),
        ("a\x9bb", "text.control", {"sign": "U+009B"}),
        ("a\ufffe", "text.noncharacter", {"sign": "U+FFFE"}),
        ("a\U0010ffff", "text.noncharacter", {"sign": "U+10FFFF"}),
        ("\ufdd0", "text.noncharacter", {"sign": "U+FDD0"}),
    ],
)
def test_what_no_text_may_hold_is_refused_by_name(value, wanted, params):
    assert refusal(line, value) == (wanted, params)
    assert refusal(prose, value) == (wanted, params)


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u2069", "\u200e", "\u061c"])
def test_a_turn_of_direction_is_refused_in_a_line_only(sign):
    assert refusal(line, f"a{sign}b") == ("text.bidi_in_line", {"sign": f"U+{ord(sign):04X}"})
    assert prose(f"a{sign}b") == f"a{sign}b"


@pytest.mark.parametrize(
    "text",
    [
        "第一行\n\t第二行",
        "  两端的空格留着  \n",
        "＜script＞＝１",
        "①㎡",
        "𠮷𰻞",
        "👩‍🔬🇨🇳",
        "' OR 1=1-- %_\\ {{7*7}} {0.__class__} ${jndi:x}",
        "=1+1",
        "\ufffd\ue000",
        "İß",
    ],
)
def test_prose_comes_back_as_typed(text):
    assert prose(text) == text


def test_prose_is_nfc_with_line_feeds():
    assert prose("cafe\u0301\r\n二") == "caf\u00e9\n二"
    assert refusal(prose, "a\rb") == ("text.control", {"sign": "U+000D"})


def test_a_line_is_trimmed_of_what_nobody_sees():
    assert line("\ufeff \u3000题目\u200b\n") == "题目"
    assert refusal(line, "a\tb") == ("text.control", {"sign": "U+0009"})


def test_ends_are_found_in_one_pass():
    long = "a" + " " * 90_000 + "b"
    started = time.monotonic()
    assert line(long, longest=100_000) == long
    assert time.monotonic() - started < 2


def test_a_huge_text_of_few_units_is_refused():
    assert refusal(prose, "a" * 7000, limit=300)[0] == "text.too_many_characters"
    assert refusal(line, "a" * 1001)[0] == "text.too_many_characters"
    assert refusal(prose, "长" * 5_000_000)[0] == "text.too_many_characters"


def test_a_code_is_compared_without_width_case_and_invisible_signs():
    assert code(" ＡＢ１２－３\u200b ") == "ab12-3"
    assert code("12000000dem000014q", "upper") == "12000000DEM000014Q"
    assert code("Straße") == code("STRASSE")
    assert code("X@NUIST.example\ufeff") == "x@nuist.example"
    assert code("aB", "keep") == "aB"
    assert refusal(code, "a\0") == ("text.nul", {})


def test_an_excerpt_is_one_line_and_tears_nothing():
    assert excerpt("短", 5) == "短"
    assert excerpt("元宇宙\n 协同 MR-Sim 2.0", 7) == "元宇宙 协同 MR-Sim 2.0"
    assert excerpt("元宇宙\n 协同 MR-Sim 2.0", 6) == "元宇宙 协同 MR-Sim…"
    assert excerpt("👩‍🔬👩‍🔬👩‍🔬", 2) == "👩‍🔬👩‍🔬…"
    assert excerpt("a" * 5000, 10) == "a" * 220 + "…"


@given(st.text())
def test_the_gate_is_stable_or_names_its_refusal(text):
    for gate in (line, prose):
        try:
            kept = gate(text, blank=True)
        except TextError:
            continue
        assert gate(kept, blank=True) == kept
        assert kept.encode().decode() == kept
        assert unicodedata.is_normalized("NFC", kept)


@given(st.text(), st.integers(1, 20))
def test_an_excerpt_counts_no_more_than_asked(text, limit):
    assert count(excerpt(text, limit).removesuffix("…")) <= limit


@given(st.text())
def test_a_code_is_its_own_code(text):
    try:
        once = code(text)
    except TextError:
        return
    assert code(once) == once
