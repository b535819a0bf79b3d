"""The message catalogue, as the server reads it: one JSON object per language and area.

The browser reads the same files, so a sentence is written once.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

LOCALES = ("zh", "en")

_PARAM = re.compile(r"\{(\w+)\}")


def say(locale: str, key: str, /, **params: object) -> str:
    """Return the sentence `<area>.<key>` in `locale`; raise KeyError if something is absent.

    Where a sentence has the forms `_one` and `_other`, the parameter `count` chooses.
    """
    sentences = catalogue(locale)
    text = sentences.get(key)
    if text is None:
        number = params.get("count")
        form = "one" if locale == "en" and number == 1 else "other"
        text = sentences[f"{key}_{form}"]
    # One pass: a parameter that itself holds `{name}` is text, and is not filled again.
    return _PARAM.sub(lambda found: str(_said(params[found[1]], locale)), text)


def _said(value: object, locale: str) -> object:
    """Return a name that comes in both languages in the one that is spoken."""
    return value.get(locale, value) if isinstance(value, dict) else value


@cache
def catalogue(locale: str) -> dict[str, str]:
    """Return every sentence of `locale` by its full key; raise KeyError for an unknown language."""
    if locale not in LOCALES:
        raise KeyError(locale)
    return {
        f"{area}.{key}": text
        for area, sentences in _areas(locale)
        for key, text in sentences.items()
    }


def params(text: str) -> frozenset[str]:
    """Return the names of the parameters of a sentence."""
    return frozenset(_PARAM.findall(text))


def _areas(locale: str) -> Iterator[tuple[str, dict[str, str]]]:
    folder = files("lianyan") / "catalogue" / locale
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            yield file.name.removesuffix(".json"), json.loads(file.read_text(encoding="utf-8"))
