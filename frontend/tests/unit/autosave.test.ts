import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Problem } from "$lib/api/problem";
import { Autosave, same, type Held } from "$lib/autosave.svelte";
import { draftKey, type Draft, type DraftStore } from "$lib/drafts";

interface Section {
  aims: string;
}

/** A clock that moves only when told to. */
class Clock {
  now = 0;
  #tasks = new Map<number, { at: number; task: () => void }>();
  #next = 1;

  later = (task: () => void, ms: number): number => {
    const id = this.#next++;
    this.#tasks.set(id, { at: this.now + ms, task });
    return id;
  };
  cancel = (id: unknown): void => {
    this.#tasks.delete(id as number);
  };

  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      await settled();
      const due = [...this.#tasks].filter(([, one]) => one.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.now = due[1].at;
      this.#tasks.delete(due[0]);
      due[1].task();
    }
    this.now = until;
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

class Memory implements DraftStore {
  held = new Map<string, Draft>();
  log: string[] = [];
  async put(key: string, draft: Draft): Promise<void> {
    this.log.push("put");
    this.held.set(key, structuredClone(draft));
  }
  async get(key: string): Promise<Draft | undefined> {
    return this.held.get(key);
  }
  async remove(key: string, edit: number): Promise<void> {
    if (this.held.get(key)?.edit === edit) this.held.delete(key);
  }
  async list(): Promise<string[]> {
    return [...this.held.keys()];
  }
  async wipe(): Promise<void> {
    this.held.clear();
  }
}

/** A server that keeps one section and its number of saves. */
class Server {
  held: Held<Section> = { value: { aims: "" }, etag: '"1"' };
  puts: string[] = [];
  answer: (() => Promise<void>) | undefined;

