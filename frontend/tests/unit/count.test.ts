import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { blank, count } from "$lib/count";
import { ROOT } from "./root";

interface Vector {
  text: string;
  count: number;
}

test("counts as the server counts", () => {
  const vectors = JSON.parse(readFileSync(`${ROOT}/../tests/vectors/counting.json`, "utf8")) as Vector[];
  assert.ok(vectors.length > 20);
  for (const vector of vectors) assert.equal(count(vector.text), vector.count, JSON.stringify(vector.text));
});

test("sees that nothing can be seen", () => {
  for (const text of ["", "  ", "\u200b", "\u3000\n", "\u2800", "\u00ad"]) assert.ok(blank(text), JSON.stringify(text));
  for (const text of ["a", "。", "𠮷"]) assert.ok(!blank(text));
});

test("a long text is counted at once", () => {
  const start = performance.now();
  assert.equal(count("元宇宙，".repeat(15_000)), 60_000);
  assert.equal(count("👩‍👩‍👧".repeat(500)), 500);
  assert.ok(performance.now() - start < 2_000);
});
