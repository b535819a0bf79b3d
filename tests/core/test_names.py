"""Names stand where people look for them, and are found as people type them."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianyan.core.names import matches, search_keys, search_query, sort_key, surname
from lianyan.core.text import TextError


def test_c71_digits_then_han_by_sound_then_latin():
    names = ["专业", "人生", "999", "Alpha", "安徽"]
    assert sorted(names, key=sort_key) == ["999", "安徽", "人生", "专业", "Alpha"]


def test_c71_surnames_stand_by_their_own_reading():
    names = ["曾一", "沈二", "仇三", "解四", "陈五"]
    assert sorted(names, key=sort_key) == ["陈五", "仇三", "沈二", "解四", "曾一"]


@pytest.mark.parametrize(
    "name, sound",
    [
        ("单雄", "shan"), ("区明", "ou"), ("查一", "zha"), ("任二", "ren"), ("朴三", "piao"),
        ("尉迟明", "yu"), ("长孙一", "zhang"), ("万俟一", "mo"), ("欧阳明", "ou"),
        ("曾 一", "zeng"),
    ],
)  # fmt: skip
def test_c71_readings_of_surnames(name, sound):
    assert sort_key(name).startswith(f"1{sound}")


def test_a_word_is_not_read_as_a_surname():
    assert sort_key("区块链存证与数字资产管理").startswith("1qu1")
    assert sort_key("解放军总医院").startswith("1jie3")
    assert sort_key("重庆大学").startswith("1chong2")


def test_syllables_tones_and_characters_order_in_turn():
    names = ["先生", "西安", "李强", "里明", "李明"]
    assert sorted(names, key=sort_key) == ["李明", "李强", "里明", "西安", "先生"]


def test_numbers_order_by_value_and_blanks_do_not_count():
    assert max(["10号", "9号", "009 号"], key=sort_key) == "10号"
    assert sort_key("李 明") == sort_key("李\u3000明") == sort_key("李明")
    assert sort_key("Ａlpha") == sort_key("álpha") == "2alpha"


def test_characters_without_a_reading_still_have_a_place():
    assert sort_key("𰻞𰻞面") != sort_key("𰻝𰻝面")
    assert sort_key("Привет") > sort_key("Zulu")
    assert sort_key("") == ""


def test_a_compound_surname_stays_whole():
    assert surname("欧阳明") == "欧阳"
    assert surname(" 李 明") == "李"
    assert surname("Alex Demo") == "Alex"
    assert surname("") == ""


@pytest.mark.parametrize(
    "query", ["南信大", "nxd", "NXD", "nan xin da", "nanxin", "ＮＵＩＳＴ", "information science"]
)
def test_an_institution_is_found_as_people_type_it(query):
    keys = search_keys(
        "南京信息工程大学",
        "南信大",
        "NUIST",
        None,
        "Nanjing University of Information Science and Technology",
    )
    assert matches(keys, query)
    assert not matches(search_keys("南京大学", "NJU", "南大"), query)


def test_two_letters_must_begin_a_key():
    assert matches(search_keys("增强现实", "AR"), "ar")
    assert not matches(search_keys("文化遗产", "market"), "ar")
    assert matches(search_keys("增强现实"), "现实")


def test_both_readings_are_found():
    keys = search_keys("单雄")
    assert matches(keys, "shanxiong")
    assert matches(keys, "danxiong")
    assert matches(search_keys("5G实验室"), "5gsys")


def test_the_dictionary_is_loaded_at_the_first_name_only():
    program = "import sys, lianyan.core.names; print('pypinyin' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "False"


@given(st.text())
def test_a_key_holds_digits_and_small_letters_only(text):
    try:
        key = sort_key(text)
    except TextError:
        return
    assert set(key) <= set("0123456789abcdefghijklmnopqrstuvwxyz")
    assert matches(search_keys(text), search_query(text))
