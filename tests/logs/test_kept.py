"""What the search of the logs finds, and what it leaves in peace."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from logs.kept import found_in

NAME = "石榴 \U00020bb7"
OTHERS = {f"not to be found {n}" for n in range(30)}

WRITTEN = {
    "as it is": NAME,
    "JSON": json.dumps(NAME),
    "an address": quote(NAME),
    "an address in small letters": quote(NAME, safe="").lower(),
    "a query": quote_plus(NAME),
    "repr": ascii(NAME),
    "bytes": repr(NAME.encode()),
    "hexadecimal": NAME.encode().hex(),
    "base64": base64.b64encode(NAME.encode()).decode(),
    "a header": NAME.encode().decode("latin-1"),
}


@pytest.mark.parametrize("written", [pytest.param(w, id=n) for n, w in WRITTEN.items()])
def test_a_name_is_found_however_it_is_written(written):
    told = [f"x.log: {NAME}"]
    assert found_in({"x.log": f"before {written} after"}, {NAME, *OTHERS}) == told
    for plain in (True, False):
        line = json.dumps({"event": "x", "text": written}, ensure_ascii=plain)
        assert found_in({"x.log": line}, {NAME, *OTHERS}) == told


def test_what_is_nobodys_is_left_in_peace():
    assert found_in({"x.log": '{"event": "request", "route": "proposals"}'}, {NAME, *OTHERS}) == []
