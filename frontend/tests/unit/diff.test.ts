import assert from "node:assert/strict";
import { test } from "node:test";

import { diff, type Piece } from "$lib/diff";

const side = (rows: Piece[][], without: Piece["kind"]) =>
  rows.map((row) => row.filter((piece) => piece.kind !== without).map((piece) => piece.text).join("")).join("\n");

test("shows the characters that changed inside a paragraph", () => {
  assert.deepEqual(diff("人员 6 人月", "人员 12 人月"), [
    [
      { kind: "same", text: "人员 " },
      { kind: "out", text: "6" },
      { kind: "in", text: "12" },
      { kind: "same", text: " 人月" },
    ],
  ]);
});

test("both texts can be read back from it", () => {
  for (const [before, after] of [
    ["", "甲\n乙"],
    ["甲\n乙\n丙", "甲\n丙\n丁"],
    ["计划 180 人\n分三组", "计划 240 人\n分层随机\n分三组"],
    ["𠮷野家", "吉野家"],
  ] as const) {
    const rows = diff(before, after);
    const lines = (text: string) => text.split("\n").filter(Boolean).join("\n");
    assert.equal(lines(side(rows, "in")), lines(before));
    assert.equal(lines(side(rows, "out")), lines(after));
  }
});

test("a text too long to compare is shown as replaced, at once", () => {
  const rows = diff("甲".repeat(60_000), "乙".repeat(60_000));
  assert.equal(rows[0]?.length, 2);
});
