import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { match, Router, type RouteTable } from "$lib/router.svelte";

const table: RouteTable = [
  ["/", "public/Home"],
  ["/desk", "desk/Desk"],
  ["/desk/:id", "desk/Proposal"],
  ["/proposals/:id/write/:section", "proposal/Write"],
];

interface Entry {
  state: unknown;
  address: string;
}

/** A browser with a history and nothing else. */
class Browser {
  entries: Entry[];
  at = 0;
  y = 0;
  onpop: (state: unknown) => void = () => undefined;

  constructor(address: string) {
    this.entries = [{ state: null, address }];
  }

  get here(): Entry {
    return this.entries[this.at] as Entry;
  }

  place(base: string) {
    const browser = this;
    return {
      base,
      origin: "https://portal.example",
      url: () => new URL(this.here.address, "https://portal.example"),
      history: {
        get state() {
          return browser.here.state;
        },
        pushState: (state: unknown, _title: string, address?: string | URL | null) => {
          this.entries = [...this.entries.slice(0, this.at + 1), { state, address: String(address) }];
          this.at += 1;
        },
        replaceState: (state: unknown, _title: string, address?: string | URL | null) => {
          this.entries[this.at] = { state, address: address ? String(address) : this.here.address };
        },
        go: (steps = 0) => {
          this.at += steps;
          this.onpop(this.here.state);
        },
      },
      scrollY: () => this.y,
      scrollTo: (y: number) => {
        this.y = y;
      },
    };
  }
}

let browser: Browser;
let router: Router;

beforeEach(() => {
  browser = new Browser("/base/desk?state=draft");
  router = new Router(table, browser.place("/base/"));
  browser.onpop = (state) => router.popped(state);
});

test("finds the page and its parameters", () => {
  assert.deepEqual(match(table, "/"), { page: "public/Home", params: {} });
  assert.deepEqual(match(table, "/desk/12"), { page: "desk/Proposal", params: { id: "12" } });
  assert.deepEqual(match(table, "/proposals/7/write/a%20b"), {
    page: "proposal/Write",
    params: { id: "7", section: "a b" },
  });
  assert.deepEqual(match(table, "/desk/"), { page: "desk/Desk", params: {} });
  assert.equal(match(table, "/nowhere"), undefined);
  assert.equal(match(table, "/desk/%E0%A4"), undefined);
});

test("lives under a base path", () => {
  assert.equal(router.path, "/desk");
  assert.equal(router.query.get("state"), "draft");
  router.navigate("/desk/12");
  assert.equal(browser.here.address, "/base/desk/12");
  assert.equal(router.match?.params["id"], "12");
  assert.equal(router.inside(new URL("https://portal.example/other")), null);
  assert.equal(router.inside(new URL("https://portal.example/base/api/session")), null);
  assert.equal(router.inside(new URL("https://elsewhere.example/base/desk")), null);
  assert.equal(router.inside(new URL("https://portal.example/base/")), "/");
});

test("keeps the query in the address", () => {
  router.setQuery({ sector: "医疗", state: null });
  assert.equal(router.query.get("sector"), "医疗");
  assert.equal(router.query.has("state"), false);
  assert.equal(browser.entries.length, 1);
  router.setQuery({ tab: "review" }, { push: true });
  assert.equal(browser.entries.length, 2);
  assert.equal(router.here({ tab: null, sector: null }), "/base/desk");
});

test("takes a token out of the address", () => {
  browser = new Browser("/base/desk#secret");
  router = new Router(table, browser.place("/base/"));
  assert.equal(router.hash, "#secret");
  router.dropHash();
  assert.equal(browser.here.address, "/base/desk");
  assert.equal(router.hash, "");
});

test("gives back the scroll position, once, and asks for the focus", () => {
  assert.deepEqual(router.arrive(), { moved: false, y: null });
  browser.y = 640;
  router.navigate("/desk/12");
  assert.deepEqual(router.arrive(), { moved: true, y: null });
  browser.place("").history.go(-1);
  assert.equal(router.path, "/desk");
  assert.deepEqual(router.arrive(), { moved: true, y: 640 });
  assert.deepEqual(router.arrive(), { moved: false, y: null });
});

test("a guard holds a move until the person decides", () => {
  let unsaved = true;
  const free = router.guard(() => unsaved);
  router.navigate("/desk/12");
  assert.equal(router.path, "/desk");
  assert.ok(router.leaving);
  router.stay();
  assert.ok(!router.leaving);
  router.navigate("/desk/12");
  (router.leaving as { go: () => void } | null)?.go();
  assert.equal(router.path, "/desk/12");
  assert.equal(router.leaving, null);
  unsaved = false;
  router.navigate("/desk");
  assert.equal(router.path, "/desk");
  free();
});

test("a guard holds the back button too, and the address stays", () => {
  router.navigate("/desk/12");
  router.guard(() => true);
  browser.place("").history.go(-1);
  assert.equal(browser.at, 1);
  assert.equal(router.path, "/desk/12");
  assert.ok(router.leaving);
  router.leaving?.go();
  assert.equal(browser.at, 0);
  assert.equal(router.path, "/desk");
});
