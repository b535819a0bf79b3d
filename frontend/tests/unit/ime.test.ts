import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Composition, isEnter } from "$lib/ime";

test("a task waits for the end of the composition, and for the input event after it", async () => {
  const page = new EventTarget();
  const composition = new Composition();
  composition.watch(page);
  const done: string[] = [];
  page.dispatchEvent(new Event("compositionstart"));
  composition.after(() => done.push("saved"));
  assert.equal(done.length, 0);
  page.dispatchEvent(new Event("compositionend"));
  done.push("input");
  assert.equal(done.join(), "input");
  await pause(5);
  assert.equal(done.join(), "input,saved");
});

test("a task that meets the next word waits again", async () => {
  const page = new EventTarget();
  const composition = new Composition();
  composition.watch(page);
  let runs = 0;
  page.dispatchEvent(new Event("compositionstart"));
  composition.after(() => (runs += 1));
  page.dispatchEvent(new Event("compositionend"));
  page.dispatchEvent(new Event("compositionstart"));
  await pause(5);
  assert.equal(runs, 0);
  page.dispatchEvent(new Event("focusout"));
  await pause(5);
  assert.equal(runs, 1);
});

test("the Enter that picks a word is no Enter", () => {
  const press = (over: object) => ({ key: "Enter", isComposing: false, keyCode: 13, ...over }) as KeyboardEvent;
  assert.ok(isEnter(press({})));
  assert.ok(!isEnter(press({ isComposing: true })));
  assert.ok(!isEnter(press({ keyCode: 229 })));
  assert.ok(!isEnter(press({ key: "a" })));
});
