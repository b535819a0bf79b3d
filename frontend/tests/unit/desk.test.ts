import assert from "node:assert/strict";
import { test } from "node:test";

import { loadAreas, speak } from "$lib/i18n.svelte";
import { typed } from "../../src/pages/desk/asking";
import { asTable, daysText, missingText, reminders, shortNumber, whoseText, type Row } from "../../src/pages/desk/rows";

await loadAreas(["staff", "desk", "status", "public", "ui", "proposal", "time"], "zh");
await loadAreas(["staff", "desk", "status", "public", "ui", "proposal", "time"], "en");

const both = (zh: string, en = zh) => ({ zh, en });
const row = (more: Partial<Row> = {}): Row => ({
  id: "1",
  rev: 1,
  number: "NUIST-2026-0012",
  title: "题目",
  title_en: "Title",
  lead: { id: "a", name: both("东南大学", "Southeast University"), short: null },
  partners: [],
  sectors: [],
  state: "consent_pending",
  missing: [],
  whose: { you: false, who: "officer", names: [both("同济大学", "Tongji University")] },
  act: null,
  due_at: null,
  days_left: 3,
  hot: true,
  progress_only: false,
  remind: null,
  ...more,
});

test("the search box takes words and filters, in both languages and with either colon", () => {
  assert.deepEqual(typed("元宇宙 课堂"), { q: "元宇宙 课堂" });
  assert.deepEqual(typed("缺:确认 谁：我"), { missing: "consent", whose: "me" });
  assert.deepEqual(typed("医院 状态：待审批"), { state: "decision_pending", q: "医院" });
  assert.deepEqual(typed("missing:reviews whose:others within"), { missing: "reviews", whose: "others", q: "within" });
  assert.deepEqual(typed("天:3"), { within: "3" });
});

test("a word before a colon that names no filter stays a word", () => {
  assert.deepEqual(typed("VR:培训"), { q: "VR:培训" });
  assert.deepEqual(typed("缺:没有这个"), { q: "缺:没有这个" });
  assert.deepEqual(typed("  "), {});
});

test("the reminders of several proposals say once where to sign in", () => {
  const text = (title: string) => ({
    text: both(`《${title}》还差 1 家单位确认：同济大学。截止 12月2日 16:00。登录后办理：https://a.example/home`, `“${title}” is waiting. Due 2 Dec, 16:00, Beijing time. Sign in to act: https://a.example/home`),
  });
  const rows = [row({ remind: text("甲") }), row({ remind: null }), row({ remind: text("乙") })];
  assert.equal(
    reminders(rows),
    "《甲》还差 1 家单位确认：同济大学。截止 12月2日 16:00。\n《乙》还差 1 家单位确认：同济大学。截止 12月2日 16:00。\n登录后办理：https://a.example/home",
  );
  assert.equal(reminders(rows.slice(0, 1)), rows[0]?.remind?.text.zh);
  assert.equal(reminders([row()]), "");
});

test("the reminders follow the language of the page", async () => {
  const of = (name: string) => row({ remind: { text: both("无", `${name} waits. Sign in to act: https://a.example/home`) } });
  await speak("en");
  assert.equal(reminders([of("A"), of("B")]), "A waits.\nB waits.\nSign in to act: https://a.example/home");
  await speak("zh");
});

test("rows are copied as cells that no spreadsheet takes for a formula", () => {
  const [, line = ""] = asTable([row({ title: "=1+1\t坏", days_left: -2 })]).split("\n");
  const cells = line.split("\t");
  assert.equal(cells.length, 9);
  assert.equal(cells[1], "'=1+1 坏");
  assert.equal(cells.at(-1), "-2");
});

test("a row says what is missing, whose turn it is and how long is left", () => {
  const consent = { code: "consent", params: { count: 1, of: 2, institutions: [both("同济大学")] } };
  assert.equal(missingText(row({ missing: [consent, { code: "correction", params: {} }] })), "同济大学确认；待补正");
  assert.equal(missingText(row({ missing: [{ code: "reviews", params: { count: 1, of: 2 } }] })), "评审 1/2");
  assert.equal(missingText(row()), "无");
  assert.equal(missingText(row({ progress_only: true })), "");
  assert.equal(whoseText(row()), "同济大学 单位管理员");
  assert.equal(whoseText(row({ whose: { you: false, who: "stand_in", names: [both("示例用户壬")] } })), "代理协调员 示例用户壬");
  assert.deepEqual([daysText(0), daysText(2), daysText(-1), daysText(null)], ["今天", "2 天", "已过 1 天", ""]);
  assert.equal(shortNumber("NUIST-2026-0012"), "0012");
});
