"""The catalogue says the same things in both languages."""

import pytest

from lianyan.core.words import LOCALES, catalogue, params, say


def test_both_languages_have_the_same_sentences():
    zh, en = (set(catalogue(locale)) for locale in LOCALES)
    assert {whole(key) for key in zh} == {whole(key) for key in en}


def test_both_languages_take_the_same_parameters():
    zh, en = (named(catalogue(locale)) for locale in LOCALES)
    assert {k: v for k, v in zh.items() if v != en[k]} == {}


def test_no_sentence_is_empty():
    for locale in LOCALES:
        assert [key for key, text in catalogue(locale).items() if not text.strip()] == []


def test_parameters_fill_the_sentence_once():
    said = say("en", "text.too_long", count="{limit}", limit=300)
    assert "counts {limit}" in said
    assert "300" in said


def test_what_is_missing_is_a_key_error():
    with pytest.raises(KeyError):
        say("zh", "text.no_such_sentence")
    with pytest.raises(KeyError):
        say("zh", "text.too_long", count=3)
    with pytest.raises(KeyError):
        say("fr", "text.blank")


def test_the_count_chooses_the_form(monkeypatch):
    forms = {"x.days_one": "{count} day", "x.days_other": "{count} days"}
    monkeypatch.setattr("lianyan.core.words.catalogue", lambda _: forms)
    assert say("en", "x.days", count=1) == "1 day"
    assert say("en", "x.days", count=0) == "0 days"
    assert say("zh", "x.days", count=1) == "1 days"


def whole(key):
    return key.removesuffix("_one").removesuffix("_other")


def named(sentences):
    found: dict[str, set[str]] = {}
    for key, text in sentences.items():
        found.setdefault(whole(key), set()).update(params(text))
    return found