  send = async (value: Section, etag: string): Promise<string> => {
    this.puts.push(value.aims);
    await this.answer?.();
    if (etag !== this.held.etag) throw new Problem(412, { params: { current: this.held.value } });
    this.held = { value, etag: `"${Number(etag.slice(1, -1)) + 1}"` };
    return this.held.etag;
  };
}

const key = draftKey("p1", "proposal", "aims");
let clock: Clock;
let memory: Memory;
let server: Server;
let composing: { active: boolean; waiting: (() => void)[]; after: (task: () => void) => void };

function open(): Autosave<Section> {
  return new Autosave<Section>({
    person: "p1",
    thing: "proposal",
    section: "aims",
    value: server.held.value,
    etag: server.held.etag,
    send: server.send,
    current: () => server.held,
    outside: {
      drafts: memory,
      composition: composing,
      now: () => clock.now,
      later: clock.later,
      cancel: clock.cancel,
      online: () => true,
    },
  });
}

const fail = (error: unknown) => () => Promise.reject(error);

beforeEach(() => {
  clock = new Clock();
  memory = new Memory();
  server = new Server();
  composing = {
    active: false,
    waiting: [],
    after(task) {
      if (this.active) this.waiting.push(task);
      else task();
    },
  };
});

test("saves once, a second after the last edit", async () => {
  const save = open();
  for (const aims of ["一", "一二", "一二三"]) {
    save.edit({ aims });
    await clock.pass(400);
  }
  assert.deepEqual(server.puts, []);
  assert.ok(save.dirty);
  await clock.pass(600);
  assert.deepEqual(server.puts, ["一二三"]);
  assert.equal(save.state, "saved");
  assert.equal(save.dirty, false);
  assert.equal(memory.held.size, 0);
});

test("the copy on the device is there before anything is sent", async () => {
  const save = open();
  save.edit({ aims: "一" });
  await settled();
  assert.deepEqual(memory.held.get(key)?.value, { aims: "一" });
  assert.deepEqual(server.puts, []);
});

test("nothing is sent in the middle of a word, and once after it", async () => {
  const save = open();
  composing.active = true;
  save.edit({ aims: "xin" });
  await clock.pass(5000);
  assert.deepEqual(server.puts, []);
  save.edit({ aims: "新" });
  composing.active = false;
  for (const task of composing.waiting.splice(0)) task();
  await clock.pass(5000);
  assert.deepEqual(server.puts, ["新"]);
});

test("what is written while a save is on its way goes with the next one", async () => {
  let release = () => {};
  server.answer = () => new Promise((resolve) => (release = resolve));
  const save = open();
  save.edit({ aims: "一" });
  await clock.pass(1000);
  save.edit({ aims: "一二" });
  server.answer = undefined;
  release();
  await clock.pass(0);
  assert.ok(save.dirty);
  assert.equal(memory.held.get(key)?.etag, '"2"');
  await clock.pass(1000);
  assert.deepEqual(server.puts, ["一", "一二"]);
  assert.equal(server.held.value.aims, "一二");
  assert.equal(memory.held.size, 0);
});

test("without a network the text stays on the device and is tried again", async () => {
  server.answer = fail(new TypeError("failed to fetch"));
  const save = open();
  save.edit({ aims: "一" });
  await clock.pass(1000);
  assert.equal(save.state, "offline");
  assert.equal(memory.held.size, 1);
  await clock.pass(3000);
  assert.equal(server.puts.length, 2);
  server.answer = undefined;
  save.retry();
  await clock.pass(0);
  assert.equal(save.state, "saved");
  assert.equal(memory.held.size, 0);
});

test("a killed tab: the next visit finds every character and delivers it", async () => {
  server.answer = fail(new TypeError("failed to fetch"));
  const first = open();
  first.edit({ aims: "全部文字" });
  await clock.pass(1000);
  server.answer = undefined;
  const second = open();
  await second.restore();
  assert.equal(second.value.aims, "全部文字");
  assert.ok(second.restored);
  await clock.pass(0);
  assert.equal(server.held.value.aims, "全部文字");
  assert.equal(memory.held.size, 0);
});

test("a copy the server already has is only removed", async () => {
  memory.held.set(key, { value: { aims: "" }, etag: '"0"', at: 0, edit: 3 });
  const save = open();
  await save.restore();
  await clock.pass(5000);
  assert.deepEqual(server.puts, []);
  assert.equal(memory.held.size, 0);
  assert.equal(save.state, "idle");
});

test("a copy that grew from an older text is a conflict, not an overwrite", async () => {
  memory.held.set(key, { value: { aims: "本机" }, etag: '"0"', at: 0, edit: 3 });
  server.held = { value: { aims: "他人" }, etag: '"1"' };
  const save = open();
  await save.restore();
  assert.equal(save.state, "conflict");
  assert.deepEqual(save.conflict?.mine, { aims: "本机" });
  assert.deepEqual(save.conflict?.theirs.value, { aims: "他人" });
  await clock.pass(5000);
  assert.deepEqual(server.puts, []);
});

test("typing before the copy was read throws neither away", async () => {
  memory.held.set(key, { value: { aims: "本机" }, etag: '"1"', at: 0, edit: 3 });
  const save = open();
  const restoring = save.restore();
  save.edit({ aims: "新" });
  await restoring;
  assert.equal(save.state, "conflict");
  assert.deepEqual(save.conflict?.mine, { aims: "新" });
  assert.deepEqual(save.conflict?.theirs.value, { aims: "本机" });
});

test("somebody else's change: both texts are kept until the person chooses", async () => {
  const save = open();
  server.held = { value: { aims: "他人" }, etag: '"7"' };
  save.edit({ aims: "我的" });
  await clock.pass(1000);
  assert.equal(save.state, "conflict");
  save.edit({ aims: "我的，续" });
  await clock.pass(60_000);
  assert.deepEqual(server.puts, ["我的"]);
  assert.deepEqual(save.conflict, { mine: { aims: "我的，续" }, theirs: server.held });
  assert.equal(memory.held.size, 1);
  save.settle({ aims: "我的，续" });
  await clock.pass(0);
  assert.equal(server.held.value.aims, "我的，续");
  assert.equal(save.state, "saved");
  assert.equal(memory.held.size, 0);
});

test("taking the saved text sends nothing", async () => {
  const save = open();
  server.held = { value: { aims: "他人" }, etag: '"7"' };
  save.edit({ aims: "我的" });
  await clock.pass(1000);
  save.settle({ aims: "他人" });
  await clock.pass(5000);
  assert.deepEqual(server.puts, ["我的"]);
  assert.equal(save.value.aims, "他人");
  assert.equal(save.etag, '"7"');
  assert.equal(memory.held.size, 0);
});

test("the same text saved by another is no conflict", async () => {
  const save = open();
  server.held = { value: { aims: "同" }, etag: '"7"' };
  save.edit({ aims: "同" });
  await clock.pass(1000);
  assert.equal(save.state, "saved");
  assert.equal(save.etag, '"7"');
});

test("after an expiry nothing is sent until the person is back", async () => {
  server.answer = fail(new Problem(401));
  const save = open();
  save.edit({ aims: "一" });
  await clock.pass(1000);
  assert.equal(save.state, "expired");
  save.edit({ aims: "一二" });
  await clock.pass(60_000);
  assert.deepEqual(server.puts, ["一"]);
  assert.deepEqual(memory.held.get(key)?.value, { aims: "一二" });
  server.answer = undefined;
  save.retry();
  await clock.pass(0);
  assert.equal(server.held.value.aims, "一二");
});

test("a refusal says why, keeps the copy, and the next edit tries again", async () => {
  server.answer = fail(new Problem(400, { code: "problems.invalid" }));
  const save = open();
  save.edit({ aims: "坏" });
  await clock.pass(1000);
  assert.equal(save.state, "refused");
  assert.equal(save.problem?.status, 400);
  assert.equal(memory.held.size, 1);
  server.answer = undefined;
  save.edit({ aims: "好" });
  await clock.pass(1000);
  assert.equal(save.state, "saved");
});

test("leaving the page sends what is waiting, and plans nothing more", async () => {
  const save = open();
  save.edit({ aims: "一" });
  save.close();
  await clock.pass(0);
  assert.deepEqual(server.puts, ["一"]);
  save.edit({ aims: "一二" });
  await clock.pass(5000);
  assert.deepEqual(server.puts, ["一"]);
  assert.deepEqual(memory.held.get(key)?.value, { aims: "一二" });
});

test("contents are compared by what they hold", () => {
  assert.ok(same({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }));
  assert.ok(!same([1, 2], [2, 1]));
});

test("told to come back later, it keeps the text, waits as long as told, and then saves it all", async () => {
  const save = open();
  server.answer = fail(new Problem(429, { code: "problems.too_many_requests" }, "", 20));
  save.edit({ aims: "一" });
  await clock.pass(1000);
  assert.equal(save.state, "offline");
  assert.equal(save.problem?.status, 429);
  server.answer = undefined;
  for (let second = 0; second < 19; second += 1) {
    save.edit({ aims: `一${second}` });
    await clock.pass(1000);
  }
  assert.equal(server.puts.length, 1);
  assert.deepEqual(memory.held.get(key)?.value, { aims: "一18" });
  await clock.pass(1000);
  assert.deepEqual(server.puts, ["一", "一18"]);
  assert.equal(save.state, "saved");
  assert.equal(memory.held.size, 0);
});
