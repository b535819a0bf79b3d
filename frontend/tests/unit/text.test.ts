import assert from "node:assert/strict";
import { test } from "node:test";

import { warn } from "$lib/text";

test("warns of what the server would refuse, and of nothing else", () => {
  for (const fine of ["一行", "a\tb\nc", "a\r\nb", "𠮷 👩‍👩‍👧", "שלום"]) assert.equal(warn(fine), undefined, fine);
  assert.equal(warn("a\0b")?.key, "text.nul");
  assert.equal(warn("a\ud800b")?.key, "text.surrogate");
  assert.equal(warn("a\ufffeb")?.key, "text.noncharacter");
  assert.deepEqual(warn("a\u0007b"), { key: "text.control", params: { sign: "U+0007" } });
  assert.equal(warn("a\rb")?.key, "text.control");
  assert.equal(warn("a\u202eb"), undefined);
  assert.equal(warn("a\u202eb", true)?.key, "text.bidi_in_line");
  assert.equal(warn("a\nb", true)?.key, "text.line_break_in_line");
});
