import assert from "node:assert/strict";
import { test } from "node:test";

import { Once, Problem, ifMatch, ok } from "$lib/api/client";
import { transport, type Outside } from "$lib/api/transport";
import { serverNow } from "$lib/clock";

const URL = "https://portal.example/api/x";

function outside(answers: (Response | Error)[], over: Partial<Outside> = {}) {
  const sent: { method: string; body: string; session: string | null }[] = [];
  const made: Outside = {
    fetch: async (request) => {
      sent.push({ method: request.method, body: await request.text(), session: request.headers.get("x-session") });
      const next = answers.shift();
      if (!next) throw new Error("one request too many");
      if (next instanceof Error) throw next;
      return next;
    },
    wait: () => Promise.resolve(),
    first: () => undefined,
    online: () => true,
    ...over,
  };
  return { made, sent };
}

const typed = () => null;
const never = { expired: () => Promise.reject(new Error("asked")), tag: () => null, typed };

test("a read is tried again, a write is not", async () => {
  const down = () => new TypeError("failed to fetch");
  const reads = outside([down(), new Response(null, { status: 503 }), new Response("1")]);
  assert.equal(await (await transport(reads.made, never, true)(new Request(URL))).text(), "1");
  assert.equal(reads.sent.length, 3);
  const writes = outside([down()]);
  await assert.rejects(transport(writes.made, never, true)(new Request(URL, { method: "POST", body: "1" })));
  assert.equal(writes.sent.length, 1);
});

test("a read that came too fast waits as long as it is told, a change and a long wait are said", async () => {
  const fast = (seconds: string) => new Response(null, { status: 429, headers: { "retry-after": seconds } });
  const waits: number[] = [];
  const wait = async (ms: number) => void waits.push(ms);
  const reads = outside([fast("2"), new Response("1")], { wait });
  assert.equal(await (await transport(reads.made, never, true)(new Request(URL))).text(), "1");
  assert.deepEqual(waits, [2000]);
  for (const seconds of ["30", "", "soon", "-1"]) {
    const refused = outside([fast(seconds)], { wait });
    assert.equal((await transport(refused.made, never, true)(new Request(URL))).status, 429);
  }
  const writes = outside([fast("1")], { wait });
  const answer = transport(writes.made, never, true)(new Request(URL, { method: "POST", body: "1" }));
  await assert.rejects(ok(answer.then((response) => ({ response, error: {} }))), (error: Problem) => error.wait === 1);
  assert.equal(writes.sent.length, 1);
  assert.deepEqual(waits, [2000]);
});

test("off line a read fails at once", async () => {
  const { made, sent } = outside([new TypeError("failed")], { online: () => false });
  await assert.rejects(transport(made, never, true)(new Request(URL)), TypeError);
  assert.equal(sent.length, 1);
});

test("a 401 waits for the sign-in, then the same request goes again", async () => {
  const { made, sent } = outside([new Response(null, { status: 401 }), new Response("ok")]);
  let tag = "old";
  const hooks = {
    expired: () => {
      tag = "new";
      return Promise.resolve(true);
    },
    tag: () => tag,
    typed,
  };
  const answer = await transport(made, hooks, true)(new Request(URL, { method: "PUT", body: "text" }));
  assert.equal(await answer.text(), "ok");
  assert.deepEqual(sent, [
    { method: "PUT", body: "text", session: "old" },
    { method: "PUT", body: "text", session: "new" },
  ]);
});

test("a 401 stays one where nobody signs in, or where it must not be waited for", async () => {
  const refused = outside([new Response(null, { status: 401 })]);
  const hooks = { ...never, expired: () => Promise.resolve(false) };
  assert.equal((await transport(refused.made, hooks, true)(new Request(URL))).status, 401);
  const quiet = outside([new Response(null, { status: 401 })]);
  assert.equal((await transport(quiet.made, never, false)(new Request(URL))).status, 401);
});

test("the answer that came with the page is used, and the server's time is heard", async () => {
  const { made, sent } = outside([new Response("2", { headers: { date: "Wed, 25 Nov 2026 02:00:00 GMT" } })], {
    first: (url) => (url === URL ? new Response("1") : undefined),
  });
  const send = transport(made, never, true);
  assert.equal(await (await send(new Request(URL))).text(), "1");
  assert.equal(sent.length, 0);
  await send(new Request(`${URL}/other`));
  assert.ok(Math.abs((serverNow() ?? 0) - Date.parse("2026-11-25T02:00:00Z")) < 1000);
});

test("one form keeps its key until something definite has come back", async () => {
  const form = new Once();
  const keys: string[] = [];
  const send = (result: () => Promise<unknown>) =>
    form.run((headers) => {
      keys.push(headers["Idempotency-Key"]);
      return result();
    });
  await assert.rejects(send(() => Promise.reject(new Problem(0))));
  await assert.rejects(send(() => Promise.reject(new Problem(503))));
  await send(() => Promise.resolve(1));
  await assert.rejects(send(() => Promise.reject(new Problem(400))));
  await send(() => Promise.resolve(1));
  assert.equal(keys[0], keys[1]);
  assert.equal(keys[1], keys[2]);
  assert.equal(new Set(keys).size, 3);
});

test("an answer gives its data, a refusal its problem", async () => {
  const response = (init: ResponseInit) => new Response(null, init);
  const found = await ok(
    Promise.resolve({ data: { a: 1 }, response: response({ status: 200, headers: { etag: '"3"' } }) }),
  );
  assert.deepEqual([found.data, found.etag], [{ a: 1 }, '"3"']);
  const error = { code: "text.blank", errors: [{ field: "title", code: "text.blank" }] };
  const refused = ok(
    Promise.resolve({ error, response: response({ status: 400, headers: { "x-request-id": "r1" } }) }),
  );
  await assert.rejects(refused, (problem: Problem) => {
    assert.equal(problem.status, 400);
    assert.equal(problem.requestId, "r1");
    assert.equal(problem.of("title"), "text.blank");
    return true;
  });
  await assert.rejects(ok(Promise.reject(new TypeError("failed"))), (problem: Problem) => problem.status === 0);
  assert.deepEqual(ifMatch(3), { "If-Match": '"3"' });
  assert.deepEqual(ifMatch('"3"'), { "If-Match": '"3"' });
});

test("a page asks after the text that is on its way, and not for ever", async () => {
  const order: string[] = [];
  let arrive = () => {};
  const asked: boolean[] = [];
  const slow = {
    ...never,
    typed: (act: boolean) => {
      asked.push(act);
      return new Promise<void>((done) => (arrive = done));
    },
  };
  const made = outside([new Response("1"), new Response("2"), new Response("3")], { wait: () => new Promise(() => {}) }).made;
  const read = transport(made, slow, true)(new Request(URL)).then(() => order.push("read"));
  order.push("text");
  arrive();
  await read;
  assert.deepEqual([order, asked], [["text", "read"], [false]]);
  // A save of its own waits for nothing.
  await transport(made, slow, false)(new Request(URL, { method: "PUT", body: "1" }));
  assert.deepEqual(asked, [false]);
  const impatient = outside([new Response("3")]).made;
  await transport(impatient, slow, true)(new Request(URL, { method: "POST", body: "1" }));
  assert.deepEqual(asked, [false, true]);
});
