"""What another site can do to somebody who is logged in here: nothing."""

import json

import pytest

from browser.elsewhere import elsewhere
from browser.long import LONG
from browser.sessions import sessions
from figures import figure

__all__ = ["elsewhere", "sessions"]
pytestmark = pytest.mark.browser
HOSTS = ["127.0.0.1", *(["localhost"] if LONG else [])]

CHANGES = [
    ("POST", "api/session/renew"), ("DELETE", "api/session"), ("PUT", "api/session/locale"),
    ("PATCH", "api/settings"), ("POST", "api/proposals"), ("POST", "api/login/nuist"),
    ("POST", "api/administrator-link"), ("POST", "api/invitation/accept"), ("POST", "api/calls"),
    ("POST", "api/settings/affiliations"),
]  # fmt: skip
KINDS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
ATTACK = """<!doctype html><meta charset="utf-8"><body><script>
const portal = %s, changes = %s, kinds = %s, body = '{"locale":"en","name":"x"}', done = [];
async function attack() {
  for (const [method, path] of changes) {
    if (method === "POST") for (const type of kinds) {
      // What a page may send without asking: a simple request, with the cookies of this machine.
      await send(path, { method, mode: "no-cors", body, headers: { "content-type": type } });
    }
    // What a page has to ask for first.
    await send(path, { method, mode: "cors", body, headers: { "content-type": "application/json", "x-lianyan": "1" } });
  }
  navigator.sendBeacon(portal + "api/session/renew", new Blob([body], { type: "text/plain" }));
  for (const [method, path] of changes) await image(path);
  for (const enctype of kinds) await form(enctype);
  return done;
}
async function send(path, init) {
  try {
    const answer = await fetch(portal + path, { credentials: "include", ...init });
    done.push([path, answer.type]);
  } catch { done.push([path, "refused"]); }
}
const image = (path) => new Promise((then) => {
  const found = new Image(); found.onload = found.onerror = then; found.src = portal + path;
});
const form = (enctype) => new Promise((then) => {
  const frame = document.createElement("iframe"); frame.name = "f" + enctype; frame.onload = then;
  const sent = document.createElement("form");
  Object.assign(sent, { method: "post", action: portal + "api/session/renew", enctype, target: frame.name });
  const field = document.createElement("input"); field.name = '{"locale":"en","a":"'; field.value = '"}';
  sent.append(field); document.body.append(frame, sent); sent.submit(); setTimeout(then, 1000);
});
</script><iframe id="framed" src="%s"></iframe>"""


class Wire:
    """What goes over the wire, also where the browser keeps the answer from the page."""

    def __init__(self, visitor):
        self.found = {}
        keys = visitor.context.new_cdp_session(visitor.page)
        keys.send("Network.enable")
        keys.on("Network.requestWillBeSent", self._sent)
        keys.on("Network.requestWillBeSentExtraInfo", self._headers)
        keys.on("Network.responseReceivedExtraInfo", self._answered)

    def _of(self, said):
        return self.found.setdefault(
            said["requestId"], {"cookie": "", "status": None, "method": "", "url": ""}
        )

    def _sent(self, said):
        self._of(said).update(method=said["request"]["method"], url=said["request"]["url"])

    def _headers(self, said):
        headers = {name.lower(): value for name, value in said["headers"].items()}
        self._of(said)["cookie"] = headers.get("cookie", "")

    def _answered(self, said):
        self._of(said)["status"] = said["statusCode"]

    def changes(self, address):
        return [
            found
            for found in self.found.values()
            if found["url"].startswith(address)
            and found["method"] not in {"GET", "OPTIONS"}
            and found["status"] is not None
        ]


@pytest.mark.parametrize("host", HOSTS)
def test_another_site_can_neither_change_frame_nor_read(visit, sessions, elsewhere, address, host):
    """The same machine on another port is the same site to a cookie: it goes along, and does not help."""
    visitor = visit()
    token = sessions.of(visitor, "jia")
    before = sessions.row(token)
    visitor.foresee("")  # each refusal is a complaint
    wire = Wire(visitor)
    elsewhere.page = ATTACK % (*map(json.dumps, (address, CHANGES, KINDS)), f"{address}login")
    page = visitor.page
    page.goto(elsewhere.address(host))
    done = page.evaluate("attack()")
    page.wait_for_timeout(300)
    assert {how for _, how in done} <= {"opaque", "refused"}  # no answer was readable
    arrived = wire.changes(address)
    assert len(arrived) >= 3 * 7 + 1 + 3
    assert [found for found in arrived if found["status"] != 403] == []
    taken_along = [found for found in arrived if token in found["cookie"]]
    assert bool(taken_along) is (host == "127.0.0.1")
    assert sessions.row(token) == before
    framed = page.query_selector("#framed").content_frame()
    assert framed.url.startswith("chrome-error:")
    mine = visitor.context.request.get(f"{address}api/session")
    assert mine.json()["person"]["name"] == before["name"]
    figure(
        f"another site ({host}) sends changes with a person's browser: carried out",
        "0",
        "0",
        held=True,
        note=f"{len(done) + len(CHANGES) + len(KINDS) + 1} tried, {len(arrived)} arrived and were refused",
    )
